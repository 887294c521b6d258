/*
 * The server's side of SASL but for SCRAM itself: RFC 4616 and RFC 7628 4 as
 * printed, lines of base 64, and what must not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/sasl_client.h"
#include "tests/unit/sasl_box.h"

#define TOKEN	"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

static void
only_what_can_work_is_announced(void **state)
{
	static const struct {
		bool		 tls, safe, oauth;
		size_t		 exporter, end_point, unique;
		const char	*certificate, *list;
	}		 t[] = {
		{ false, false, true, 0, 0, 0, "",
		    "SCRAM-SHA-256 SCRAM-SHA-1" },
		{ false, false, true, 32, 32, 12, "ab12",
		    "SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL" },
		{ false, true, false, 0, 0, 0, "",
		    "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" },
		{ true, false, true, 0, 0, 0, "", "SCRAM-SHA-256 SCRAM-SHA-1 "
		    "OAUTHBEARER XOAUTH2 PLAIN LOGIN" },
		{ true, false, false, 0, 32, 0, "", "SCRAM-SHA-256-PLUS "
		    "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" },
		{ true, false, false, 0, 0, 12, "", "SCRAM-SHA-256-PLUS "
		    "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" },
		{ true, false, true, 32, 32, 0, "ab12", ALL },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1024);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		setup(NULL);
		fake.tls = t[i].tls;
		fake.exporter = t[i].exporter;
		fake.end_point = t[i].end_point;
		fake.unique = t[i].unique;
		place.safe = t[i].safe;
		place.certificate = t[i].certificate;
		if (!t[i].oauth)
			conf.oauth.url = NULL;
		buf_clear(&b);
		sasl_server_list(&place, &b);
		assert_string_equal(buf_cstr(&b), t[i].list);
	}
	conf.authd.mechanisms.n = 0;
	buf_clear(&b);
	sasl_server_list(&place, &b);
	assert_string_equal(buf_cstr(&b), "");
	buf_free(&b);
}

static void
what_is_not_announced_does_not_start(void **state)
{
	static const struct { const char *name; bool unsafe; } t[] = {
		{ "PLAIN", true }, { "login", true }, { "XOAUTH2", true },
		{ "SCRAM-SHA-256-PLUS", true }, { "EXTERNAL", true },
		{ "SCRAM-SHA-1-PLUS", false }, { "CRAM-MD5", false },
		{ "ANONYMOUS", false }, { "", false }, { "PLAI", false },
		{ "PLAIN2", false },
	};
	bool		 unsafe;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_null(sasl_server_start(&place, slice_str(t[i].name),
		    &unsafe));
		assert_int_equal(unsafe, t[i].unsafe);
	}
	/* Under TLS the others are simply not there. */
	fake.tls = true;
	assert_null(sasl_server_start(&place, SLICE_LIT("EXTERNAL"),
	    &unsafe));
	assert_false(unsafe);
	conf.oauth.url = NULL;
	assert_null(sasl_server_start(&place, SLICE_LIT("XOAUTH2"), &unsafe));
	assert_false(unsafe);
	fake.tls = false;
	assert_null(sasl_server_start(&place, SLICE_LIT("XOAUTH2"), &unsafe));
	assert_false(unsafe);
	conf.authd.mechanisms.n = 0;
	place.safe = true;
	assert_null(sasl_server_start(&place, SLICE_LIT("PLAIN"), &unsafe));
	assert_false(unsafe);
}

/* One message to a mechanism, and what comes of it. */
struct one {
	const char		*mechanism;
	struct slice		 message;
	enum sasl_status	 status;
	const char		*user, *secret;
};

static void
try_one(const struct one *t, enum auth_method method)
{
	struct sasl_server	*s;
	struct auth_check	 c;
	struct buf		 challenge;
	bool			 unsafe;
	enum sasl_status	 st;

	buf_init(&challenge, 4096);
	memset(&c, 'x', sizeof(c));
	s = sasl_server_start(&place, slice_str(t->mechanism), &unsafe);
	assert_non_null(s);
	st = sasl_server_step(s, &t->message, &challenge, &c);
	if (st != t->status)
		fail_msg("%s \"%.*s\": %d, %s", t->mechanism,
		    (int)t->message.len, t->message.ptr, st,
		    sasl_server_reason(s));
	if (st == SASL_READY) {
		assert_int_equal(c.method, method);
		assert_string_equal(c.user, t->user);
		assert_string_equal(c.secret, t->secret);
		assert_string_equal(c.service, "imap");
		assert_string_equal(c.ip, "192.0.2.1");
	} else {
		assert_string_equal(c.user, "");
		assert_string_equal(c.secret, "");
	}
	if (st != SASL_MORE) {
		assert_int_equal(challenge.len, 0);
		/* No second chance in one exchange. */
		assert_int_equal(sasl_server_step(s, &t->message, &challenge,
		    &c), SASL_MALFORMED);
		assert_string_equal(c.secret, "");
	}
	sasl_server_free(s);
	buf_free(&challenge);
}

static void
plain_has_exactly_three_parts(void **state)
{
	static const struct one	 t[] = {
		{ "PLAIN", SLICE_LIT("\0tim\0tanstaaftanstaaf"), SASL_READY,
		    "tim", "tanstaaftanstaaf" },	/* RFC 4616 4 */
		{ "PLAIN", SLICE_LIT("Bob\0bob\0secret"), SASL_READY,
		    "bob", "secret" },
		{ "PLAIN", SLICE_LIT("\0b\xc3\xb6" "b\0\xe9t\xe9"), SASL_READY,
		    "b\xc3\xb6" "b", "\xe9t\xe9" },
		{ "PLAIN", SLICE_LIT("Ursel\0Kurt\0xipj3plmq"), SASL_FOREIGN,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\n\0bob\0secret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT(""), SASL_MALFORMED, NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0"), SASL_MALFORMED, NULL, NULL },
		{ "PLAIN", SLICE_LIT("bob\0secret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0bob\0"), SASL_MALFORMED, NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0\0secret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0bob\0sec\0ret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0bob\0secret\0"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0b\nb\0secret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\0b\xe9\0secret"), SASL_MALFORMED,
		    NULL, NULL },
		{ "PLAIN", SLICE_LIT("\xe9\0bob\0secret"), SASL_MALFORMED,
		    NULL, NULL },
	};
	size_t			 i;

	(void)state;
	fake.tls = true;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try_one(&t[i], AUTH_PASSWORD);
}

static void
a_certificate_speaks_for_itself(void **state)
{
	static const struct one	 t[] = {
		{ "EXTERNAL", SLICE_LIT(""), SASL_READY, "", "ab12" },
		{ "EXTERNAL", SLICE_LIT("fred@example.com"), SASL_READY,
		    "fred@example.com", "ab12" },
		{ "EXTERNAL", SLICE_LIT("fred\0"), SASL_MALFORMED, NULL,
		    NULL },
		{ "EXTERNAL", SLICE_LIT("\x80"), SASL_MALFORMED, NULL, NULL },
		{ "EXTERNAL", SLICE_LIT("a\rb"), SASL_MALFORMED, NULL, NULL },
	};
	size_t			 i;

	(void)state;
	fake.tls = true;
	place.certificate = "ab12";
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try_one(&t[i], AUTH_CERTIFICATE);
}

#define B(s)	{ "OAUTHBEARER", SLICE_LIT(s), SASL_MALFORMED, NULL, NULL }
#define X(s)	{ "XOAUTH2", SLICE_LIT(s), SASL_MALFORMED, NULL, NULL }

static void
tokens_come_in_pairs(void **state)
{
	static const struct one	 t[] = {
		/* RFC 7628 4.1 */
		{ "OAUTHBEARER", SLICE_LIT("n,a=user@example.com,\1"
		    "host=server.example.com\1port=143\1"
		    "auth=Bearer " TOKEN "\1\1"), SASL_READY,
		    "user@example.com", TOKEN },
		{ "OAUTHBEARER", SLICE_LIT("y,,\1auth=bearer   a\1\1"),
		    SASL_READY, "", "a" },
		{ "OAUTHBEARER", SLICE_LIT("n,a=a=2Cb=3Dc,\1auth=Bearer a\1"
		    "x=\1\1"), SASL_READY, "a,b=c", "a" },
		{ "XOAUTH2", SLICE_LIT("user=someuser@example.com\1"
		    "auth=Bearer " TOKEN "\1\1"), SASL_READY,
		    "someuser@example.com", TOKEN },
		{ "XOAUTH2", SLICE_LIT("user=j\xc3\xbcrgen\1auth=Bearer a\1"
		    "\1"), SASL_READY, "j\xc3\xbcrgen", "a" },
		B(""), B("\1"), B("n,,"), B("n,,\1"), B("n,,\1\1"),
		B("n,\1auth=Bearer a\1\1"), B("n,,auth=Bearer a\1\1"),
		B("n,,\1auth=Bearer a\1"), B("n,,\1auth=Bearer a"),
		B("n,,\1auth=Bearer a\1\1\1"), B("n,,\1auth=Bearer a\1\1x"),
		B("n,,\1auth=Bearer\1\1"), B("n,,\1auth=Bearer \1\1"),
		B("n,,\1auth=Basic YTpi\1\1"), B("n,,\1auth=a\1\1"),
		B("n,,\1auth=Bearer a b\1\1"), B("n,,\1auth=Bearer =\1\1"),
		B("n,,\1auth=Bearer a=b\1\1"), B("n,,\1auth=Bearer a&b\1\1"),
		B("n,,\1auth=Bearer a\r\n\1\1"), B("n,,\1auth=Bearer a\0\1\1"),
		B("n,,\1auth=Bearer \xc3\xa9\1\1"),
		B("n,,\1auth=Bearer a\1auth=Bearer b\1\1"),
		B("n,,\1auth=Bearer a\1host=\xc3\xa9\1\1"),
		B("n,,\1auth=Bearer a\1ho st=a\1\1"),
		B("n,,\1auth=Bearer a\1=a\1\1"),
		B("n,,\1auth=Bearer a\1port\1\1"),
		B("n,,\1host=a\1\1"), B("p=tls-exporter,,\1auth=Bearer a\1\1"),
		B("x,,\1auth=Bearer a\1\1"), B("n,a=,\1auth=Bearer a\1\1"),
		B("n,b=c,\1auth=Bearer a\1\1"),
		B("n,a=b=2c,\1auth=Bearer a\1\1"),
		B("n,a=\n,\1auth=Bearer a\1\1"),
		X(""), X("\1"), X("auth=Bearer a\1\1"), X("user=a\1\1"),
		X("user=\1auth=Bearer a\1\1"), X("user=a\1auth=Bearer a\1"),
		X("user=\xff\1auth=Bearer a\1\1"),
		X("user=a\1user=b\1auth=Bearer a\1\1"),
		X("n,,\1user=a\1auth=Bearer a\1\1"),
	};
	size_t			 i;

	(void)state;
	fake.tls = true;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try_one(&t[i], AUTH_TOKEN);
}

static void
the_longest_token_is_known(void **state)
{
	static char	 text[AUTH_SECRET_MAX + 64],
			 token[AUTH_SECRET_MAX + 2];
	struct one	 t = { "XOAUTH2", { text, 0 }, SASL_READY, "a",
			    token };

	(void)state;
	fake.tls = true;
	memset(token, 'a', AUTH_SECRET_MAX);
	t.message.len = (size_t)snprintf(text, sizeof(text),
	    "user=a\1auth=Bearer %s\1\1", token);
	try_one(&t, AUTH_TOKEN);
	token[AUTH_SECRET_MAX] = 'a';
	t.message.len = (size_t)snprintf(text, sizeof(text),
	    "user=a\1auth=Bearer %s\1\1", token);
	t.status = SASL_MALFORMED;
	try_one(&t, AUTH_TOKEN);
}

static enum stream_status	 talk_status;	/* of the last talk() */

/*
 * A client that says these lines; what the server said, each line with a
 * CRLF.
 */
static enum sasl_end
talk(const char *mechanism, const char *initial, const char *lines,
    char *said, size_t size, struct auth_check *c, bool refuse)
{
	struct sasl_server	*s;
	struct slice		 ir = { NULL, 0 };
	struct stream		 st;
	enum stream_status	 status;
	enum sasl_end		 end;
	bool			 unsafe;
	int			 fds[2];
	ssize_t			 n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], lines, strlen(lines)), strlen(lines));
	shutdown(fds[1], SHUT_WR);
	stream_init(&st, fds[0], fds[0], 2000, 0);
	if (initial != NULL)
		ir = slice_str(initial);
	s = sasl_server_start(&place, slice_str(mechanism), &unsafe);
	assert_non_null(s);
	end = sasl_exchange(s, &st, "+ ", initial == NULL ? NULL : &ir, c,
	    &status);
	if (end == SASL_END_LOST)
		assert_int_equal(status, STREAM_EOF);
	else if (end != SASL_END_MALFORMED)
		assert_int_equal(status, STREAM_OK);
	talk_status = status;
	if (refuse)
		sasl_exchange_refused(s, &st, "+ ");
	stream_flush(&st);
	sasl_server_free(s);
	stream_free(&st);
	close(fds[0]);
	n = recv(fds[1], said, size - 1, MSG_WAITALL);
	said[n > 0 ? n : 0] = '\0';
	close(fds[1]);
	return end;
}

static void
lines_become_messages(void **state)
{
	static const struct {
		const char	*mechanism, *initial, *lines, *said;
		enum sasl_end	 end;
	}			 t[] = {
		{ "PLAIN", "AGJvYgBzZWNyZXQ=", "", "", SASL_END_READY },
		{ "PLAIN", NULL, "AGJvYgBzZWNyZXQ=\r\n", "+ \r\n",
		    SASL_END_READY },
		{ "LOGIN", NULL, "Ym9i\r\nc2VjcmV0\r\n",
		    "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n", SASL_END_READY },
		{ "LOGIN", "Ym9i", "c2VjcmV0\r\n", "+ UGFzc3dvcmQ6\r\n",
		    SASL_END_READY },
		{ "PLAIN", NULL, "*\r\n", "+ \r\n", SASL_END_CANCELLED },
		{ "PLAIN", "*", "", "", SASL_END_CANCELLED },
		{ "LOGIN", NULL, "Ym9i\r\n*\r\n",
		    "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n",
		    SASL_END_CANCELLED },
		{ "PLAIN", "=", "", "", SASL_END_MALFORMED },
		{ "PLAIN", "", "", "", SASL_END_MALFORMED },
		{ "PLAIN", "AGJvYgBzZWNyZXQ", "", "", SASL_END_MALFORMED },
		{ "PLAIN", NULL, "AGJvYgBzZWNyZXQ= \r\n", "+ \r\n",
		    SASL_END_MALFORMED },
		{ "PLAIN", NULL, "=\r\n", "+ \r\n", SASL_END_MALFORMED },
		{ "PLAIN", NULL, "AGJv\nYgBzZWNyZXQ=\r\n", "+ \r\n",
		    SASL_END_MALFORMED },
		{ "PLAIN", "YW5uAGJvYgBzZWNyZXQ=", "", "", SASL_END_FOREIGN },
		{ "PLAIN", NULL, "", "+ \r\n", SASL_END_LOST },
		{ "LOGIN", NULL, "Ym9i\r\nc2Vj",
		    "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n", SASL_END_LOST },
		{ "SCRAM-SHA-1", "=", "", "", SASL_END_MALFORMED },
	};
	struct auth_check	 c;
	char			 said[1024];
	size_t			 i;

	(void)state;
	place.safe = true;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(talk(t[i].mechanism, t[i].initial,
		    t[i].lines, said, sizeof(said), &c, false), t[i].end);
		assert_string_equal(said, t[i].said);
		assert_string_equal(c.user,
		    t[i].end == SASL_END_READY ? "bob" : "");
		assert_string_equal(c.secret,
		    t[i].end == SASL_END_READY ? "secret" : "");
	}
}

static void
long_lines_have_an_end(void **state)
{
	/* The message is too long, then the line is. */
	static const size_t	 t[] = { SASL_MESSAGE_MAX / 3 * 4 + 4,
	    SASL_LINE_MAX - 4, SASL_LINE_MAX, SASL_LINE_MAX + 32 };
	static char		 line[SASL_LINE_MAX + 64];
	struct auth_check	 c;
	char			 said[64];
	size_t			 i;

	(void)state;
	place.safe = true;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(line, 'A', t[i]);
		memcpy(line + t[i], "\r\n", 3);
		assert_int_equal(talk("PLAIN", NULL, line, said, sizeof(said),
		    &c, false), SASL_END_MALFORMED);
		assert_string_equal(said, "+ \r\n");
		assert_int_equal(talk_status, t[i] + 2 > SASL_LINE_MAX ?
		    STREAM_TOOLONG : STREAM_OK);
	}
}

static void
a_refused_token_is_told_why(void **state)
{
	struct auth_check	 c;
	char			 said[1024];

	(void)state;
	place.safe = true;
	/* {"status":"invalid_token"} */
	assert_int_equal(talk("OAUTHBEARER",
	    "biwsAWF1dGg9QmVhcmVyIGEBAQ==", "AQ==\r\n", said, sizeof(said),
	    &c, true), SASL_END_READY);
	assert_string_equal(said, "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n");
	/* {"status":"401","schemes":"bearer","scope":"mail \u0022a"} */
	conf.oauth.scope = (char *)(uintptr_t)"mail \"a";
	assert_int_equal(talk("XOAUTH2",
	    "dXNlcj1hAWF1dGg9QmVhcmVyIGEBAQ==", "\r\n", said, sizeof(said),
	    &c, true), SASL_END_READY);
	assert_string_equal(said, "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhc"
	    "mVyIiwic2NvcGUiOiJtYWlsIFx1MDAyMmEifQ==\r\n");
	/* Asked for by an empty "auth" (RFC 7628 4.3): once is enough. */
	conf.oauth.scope = NULL;
	assert_int_equal(talk("OAUTHBEARER", "biwsAWF1dGg9AQE=", "AQ==\r\n",
	    said, sizeof(said), &c, true), SASL_END_WRONG);
	assert_string_equal(said, "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n");
	/* The others say it in one way only. */
	assert_int_equal(talk("PLAIN", "AGJvYgBzZWNyZXQ=", "", said,
	    sizeof(said), &c, true), SASL_END_READY);
	assert_string_equal(said, "");
}

/* Both sides of our own, without a wire. */
static bool
meet(const char *list, const char *password, struct auth_check *c)
{
	unsigned char			 exporter[TLS_BINDING],
					 unique[TLS_BINDING];
	struct sasl_client_login	 l = { .user = "us,=er",
	    .password = password, .tls = fake.tls };
	struct sasl_client		*client;
	struct sasl_server		*s;
	struct buf			 text, raw, challenge;
	struct slice			 in;
	enum sasl_status		 st;
	const char			*error;
	bool				 unsafe, finished;
	int				 i;

	l.exporter = (struct slice){ (char *)exporter,
	    tls_binding(&stream, TLS_EXPORTER, exporter) };
	l.unique = (struct slice){ (char *)unique,
	    tls_binding(&stream, TLS_UNIQUE, unique) };
	buf_init(&text, SASL_CLIENT_OUT);
	buf_init(&raw, SASL_MESSAGE_MAX);
	buf_init(&challenge, 4096);
	client = sasl_client_new(slice_str(list), &l, &error);
	assert_non_null(client);
	s = sasl_server_start(&place,
	    slice_str(sasl_client_mechanism(client)), &unsafe);
	assert_non_null(s);
	in = slice_str("");
	for (i = 0; i < 8; i++) {
		if (sasl_client_step(client, i == 0 ? NULL : &in, &text) ==
		    SASL_CLIENT_FAILED)
			fail_msg("%s", sasl_client_error(client));
		buf_clear(&raw);
		assert_int_equal(base64_decode(buf_slice(&text), &raw), 0);
		in = buf_slice(&raw);
		/* LOGIN alone waits to be asked. */
		st = sasl_server_step(s, i == 0 && raw.len == 0 ? NULL : &in,
		    &challenge, c);
		if (st != SASL_MORE)
			break;
		buf_clear(&text);
		base64_encode(buf_slice(&challenge), &text);
		buf_clear(&raw);
		buf_add(&raw, text.ptr, text.len);
		in = buf_slice(&raw);
	}
	finished = sasl_client_finished(client);
	sasl_client_free(client);
	sasl_server_free(s);
	buf_free(&text);
	buf_free(&raw);
	buf_free(&challenge);
	return st == SASL_READY && finished;
}

static void
gnu_sasl_and_we_agree(void **state)
{
	static const struct {
		const char		*list;
		size_t			 exporter, unique;
		enum auth_method	 method;
	}			 t[] = {
		{ "SCRAM-SHA-256-PLUS", 32, 0, AUTH_PASS },
		{ "SCRAM-SHA-256-PLUS PLAIN", 0, 12, AUTH_PASS },
		{ "SCRAM-SHA-256", 32, 0, AUTH_PASS },
		{ "SCRAM-SHA-256", 0, 0, AUTH_PASS },
		{ "SCRAM-SHA-1", 0, 0, AUTH_PASS },
		{ "PLAIN", 0, 0, AUTH_PASSWORD },
		{ "LOGIN", 0, 0, AUTH_PASSWORD },
	};
	struct auth_check	 c;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		setup(NULL);
		fake.tls = true;
		fake.exporter = t[i].exporter;
		fake.unique = t[i].unique;
		print_message("%s\n", t[i].list);
		assert_true(meet(t[i].list, "pencil", &c));
		assert_int_equal(c.method, t[i].method);
		assert_string_equal(c.user, t[i].method == AUTH_PASS ?
		    "us,=er@example.org" : "us,=er");
		if (t[i].method == AUTH_PASS)
			assert_false(meet(t[i].list, "pencils", &c));
		else
			assert_string_equal(c.secret, "pencil");
	}
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest	 tests[] = {
		T(only_what_can_work_is_announced),
		T(what_is_not_announced_does_not_start),
		T(plain_has_exactly_three_parts),
		T(a_certificate_speaks_for_itself),
		T(tokens_come_in_pairs),
		T(the_longest_token_is_known),
		T(lines_become_messages),
		T(long_lines_have_an_end),
		T(a_refused_token_is_told_why),
		T(gnu_sasl_and_we_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
