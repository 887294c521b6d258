/* UIDs: given once, kept for ever, on whatever file system. */
#include <sys/wait.h>

#include "tests/unit/uidlist_box.h"

static void
an_empty_box_gets_its_file_and_a_missing_one_is_made(void **state)
{
	struct buf	 b;
	uint32_t	 validity;

	(void)state;
	reopen();
	assert_int_equal(l.n, 0);
	assert_int_equal(l.origin, UIDLIST_MADE);
	assert_true(l.kept);
	validity = l.validity;
	reopen();
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_equal(l.validity, validity);
	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	assert_memory_equal(buf_cstr(&b), "merpati-uid 1\nvalidity ", 23);
	assert_non_null(strstr(buf_cstr(&b), "\nnext 0000000001\n"));
	buf_free(&b);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("N"), &l), 0);
	assert_int_equal(tmpdir_count("N", NULL), 5);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("a/b/c/d/M"), &l), -1);
	assert_int_equal(errno, ENOENT);
}

static void
uids_go_by_age_and_stay(void **state)
{
	uint32_t	 validity;

	(void)state;
	message("new/30.c.h,S=5,W=6");
	message("new/10.a.h,S=1,W=2");
	message("cur/20.b.h:2,FS");
	message("cur/.hidden");
	reopen();
	validity = l.validity;
	assert_int_equal(l.n, 3);
	assert_int_equal(tmpdir_count("M/new", NULL), 0);
	assert_int_equal(tmpdir_count("M/cur", NULL), 4);
	assert_memory_equal(l.entry[0].name, "10.a.h,S=1,W=2,I=", 17);
	assert_string_equal(strchr(l.entry[0].name, ':'), ":2,");
	assert_memory_equal(l.entry[1].name, "20.b.h,I=", 9);
	assert_string_equal(strchr(l.entry[1].name, ':'), ":2,FS");
	assert_true(l.entry[1].size == UINT64_MAX);
	assert_true(l.entry[2].size == 5 && l.entry[2].wire == 6);
	assert_int_equal(l.entry[2].uid, 3);
	assert_true(exists("cur", l.entry[2].name));

	/* An older one comes later: a higher UID all the same. */
	message("new/05.z.h,S=1,W=2");
	renames = 0;
	reopen();
	assert_int_equal(renames, 1);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.validity, validity);
	assert_memory_equal(l.entry[3].name, "05.z.h", 6);
	assert_int_equal(l.entry[3].uid, 4);
	assert_int_equal(l.next, 5);
	renames = 0;
	reopen();
	assert_int_equal(renames, 0);
	assert_int_equal(l.entry[0].uid, 1);
}

static void
a_uid_of_a_removed_message_is_not_given_again(void **state)
{
	char	 path[400];

	(void)state;
	message("new/1.a.h");
	message("new/2.b.h");
	reopen();
	snprintf(path, sizeof(path), "M/cur/%s", l.entry[1].name);
	assert_int_equal(unlink(tmpdir_file(path)), 0);
	message("new/3.c.h");
	reopen();
	assert_int_equal(l.n, 2);
	assert_int_equal(l.entry[1].uid, 3);
}

static void
only_true_claims_count(void **state)
{
	static const char	*const t[] = {
		"cur/1.a.h,I=2s.10:2,",		/* true */
		"cur/2.b.h,I=2t.11:2,",		/* another validity */
		"cur/3.c.h,I=2s.20:2,",		/* from next on */
		"cur/4.d.h,I=2s.4294967295:2,",
		"cur/5.e.h,I=2s.10:2,",		/* claimed twice */
		"cur/6.f.h,I=2s.10:2,S",	/* thrice */
		"cur/7.g.h,I=2S.12:2,",		/* malformed */
	};
	char			 name[64];
	size_t			 i;

	(void)state;
	write_state("100", "20");
	for (i = 0; i < 7; i++)
		message(t[i]);
	reopen();
	assert_int_equal(l.validity, 100);
	assert_int_equal(l.n, 7);
	assert_int_equal(l.entry[0].uid, 10);
	assert_string_equal(l.entry[0].name, "1.a.h,I=2s.10:2,");
	for (i = 1; i < 7; i++) {
		snprintf(name, sizeof(name), "%zu.%c.h,I=2s.%zu:2,%s", i + 1,
		    'a' + (char)i, i + 19, i == 5 ? "S" : "");
		assert_string_equal(l.entry[i].name, name);
		assert_int_equal(l.entry[i].uid, i + 19);
	}
	assert_int_equal(l.next, 26);
	reopen();
	assert_int_equal(l.n, 7);
	assert_int_equal(l.entry[6].uid, 25);
}

static void
what_is_new_but_has_a_uid_is_moved(void **state)
{
	(void)state;
	write_state("100", "20");
	message("new/1.a.h,I=2s.3");
	reopen();
	assert_int_equal(l.entry[0].uid, 3);
	assert_string_equal(l.entry[0].name, "1.a.h,I=2s.3:2,");
	assert_true(exists("cur", l.entry[0].name));
	assert_int_equal(l.next, 20);
}

static void
a_broken_file_means_a_new_validity(void **state)
{
	static const char	*const t[] = {
		"x", "merpati-uid 1\n", "merpati-uid 1\nvalidity 0\nnext 1\n"
		"modseq 0\n", "merpati-uid 1\nvalidity 5\nnext 0\nmodseq 0\n",
		"merpati-uid 1\nvalidity 5\nnext 4294967296\nmodseq 0\n",
		"merpati-uid 1\nnext 5\nvalidity 5\nmodseq 0\n",
		"merpati-uid 1\nvalidity 5\nnext 5\nmodseq", "\n\n\n\n",
	};
	size_t			 i;

	(void)state;
	/* Above what the names know: 3000000000. */
	message("cur/1.a.h,I=1dm45vg.3:2,");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		tmpdir_write("M/uidvalidity", t[i], strlen(t[i]));
		reopen();
		assert_int_equal(l.origin, UIDLIST_RESET);
		assert_true(l.validity > 1763740000);
		assert_int_equal(l.entry[0].uid, 1);
		reopen();
		assert_int_equal(l.origin, UIDLIST_FOUND);
	}
	tmpdir_write("M/uidvalidity", "merpati-uid 2\nx\n", 16);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), -1);
	assert_int_equal(errno, ENOTSUP);
}

static void
used_up_uids_begin_anew_under_a_new_validity(void **state)
{
	(void)state;
	write_state("100", "4294967295");
	message("cur/1.a.h,I=2s.4294967294:2,");
	reopen();
	assert_int_equal(l.entry[0].uid, 4294967294);
	message("new/2.b.h");
	reopen();
	assert_int_equal(l.origin, UIDLIST_RESET);
	assert_true(l.validity > 1763740000);
	assert_int_equal(l.entry[0].uid, 1);
	assert_int_equal(l.entry[1].uid, 2);
}

/* The list is there although nothing could be kept, and twice the same. */
static void
check_provisional(uint32_t validity, size_t kept)
{
	uint32_t	 uid[3];
	size_t		 i;

	reopen();
	assert_false(l.kept);
	assert_int_equal(l.validity, validity);
	assert_int_equal(l.n, 3);
	for (i = 0; i < 3; i++) {
		uid[i] = l.entry[i].uid;
		assert_int_equal(l.entry[i].kept, i < kept);
		assert_int_equal(uid[i] >= UINT32_C(0x80000000), i >= kept);
		assert_true(exists(l.entry[i].in_new ? "new" : "cur",
		    l.entry[i].name));
		if (i > 0)
			assert_true(uid[i] > uid[i - 1]);
	}
	reopen();
	for (i = 0; i < 3; i++)
		assert_int_equal(l.entry[i].uid, uid[i]);
}

static void
a_full_or_read_only_disk_still_shows_the_mail(void **state)
{
	static const int	 e[] = { EROFS, EACCES, ENOSPC, EDQUOT };
	size_t			 i;

	(void)state;
	message("new/1.a.h");
	message("new/2.b.h,I=2s.5");
	message("cur/3.c.h:2,S");
	for (i = 0; i < sizeof(e) / sizeof(e[0]); i++) {
		open_error = e[i];		/* no file can be made */
		check_provisional(1, 0);
	}
	open_error = 0;
	pwrite_error = ENOSPC;			/* made, but not written */
	check_provisional(1, 0);
	write_state("100", "20");
	check_provisional(100, 1);
	open_error = EROFS;			/* there, but not to be written */
	check_provisional(100, 1);
	open_error = pwrite_error = 0;
	rename_error = ENOSPC;
	check_provisional(100, 1);
	rename_error = 0;
	reopen();
	assert_true(l.kept);
	assert_int_equal(l.entry[0].uid, 5);
	assert_int_equal(l.n, 3);

	uidlist_free(&l);
	open_error = EMFILE;			/* that is our own trouble */
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), -1);
	assert_int_equal(errno, EMFILE);
}

static void
a_name_without_room_for_a_key_is_shown_too(void **state)
{
	char	 name[300] = "cur/1.a.";

	(void)state;
	memset(name + 8, 'x', 245);
	name[8 + 245] = '\0';
	message(name);
	reopen();
	assert_int_equal(l.n, 1);
	assert_false(l.kept);
	assert_true(l.entry[0].uid >= UINT32_C(0x80000000));
}

/* Many at once on one box: every message one UID, the same for all. */
static void
sessions_at_once_agree(void **state)
{
	char		 name[64];
	uint32_t	 next;
	pid_t		 pid[4];
	int		 i, status;

	(void)state;
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "new/%d.M%d.h", 1000 + i, i);
		message(name);
	}
	for (i = 0; i < 4; i++) {
		if ((pid[i] = fork()) == 0) {
			struct uidlist	 mine;
			size_t		 k;

			if (uidlist_open(tmpdir_file("M"), &mine) == -1 ||
			    mine.n != 300 || !mine.kept)
				_exit(1);
			for (k = 0; k < 300; k++)
				if (mine.entry[k].uid != k + 1)
					_exit(2);
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	reopen();
	next = l.next;
	assert_int_equal(next, 301);
}

static void
the_lock_needs_its_file(void **state)
{
	int	 fd;

	(void)state;
	assert_int_equal(uidlist_lock(tmpdir_file("M")), -1);
	assert_int_equal(errno, ENOENT);
	reopen();
	fd = uidlist_lock(tmpdir_file("M"));
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(uidlist_lock(tmpdir_file("none")), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(an_empty_box_gets_its_file_and_a_missing_one_is_made),
		T(uids_go_by_age_and_stay),
		T(a_uid_of_a_removed_message_is_not_given_again),
		T(only_true_claims_count),
		T(what_is_new_but_has_a_uid_is_moved),
		T(a_broken_file_means_a_new_validity),
		T(used_up_uids_begin_anew_under_a_new_validity),
		T(a_full_or_read_only_disk_still_shows_the_mail),
		T(a_name_without_room_for_a_key_is_shown_too),
		T(sessions_at_once_agree),
		T(the_lock_needs_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
