/* mboxrd: quoting, locks, and nothing left after a failure. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/lf_reader.h"
#include "lib/store/mbox.h"
#include "tests/unit/fail_fsync.h"
#include "tests/unit/tmpdir.h"

#define FROM	"From a@b Fri Nov 21 15:46:40 2025\n"

static int
setup(void **state)
{
	fsyncs = fsync_fails_at = 0;
	return tmpdir_setup(state);
}

static int
deliver(const char *box, const char *sender, const char *content, size_t len)
{
	struct maildir_delivery	 d = {
		.id = "1mj1f50abcdefghjkmnp", .number = 1,
		.arrived = INT64_C(1763740000000042), .len = len,
		.head = SLICE_LIT("X: y\r\n"),
	};
	uint64_t		 stored;
	int			 r, saved;

	tmpdir_write("spool", content, len);
	d.dir = tmpdir_file(box);
	d.fd = open(tmpdir_file("spool"), O_RDONLY);
	r = mbox_deliver(&d, sender, &stored);
	saved = errno;
	close(d.fd);
	errno = saved;
	return r;
}

static void
check_file(const char *box, const char *want)
{
	struct buf	 b;

	buf_init(&b, 1000000);
	tmpdir_read(box, &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
lines_that_look_like_a_beginning_are_quoted(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "a\r\n", "a\n\n" },
		{ "From x\r\n", ">From x\n\n" },
		{ ">From x\r\n>>From \r\n", ">>From x\n>>>From \n\n" },
		{ "From", "From\n\n" },
		{ "Fro\r\nFrom\r\n\r\nfrom x\r\n From x\r\n",
		    "Fro\nFrom\n\nfrom x\n From x\n\n" },
		{ "FFrom x\r\n>>\r\n>x From \r\n", "FFrom x\n>>\n>x From \n\n" },
		{ "", "\n" },
		{ "a\r\nF", "a\nF\n\n" },
		{ "From ", ">From \n\n" },
		{ "a\r\n>>>>", "a\n>>>>\n\n" },
	};
	char	 box[16], want[200];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(box, sizeof(box), "m%zu", i);
		snprintf(want, sizeof(want), FROM "X: y\n%s", t[i].out);
		assert_int_equal(deliver(box, "a@b", t[i].in,
		    strlen(t[i].in)), 0);
		check_file(box, want);
	}
}

static void
quoting_survives_every_cut_between_pieces(void **state)
{
	const size_t	 size = LF_READER_PIECE + 100;
	struct buf	 b;
	char		*data = xmalloc(size);
	size_t		 at, i;

	(void)state;
	buf_init(&b, 1000000);
	for (at = LF_READER_PIECE - 14; at <= LF_READER_PIECE + 1; at++) {
		memset(data, 'x', size);
		memcpy(data + at, "\r\n>>From y\r\n", 12);
		unlink(tmpdir_file("m"));
		assert_int_equal(deliver("m", "a@b", data, size), 0);
		tmpdir_read("m", &b);
		assert_int_equal(b.len, strlen(FROM) + 5 + size - 2 + 1 + 2);
		i = strlen(FROM) + 5 + at;
		assert_memory_equal(b.ptr + i - 1, "x\n>>>From y\nx", 13);
	}
	buf_free(&b);
	free(data);
}

static void
messages_stand_apart(void **state)
{
	(void)state;
	assert_int_equal(deliver("d/n/m", "", "1\r\n", 3), 0);
	assert_int_equal(deliver("d/n/m", "\"a b\"@c", "2\r\n", 3), 0);
	check_file("d/n/m", "From MAILER-DAEMON Fri Nov 21 15:46:40 2025\n"
	    "X: y\n1\n\nFrom \"a_b\"@c Fri Nov 21 15:46:40 2025\n"
	    "X: y\n2\n\n");
	assert_int_equal(tmpdir_count("d/n", NULL), 1);
	tmpdir_write("m", "no end", 6);
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	check_file("m", "no end\n\n" FROM "X: y\n1\n\n");
	tmpdir_write("m", "end\n", 4);
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	check_file("m", "end\n\n" FROM "X: y\n1\n\n");
}

static void
a_failure_takes_its_part_away(void **state)
{
	struct rlimit	 old, small;
	char		*data = xcalloc(1, 200000);
	int		 r, e;

	(void)state;
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	fsyncs = 0;
	fsync_fails_at = 1;
	assert_int_equal(deliver("m", "a@b", "2\r\n", 3), -1);
	assert_int_equal(errno, EIO);
	check_file("m", FROM "X: y\n1\n\n");

	signal(SIGXFSZ, SIG_IGN);
	memset(data, 'x', 200000);
	tmpdir_write("spool", data, 200000);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100000;
	{
		struct maildir_delivery	 d = {
			.dir = tmpdir_file("m"), .len = 200000,
			.fd = open(tmpdir_file("spool"), O_RDONLY),
		};
		uint64_t		 stored;

		setrlimit(RLIMIT_FSIZE, &small);
		r = mbox_deliver(&d, "a@b", &stored);
		e = errno;
		setrlimit(RLIMIT_FSIZE, &old);
		close(d.fd);
	}
	assert_int_equal(r, -1);
	assert_int_equal(e, EFBIG);
	check_file("m", FROM "X: y\n1\n\n");
	assert_int_equal(access(tmpdir_file("m.lock"), F_OK), -1);
	free(data);
}

static void
a_lock_nobody_holds_is_broken(void **state)
{
	struct timespec	 old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char		 pid[32];
	pid_t		 gone;

	(void)state;
	tmpdir_write("m.lock", "", 0);
	utimensat(AT_FDCWD, tmpdir_file("m.lock"), old, 0);
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	if ((gone = fork()) == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	snprintf(pid, sizeof(pid), "%ld\n", (long)gone);
	tmpdir_write("m.lock", pid, strlen(pid));
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	assert_int_equal(access(tmpdir_file("m.lock"), F_OK), -1);
}

static void
a_lock_somebody_holds_is_waited_for(void **state)
{
	char	 pid[32];
	int64_t	 t;
	pid_t	 child;

	(void)state;
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	tmpdir_write("m.lock", pid, strlen(pid));
	if ((child = fork()) == 0) {
		usleep(300000);
		unlink(tmpdir_file("m.lock"));
		_exit(0);
	}
	t = io_monotonic_ms();
	assert_int_equal(deliver("m", "a@b", "1\r\n", 3), 0);
	assert_true(io_monotonic_ms() - t >= 250);
	waitpid(child, NULL, 0);
}

static void
what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(tmpdir_file("dir"), 0700), 0);
	assert_int_equal(deliver("dir", "a@b", "1\r\n", 3), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(symlink("spool", tmpdir_file("link")), 0);
	assert_int_equal(deliver("link", "a@b", "1\r\n", 3), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(mkfifo(tmpdir_file("fifo"), 0600), 0);
	assert_int_equal(deliver("fifo", "a@b", "1\r\n", 3), -1);
	assert_int_equal(deliver("a/b/c/d/m", "a@b", "1\r\n", 3), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tmpdir_count("a", NULL), -1);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, tmpdir_teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(lines_that_look_like_a_beginning_are_quoted),
		T(quoting_survives_every_cut_between_pieces),
		T(messages_stand_apart),
		T(a_failure_takes_its_part_away),
		T(a_lock_nobody_holds_is_broken),
		T(a_lock_somebody_holds_is_waited_for),
		T(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
