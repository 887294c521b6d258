/* Packets: round trips, refusals, descriptors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/packet.h"

static struct ipc_msg	 a, b;

static void
a_packet_comes_out_as_it_went_in(void **state)
{
	struct buf	 o;
	uint64_t	 n;
	char		 s[64], c;
	int		 p[2], fd;

	(void)state;
	assert_int_equal(pipe(p), 0);
	ipc_start(&a, "lookup", 77);
	ipc_put(&a, "address", "bob@example.org");
	ipc_put_u64(&a, "size", 12345);
	ipc_put_octets(&a, "ahead", (struct slice){ "a\r\n\0b", 5 });
	ipc_attach(&a, p[0]);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_string_equal(b.verb, "lookup");
	assert_int_equal(b.id, 77);
	ipc_get(&b, "address", s, sizeof(s));
	assert_string_equal(s, "bob@example.org");
	assert_true(ipc_next_is(&b, "size"));
	assert_false(ipc_next_is(&b, "siz"));
	ipc_get_u64(&b, "size", 99999, &n);
	assert_int_equal(n, 12345);
	buf_init(&o, 100);
	ipc_get_octets(&b, "ahead", &o);
	assert_int_equal(o.len, 5);
	assert_memory_equal(o.ptr, "a\r\n\0b", 5);
	buf_free(&o);
	fd = ipc_take_fd(&b);
	assert_true(fd >= 0);
	assert_int_equal(ipc_end(&b), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	close(p[0]);
	close(p[1]);
}

static void
the_encoder_refuses_line_breaks(void **state)
{
	int	 fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	ipc_start(&a, "lookup", 1);
	ipc_put(&a, "address", "x\naddress root");
	assert_int_equal(ipc_send(fds[0], &a, 0), -1);
	assert_int_equal(errno, EBADMSG);
	close(fds[0]);
	close(fds[1]);
}

static void
the_decoder_refuses_what_is_left_missing_or_swapped(void **state)
{
	static const char	*bodies[] = {
		"merpati 1 v 1\na 1\n",			/* missing b */
		"merpati 1 v 1\na 1\nb 2\nc 3\n",	/* left over */
		"merpati 1 v 1\nb 2\na 1\n",		/* swapped */
		"merpati 1 v 1\na 1\na 1\nb 2\n",	/* repeated */
		"merpati 1 v 1\na x\nb 2\n",		/* no number */
		"merpati 1 v 1\na 1\nb 2",		/* no end */
		"merpati 2 v 1\na 1\nb 2\n",		/* version */
		"merpati 1 v x\na 1\nb 2\n",		/* id */
		"merpati 1  1\na 1\nb 2\n",		/* no verb */
		"\n", "x",
	};
	uint64_t	 n;
	size_t		 i;
	int		 fds[2], r;

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_true(send(fds[0], bodies[i], strlen(bodies[i]), 0) > 0);
		r = ipc_recv(fds[1], &b, 1000);
		if (r == 1) {
			ipc_get_u64(&b, "a", 10, &n);
			ipc_get_u64(&b, "b", 10, &n);
			r = ipc_end(&b);
		}
		assert_int_equal(r, -1);
		assert_int_equal(errno, EBADMSG);
	}
	close(fds[0]);
	close(fds[1]);
}

static bool
holds(const struct ipc_msg *m, const char *text)
{
	return memmem(m->data, sizeof(m->data), text, strlen(text)) != NULL;
}

static void
nothing_secret_stays(void **state)
{
	char	 out[16];
	int	 bad;

	(void)state;
	for (bad = 0; bad <= 1; bad++) {
		ipc_start(&a, "v", 1);
		ipc_put(&a, "secret", "hunter2");
		if (bad)
			ipc_put(&a, "more", "hunter2");
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_true(holds(&b, "hunter2"));
		ipc_expect(&b, "v");
		ipc_get(&b, "secret", out, sizeof(out));
		errno = 0;
		assert_int_equal(ipc_end_secret(&b, out, sizeof(out)), -bad);
		assert_int_equal(errno, bad ? EBADMSG : 0);
		assert_string_equal(out, bad ? "" : "hunter2");
		assert_false(holds(&b, "hunter2"));
	}
}

/* Fields that somebody keeps for another who understands them. */
static void
what_is_left_is_read_later(void **state)
{
	char		 keep[64], out[16];
	struct slice	 rest;

	(void)state;
	ipc_start(&a, "v", 1);
	ipc_put(&a, "mine", "1");
	ipc_put(&a, "x", "later");
	ipc_put_u64(&a, "y", 7);
	assert_int_equal(packet_cross(&a, &b), 1);
	ipc_expect(&b, "v");
	ipc_get(&b, "mine", out, sizeof(out));
	rest = ipc_rest(&b);
	assert_true(rest.len < sizeof(keep));
	memcpy(keep, rest.ptr, rest.len);
	assert_int_equal(ipc_rest(&b).len, 0);
	assert_int_equal(ipc_end(&b), 0);

	ipc_load(&b, (struct slice){ keep, rest.len });
	ipc_get(&b, "x", out, sizeof(out));
	assert_string_equal(out, "later");
	assert_int_equal(ipc_end(&b), -1);	/* y is left */
	ipc_load(&b, (struct slice){ keep, rest.len });
	ipc_get(&b, "x", out, sizeof(out));
	ipc_get(&b, "y", out, sizeof(out));
	assert_int_equal(ipc_end(&b), 0);
	ipc_load(&b, (struct slice){ keep, 5 });	/* cut off */
	ipc_get(&b, "x", out, sizeof(out));
	assert_int_equal(ipc_end(&b), -1);
}

/* What the encoder never makes the decoder does not take. */
static void
a_cr_in_a_value_is_refused(void **state)
{
	char	 out[16];

	(void)state;
	ipc_load(&b, (struct slice){ "x a\rb\n", 6 });
	ipc_get(&b, "x", out, sizeof(out));
	assert_string_equal(out, "");
	assert_int_equal(ipc_end(&b), -1);
	ipc_start(&a, "v", 1);
	ipc_put(&a, "x", "a\rb");
	assert_true(a.bad);
}

static void
descriptors_nobody_asked_for_are_closed(void **state)
{
	int	 p[2];
	char	 c;

	(void)state;
	assert_int_equal(pipe(p), 0);
	ipc_start(&a, "v", 1);
	ipc_attach(&a, p[1]);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(ipc_end(&b), -1);
	close(p[1]);
	/* The copy was closed too, so the pipe has no writer. */
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
}

static void
a_packet_too_large_is_refused_by_both_sides(void **state)
{
	static char	 big[IPC_MAX + 100];
	int		 fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	memset(big, 'x', sizeof(big) - 1);
	ipc_start(&a, "v", 1);
	ipc_put(&a, "k", big);
	assert_int_equal(ipc_send(fds[0], &a, 0), -1);
	assert_true(send(fds[0], big, sizeof(big), 0) > 0);
	assert_int_equal(ipc_recv(fds[1], &b, 100), -1);
	assert_int_equal(errno, EBADMSG);
	close(fds[0]);
	assert_int_equal(ipc_recv(fds[1], &b, 100), 0);
	close(fds[1]);
}

/* Of another uid a client would be refused by a mode that is not there yet. */
static void
a_socket_has_its_mode_from_the_first_moment(void **state)
{
	char		 dir[] = "/tmp/merpati-ipc.XXXXXX", path[64];
	mode_t		 mask = umask(077);
	struct stat	 st;
	int		 i, status;
	pid_t		 pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	if ((pid = fork()) == 0) {
		for (i = 0; i < 3000; i++)
			close(ipc_listen(path, 0666));
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (stat(path, &st) == 0)
			assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(status, 0);
	assert_int_equal(umask(mask), 077);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
a_silent_peer_ends_the_wait(void **state)
{
	int	 fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(ipc_recv(fds[0], &a, 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(ipc_recv(fds[0], &a, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_packet_comes_out_as_it_went_in),
		cmocka_unit_test(the_encoder_refuses_line_breaks),
		cmocka_unit_test(
		    the_decoder_refuses_what_is_left_missing_or_swapped),
		cmocka_unit_test(nothing_secret_stays),
		cmocka_unit_test(what_is_left_is_read_later),
		cmocka_unit_test(a_cr_in_a_value_is_refused),
		cmocka_unit_test(descriptors_nobody_asked_for_are_closed),
		cmocka_unit_test(a_packet_too_large_is_refused_by_both_sides),
		cmocka_unit_test(a_socket_has_its_mode_from_the_first_moment),
		cmocka_unit_test(a_silent_peer_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
