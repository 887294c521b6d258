/*
 * The pump between two socketpairs, in a process of its own, as it is in life.
 * TLS is played by hooks that turn every octet over, take and give odd
 * numbers of them, hold some back, and wait for the wrong event now and then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/net/tls_pump.h"

#define STALL_MS	60000
#define MANY		(3 * 1024 * 1024)
#define TURN		0x5a

/* The fake's state, in the pump's process. */
static struct {
	char		 held[4096];	/* received, not given yet */
	size_t		 pos, len;
	unsigned int	 calls;
	bool		 odd;		/* wait for the wrong event at times */
} fake;

static void
turn(char *data, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		data[i] ^= TURN;
}

static ssize_t
fake_read(struct stream *s, void *data, size_t len)
{
	size_t	 n;
	ssize_t	 got;

	if (fake.odd && ++fake.calls % 7 == 0) {
		s->wants = POLLOUT;
		errno = EAGAIN;
		return -1;
	}
	if (fake.pos == fake.len) {
		got = recv(s->rfd, fake.held, sizeof(fake.held), MSG_DONTWAIT);
		if (got <= 0)
			return got;
		fake.pos = 0;
		fake.len = (size_t)got;
	}
	n = fake.len - fake.pos;
	if (n > 1500)
		n = 1500;
	if (n > len)
		n = len;
	memcpy(data, fake.held + fake.pos, n);
	turn(data, n);
	fake.pos += n;
	return (ssize_t)n;
}

static ssize_t
fake_write(struct stream *s, const void *data, size_t len)
{
	static char	 copy[5000];
	size_t		 n = len < sizeof(copy) ? len : sizeof(copy);

	if (fake.odd && ++fake.calls % 5 == 0) {
		errno = EINTR;
		return -1;
	}
	memcpy(copy, data, n);
	turn(copy, n);
	return send(s->wfd, copy, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool
fake_pending(struct stream *s)
{
	(void)s;
	return fake.pos < fake.len;
}

/* Our ends, and the pump's process. */
static int	 client, session;
static pid_t	 pump;

static void
run(int c, int s, const char *ahead, int stall_ms, bool odd)
{
	struct stream		 st;
	enum tls_pump_end	 end;

	stream_stop_on(SIGTERM);
	fake.odd = odd;
	stream_init(&st, c, c, 1000, 0);
	st.read = fake_read;
	st.write = fake_write;
	st.pending = fake_pending;
	memcpy(st.in, ahead, strlen(ahead));
	st.in_len = strlen(ahead);
	end = tls_pump(&st, s, stall_ms);
	stream_free(&st);
	_exit((int)end);
}

static void
begin(const char *ahead, int stall_ms, bool odd)
{
	int	 c[2], s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, c), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	if ((pump = fork()) == 0) {
		close(c[0]);
		close(s[0]);
		alarm(120);
		run(c[1], s[1], ahead, stall_ms, odd);
	}
	assert_true(pump > 0);
	close(c[1]);
	close(s[1]);
	client = c[0];
	session = s[0];
}

static void
expect_end(enum tls_pump_end end)
{
	int	 status;

	assert_int_equal(waitpid(pump, &status, 0), pump);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), end);
	close(client);
	close(session);
}

static void
send_all(int fd, const char *text)
{
	char	 copy[256];
	size_t	 len = strlen(text);

	memcpy(copy, text, len);
	if (fd == client)
		turn(copy, len);
	assert_int_equal(send(fd, copy, len, MSG_NOSIGNAL), len);
}

/* Exactly these octets; "" is the end. */
static void
expect(int fd, const char *text)
{
	char	 got[256];
	size_t	 len = strlen(text), n = 0;
	ssize_t	 r;

	if (len == 0) {
		assert_int_equal(recv(fd, got, 1, 0), 0);
		return;
	}
	while (n < len) {
		r = recv(fd, got + n, len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	if (fd == client)
		turn(got, len);
	assert_memory_equal(got, text, len);
}

/* --- many octets ---------------------------------------------------------- */

struct side {
	int		 fd;
	uint32_t	 out, in;	/* of generators */
	size_t		 sent, got;
	char		 turn;
};

static char
next_octet(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (char)(*state >> 24);
}

static void
side_send(struct side *s)
{
	static char	 data[20000];
	uint32_t	 state = s->out;
	size_t		 i, n = MANY - s->sent;
	ssize_t		 r;

	if (n > sizeof(data))
		n = sizeof(data);
	for (i = 0; i < n; i++)
		data[i] = (char)(next_octet(&state) ^ s->turn);
	r = send(s->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r == -1 && errno == EAGAIN)
		return;
	assert_true(r > 0);
	for (i = 0; i < (size_t)r; i++)
		next_octet(&s->out);
	s->sent += (size_t)r;
}

static void
side_receive(struct side *s)
{
	static char	 data[7000];
	ssize_t		 i, r;

	r = recv(s->fd, data, sizeof(data), MSG_DONTWAIT);
	assert_true(r > 0);
	for (i = 0; i < r; i++)
		assert_int_equal((char)(data[i] ^ s->turn),
		    next_octet(&s->in));
	s->got += (size_t)r;
}

/* Both send all at once. */
static void
flood(bool odd)
{
	struct side	 side[2];
	struct pollfd	 pfd[2];
	size_t		 i;

	begin("", STALL_MS, odd);
	side[0] = (struct side){ client, 1, 2, 0, 0, TURN };
	side[1] = (struct side){ session, 2, 1, 0, 0, 0 };
	while (side[0].got < MANY || side[1].got < MANY) {
		for (i = 0; i < 2; i++) {
			pfd[i].fd = side[i].fd;
			pfd[i].events = (short)((side[i].got < MANY ? POLLIN :
			    0) | (side[i].sent < MANY ? POLLOUT : 0));
			if (pfd[i].events == 0)
				pfd[i].fd = -1;
		}
		assert_true(poll(pfd, 2, 60000) > 0);
		for (i = 0; i < 2; i++) {
			if (pfd[i].revents & POLLIN)
				side_receive(&side[i]);
			if (pfd[i].revents & POLLOUT &&
			    side[i].sent < MANY)
				side_send(&side[i]);
		}
	}
	shutdown(client, SHUT_WR);
	expect(session, "");
	shutdown(session, SHUT_WR);
	expect(client, "");
	expect_end(TLS_PUMP_DONE);
}

static void
all_arrives_both_ways(void **state)
{
	(void)state;
	flood(false);
}

static void
so_it_does_through_odd_waits(void **state)
{
	(void)state;
	flood(true);
}

/* --- ends ----------------------------------------------------------------- */

static void
what_was_read_ahead_goes_first(void **state)
{
	(void)state;
	begin("b SELECT INBOX\r\n", STALL_MS, false);
	send_all(client, "c NOOP\r\n");
	expect(session, "b SELECT INBOX\r\nc NOOP\r\n");
	close(session);
	expect(client, "");
	expect_end(TLS_PUMP_DONE);
}

static void
a_client_that_ends_hears_the_last_words(void **state)
{
	(void)state;
	begin("", STALL_MS, false);
	send_all(client, "a LOGOUT\r\n");
	shutdown(client, SHUT_WR);
	expect(session, "a LOGOUT\r\n");
	expect(session, "");
	send_all(session, "* BYE\r\n");
	expect(client, "* BYE\r\n");
	send_all(session, "a OK\r\n");
	close(session);
	expect(client, "a OK\r\n");
	expect_end(TLS_PUMP_DONE);
}

static void
a_session_that_ends_is_heard_to_its_end(void **state)
{
	(void)state;
	begin("", STALL_MS, false);
	send_all(session, "* BYE so much\r\n");
	close(session);
	expect(client, "* BYE so much\r\n");
	expect_end(TLS_PUMP_DONE);
}

/* What it did not read makes its end a reset. */
static void
also_one_that_did_not_listen(void **state)
{
	int	 i;

	(void)state;
	begin("", STALL_MS, false);
	for (i = 0; i < 20; i++)
		send_all(client, "a NOOP\r\n");
	expect(session, "a NOOP\r\n");
	send_all(session, "* BYE enough\r\n");
	close(session);
	for (i = 0; i < 20; i++)
		send_all(client, "a NOOP\r\n");
	expect(client, "* BYE enough\r\n");
	expect_end(TLS_PUMP_DONE);
}

static void
a_client_that_is_gone_ends_it(void **state)
{
	(void)state;
	begin("", STALL_MS, false);
	close(client);
	expect(session, "");
	send_all(session, "* 1 EXISTS\r\n");
	expect(session, "");
	expect_end(TLS_PUMP_LOST);
}

static void
a_stop_lets_the_session_say_goodbye(void **state)
{
	(void)state;
	begin("", STALL_MS, false);
	send_all(client, "a IDLE\r\n");
	expect(session, "a IDLE\r\n");
	send_all(session, "+ idling\r\n");
	expect(client, "+ idling\r\n");
	kill(pump, SIGTERM);
	expect(session, "");
	send_all(session, "* BYE Shutting down\r\n");
	expect(client, "* BYE Shutting down\r\n");
	close(session);
	expect(client, "");
	expect_end(TLS_PUMP_DONE);
}

/* --- who does not read ---------------------------------------------------- */

/* Write until no more is taken; how much was. */
static size_t
fill(int fd)
{
	static char	 data[4096];
	struct pollfd	 pfd = { .fd = fd, .events = POLLOUT };
	size_t		 n = 0;
	ssize_t		 r;

	while (poll(&pfd, 1, 300) == 1) {
		r = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r > 0)
			n += (size_t)r;
		assert_true(n < 4 * 1024 * 1024);
	}
	return n;
}

static double
child_cpu(void)
{
	struct rusage	 r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
a_session_that_does_not_read_holds_the_client(void **state)
{
	static char	 data[4096];
	double		 before = child_cpu();
	size_t		 n, got = 0;
	ssize_t		 r;

	(void)state;
	begin("", 200, false);
	n = fill(client);
	/* No deadline of ours, and the other way is open. */
	send_all(session, "* OK Still here\r\n");
	expect(client, "* OK Still here\r\n");
	usleep(500000);
	while (got < n) {
		r = recv(session, data, sizeof(data), 0);
		assert_true(r > 0);
		got += (size_t)r;
	}
	close(client);
	expect(session, "");
	close(session);
	expect_end(TLS_PUMP_DONE);
	/* It waited, and did not run in circles: half of a second is much. */
	assert_true(child_cpu() - before < 0.4);
}

static void
a_client_that_does_not_read_is_left(void **state)
{
	double	 before = child_cpu();
	char	 c;

	(void)state;
	begin("", 1500, false);
	fill(session);
	/* Its octets were not read to the end: a reset. */
	assert_int_equal(recv(session, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	expect_end(TLS_PUMP_TIMEOUT);
	assert_true(child_cpu() - before < 0.9);
}

static void
also_when_the_session_is_gone(void **state)
{
	(void)state;
	begin("", 1000, false);
	fill(session);
	close(session);
	expect_end(TLS_PUMP_TIMEOUT);
}

static void
a_slow_client_is_borne(void **state)
{
	static char	 data[65536];
	size_t		 n, got = 0;
	ssize_t		 r;

	(void)state;
	begin("", 1500, false);
	n = fill(session);
	close(session);
	while (got < n) {
		r = recv(client, data, n - got < sizeof(data) ? n - got :
		    sizeof(data), 0);
		assert_true(r > 0);
		got += (size_t)r;
		usleep(100000);
	}
	expect(client, "");
	expect_end(TLS_PUMP_DONE);
}

static void
after_a_rest_it_goes_on(void **state)
{
	(void)state;
	begin("", STALL_MS, false);
	send_all(client, "a NOOP\r\n");
	expect(session, "a NOOP\r\n");
	usleep(2300000);
	send_all(session, "a OK\r\n");
	expect(client, "a OK\r\n");
	send_all(client, "b NOOP\r\n");
	expect(session, "b NOOP\r\n");
	close(session);
	expect_end(TLS_PUMP_DONE);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(all_arrives_both_ways),
		cmocka_unit_test(so_it_does_through_odd_waits),
		cmocka_unit_test(what_was_read_ahead_goes_first),
		cmocka_unit_test(a_client_that_ends_hears_the_last_words),
		cmocka_unit_test(a_session_that_ends_is_heard_to_its_end),
		cmocka_unit_test(also_one_that_did_not_listen),
		cmocka_unit_test(a_client_that_is_gone_ends_it),
		cmocka_unit_test(a_stop_lets_the_session_say_goodbye),
		cmocka_unit_test(a_session_that_does_not_read_holds_the_client),
		cmocka_unit_test(a_client_that_does_not_read_is_left),
		cmocka_unit_test(also_when_the_session_is_gone),
		cmocka_unit_test(a_slow_client_is_borne),
		cmocka_unit_test(after_a_rest_it_goes_on),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
