/* Lines and deadlines over a socket pair. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/net/stream.h"

static struct stream	 s;
static int		 peer;

static int
setup(void **state)
{
	int	 fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return -1;
	peer = fds[1];
	stream_init(&s, fds[0], fds[0], 100, 2000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(s.rfd);
	if (peer != -1)
		close(peer);
	stream_free(&s);
	return 0;
}

static void
say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
}

static void
lines_come_one_by_one_however_they_arrive(void **state)
{
	struct slice	 l;

	(void)state;
	say("HELO a\r\nNO");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "helo A"));
	say("OP\r");
	say("\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "NOOP"));
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TIMEOUT);
	close(peer);
	peer = -1;
	assert_int_equal(stream_line(&s, 512, &l), STREAM_EOF);
}

static void
bare_and_long_lines_are_reported_and_skipped(void **state)
{
	char		 big[3000];
	struct slice	 l;

	(void)state;
	say("a\nb\rc\r\nok\r\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_BARE);
	assert_int_equal(stream_line(&s, 512, &l), STREAM_BARE);
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "ok"));
	memset(big, 'x', sizeof(big));
	assert_int_equal(write(peer, big, sizeof(big)), sizeof(big));
	say("\r\nok\r\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TOOLONG);
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "ok"));
	s.bare_lf_ok = true;
	say("unix\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "unix"));
}

static void
the_limit_counts_the_line_end(void **state)
{
	struct slice	 l;

	(void)state;
	say("12345678\r\n123456789\r\n");
	assert_int_equal(stream_line(&s, 10, &l), STREAM_OK);
	assert_int_equal(l.len, 8);
	assert_int_equal(stream_line(&s, 10, &l), STREAM_TOOLONG);
}

static void
a_dripping_peer_cannot_pass_the_total_deadline(void **state)
{
	struct slice	 l;
	int64_t		 began = io_monotonic_ms();
	int		 i, fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	stream_free(&s);
	close(s.rfd);
	close(peer);
	peer = fds[1];
	stream_init(&s, fds[0], fds[0], 60000, 200);
	for (i = 0; i < 3; i++)
		say("x");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TIMEOUT);
	assert_true(io_monotonic_ms() - began < 30000);
}

static void
a_peer_that_does_not_read_ends_the_write(void **state)
{
	static char	 big[1 << 20];
	int		 i;

	(void)state;
	for (i = 0; i < 4; i++)
		stream_put(&s, big, sizeof(big));
	assert_int_not_equal(stream_flush(&s), STREAM_OK);
	assert_true(s.dead);
}

static void
output_goes_out_before_a_wait(void **state)
{
	struct slice	 l;
	char		 got[64];

	(void)state;
	stream_printf(&s, "%d ok\r\n", 250);
	say("x\r\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_int_equal(read(peer, got, sizeof(got)), 8);
	assert_memory_equal(got, "250 ok\r\n", 8);
	stream_put(&s, "y", 1);
	say("1\r\n2\r\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	stream_put(&s, "z", 1);
	/* 2 is buffered: nothing has to go out yet. */
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_int_equal(recv(peer, got, sizeof(got), MSG_DONTWAIT), 1);
	assert_int_equal(stream_flush(&s), STREAM_OK);
	assert_int_equal(recv(peer, got, sizeof(got), MSG_DONTWAIT), 1);
}

/* In a child: a stop is for ever. */
static void
a_stop_ends_a_long_wait_at_once(void **state)
{
	struct slice	 l;
	int64_t		 began = io_monotonic_ms();
	int		 status;
	pid_t		 pid;

	stream_free(&s);
	if ((pid = fork()) == 0) {
		stream_init(&s, s.rfd, s.rfd, 20000, 0);
		if (*state != NULL)
			stream_block(&s);
		stream_stop_on(SIGALRM);
		ualarm(50000, 0);
		_exit(stream_line(&s, 512, &l) == STREAM_STOP ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(io_monotonic_ms() - began < 15000);
	stream_init(&s, s.rfd, s.rfd, 100, 0);
	assert_false(stream_stopping());
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TIMEOUT);
}

static void
a_stop_ends_a_blocking_read(void **state)
{
	static char	 yes;

	*state = &yes;
	a_stop_ends_a_long_wait_at_once(state);
}

static void
a_blocking_read_keeps_the_deadlines(void **state)
{
	struct slice	 l;
	int64_t		 began;

	(void)state;
	stream_block(&s);
	assert_true(s.blocks);
	say("a\r\nb");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	/* Too short for it, then long enough. */
	began = io_monotonic_ms();
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TIMEOUT);
	assert_in_range(io_monotonic_ms() - began, 90, 15000);
	stream_set_idle(&s, 700);
	began = io_monotonic_ms();
	assert_int_equal(stream_line(&s, 512, &l), STREAM_TIMEOUT);
	assert_in_range(io_monotonic_ms() - began, 690, 15000);
	say("c\r\n");
	assert_int_equal(stream_line(&s, 512, &l), STREAM_OK);
	assert_true(slice_is(l, "bc"));
	close(peer);
	peer = -1;
	assert_int_equal(stream_line(&s, 512, &l), STREAM_EOF);
}

static void
a_pipe_does_not_block(void **state)
{
	struct stream	 p;
	struct slice	 l;
	int		 fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	stream_init(&p, fds[0], fds[1], 50, 0);
	stream_block(&p);
	assert_false(p.blocks);
	assert_int_equal(stream_line(&p, 512, &l), STREAM_TIMEOUT);
	stream_free(&p);
	close(fds[0]);
	close(fds[1]);
}

static void
peek_and_consume_walk_over_octets(void **state)
{
	struct slice	 d;

	(void)state;
	say("abc");
	assert_int_equal(stream_peek(&s, &d), STREAM_OK);
	assert_int_equal(d.len, 3);
	stream_consume(&s, 2);
	assert_int_equal(stream_peek(&s, &d), STREAM_OK);
	assert_int_equal(d.len, 1);
	say("d");
	assert_int_equal(stream_more(&s, &d), STREAM_OK);
	assert_int_equal(d.len, 2);
	assert_true(stream_readable(&s, 0));
	stream_consume(&s, 2);
	assert_false(stream_readable(&s, 0));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(lines_come_one_by_one_however_they_arrive),
		T(bare_and_long_lines_are_reported_and_skipped),
		T(the_limit_counts_the_line_end),
		T(a_dripping_peer_cannot_pass_the_total_deadline),
		T(a_peer_that_does_not_read_ends_the_write),
		T(output_goes_out_before_a_wait),
		T(a_stop_ends_a_long_wait_at_once),
		T(a_stop_ends_a_blocking_read),
		T(a_blocking_read_keeps_the_deadlines),
		T(a_pipe_does_not_block),
		T(peek_and_consume_walk_over_octets),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
