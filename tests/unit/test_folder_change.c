/* Flags, expunges, copies, moves and appends, with others at work besides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/folder_box.h"

static int	 rename_error, rename_ok, link_error, link_ok, fsync_error;

int
renameat2(int from, const char *old, int to, const char *new,
    unsigned int flags)
{
	if (rename_error != 0 && rename_ok-- <= 0) {
		errno = rename_error;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	if (link_error != 0 && link_ok-- <= 0) {
		errno = link_error;
		return -1;
	}
	return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int
fsync(int fd)
{
	if (fsync_error != 0) {
		errno = fsync_error;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static struct folder		*other;
static struct folder_result	 res;
static struct folder_copied	 cop;

static int
setup(void **state)
{
	rename_error = link_error = fsync_error = rename_ok = link_ok = 0;
	if (box_setup(state) == -1 ||
	    maildir_make(tmpdir_file("H/Maildir/.O")) == -1 ||
	    (other = folder_open(&box_account, ".O")) == NULL)
		return -1;
	return 0;
}

static int
teardown(void **state)
{
	folder_result_free(&res);
	folder_copied_free(&cop);
	folder_close(other);
	return box_teardown(state);
}

static int
store(const char *uids, enum folder_op op, uint32_t flags, uint32_t keywords,
    uint64_t since)
{
	struct folder_change	 c = { op, flags, keywords, since };
	struct number_set	 s = box_parse(uids);
	int			 r;

	folder_result_free(&res);
	r = folder_store(box, &s, &c, &res);
	number_set_free(&s);
	return r;
}

static int
expunge(const char *uids, bool all)
{
	struct number_set	 s = { NULL, 0, 0 };
	int			 r;

	if (uids != NULL)
		s = box_parse(uids);
	folder_result_free(&res);
	r = folder_expunge(box, uids == NULL ? NULL : &s, all, &res);
	number_set_free(&s);
	return r;
}

static int
copy(struct folder *from, const char *uids, struct folder *to, bool move)
{
	struct number_set	 s = box_parse(uids);
	int			 r;

	folder_copied_free(&cop);
	r = folder_copy(from, &s, to, move, &cop);
	number_set_free(&s);
	return r;
}

static const char *
flags_of(const char *dir, uint32_t uid)
{
	const char	*p = strstr(box_file(dir, uid), ":2,");

	return p == NULL ? "?" : p + 3;
}

static void
flags_are_set_in_names_and_index(void **state)
{
	static const struct {
		enum folder_op	 op;
		uint32_t	 flags, keywords;
		const char	*is;
	} t[] = {
		{ FOLDER_ADD, LETTER_SEEN, 0, "S" },
		{ FOLDER_ADD, LETTER_FLAGGED | LETTER_DELETED, 5, "FSTac" },
		{ FOLDER_REMOVE, LETTER_SEEN, 4, "FTa" },
		{ FOLDER_REMOVE, LETTER_SEEN, 4, "FTa" },
		{ FOLDER_SET, LETTER_DRAFT | LETTER_PASSED | LETTER_ANSWERED,
		    1u << 25, "DPRz" },
		{ FOLDER_SET, 0, 0, "" },
	};
	struct letter	 l;
	uint64_t	 was;
	size_t		 i;

	(void)state;
	box_fill(3);
	box_sync();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		was = box_letter(box, 2).modseq;
		assert_int_equal(store("2", t[i].op, t[i].flags,
		    t[i].keywords, UINT64_MAX), 0);
		assert_string_equal(flags_of(".", 2), t[i].is);
		l = box_letter(box, 2);
		assert_int_equal(res.changed.n, i == 3 ? 0 : 1);
		if (i == 3) {
			assert_true(l.modseq == was);
			assert_true(res.before == res.after);
			continue;
		}
		assert_true(l.modseq > was);
		assert_true(l.modseq == res.after && res.before < res.after);
	}
	assert_string_equal(flags_of(".", 1), "");
	/* Nobody has to read the directory after that. */
	was = res.after;
	box_sync();
	assert_true(box_state.modseq == was);
	/* An unknown letter of somebody's stays where it is. */
	box_flag(1, "SX");
	box_sync();
	assert_int_equal(store("1:3", FOLDER_ADD, LETTER_FLAGGED, 1,
	    UINT64_MAX), 0);
	assert_string_equal(flags_of(".", 1), "FSXa");
	assert_string_equal(box_set_text(&res.changed), "1:3");
}

static void
unchanged_since_spares_what_changed(void **state)
{
	uint64_t	 was;

	(void)state;
	box_fill(4);
	box_sync();
	was = box_state.modseq;
	assert_int_equal(store("2", FOLDER_ADD, LETTER_SEEN, 0, was), 0);
	assert_int_equal(store("1:4,9", FOLDER_ADD, LETTER_FLAGGED, 0, was),
	    0);
	assert_string_equal(box_set_text(&res.changed), "1,3:4");
	assert_string_equal(box_set_text(&res.failed), "2");
	assert_string_equal(box_set_text(&res.gone), "9");
	assert_string_equal(flags_of(".", 2), "S");
	assert_int_equal(store("3", FOLDER_ADD, LETTER_SEEN, 0, 0), 0);
	assert_string_equal(box_set_text(&res.failed), "3");
}

static void
what_others_did_meanwhile_is_found(void **state)
{
	(void)state;
	box_fill(5);
	box_sync();
	/* So that the directory's time does not tell. */
	assert_int_equal(store("1", FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX),
	    0);
	box_flag(2, "R");
	box_rm(3);
	assert_int_equal(store("1:5", FOLDER_ADD, LETTER_FLAGGED, 0,
	    UINT64_MAX), 0);
	assert_string_equal(flags_of(".", 2), "FR");
	assert_string_equal(box_set_text(&res.changed), "1:2,4:5");
	assert_string_equal(box_set_text(&res.gone), "3");
	box_sync();
	assert_int_equal(box_state.count, 4);
	assert_int_equal(box_letter(box, 2).flags,
	    LETTER_ANSWERED | LETTER_FLAGGED);
}

static void
a_store_that_cannot_go_on_says_what_it_did(void **state)
{
	(void)state;
	box_fill(5);
	box_sync();
	rename_error = EROFS;
	rename_ok = 2;
	assert_int_equal(store("1:5", FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX),
	    -1);
	assert_int_equal(errno, EROFS);
	assert_string_equal(box_set_text(&res.changed), "1:2");
	rename_error = 0;
	box_sync();
	assert_int_equal(box_state.unseen, 3);
	assert_string_equal(flags_of(".", 2), "S");
}

static void
expunge_removes_what_is_marked(void **state)
{
	struct number_set	 gone = { NULL, 0, 0 };
	uint64_t		 was;

	(void)state;
	box_fill(6);
	box_sync();
	assert_int_equal(expunge(NULL, false), 0);
	assert_int_equal(res.gone.n, 0);
	assert_true(res.before == res.after);
	assert_int_equal(store("2:4", FOLDER_ADD, LETTER_DELETED, 0,
	    UINT64_MAX), 0);
	was = res.after;
	box_flag(3, "");		/* somebody takes it back */
	assert_int_equal(expunge(NULL, false), 0);
	assert_string_equal(box_set_text(&res.gone), "2,4");
	assert_string_equal(box_uids(box), "1,3,5:6");
	assert_string_equal(box_file(".", 2), "");
	assert_int_equal(folder_vanished(box, was, &gone), 1);
	assert_string_equal(box_set_text(&gone), "2,4");
	number_set_free(&gone);

	assert_int_equal(expunge("1,5", false), 0);
	assert_int_equal(res.gone.n, 0);
	assert_int_equal(expunge("1,5,77", true), 0);
	assert_string_equal(box_set_text(&res.gone), "1,5");
	box_sync();
	assert_int_equal(box_state.count, 2);
	assert_int_equal(box_state.next, 7);
	box_rm(3);
	assert_int_equal(expunge("3,6", true), 0);
	assert_string_equal(box_set_text(&res.gone), "6");
	box_sync();
	assert_int_equal(box_state.count, 0);
}

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

static int
append(struct folder *f, const char *const *text, size_t n, int64_t date,
    uint32_t *first)
{
	struct folder_append	*a = folder_append_new(f);
	const char		*p;
	uint32_t		 validity;
	size_t			 i;

	for (i = 0; i < n; i++) {
		if (folder_append_begin(a, LETTER_SEEN, 2, date) == -1)
			abort();
		/* One octet at a time: a CRLF may be cut anywhere. */
		for (p = text[i]; *p != '\0'; p++)
			if (folder_append_data(a, p, 1) == -1)
				abort();
		if (folder_append_end(a) == -1) {
			folder_append_abort(a);
			return -1;
		}
	}
	return folder_append_commit(a, &validity, first);
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

static void
quota_follows(void **state)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	uint64_t		 octets, count;
	uint32_t		 first;

	(void)state;
	box_account.quota_octets = 100;
	box_fill(3);
	box_sync();
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 27);
	assert_int_equal(copy(box, "1:3", other, false), 0);
	assert_int_equal(append(box, t, 1, 0, &first), 0);
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 60);
	assert_int_equal(count, 7);
	assert_int_equal(copy(box, "1:3", other, true), 0);
	assert_int_equal(expunge("4", true), 0);
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 54);
	assert_int_equal(copy(other, "1:6", box, false), -1);
	assert_int_equal(errno, EDQUOT);
	assert_string_equal(box_uids(box), "");
}

static void
the_index_may_go_before_any_change(void **state)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	uint32_t		 first;

	(void)state;
	box_fill(6);
	box_sync();
	box_rm_index();
	assert_int_equal(store("1:3", FOLDER_ADD, LETTER_DELETED, 0,
	    UINT64_MAX), 0);
	assert_string_equal(box_set_text(&res.changed), "1:3");
	box_rm_index();
	assert_int_equal(copy(box, "2:3", other, false), 0);
	box_rm_index();
	assert_int_equal(append(box, t, 1, 0, &first), 0);
	assert_int_equal(first, 7);
	box_rm_index();
	assert_int_equal(expunge(NULL, false), 0);
	assert_string_equal(box_set_text(&res.gone), "1:3");
	box_rm_index();
	assert_int_equal(copy(box, "4:5", other, true), 0);
	box_rm_index();
	assert_string_equal(box_uids(other), "1:4");
	box_sync();
	assert_string_equal(box_uids(box), "6:7");
}

#define FAILED	(-10000)

/* What a session may do, at random; every letter must stay accounted for. */
static int
worker(unsigned int seed)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	struct account		 a;
	struct folder		*f[2];
	struct folder_state	 s;
	struct folder_change	 c = { FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX };
	struct folder_result	 r;
	struct folder_copied	 d;
	struct number_set	 u = { NULL, 0, 0 };
	uint32_t		 first;
	int			 i, k, made = 0;

	if (account_open(&a, tmpdir_file("H"), "host") == -1 ||
	    (f[0] = folder_open(&a, ".")) == NULL ||
	    (f[1] = folder_open(&a, ".O")) == NULL)
		return FAILED;
	for (i = 0; i < 60; i++) {
		k = rand_r(&seed) % 2;
		c.op = rand_r(&seed) % 2 ? FOLDER_ADD : FOLDER_REMOVE;
		if (folder_sync(f[k], FOLDER_QUICK, &s) == -1 ||
		    folder_uids(f[k], &u) == -1)
			return FAILED;
		first = s.count == 0 ? 0 : number_set_at(&u,
		    (uint32_t)rand_r(&seed) % s.count + 1);
		switch (rand_r(&seed) % 4) {
		case 0:
			if (append(f[k], t, 1, 0, &first) == -1)
				return FAILED;
			made++;
			break;
		case 1:
			if (folder_store(f[k], &u, &c, &r) == -1)
				return FAILED;
			folder_result_free(&r);
			break;
		case 2:
			if (first == 0)
				break;
			number_set_clear(&u);
			number_set_add(&u, first, first);
			if (folder_copy(f[k], &u, f[!k], true, &d) == -1)
				return FAILED;
			folder_copied_free(&d);
			break;
		case 3:
			if (first == 0)
				break;
			number_set_clear(&u);
			number_set_add(&u, first, first);
			if (folder_expunge(f[k], &u, true, &r) == -1)
				return FAILED;
			made -= (int)number_set_count(&r.gone);
			folder_result_free(&r);
			break;
		}
	}
	number_set_free(&u);
	folder_close(f[0]);
	folder_close(f[1]);
	account_close(&a);
	return made;
}

/* Does the index say what the names say? */
static void
check_against_names(struct folder *f, const char *dir, unsigned int count)
{
	struct folder_state	 s;
	struct letter		 l[512];
	struct maildir_name	 m;
	uint32_t		 flags, keywords, unseen = 0;
	ssize_t			 n, i;
	char			 name[300];

	assert_int_equal(folder_sync(f, FOLDER_QUICK, &s), 0);
	assert_int_equal(s.count, count);
	n = folder_letters(f, 1, 0, l, 512);
	assert_int_equal(n, count);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s", box_file(dir, l[i].uid));
		assert_true(maildir_name_parse(name, &m));
		maildir_name_flags(&m, &flags, &keywords);
		assert_int_equal(l[i].flags, flags);
		assert_int_equal(l[i].keywords, keywords);
		assert_true(l[i].uid < s.next);
		assert_true(l[i].modseq <= s.modseq);
		unseen += (flags & LETTER_SEEN) == 0;
	}
	assert_int_equal(s.unseen, unseen);
}

static void
sessions_at_once_lose_and_double_nothing(void **state)
{
	pid_t	 pid[4];
	int	 i, status, fd[2], made, sum = 20, a, b;

	(void)state;
	box_fill(20);
	box_sync();
	folder_close(other);
	other = NULL;
	box_close();
	assert_int_equal(pipe(fd), 0);
	for (i = 0; i < 4; i++)
		if ((pid[i] = fork()) == 0) {
			made = worker((unsigned int)i + 1);
			if (write(fd[1], &made, sizeof(made)) != sizeof(made))
				_exit(2);
			_exit(made == FAILED);
		}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(fd[0], &made, sizeof(made)),
		    sizeof(made));
		sum += made;
	}
	close(fd[0]);
	close(fd[1]);
	box_open();
	other = folder_open(&box_account, ".O");
	a = tmpdir_count("H/Maildir/cur", NULL);
	b = tmpdir_count("H/Maildir/.O/cur", NULL);
	assert_int_equal(a + b, sum);
	check_against_names(box, ".", (unsigned int)a);
	check_against_names(other, ".O", (unsigned int)b);
	assert_int_equal(tmpdir_count("H/Maildir/tmp", NULL), 0);
}

/* Rename letters as mutt would, without our lock, until told to stop. */
static void
meddle(int stop)
{
	static const char	*const flags[] = { "", "F", "S", "FS", "RS" };
	char			 from[400], to[400], *colon;
	struct dirent		*de;
	DIR			*dp;
	unsigned int		 seed = 7, n = 0;
	char			 c;

	for (;;) {
		if ((dp = opendir(tmpdir_file("H/Maildir/cur"))) == NULL)
			_exit(1);
		while ((de = readdir(dp)) != NULL && ++n % 64 != 0) {
			if (de->d_name[0] == '.' || rand_r(&seed) % 4 != 0)
				continue;
			snprintf(from, sizeof(from), "%s", de->d_name);
			snprintf(to, sizeof(to), "%s", de->d_name);
			if ((colon = strchr(to, ':')) == NULL)
				continue;
			strcpy(colon + 1, "2,");
			strcat(colon, flags[rand_r(&seed) % 5]);
			renameat(dirfd(dp), from, dirfd(dp), to);
		}
		closedir(dp);
		if (read(stop, &c, 1) != -1)
			_exit(0);
	}
}

static void
what_others_rename_never_seems_to_be_gone(void **state)
{
	const unsigned int	 letters = 1500;
	pid_t			 pid;
	int			 fd[2], i, status;

	(void)state;
	box_fill(letters);
	box_sync();
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	if ((pid = fork()) == 0) {
		close(fd[1]);
		meddle(fd[0]);
	}
	close(fd[0]);
	for (i = 0; i < 60; i++) {
		box_sync();
		assert_int_equal(box_state.count, letters);
		assert_int_equal(box_state.next, letters + 1);
		/* All of it, or a failure that says so. */
		if (i % 10 == 0 && store("1:50", i % 20 == 0 ? FOLDER_ADD :
		    FOLDER_REMOVE, LETTER_DRAFT, 0, UINT64_MAX) == -1)
			assert_int_equal(errno, EAGAIN);
		if (i % 10 != 5)
			continue;
		if (copy(box, "1:20", other, false) == 0)
			assert_int_equal(cop.n, 20);
		else
			assert_int_equal(errno, EAGAIN);
	}
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	box_wait();
	box_sync();
	assert_string_equal(box_uids(box), "1:1500");
	assert_int_equal(tmpdir_count("H/Maildir/cur", NULL), letters);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(flags_are_set_in_names_and_index),
		T(unchanged_since_spares_what_changed),
		T(what_others_did_meanwhile_is_found),
		T(a_store_that_cannot_go_on_says_what_it_did),
		T(expunge_removes_what_is_marked),
		T(copies_are_links_with_uids_of_their_own),
		T(a_copy_is_all_or_nothing),
		T(a_renamed_source_is_found_and_a_removed_one_left_out),
		T(moves_leave_the_source),
		T(appended_messages_become_visible_together),
		T(an_append_that_fails_leaves_nothing),
		T(a_large_message_is_written_as_it_comes),
		T(quota_follows),
		T(the_index_may_go_before_any_change),
		T(sessions_at_once_lose_and_double_nothing),
		T(what_others_rename_never_seems_to_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
