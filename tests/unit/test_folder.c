/* A mailbox kept in step with its files, whatever others do to them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/store/index.h"
#include "tests/unit/fail_files.h"
#include "tests/unit/folder_box.h"

static int
setup(void **state)
{
	fail_nothing();
	open_name = "validity";
	return box_setup(state);
}

static void
an_empty_mailbox_has_a_state(void **state)
{
	(void)state;
	box_sync();
	assert_int_equal(box_state.count, 0);
	assert_int_equal(box_state.next, 1);
	assert_true(box_state.validity > 1700000000);
	assert_true(box_state.modseq >= 1);
	assert_false(box_state.read_only);
	assert_string_equal(box_uids(box), "");
	assert_string_equal(folder_dir(box), ".");
	assert_null(folder_open(&box_account, ".None"));
	assert_int_equal(errno, ENOENT);
}

static void
new_letters_get_uids_by_age(void **state)
{
	struct letter	 l[10];
	uint32_t	 recent;

	(void)state;
	box_put("new/30.c.h,S=9", "A: b\n\nhi\n");
	box_put("new/10.a.h,S=9,W=12", "A: b\n\nhi\n");
	box_put("cur/20.b.h:2,FSa", "A: b\r\n\nhi");
	box_put("cur/.hidden", "");
	box_sync();
	assert_int_equal(box_state.count, 3);
	assert_int_equal(box_state.next, 4);
	assert_int_equal(box_state.unseen, 2);
	assert_int_equal(tmpdir_count("H/Maildir/new", NULL), 0);
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 3);
	assert_int_equal(l[0].saved, 10);
	assert_int_equal(l[0].wire, 12);
	assert_int_equal(l[1].flags, LETTER_FLAGGED | LETTER_SEEN);
	assert_int_equal(l[1].keywords, 1);
	assert_true(l[1].wire == LETTER_UNKNOWN);
	assert_true(l[1].received == LETTER_UNDATED);
	assert_int_equal(folder_complete(box, l, 3, true, true), 0);
	assert_int_equal(l[1].wire, 10);
	assert_int_equal(l[2].wire, 12);
	assert_true(l[0].received > 1700000000);
	assert_int_equal(box_letter(box, 2).wire, 10);
	assert_int_equal(box_letter(box, 2).size, 9);

	assert_int_equal(folder_claim_recent(box, &recent), 0);
	assert_int_equal(folder_claim_recent(box, &recent), 0);
	assert_int_equal(recent, 4);
	box_put("new/40.d.h,S=9,W=12", "A: b\n\nhi\n");
	box_sync();
	assert_int_equal(folder_claim_recent(box, &recent), 0);
	assert_int_equal(recent, 4);
	assert_int_equal(box_state.count, 4);
	assert_int_equal(box_state.next, 5);
}

static void
letters_are_read_in_pieces_and_by_sets(void **state)
{
	struct number_set	 s = box_parse("2,4:5,9:400,1000");
	struct letter		 l[128];
	uint32_t		 from = 1;
	ssize_t			 n, sum = 0;

	(void)state;
	box_fill(300);
	box_sync();
	assert_int_equal(folder_letters(box, 1, 0, l, 128), 128);
	assert_int_equal(l[127].uid, 128);
	assert_int_equal(folder_letters(box, 290, 0, l, 128), 11);
	assert_int_equal(folder_letters(box, 301, 0, l, 128), 0);
	assert_int_equal(folder_letters(box, 1, box_state.modseq, l, 128), 0);
	while ((n = folder_letters_of(box, &s, &from, l, 128)) > 0)
		sum += n;
	assert_int_equal(n, 0);
	assert_int_equal(sum, 3 + 292);
	assert_int_equal(from, 0);
	number_set_free(&s);
	s = box_parse("5000");
	from = 1;
	assert_int_equal(folder_letters_of(box, &s, &from, l, 128), 0);
	assert_int_equal(from, 0);
	number_set_free(&s);
}

static void
foreign_changes_are_seen(void **state)
{
	struct number_set	 gone = { NULL, 0, 0 };
	struct letter		 l[10];
	uint64_t		 was;
	int			 fd;

	(void)state;
	box_fill(5);
	box_sync();
	was = box_state.modseq;
	box_flag(2, "RS");
	box_sync();
	assert_true(box_state.modseq > was);
	assert_int_equal(box_state.unseen, 4);
	assert_int_equal(folder_letters(box, 1, was, l, 10), 1);
	assert_int_equal(l[0].uid, 2);
	assert_int_equal(l[0].flags, LETTER_ANSWERED | LETTER_SEEN);

	was = box_state.modseq;
	box_rm(3);
	box_sync();
	assert_int_equal(box_state.count, 4);
	assert_string_equal(box_uids(box), "1:2,4:5");
	assert_int_equal(folder_vanished(box, was, &gone), 1);
	assert_string_equal(box_set_text(&gone), "3");
	number_set_free(&gone);

	/* Between two steps: the file under its new name. */
	box_flag(4, "F");
	fd = folder_file(box, 4);
	assert_int_not_equal(fd, -1);
	close(fd);
	box_rm(4);
	assert_int_equal(folder_file(box, 4), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_file(box, 4711), -1);
	assert_int_equal(errno, ENOENT);
	box_sync();
	assert_string_equal(box_uids(box), "1:2,5");
}

/* Give cur/ the time it had, as if all was within one tick of the clock. */
static void
set_back(struct timespec mtime)
{
	struct timespec	 t[2] = { mtime, mtime };

	assert_int_equal(utimensat(AT_FDCWD, tmpdir_file("H/Maildir/cur"), t,
	    0), 0);
}

static void
a_change_that_the_time_does_not_tell_hides_no_file(void **state)
{
	struct stat	 st;
	int		 fd;

	(void)state;
	box_fill(3);
	box_sync();
	box_wait();
	box_sync();
	assert_int_equal(stat(tmpdir_file("H/Maildir/cur"), &st), 0);
	box_flag(1, "F");
	box_rm(2);
	set_back(st.st_mtim);
	box_sync();
	assert_int_equal(box_letter(box, 1).flags, 0);
	assert_string_equal(box_uids(box), "1:3");

	fd = folder_file(box, 1);
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(box_letter(box, 1).flags, LETTER_FLAGGED);
	assert_int_equal(folder_file(box, 2), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(box_uids(box), "1,3");
}

static void
a_copied_file_gets_a_uid_of_its_own(void **state)
{
	char	 path[600], name[300];

	(void)state;
	box_fill(2);
	box_sync();
	snprintf(name, sizeof(name), "%s", box_file(".", 1));
	snprintf(path, sizeof(path), "cur/0copy%.*s:2,S",
	    (int)strcspn(name, ":"), name);
	box_put(path, "A: b\n\nhi\n");
	box_sync();
	assert_int_equal(box_state.count, 3);
	assert_string_equal(box_uids(box), "1:3");
	/* The one that was there first keeps it. */
	assert_string_equal(box_file(".", 1), name);
	assert_int_equal(box_letter(box, 3).flags, LETTER_SEEN);

	/* A key of another mailbox, and one that was never given. */
	box_put("cur/77.x.h,I=zz.1:2,F", "x");
	box_put("cur/78.y.h,U=12:2,T", "x");
	box_sync();
	assert_string_equal(box_uids(box), "1:5");
	assert_int_equal(box_state.deleted, 1);
	assert_non_null(strstr(box_file(".", 5), "78.y.h,U=12,I="));
}

static void
a_letter_that_comes_back_gets_a_new_uid(void **state)
{
	char		 path[400];
	struct letter	 l[10];
	uint64_t	 was;

	(void)state;
	box_fill(3);
	box_sync();
	snprintf(path, sizeof(path), "cur/%s", box_file(".", 2));
	box_rm(2);
	box_sync();
	was = box_state.modseq;
	box_put(path, "A: b\n\nhi\n");
	box_sync();
	/* Who was told that 2 is gone sees it among what is new. */
	assert_string_equal(box_uids(box), "1,3:4");
	assert_int_equal(box_state.next, 5);
	assert_int_equal(folder_letters(box, 1, was, l, 10), 1);
	assert_int_equal(l[0].uid, 4);
}

static void
a_uidvalidity_from_a_backup_gives_no_uid_twice(void **state)
{
	struct buf	 old;

	(void)state;
	buf_init(&old, 1000);
	box_fill(2);
	box_sync();
	tmpdir_read("H/Maildir/uidvalidity", &old);
	box_put("new/30.c.h,S=9,W=12", "A: b\n\nhi\n");
	box_sync();
	box_rm(3);
	box_sync();
	assert_int_equal(box_state.next, 4);
	tmpdir_write("H/Maildir/uidvalidity", old.ptr, old.len);
	box_put("new/40.d.h,S=9,W=12", "A: b\n\nhi\n");
	box_sync();
	assert_string_equal(box_uids(box), "1:2,4");
	buf_free(&old);
}

static void
an_index_that_others_remove_has_not_failed(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_non_null(account_index(&box_account));
		errno = ESTALE;
		account_index_failed(&box_account, "removed");
	}
	assert_false(index_is_private(account_index(&box_account)));
	for (i = 0; i < 10; i++) {
		assert_non_null(account_index(&box_account));
		errno = EBADMSG;
		account_index_failed(&box_account, "damaged");
	}
	assert_true(index_is_private(account_index(&box_account)));
}

static void
the_index_may_go_at_any_moment(void **state)
{
	struct letter	 l[10];
	uint64_t	 was;
	int		 fd;

	(void)state;
	box_fill(4);
	box_sync();
	was = box_state.modseq;
	box_rm_index();
	assert_string_equal(box_uids(box), "1:4");
	box_sync();
	assert_true(box_state.modseq > was);
	assert_int_equal(box_state.count, 4);
	assert_int_equal(box_state.next, 5);
	box_rm_index();
	fd = folder_file(box, 2);
	assert_int_not_equal(fd, -1);
	close(fd);
	box_rm_index();
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 4);
	was = box_state.modseq;
	box_close();
	box_rm_index();
	box_open();
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 4);
	assert_int_equal(folder_state(box, &box_state), 0);
	assert_true(box_state.modseq > was);
	box_rm(1);
	box_rm_index();
	box_sync();
	assert_string_equal(box_uids(box), "2:4");
	assert_int_equal(box_state.next, 5);
}

static void
an_emptied_mailbox_keeps_its_modseq_without_the_index(void **state)
{
	uint64_t	 was;

	(void)state;
	box_fill(1);
	box_sync();
	box_rm(1);
	box_sync();
	was = box_state.modseq;
	box_close();
	box_rm_index();
	box_open();
	box_sync();
	assert_int_equal(box_state.count, 0);
	assert_int_equal(box_state.next, 2);
	assert_true(box_state.modseq > was);
}

static void
where_nothing_can_be_written_uids_are_for_the_session(void **state)
{
	uint32_t	 first;
	struct letter	 l[10];
	int		 fd;

	(void)state;
	box_close();
	unlink(tmpdir_file("H/Maildir/uidvalidity"));
	box_rm_index();
	box_put("new/10.a.h,S=9,W=12", "A: b\n\nhi\n");
	box_put("cur/20.b.h:2,S", "A: b\n\nhi\n");
	open_error = rename_error = EROFS;
	box_open();
	box_sync();
	assert_true(box_state.read_only);
	assert_int_equal(box_state.validity, 1);
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 2);
	assert_true(l[0].uid >= UINT32_C(0x80000000));
	assert_true(box_state.next > l[1].uid);
	first = l[0].uid;
	fd = folder_file(box, l[0].uid);
	assert_int_not_equal(fd, -1);
	close(fd);
	fd = folder_file(box, l[1].uid);
	assert_int_not_equal(fd, -1);
	close(fd);
	box_close();
	box_rm_index();
	box_open();
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 2);
	assert_int_equal(l[0].uid, first);

	/* When the disk can be written again, this session is of the past. */
	open_error = rename_error = 0;
	box_put("new/30.c.h,S=9,W=12", "A: b\n\nhi\n");
	assert_int_equal(folder_sync(box, FOLDER_QUICK, &box_state), -1);
	assert_int_equal(errno, ENOENT);
	box_close();
	box_open();
	box_sync();
	assert_string_equal(box_uids(box), "1:3");
}

static void
names_that_cannot_be_written_are_shown_too(void **state)
{
	struct letter	 l[10];

	(void)state;
	box_fill(1);
	box_sync();
	rename_error = ENOSPC;
	box_put("new/2000000.x.h,S=9,W=12", "A: b\n\nhi\n");
	box_sync();
	assert_int_equal(box_state.count, 2);
	box_sync();
	assert_int_equal(box_state.count, 2);
	assert_int_equal(folder_letters(box, 1, 0, l, 10), 2);
	assert_int_equal(l[0].uid, 1);
	assert_true(l[1].uid >= UINT32_C(0x80000000));
	rename_error = 0;
	box_close();
	box_open();
	box_sync();
	assert_string_equal(box_uids(box), "1:2");
}

static void
a_folder_that_goes_away_is_gone(void **state)
{
	struct folder		*f;
	struct folder_state	 s;

	(void)state;
	assert_int_equal(maildir_make(tmpdir_file("H/Maildir/.A")), 0);
	f = folder_open(&box_account, ".A");
	assert_non_null(f);
	box_put(".A/new/1.a.h", "x");
	assert_int_equal(folder_sync(f, FOLDER_QUICK, &s), 0);
	assert_int_equal(s.count, 1);
	assert_true(s.validity != box_state.validity);
	assert_int_equal(rename(tmpdir_file("H/Maildir/.A"),
	    tmpdir_file("H/Maildir/.B")), 0);
	assert_int_equal(folder_sync(f, FOLDER_QUICK, &s), -1);
	assert_int_equal(errno, ENOENT);
	folder_close(f);
	f = folder_open(&box_account, ".B");
	assert_non_null(f);
	assert_string_equal(box_uids(f), "1");
	/* A reset of the UIDs under us: another mailbox in the same place. */
	assert_int_equal(unlink(tmpdir_file("H/Maildir/.B/uidvalidity")), 0);
	box_put(".B/new/2.a.h", "x");
	assert_int_equal(folder_sync(f, FOLDER_QUICK, &s), -1);
	assert_int_equal(errno, ENOENT);
	folder_close(f);
	box_put(".C", "a file");
	assert_null(folder_open(&box_account, ".C"));
	assert_int_equal(errno, ENOENT);
}

static void
octets_are_counted(void **state)
{
	uint64_t	 n;

	(void)state;
	box_put("new/10.a.h,S=9,W=12", "A: b\n\nhi\n");
	box_put("cur/20.b.h:2,T", "A: b\r\n\nhi");
	box_sync();
	assert_int_equal(folder_octets(box, false, &n), 0);
	assert_int_equal(n, 12 + 10);
	assert_int_equal(folder_octets(box, true, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(folder_octets(box, false, &n), 0);
	assert_int_equal(n, 12 + 10);
}

static void
lose_the_index(const char *path)
{
	static unsigned int	 n;

	/* Not while it is being opened: every look has one before it. */
	if (strcmp(path, "index/data.mdb") == 0 && n++ % 2 == 1)
		box_rm_index();
}

static void
an_index_that_is_always_removed_is_not_missed(void **state)
{
	uint32_t	 recent;

	(void)state;
	box_fill(3);
	box_sync();
	look_first = lose_the_index;
	assert_int_equal(folder_sync(box, FOLDER_QUICK, &box_state), 0);
	assert_int_equal(box_state.count, 3);
	assert_int_equal(folder_claim_recent(box, &recent), 0);
	assert_string_equal(box_uids(box), "1:3");
	look_first = NULL;
	assert_true(index_is_private(account_index(&box_account)));
}

static int
add_up(uint32_t uid, struct slice data, void *arg)
{
	(void)data;
	*(uint32_t *)arg += uid;
	return uid == 9 ? -1 : 0;
}

static void
facts_are_kept_while_the_letter_is(void **state)
{
	struct number_set	 s = box_parse("1:5");
	struct buf		 b;
	uint32_t		 sum = 0;

	(void)state;
	buf_init(&b, 1000);
	box_fill(3);
	box_sync();
	assert_int_equal(folder_fact(box, 1, 1, &b), 0);
	folder_fact_put(box, 1, 1, SLICE_LIT("one"));
	folder_fact_put(box, 3, 1, SLICE_LIT("three"));
	folder_fact_put(box, 4, 1, SLICE_LIT("nobody"));
	folder_fact_put(box, 3, 2, SLICE_LIT(""));
	assert_int_equal(folder_fact(box, 1, 1, &b), 1);
	assert_string_equal(buf_cstr(&b), "one");
	folder_facts_flush(box);
	assert_int_equal(folder_fact(box, 3, 1, &b), 1);
	assert_string_equal(buf_cstr(&b), "onethree");
	assert_int_equal(folder_fact(box, 4, 1, &b), 0);
	assert_int_equal(folder_facts(box, 1, &s, add_up, &sum), 0);
	assert_int_equal(sum, 4);
	box_rm_index();
	box_sync();
	assert_int_equal(folder_fact(box, 3, 1, &b), 0);
	number_set_free(&s);
	buf_free(&b);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(an_empty_mailbox_has_a_state),
		T(new_letters_get_uids_by_age),
		T(letters_are_read_in_pieces_and_by_sets),
		T(foreign_changes_are_seen),
		T(a_change_that_the_time_does_not_tell_hides_no_file),
		T(a_copied_file_gets_a_uid_of_its_own),
		T(a_letter_that_comes_back_gets_a_new_uid),
		T(a_uidvalidity_from_a_backup_gives_no_uid_twice),
		T(an_index_that_others_remove_has_not_failed),
		T(the_index_may_go_at_any_moment),
		T(an_index_that_is_always_removed_is_not_missed),
		T(an_emptied_mailbox_keeps_its_modseq_without_the_index),
		T(where_nothing_can_be_written_uids_are_for_the_session),
		T(names_that_cannot_be_written_are_shown_too),
		T(a_folder_that_goes_away_is_gone),
		T(octets_are_counted),
		T(facts_are_kept_while_the_letter_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
