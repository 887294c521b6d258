/* Questions and answers of keyd: round trips, refusals, the client. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/proto_fields.h"
#include "lib/net/proto_key.h"
#include "tests/unit/packet.h"
#include "tests/unit/tmpdir.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define KEY		"0123456789abcdef0123456789abcdef"		\
			"0123456789abcdef0123456789abcdef"

static struct ipc_msg	 out, in;

static void
fill(unsigned char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		p[i] = (unsigned char)(i * 7 + 1);
}

static struct key_sign
question(enum key_scheme scheme, const char *digest, size_t len)
{
	struct key_sign	 s = { .key = KEY, .scheme = scheme, .len = len };

	snprintf(s.digest, sizeof(s.digest), "%s", digest);
	fill(s.data, len);
	return s;
}

static void
sign_comes_out_as_it_went_in(void **state)
{
	static const struct {
		enum key_scheme	 scheme;
		const char	*digest;
		size_t		 len;
	}		 rows[] = {
		{ KEY_RSA_PKCS1, "sha256", 32 },
		{ KEY_RSA_PSS, "sha384", 48 },
		{ KEY_ECDSA, "sha512", 64 },
	};
	struct key_sign	 s, got;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		s = question(rows[i].scheme, rows[i].digest, rows[i].len);
		proto_key_put_sign(&out, 40 + i, &s);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(in.id, 40 + i);
		assert_int_equal(proto_key_get_sign(&in, &got), 0);
		assert_string_equal(got.key, KEY);
		assert_int_equal(got.scheme, rows[i].scheme);
		assert_string_equal(got.digest, rows[i].digest);
		assert_int_equal(got.len, rows[i].len);
		assert_memory_equal(got.data, s.data, s.len);
	}
}

static void
bad_sign_is_refused(void **state)
{
	static const struct {
		const char	*from, *to;
	}		 rows[] = {
		{ "merpati 1 sign", "merpati 1 ticket" },
		{ "key 0", "key " },
		{ "key 0", "key 00" },
		{ "key 0", "key G" },
		{ "abcdef\n", "abcdeF\n" },
		{ "key " KEY "\n", "" },
		{ "key " KEY "\n", "key " KEY "\nkey " KEY "\n" },
		{ "scheme ecdsa", "scheme raw" },
		{ "scheme ecdsa", "scheme " },
		{ "scheme ecdsa\n", "" },
		{ "digest sha256", "digest sha1" },
		{ "digest sha256", "digest sha384" },
		{ "digest sha256", "digest " },
		{ "digest sha256", "digest sha256sha256sha256" },
		{ "data 01", "data " },
		{ "data 01", "data 0101" },
		{ "data 01", "data 0" },
		{ "data 01", "data g1" },
		{ "data 01", "data +1" },
		{ "data 01", "date 01" },
		{ "\ndata", "\nsalt 0\ndata" },
	};
	static const struct key_sign	 none;
	struct key_sign	 s = question(KEY_ECDSA, "sha256", 32), got;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		proto_key_put_sign(&out, 1, &s);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_key_get_sign(&in, &got) != -1)
			fail_msg("taken: %s", rows[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_memory_equal(&got, &none, sizeof(got));
	}
}

static void
a_descriptor_beside_sign_is_refused(void **state)
{
	struct key_sign	 s = question(KEY_ECDSA, "sha256", 32), got;

	(void)state;
	proto_key_put_sign(&out, 1, &s);
	ipc_attach(&out, 0);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_key_get_sign(&in, &got), -1);
}

static void
signed_comes_out_as_it_went_in(void **state)
{
	static const size_t	 lens[] = { 1, 70, 256, KEY_SIGNATURE_MAX };
	static struct key_signature	 s, got;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		s.ok = true;
		s.len = lens[i];
		fill(s.data, s.len);
		proto_key_put_signed(&out, 3, &s);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_key_get_signed(&in, &got), 0);
		assert_true(got.ok);
		assert_int_equal(got.len, s.len);
		assert_memory_equal(got.data, s.data, s.len);
	}
	s.ok = false;
	proto_key_put_signed(&out, 3, &s);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_key_get_signed(&in, &got), 0);
	assert_false(got.ok);
	assert_int_equal(got.len, 0);
}

static void
bad_signed_is_refused(void **state)
{
	static const struct {
		const char	*from, *to;
	}		 rows[] = {
		{ "signed", "sign" },
		{ "ok 1", "ok 2" },
		{ "ok 1", "ok 0" },
		{ "ok 1", "ok yes" },
		{ "data 0108", "data " },
		{ "data 0108", "data 010" },
		{ "data 0108", "data 0x08" },
		{ "data 0108\n", "" },
		{ "data 0108\n", "data 0108\ndata 0108\n" },
	};
	static struct key_signature	 s = { .ok = true, .len = 2 }, got;
	size_t				 i;

	(void)state;
	fill(s.data, s.len);
	for (i = 0; i < COUNT(rows); i++) {
		proto_key_put_signed(&out, 1, &s);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_key_get_signed(&in, &got) != -1)
			fail_msg("taken: %s", rows[i].to);
		assert_false(got.ok);
	}
}

static void
too_long_a_signature_is_not_sent(void **state)
{
	static struct key_signature	 s = { .ok = true,
	    .len = KEY_SIGNATURE_MAX + 1 };

	(void)state;
	proto_key_put_signed(&out, 1, &s);
	assert_int_equal(packet_cross(&out, &in), -1);
}

static void
ticket_comes_out_as_it_went_in(void **state)
{
	unsigned char	 name[KEY_TICKET_NAME], got[KEY_TICKET_NAME];
	bool		 named;

	(void)state;
	fill(name, sizeof(name));
	proto_key_put_ticket(&out, 5, name);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_key_get_ticket(&in, &named, got), 0);
	assert_true(named);
	assert_memory_equal(got, name, sizeof(name));
	proto_key_put_ticket(&out, 6, NULL);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_key_get_ticket(&in, &named, got), 0);
	assert_false(named);
}

static void
bad_ticket_is_refused(void **state)
{
	static const struct {
		const char	*from, *to;
	}		 rows[] = {
		{ "ticket", "tickets" },
		{ "name 01", "name " },
		{ "name 01", "name 0101" },
		{ "name 01", "name 0" },
		{ "name 01", "nom 01" },
		{ "name", "id 1\nname" },
	};
	unsigned char	 name[KEY_TICKET_NAME];
	bool		 named;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fill(name, sizeof(name));
		proto_key_put_ticket(&out, 1, name);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_key_get_ticket(&in, &named, name) != -1)
			fail_msg("taken: %s", rows[i].to);
	}
}

static struct key_ticket
ticket(void)
{
	struct key_ticket	 t = { .known = true, .fresh = 1800,
	    .left = 3600 };

	fill(t.name, sizeof(t.name));
	memset(t.aes, 0xaa, sizeof(t.aes));
	memset(t.hmac, 0xbb, sizeof(t.hmac));
	return t;
}

static void
ticket_key_comes_out_as_it_went_in(void **state)
{
	struct key_ticket	 t = ticket(), got;

	(void)state;
	proto_key_put_ticket_key(&out, 8, &t);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_key_get_ticket_key(&in, &got), 0);
	assert_true(got.known);
	assert_memory_equal(got.name, t.name, sizeof(t.name));
	assert_memory_equal(got.aes, t.aes, sizeof(t.aes));
	assert_memory_equal(got.hmac, t.hmac, sizeof(t.hmac));
	assert_int_equal(got.fresh, 1800);
	assert_int_equal(got.left, 3600);
	t.known = false;
	proto_key_put_ticket_key(&out, 8, &t);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_null(strstr(in.data, "aes"));
	assert_int_equal(proto_key_get_ticket_key(&in, &got), 0);
	assert_false(got.known);
}

static void
bad_ticket_key_is_refused(void **state)
{
	static const struct {
		const char	*from, *to;
	}		 rows[] = {
		{ "ticket-key", "ticket" },
		{ "known 1", "known 0" },
		{ "known 1", "known 2" },
		{ "name 01", "name " },
		{ "aes aa", "aes " },
		{ "aes aa", "aes aaaa" },
		{ "aes aa", "aes za" },
		{ "hmac bb", "hmac " },
		{ "hmac bb", "hmac bbbb" },
		{ "fresh 1800", "fresh 3601" },
		{ "fresh 1800", "fresh -1" },
		{ "left 3600", "left 3601" },
		{ "left 3600", "left 1799" },
		{ "fresh 1800\nleft 3600", "fresh 0\nleft 0" },
		{ "left 3600\n", "" },
		{ "left 3600\n", "left 3600\nleft 3600\n" },
	};
	static const struct key_ticket	 none;
	struct key_ticket		 t = ticket(), got;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		proto_key_put_ticket_key(&out, 1, &t);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_key_get_ticket_key(&in, &got) != -1)
			fail_msg("taken: %s", rows[i].to);
		/* Nothing of a key stays behind. */
		assert_memory_equal(&got, &none, sizeof(got));
	}
}

static void
reload_is_answered_by_ok_or_lines(void **state)
{
	static char	 error[PROTO_ERROR_MAX], text[2 * PROTO_ERROR_MAX];
	bool		 ok;

	(void)state;
	proto_put_done(&out, 2, NULL);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_get_done(&in, &ok, error, sizeof(error)),
	    0);
	assert_true(ok);
	assert_string_equal(error, "");
	proto_put_done(&out, 2, "/a: one\n/b: two\n");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_get_done(&in, &ok, error, sizeof(error)),
	    0);
	assert_false(ok);
	assert_string_equal(error, "/a: one\n/b: two\n");
	memset(text, '=', sizeof(text) - 1);
	proto_put_done(&out, 2, text);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_get_done(&in, &ok, error, sizeof(error)),
	    0);
	assert_int_equal(strlen(error), PROTO_ERROR_MAX - 1);
}

static void
bad_answers_to_reload_are_refused(void **state)
{
	static const char *const	 to[] = { "merpati 1 fine",
	    "merpati 1 ok", "merpati 1 signed" };
	char	 error[PROTO_ERROR_MAX];
	bool	 ok;
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(to); i++) {
		proto_put_done(&out, 2, "bad");
		packet_change(&out, "merpati 1 error", to[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_get_done(&in, &ok, error,
		    sizeof(error)), -1);
		assert_false(ok);
	}
}

/*
 * A keyd of few words: answers as many questions as it is told on each
 * connection, then goes away from it.
 */
static pid_t
serve(const char *path, const int *questions, size_t connections)
{
	struct key_signature	 s = { .ok = true, .len = 2 };
	struct key_sign		 ask;
	pid_t			 pid;
	size_t			 i;
	int			 c, n, sock;

	if ((sock = ipc_listen(path, 0600)) == -1)
		fail_msg("ipc_listen");
	if ((pid = fork()) != 0) {
		close(sock);
		return pid;
	}
	for (i = 0; i < connections; i++) {
		struct pollfd	 p = { .fd = sock, .events = POLLIN };

		if (poll(&p, 1, 5000) != 1)
			_exit(1);
		c = accept(sock, NULL, NULL);
		for (n = 0; n < questions[i]; n++) {
			if (ipc_recv(c, &in, 5000) != 1 ||
			    proto_key_get_sign(&in, &ask) == -1)
				_exit(2);
			memcpy(s.data, ask.data, 2);
			proto_key_put_signed(&out, in.id, &s);
			if (ipc_send(c, &out, 1000) == -1)
				_exit(3);
		}
		if (questions[i] == 0 && ipc_recv(c, &in, 5000) != 1)
			_exit(4);
		close(c);
	}
	_exit(0);
}

static void
the_client_asks_once_more_when_keyd_went_away(void **state)
{
	static const int	 two[] = { 1, 1 };
	struct key_sign		 s = question(KEY_ECDSA, "sha256", 32);
	struct key_signature	 got;
	struct key_client	 c;
	int			 i, st;
	pid_t			 pid;

	(void)state;
	pid = serve(tmpdir_file("k"), two, 2);
	key_client_init(&c, tmpdir_file("k"));
	for (i = 0; i < 2; i++) {
		s.data[0] = (unsigned char)i;
		assert_int_equal(key_client_sign(&c, &s, &got), 0);
		assert_true(got.ok);
		assert_int_equal(got.data[0], i);
	}
	key_client_close(&c);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

/* A keyd that answers signatures and tickets, on one connection. */
static pid_t
serve_both(const char *path, size_t questions)
{
	struct key_signature	 s = { .ok = true, .len = 2 };
	struct key_ticket	 t = ticket();
	struct key_sign		 ask;
	pid_t			 pid;
	size_t			 i;
	int			 c, sock;

	if ((sock = ipc_listen(path, 0600)) == -1)
		fail_msg("ipc_listen");
	if ((pid = fork()) != 0) {
		close(sock);
		return pid;
	}
	alarm(20);
	fcntl(sock, F_SETFL, 0);
	c = accept(sock, NULL, NULL);
	for (i = 0; i < questions; i++) {
		if (ipc_recv(c, &in, 5000) != 1)
			_exit(1);
		if (strcmp(in.verb, "sign") == 0) {
			if (proto_key_get_sign(&in, &ask) == -1)
				_exit(2);
			proto_key_put_signed(&out, in.id, &s);
		} else {
			t.fresh = (unsigned int)in.id;
			proto_key_put_ticket_key(&out, in.id, &t);
		}
		if (ipc_send(c, &out, 1000) == -1)
			_exit(3);
	}
	_exit(0);
}

static void
a_ticket_may_be_asked_for_ahead(void **state)
{
	const unsigned char	 name[KEY_TICKET_NAME] = { 1 };
	struct key_sign		 s = question(KEY_ECDSA, "sha256", 32);
	struct key_signature	 sig;
	struct key_ticket	 t;
	struct key_client	 c;
	int			 st;
	pid_t			 pid;

	(void)state;
	pid = serve_both(tmpdir_file("k"), 7);
	key_client_init(&c, tmpdir_file("k"));
	assert_int_equal(key_client_sign_ahead(&c, &s, &sig), 0);
	assert_true(sig.ok);
	assert_int_equal(key_client_ticket(&c, NULL, &t), 0);
	assert_int_equal(t.fresh, 2);		/* of the second question */
	assert_int_equal(key_client_ticket(&c, NULL, &t), 0);
	assert_int_equal(t.fresh, 3);
	/* An answer that nobody fetched is in nobody's way. */
	assert_int_equal(key_client_sign_ahead(&c, &s, &sig), 0);
	assert_int_equal(key_client_ticket(&c, name, &t), 0);
	assert_int_equal(t.fresh, 6);
	assert_int_equal(key_client_ticket(&c, NULL, &t), 0);
	assert_int_equal(t.fresh, 7);
	key_client_close(&c);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	/* And there is no keyd, but it has just answered. */
	assert_true(key_client_reachable(tmpdir_file("k")));
	assert_int_equal(key_client_sign_ahead(&c, &s, &sig), -1);
	assert_false(sig.ok);
	poll(NULL, 0, 1100);
	assert_false(key_client_reachable(tmpdir_file("k")));
}

static void
asking_ahead_survives_a_keyd_that_went_away(void **state)
{
	static const int	 two[] = { 1, 1 };
	struct key_sign		 s = question(KEY_ECDSA, "sha256", 32);
	struct key_signature	 sig;
	struct key_client	 c;
	int			 st;
	pid_t			 pid;

	(void)state;
	pid = serve(tmpdir_file("k"), two, 2);
	key_client_init(&c, tmpdir_file("k"));
	assert_int_equal(key_client_sign(&c, &s, &sig), 0);
	assert_int_equal(key_client_sign_ahead(&c, &s, &sig), 0);
	assert_true(sig.ok);
	assert_int_equal(c.ahead, 0);
	key_client_close(&c);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

static void
the_client_gives_up_on_a_keyd_that_says_nothing(void **state)
{
	static const int	 none[] = { 0 };
	struct key_ticket	 got = { .known = true };
	struct key_client	 c;
	int			 st;
	pid_t			 pid;

	(void)state;
	pid = serve(tmpdir_file("k"), none, 1);
	key_client_init(&c, tmpdir_file("k"));
	assert_int_equal(key_client_ticket(&c, NULL, &got), -1);
	assert_false(got.known);
	assert_int_equal(c.link.sock, -1);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

static void
the_client_says_that_there_is_no_keyd(void **state)
{
	struct key_ticket	 t;
	struct key_client	 c;
	char			 error[PROTO_ERROR_MAX];
	bool			 ok = true;

	(void)state;
	key_client_init(&c, tmpdir_file("nobody"));
	assert_int_equal(key_client_ticket(&c, NULL, &t), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(t.known);
	assert_int_equal(key_client_reload(&c, &ok, error, sizeof(error)),
	    -1);
	assert_false(ok);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(sign_comes_out_as_it_went_in),
		cmocka_unit_test(bad_sign_is_refused),
		cmocka_unit_test(a_descriptor_beside_sign_is_refused),
		cmocka_unit_test(signed_comes_out_as_it_went_in),
		cmocka_unit_test(bad_signed_is_refused),
		cmocka_unit_test(too_long_a_signature_is_not_sent),
		cmocka_unit_test(ticket_comes_out_as_it_went_in),
		cmocka_unit_test(bad_ticket_is_refused),
		cmocka_unit_test(ticket_key_comes_out_as_it_went_in),
		cmocka_unit_test(bad_ticket_key_is_refused),
		cmocka_unit_test(reload_is_answered_by_ok_or_lines),
		cmocka_unit_test(bad_answers_to_reload_are_refused),
		cmocka_unit_test_setup_teardown(
		    the_client_asks_once_more_when_keyd_went_away,
		    tmpdir_setup, tmpdir_teardown),
		cmocka_unit_test_setup_teardown(
		    a_ticket_may_be_asked_for_ahead, tmpdir_setup,
		    tmpdir_teardown),
		cmocka_unit_test_setup_teardown(
		    asking_ahead_survives_a_keyd_that_went_away, tmpdir_setup,
		    tmpdir_teardown),
		cmocka_unit_test_setup_teardown(
		    the_client_gives_up_on_a_keyd_that_says_nothing,
		    tmpdir_setup, tmpdir_teardown),
		cmocka_unit_test_setup_teardown(
		    the_client_says_that_there_is_no_keyd,
		    tmpdir_setup, tmpdir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
