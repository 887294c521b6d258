/* Copies, moves and appends: all of them or nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/change_box.h"

static void
copies_are_links_with_uids_of_their_own(void **state)
{
	struct stat	 a, b;
	struct letter	 l;
	char		 path[600];

	(void)state;
	box_fill(3);
	box_sync();
	assert_int_equal(store("2", FOLDER_ADD, LETTER_SEEN, 3, UINT64_MAX),
	    0);
	assert_int_equal(copy(box, "2:3,8", other, false), 0);
	assert_int_equal(cop.n, 2);
	assert_int_equal(cop.from[0], 2);
	assert_int_equal(cop.to[0], 1);
	assert_int_equal(cop.from[1], 3);
	assert_int_equal(cop.to[1], 2);
	assert_int_equal(cop.source.gone.n, 0);
	assert_string_equal(flags_of(".O", 1), "Sab");
	assert_string_equal(box_uids(other), "1:2");
	assert_string_equal(box_uids(box), "1:3");
	snprintf(path, sizeof(path), "H/Maildir/cur/%s", box_file(".", 2));
	assert_int_equal(stat(tmpdir_file(path), &a), 0);
	snprintf(path, sizeof(path), "H/Maildir/.O/cur/%s",
	    box_file(".O", 1));
	assert_int_equal(stat(tmpdir_file(path), &b), 0);
	assert_true(a.st_ino == b.st_ino);
	l = box_letter(other, 1);
	assert_int_equal(l.wire, 11);
	assert_int_equal(l.keywords, 3);
	assert_true(l.saved > 1700000000);

	/* Into the same folder, by another descriptor of it, and back. */
	assert_int_equal(copy(box, "1:3", box, false), 0);
	assert_string_equal(box_uids(box), "1:6");
	assert_int_equal(copy(other, "1:2", box, false), 0);
	assert_string_equal(box_uids(box), "1:8");
	box_sync();
	assert_int_equal(box_state.count, 8);
	assert_int_equal(copy(box, "99", other, false), 0);
	assert_int_equal(cop.n, 0);
}

static void
a_copy_is_all_or_nothing(void **state)
{
	(void)state;
	box_fill(4);
	box_sync();
	link_error = ENOSPC;
	link_ok = 2;
	assert_int_equal(copy(box, "1:4", other, false), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(cop.n, 0);
	assert_int_equal(tmpdir_count("H/Maildir/.O/cur", NULL), 0);
	link_error = 0;
	fsync_error = EIO;
	assert_int_equal(copy(box, "1:4", other, false), -1);
	assert_int_equal(errno, EIO);
	fsync_error = 0;
	assert_int_equal(tmpdir_count("H/Maildir/.O/cur", NULL), 0);
	assert_string_equal(box_uids(other), "");
	/* Where there are no links: octets. */
	link_error = EXDEV;
	assert_int_equal(copy(box, "1:4", other, false), 0);
	assert_int_equal(cop.n, 4);
	assert_int_equal(tmpdir_count("H/Maildir/.O/cur", NULL), 4);
	assert_int_equal(tmpdir_count("H/Maildir/.O/tmp", NULL), 0);
	assert_int_equal(box_letter(other, cop.to[3]).size, 9);
}

static void
a_renamed_source_is_found_and_a_removed_one_left_out(void **state)
{
	(void)state;
	box_fill(4);
	box_sync();
	box_flag(2, "FR");
	box_rm(3);
	assert_int_equal(copy(box, "1:4", other, false), 0);
	assert_int_equal(cop.n, 3);
	assert_int_equal(cop.from[1], 2);
	assert_int_equal(cop.from[2], 4);
	assert_string_equal(flags_of(".O", cop.to[1]), "FR");
	assert_int_equal(box_letter(other, cop.to[1]).flags,
	    LETTER_ANSWERED | LETTER_FLAGGED);
}

static void
moves_leave_the_source(void **state)
{
	char	 was[300];

	(void)state;
	box_fill(4);
	box_sync();
	snprintf(was, sizeof(was), "%s", box_file(".", 2));
	assert_int_equal(copy(box, "2:3", other, true), 0);
	assert_int_equal(cop.n, 2);
	assert_string_equal(box_set_text(&cop.source.gone), "2:3");
	assert_true(cop.source.after > cop.source.before);
	assert_string_equal(box_uids(box), "1,4");
	assert_string_equal(box_uids(other), "1:2");
	assert_string_equal(box_file(".", 2), "");
	box_sync();
	assert_true(box_state.modseq == cop.source.after);
	/* Within one mailbox: new UIDs. */
	assert_int_equal(copy(box, "1", box, true), 0);
	assert_string_equal(box_uids(box), "4:5");
	assert_int_equal(copy(other, "1:2", box, true), 0);
	assert_string_equal(box_uids(box), "4:7");
	box_rm(4);
	box_flag(5, "S");
	assert_int_equal(copy(box, "1:*", other, true), 0);
	assert_int_equal(cop.n, 3);
	box_sync();
	assert_int_equal(box_state.count, 0);
	assert_string_equal(box_uids(other), "3:5");
	/* Half-way: what was done stays done. */
	rename_error = ENOSPC;
	rename_ok = 1;
	assert_int_equal(copy(other, "3:5", box, true), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(cop.n, 1);
	rename_error = 0;
	assert_string_equal(box_uids(other), "4:5");
	assert_int_equal(tmpdir_count("H/Maildir/.O/cur", NULL), 2);
}

static void
appended_messages_become_visible_together(void **state)
{
	static const char	*const t[] = {
		"A: 1\r\n\r\nbody\r\n", "B: 2\r\n\r\n\r\r\nx\ny\r", "",
	};
	struct letter	 l;
	struct buf	 b;
	uint32_t	 first;
	char		 text[100];
	int		 fd;

	(void)state;
	buf_init(&b, 1000);
	box_sync();
	assert_int_equal(append(box, t, 3, 1234567890, &first), 0);
	assert_int_equal(first, 1);
	assert_string_equal(box_uids(box), "1:3");
	l = box_letter(box, 1);
	assert_int_equal(l.size, 11);
	assert_int_equal(l.wire, 14);
	assert_int_equal(l.flags, LETTER_SEEN);
	assert_int_equal(l.received, 1234567890);
	assert_string_equal(flags_of(".", 1), "Sb");
	fd = folder_file(box, 1);
	assert_int_equal(read(fd, text, sizeof(text)), 11);
	assert_memory_equal(text, "A: 1\n\nbody\n", 11);
	close(fd);
	fd = folder_file(box, 2);
	assert_int_equal(read(fd, text, sizeof(text)), 13);
	assert_memory_equal(text, "B: 2\n\n\r\r\nx\ny\r", 13);
	close(fd);
	/* As counted from the file. */
	l = box_letter(box, 2);
	assert_int_equal(l.wire, 16);
	l.wire = LETTER_UNKNOWN;
	assert_int_equal(folder_complete(box, &l, 1, true, true), 0);
	assert_int_equal(l.wire, 16);
	assert_int_equal(l.received, 1234567890);
	assert_int_equal(tmpdir_count("H/Maildir/tmp", NULL), 0);
	assert_int_equal(append(other, t, 1, LETTER_UNDATED, &first), 0);
	assert_int_equal(first, 1);
	l = box_letter(other, 1);
	assert_int_equal(folder_complete(other, &l, 1, true, true), 0);
	assert_true(l.received > 1700000000);
	buf_free(&b);
}

static void
an_append_that_fails_leaves_nothing(void **state)
{
	static const char	*const t[] = { "A: 1\r\n\r\n", "B: 2\r\n\r\n" };
	struct folder_append	*a;
	uint32_t		 first, validity;

	(void)state;
	box_sync();
	rename_error = ENOSPC;
	rename_ok = 1;
	assert_int_equal(append(box, t, 2, 0, &first), -1);
	assert_int_equal(errno, ENOSPC);
	rename_error = 0;
	fsync_error = EIO;
	assert_int_equal(append(box, t, 2, 0, &first), -1);
	assert_int_equal(errno, EIO);
	fsync_error = 0;
	box_account.quota_octets = 10;
	assert_int_equal(append(box, t, 2, 0, &first), -1);
	assert_int_equal(errno, EDQUOT);
	box_account.quota_octets = 0;
	a = folder_append_new(box);
	assert_int_equal(folder_append_commit(a, &validity, &first), -1);
	assert_int_equal(errno, EINVAL);
	a = folder_append_new(box);
	assert_int_equal(folder_append_begin(a, 0, 0, 0), 0);
	assert_int_equal(folder_append_data(a, "x", 1), 0);
	folder_append_abort(a);
	folder_append_abort(NULL);
	assert_int_equal(tmpdir_count("H/Maildir/tmp", NULL), 0);
	assert_int_equal(tmpdir_count("H/Maildir/cur", NULL), 0);
	box_sync();
	assert_int_equal(box_state.count, 0);
	assert_int_equal(append(box, t, 2, 0, &first), 0);
	assert_string_equal(box_uids(box), "5:6");
}

static void
a_large_message_is_written_as_it_comes(void **state)
{
	struct folder_append	*a = folder_append_new(box);
	char			*piece = malloc(100001);
	uint32_t		 first, validity;
	struct letter		 l;
	int			 i;

	(void)state;
	box_sync();
	for (i = 0; i < 100000; i += 2)
		memcpy(piece + i, "\r\n", 2);
	piece[100000] = '\r';
	assert_int_equal(folder_append_begin(a, 0, 0, LETTER_UNDATED), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(folder_append_data(a, piece, 100000), 0);
	assert_int_equal(folder_append_data(a, piece + 100000, 1), 0);
	assert_int_equal(folder_append_end(a), 0);
	assert_int_equal(folder_append_commit(a, &validity, &first), 0);
	free(piece);
	assert_int_equal(validity, box_state.validity);
	l = box_letter(box, first);
	assert_int_equal(l.size, 500001);
	assert_int_equal(l.wire, 1000001);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(copies_are_links_with_uids_of_their_own),
		T(a_copy_is_all_or_nothing),
		T(a_renamed_source_is_found_and_a_removed_one_left_out),
		T(moves_leave_the_source),
		T(appended_messages_become_visible_together),
		T(an_append_that_fails_leaves_nothing),
		T(a_large_message_is_written_as_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
