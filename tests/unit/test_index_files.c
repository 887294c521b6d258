/* Which index is believed; several processes that use one. */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <signal.h>

#include "lib/base/boot.h"
#include "tests/unit/index_box.h"

static void
what_was_written_in_this_boot_is_believed(void **state)
{
	struct buf	 b;
	char		 want[200];

	(void)state;
	make_index(300);
	buf_init(&b, 1000);
	tmpdir_read("index/dirty", &b);
	snprintf(want, sizeof(want), "%s ", boot_id());
	assert_memory_equal(buf_cstr(&b), want, strlen(want));
	assert_int_equal(open_letters(), 300);
	/* Long ago: the last one out syncs, and takes the mark away. */
	age_mark();
	assert_int_equal(open_letters(), 300);
	assert_int_equal(inode("index/dirty"), 0);
	assert_int_equal(open_letters(), 300);
	assert_int_equal(inode("index/dirty"), 0);
	buf_free(&b);
}

static void
what_another_boot_left_is_discarded(void **state)
{
	static const char	*const t[] = {
		"", "x", "11111111-2222-3333-4444-555555555555 1 1\n", "- 1 1\n"
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		make_index(10);
		tmpdir_write("index/dirty", t[i], strlen(t[i]));
		assert_int_equal(open_letters(), -1);
	}
	/* This boot, another file. */
	make_index(10);
	tmpdir_read("index/dirty", &b);
	assert_int_equal(rename(tmpdir_file("index/data.mdb"),
	    tmpdir_file("old")), 0);
	assert_int_equal(open_letters(), -1);
	make_index(11);
	tmpdir_write("index/dirty", b.ptr, b.len);
	assert_int_equal(open_letters(), -1);
	buf_free(&b);
}

static void
a_copy_is_not_the_index(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 1 << 24);
	make_index(10);
	age_mark();
	assert_int_equal(open_letters(), 10);
	tmpdir_read("index/data.mdb", &b);
	tmpdir_write("copy", b.ptr, b.len);
	assert_int_equal(rename(tmpdir_file("copy"),
	    tmpdir_file("index/data.mdb")), 0);
	assert_int_equal(open_letters(), -1);
	buf_free(&b);
}

static void
what_is_no_index_is_replaced(void **state)
{
	char	 junk[20000];

	(void)state;
	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(mkdir(tmpdir_file("index"), 0700), 0);
	tmpdir_write("index/data.mdb", "x", 1);
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/data.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	memset(junk, 0, sizeof(junk));
	tmpdir_write("index/data.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/data.mdb", "", 0);
	assert_int_equal(open_letters(), -1);
	unlink(tmpdir_file("index/data.mdb"));
	assert_int_equal(symlink("/etc/passwd",
	    tmpdir_file("index/data.mdb")), 0);
	assert_int_equal(open_letters(), -1);
	unlink(tmpdir_file("index/data.mdb"));
	assert_int_equal(mkfifo(tmpdir_file("index/data.mdb"), 0600), 0);
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/lock.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	make_index(5);
	assert_int_equal(open_letters(), 5);
}

static void
a_truncated_index_is_discarded(void **state)
{
	static const off_t	 len[] = { 100, 4096, 8192, 12288, 40960 };
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		make_index(1000);
		assert_int_equal(open_letters(), 1000);
		assert_int_equal(truncate(tmpdir_file("index/data.mdb"),
		    len[i]), 0);
		assert_int_equal(open_letters(), -1);
	}
}

static void
an_index_without_its_lock_is_discarded(void **state)
{
	(void)state;
	make_index(10);
	assert_int_equal(open_letters(), 10);
	/* Another session may still write to it, under the lock that went. */
	assert_int_equal(unlink(tmpdir_file("index/lock.mdb")), 0);
	assert_int_equal(open_letters(), -1);
}

static int	 fallocate_error;

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (fallocate_error != 0) {
		errno = fallocate_error;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

/* To touch a hole that is mapped would be SIGBUS. */
static void
a_lock_file_without_room_means_a_private_one(void **state)
{
	struct index	*ix;
	struct stat	 st;

	(void)state;
	fallocate_error = ENOSPC;
	assert_non_null(ix = index_open(home, false));
	assert_true(index_is_private(ix));
	index_close(ix);
	fallocate_error = EOPNOTSUPP;
	index_close(must_open());
	fallocate_error = 0;
	remove_index();
	index_close(must_open());
	assert_int_equal(stat(tmpdir_file("index/lock.mdb"), &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size);
}

static void
a_place_that_is_none_means_a_private_one(void **state)
{
	struct index		*ix;
	struct index_txn	*t;

	(void)state;
	tmpdir_write("index", "", 0);
	ix = index_open(home, false);
	assert_non_null(ix);
	assert_true(index_is_private(ix));
	assert_false(index_is_gone(ix));
	t = must_begin(ix, true);
	add_head(t, V);
	put_many(t, V, 1, 10000, 3);
	assert_int_equal(index_commit(t), 0);
	assert_int_equal(letters(ix), 10000);
	index_discard(ix, "a test");
	ix = index_open(home, true);
	assert_non_null(ix);
	assert_true(index_is_private(ix));
	assert_int_equal(letters(ix), -1);
	index_close(ix);
	unlink(tmpdir_file("index"));
	/* Nothing is left of them. */
	assert_int_equal(tmpdir_count(".", NULL), 0);
	/* A link to elsewhere is not followed. */
	assert_int_equal(mkdir(tmpdir_file("else"), 0700), 0);
	assert_int_equal(symlink("else", tmpdir_file("index")), 0);
	ix = index_open(home, false);
	assert_true(index_is_private(ix));
	index_close(ix);
	assert_int_equal(tmpdir_count("else", NULL), 0);
}

static void
one_removed_under_us_is_gone(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	ino_t			 ino;

	(void)state;
	make_index(10);
	ix = must_open();
	assert_false(index_is_gone(ix));
	remove_index();
	assert_true(index_is_gone(ix));
	/* What is mapped can still be read. */
	assert_int_equal(letters(ix), 10);
	index_discard(ix, "gone");
	assert_int_equal(inode("index"), 0);
	make_index(20);
	/* Discarding the old one leaves another's new one alone. */
	ix = must_open();
	assert_int_equal(rename(tmpdir_file("index"), tmpdir_file("old")), 0);
	assert_true(index_is_gone(ix));
	index_close(ix);
	make_index(30);
	ino = inode("index/data.mdb");
	ix = must_open();
	unlink(tmpdir_file("index/data.mdb"));
	tmpdir_write("index/data.mdb", "another", 7);
	assert_true(index_is_gone(ix));
	assert_true(inode("index/data.mdb") != ino);
	ino = inode("index/data.mdb");
	index_discard(ix, "gone");
	assert_int_equal(inode("index/data.mdb"), ino);
	/* A write to one that is gone is harmless. */
	make_index(40);
	ix = must_open();
	remove_index();
	if ((t = index_begin(ix, true)) != NULL) {
		put_many(t, V, 41, 50, 3);
		index_commit(t);
	}
	index_close(ix);
	make_index(50);
	assert_int_equal(open_letters(), 50);
}

/* --- several processes --------------------------------------------------- */

static void
processes_write_in_turn(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	pid_t			 pid[4];
	uint32_t		 i, j;
	const char		*name = "n";
	struct letter		 l;

	(void)state;
	make_index(1);
	for (i = 0; i < 4; i++) {
		if ((pid[i] = must_fork()) != 0)
			continue;
		if ((ix = index_open(home, false)) == NULL ||
		    index_is_private(ix))
			_exit(1);
		for (j = 0; j < 200; j++) {
			l = make_letter(2 + j * 4 + i, j, 0);
			if ((t = index_begin(ix, true)) == NULL)
				_exit(2);
			if (index_put(t, V, &l, &name, 1) == -1 ||
			    index_commit(t) == -1)
				_exit(3);
		}
		index_close(ix);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(result(pid[i]), 0);
	assert_int_equal(open_letters(), 801);
}

static void
one_killed_in_its_first_look_takes_the_index_along(void **state)
{
	struct index	*ix;
	pid_t		 pid;

	(void)state;
	make_index(10);
	if ((pid = must_fork()) == 0) {
		index_open(home, false);
		raise(SIGKILL);
	}
	assert_int_equal(result(pid), 1000 + SIGKILL);
	assert_int_equal(open_letters(), -1);
	/* After it a killed session means nothing, in a transaction even. */
	make_index(10);
	if ((pid = must_fork()) == 0) {
		ix = index_open(home, false);
		letters(ix);
		index_begin(ix, true);
		raise(SIGKILL);
	}
	assert_int_equal(result(pid), 1000 + SIGKILL);
	assert_int_equal(open_letters(), 10);
	make_index(10);
}

static void
a_mark_stays_while_another_may_write(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	pid_t			 pid;
	int			 up[2], down[2];
	char			 c;

	(void)state;
	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	make_index(10);
	if ((pid = must_fork()) == 0) {
		ix = index_open(home, false);
		t = index_begin(ix, true);
		if (t == NULL || index_commit(t) == -1 ||
		    write(up[1], "", 1) != 1 || read(down[0], &c, 1) != 1)
			_exit(1);
		index_close(ix);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	age_mark();
	assert_int_equal(open_letters(), 10);
	assert_true(inode("index/dirty") != 0);
	assert_int_equal(write(down[1], "", 1), 1);
	assert_int_equal(result(pid), 0);
	assert_int_equal(inode("index/dirty"), 0);
	close(up[0]);
	close(up[1]);
	close(down[0]);
	close(down[1]);
}

static void
resting_index_comes_back(void **state)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);
	struct index_head	 h;

	(void)state;
	/* Not in the middle of something. */
	index_rest(ix);
	add_head(t, 7);
	assert_int_equal(index_commit(t), 0);
	index_rest(ix);
	index_rest(ix);
	t = must_begin(ix, false);
	assert_int_equal(index_head(t, 7, &h), 1);
	index_abort(t);
	index_rest(ix);
	t = must_begin(ix, true);
	add_head(t, 8);
	assert_int_equal(index_commit(t), 0);
	index_rest(ix);
	index_close(ix);
	ix = must_open();
	t = must_begin(ix, false);
	assert_int_equal(index_head(t, 8, &h), 1);
	index_abort(t);
	index_close(ix);
}

static void
resting_index_that_was_removed_is_stale(void **state)
{
	struct index	*ix = must_open();
	int		 dir = openat(home, "index", O_RDONLY | O_DIRECTORY);

	(void)state;
	index_rest(ix);
	assert_int_equal(unlinkat(dir, "data.mdb", 0), 0);
	errno = 0;
	assert_null(index_begin(ix, false));
	assert_int_equal(errno, ESTALE);
	assert_null(index_begin(ix, true));
	index_close(ix);
	close(dir);
}

static void
resting_index_without_descriptors_is_not_discarded(void **state)
{
	struct index	*ix = must_open();
	struct rlimit	 was, none;

	(void)state;
	index_rest(ix);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(index_begin(ix, false));
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	index_abort(must_begin(ix, false));
	index_close(ix);
}

static void
private_index_does_not_rest(void **state)
{
	struct index		*ix = index_open(home, true);
	struct index_txn	*t;
	struct index_head	 h;

	(void)state;
	assert_non_null(ix);
	t = must_begin(ix, true);
	add_head(t, 7);
	assert_int_equal(index_commit(t), 0);
	index_rest(ix);
	t = must_begin(ix, false);
	assert_int_equal(index_head(t, 7, &h), 1);
	index_abort(t);
	index_close(ix);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(resting_index_comes_back),
		T(resting_index_that_was_removed_is_stale),
		T(resting_index_without_descriptors_is_not_discarded),
		T(private_index_does_not_rest),
		T(what_was_written_in_this_boot_is_believed),
		T(what_another_boot_left_is_discarded),
		T(a_copy_is_not_the_index),
		T(what_is_no_index_is_replaced),
		T(a_truncated_index_is_discarded),
		T(an_index_without_its_lock_is_discarded),
		T(a_lock_file_without_room_means_a_private_one),
		T(a_place_that_is_none_means_a_private_one),
		T(one_removed_under_us_is_gone),
		T(processes_write_in_turn),
		T(one_killed_in_its_first_look_takes_the_index_along),
		T(a_mark_stays_while_another_may_write),
	};

	log_init("test_index_files");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
