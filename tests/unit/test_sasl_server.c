/*
 * The server's side of SASL: RFC 5802 5, RFC 7677 3 and RFC 7628 4 as printed,
 * and what must not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/sasl_client.h"
#include "lib/net/sasl_server.h"
#include "tests/unit/fake_scram.h"

#define ALL	"SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL " \
		"OAUTHBEARER XOAUTH2 PLAIN LOGIN"

#define N1	"fyko+d2lbbFgONRv9qkxdawL"
#define R1	"r=" N1 "3rfcNHYJY1ZVvWVs7j"
#define S1	R1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define P1	"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define N2	"rOprNGfwEbeRWgbNEkqO"
#define R2	"r=" N2 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define S2	R2 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define P2	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define TOKEN	"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

static char			*names[8];
static struct config		 conf;
static struct stream		 stream;
static struct auth_client	 authd;
static struct sasl_place	 place = { .config = &conf,
				    .service = "imap", .ip = "192.0.2.1",
				    .stream = &stream, .certificate = "",
				    .authd = &authd };

static int
setup(void **state)
{
	static char	 list[] = ALL;
	char		*p = list, *name;

	(void)state;
	if (names[0] == NULL)
		while ((name = strsep(&p, " ")) != NULL)
			names[conf.authd.mechanisms.n++] = name;
	conf.authd.mechanisms.item = names;
	conf.authd.mechanisms.n = 8;
	conf.oauth.url = (char *)(uintptr_t)"https://sso.example.org/i";
	conf.oauth.scope = NULL;
	conf.tls.client_certificates = true;
	place.safe = false;
	place.certificate = "";
	memset(&fake, 0, sizeof(fake));
	fake.nonce = "3rfcNHYJY1ZVvWVs7j";
	fake.salt = "QSXCR+Q6sek8bf92";
	return 0;
}

static void
use_7677(void)
{
	fake.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	fake.salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
}

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

/* An exchange as a table of lines; NULL ends it. */
struct turn {
	const char		*in;		/* "(none)": no message */
	enum sasl_status	 status;
	const char		*out;
};
struct exchange {
	const char		*name, *mechanism;
	struct turn		 turn[4];
};

static void
run(const struct exchange *e, struct auth_check *c)
{
	struct sasl_server	*s;
	struct buf		 challenge;
	struct slice		 in;
	enum sasl_status	 st;
	bool			 unsafe;
	size_t			 i;

	buf_init(&challenge, 4096);
	s = sasl_server_start(&place, slice_str(e->mechanism), &unsafe);
	assert_non_null(s);
	for (i = 0; i < 4 && e->turn[i].in != NULL; i++) {
		in = slice_str(e->turn[i].in);
		st = sasl_server_step(s, strcmp(e->turn[i].in, "(none)") == 0 ?
		    NULL : &in, &challenge, c);
		if (st != e->turn[i].status)
			fail_msg("%s, turn %zu: %d, %s", e->name, i, st,
			    sasl_server_reason(s));
		if (e->turn[i].out != NULL)
			assert_string_equal(buf_cstr(&challenge),
			    e->turn[i].out);
		if (st != SASL_MORE && st != SASL_READY) {
			assert_string_equal(c->secret, "");
			assert_string_not_equal(sasl_server_reason(s), "");
		}
	}
	sasl_server_free(s);
	buf_free(&challenge);
}

static void
exchanges_go_as_printed(void **state)
{
	static const struct exchange	 sha1 = { "RFC 5802 5", "scram-sha-1", {
		{ "n,,n=user,r=" N1, SASL_MORE, S1 },
		{ "c=biws," R1 ",p=" P1, SASL_MORE,
		    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
		{ "", SASL_READY, "" } } };
	static const struct exchange	 sha256 = { "RFC 7677 3",
	    "SCRAM-SHA-256", {
		{ "(none)", SASL_MORE, "" },
		{ "n,,n=user,r=" N2, SASL_MORE, S2 },
		{ "c=biws," R2 ",p=" P2, SASL_MORE,
		    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
		{ "", SASL_READY, "" } } };
	static const struct exchange	 login = { "LOGIN", "LOGIN", {
		{ "(none)", SASL_MORE, "Username:" },
		{ "bob", SASL_MORE, "Password:" },
		{ "s e c", SASL_READY, "" } } };
	static const struct exchange	 login_ir = { "LOGIN", "LOGIN", {
		{ "bob", SASL_MORE, "Password:" },
		{ "s e c", SASL_READY, "" } } };
	struct auth_check		 c;

	(void)state;
	run(&sha1, &c);
	assert_int_equal(c.method, AUTH_PASS);
	assert_string_equal(c.user, "user@example.org");
	assert_int_equal(strlen(c.secret), AUTH_PASS_LEN);
	assert_string_equal(c.service, "imap");
	assert_string_equal(fake.scram.hash, "SHA-1");
	assert_string_equal(fake.scram.ip, "192.0.2.1");
	assert_int_equal(fake.check.method, AUTH_SCRAM);
	assert_string_equal(fake.check.user, "user");
	assert_string_equal(fake.check.first, "n=user,r=" N1);
	assert_string_equal(fake.check.last, "c=biws," R1);
	assert_int_equal(strlen(fake.check.exchange), AUTH_PASS_LEN);
	use_7677();
	run(&sha256, &c);
	assert_int_equal(c.method, AUTH_PASS);
	place.safe = true;
	run(&login, &c);
	assert_int_equal(c.method, AUTH_PASSWORD);
	assert_string_equal(c.user, "bob");
	assert_string_equal(c.secret, "s e c");
	run(&login_ir, &c);
	assert_string_equal(c.secret, "s e c");
}

static void
half_or_hostile_scram_fails(void **state)
{
#define F(name, text)	{ name, "SCRAM-SHA-1", {			\
		{ text, SASL_MALFORMED, "" } } }
#define L(name, text, st)	{ name, "SCRAM-SHA-1", {		\
		{ "n,,n=user,r=" N1, SASL_MORE, S1 }, { text, st, "" } } }
	static const struct exchange	 t[] = {
		F("empty", ""), F("no header", "n=user,r=" N1),
		F("bound", "p=tls-exporter,,n=user,r=" N1),
		F("non-standard", "F,n,,n=user,r=" N1),
		F("flag in capitals", "N,,n=user,r=" N1),
		F("long flag", "nn,,n=user,r=" N1),
		F("no binding's name", "p=,,n=user,r=" N1),
		F("reserved", "n,,m=x,n=user,r=" N1),
		F("reserved later", "n,,n=user,r=" N1 ",m=x"),
		F("no user", "n,,r=" N1), F("empty user", "n,,n=,r=" N1),
		F("no nonce", "n,,n=user"), F("empty nonce", "n,,n=user,r="),
		F("nothing after comma", "n,,n=user,r=" N1 ","),
		F("blank in nonce", "n,,n=user,r=ab cd"),
		F("wrong order", "n,,r=" N1 ",n=user"),
		F("wrong escape", "n,,n=us=2cer,r=" N1),
		F("half escape", "n,,n=user=2,r=" N1),
		F("bare equals", "n,,n=a=b,r=" N1),
		F("control in name", "n,,n=us\ner,r=" N1),
		F("not UTF-8", "n,,n=us\xe9r,r=" N1),
		F("private use", "n,,n=us\xee\x80\x80r,r=" N1),
		F("empty authzid", "n,a=,n=user,r=" N1),
		F("no attribute", "n,,n=user,r=" N1 ",ext"),
		F("empty attribute", "n,,n=user,r=" N1 ",e="),
		F("number for a letter", "n,,n=user,r=" N1 ",1=a"),
		{ "somebody else", "SCRAM-SHA-1", {
		    { "n,a=other,n=user,r=" N1, SASL_FOREIGN, "" } } },
		{ "said twice", "SCRAM-SHA-1", {
		    { "n,,n=user,r=" N1, SASL_MORE, S1 },
		    { "(none)", SASL_MALFORMED, "" } } },
		{ "too much at the end", "SCRAM-SHA-1", {
		    { "n,,n=user,r=" N1, SASL_MORE, S1 },
		    { "c=biws," R1 ",p=" P1, SASL_MORE, NULL },
		    { "x", SASL_MALFORMED, "" } } },
		L("empty", "", SASL_MALFORMED),
		L("no proof", "c=biws," R1, SASL_MALFORMED),
		L("empty proof", "c=biws," R1 ",p=", SASL_MALFORMED),
		L("short proof", "c=biws," R1 ",p=v0X8", SASL_MALFORMED),
		L("proof of another hash", "c=biws," R1 ",p=" P2,
		    SASL_MALFORMED),
		L("proof is no base 64", "c=biws," R1
		    ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts", SASL_MALFORMED),
		L("proof not last", "c=biws," R1 ",p=" P1 ",x=y",
		    SASL_MALFORMED),
		L("proof twice", "c=biws," R1 ",p=" P1 ",p=" P1,
		    SASL_MALFORMED),
		L("reserved", "c=biws," R1 ",m=x,p=" P1, SASL_MALFORMED),
		L("no binding", R1 ",p=" P1, SASL_MALFORMED),
		L("wrong order", R1 ",c=biws,p=" P1, SASL_MALFORMED),
		L("extension not in the proof", "c=biws," R1 ",x=y,p=" P1,
		    SASL_WRONG),
		L("wrong proof", "c=biws," R1
		    ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tt=", SASL_MALFORMED),
		L("wrong proof", "c=biws," R1
		    ",p=u0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_WRONG),
		L("another header", "c=eSws," R1 ",p=" P1, SASL_WRONG),
		L("longer header", "c=biwsbiws," R1 ",p=" P1, SASL_WRONG),
		L("header is no base 64", "c=biw," R1 ",p=" P1, SASL_WRONG),
		L("own nonce alone", "c=biws,r=" N1 ",p=" P1, SASL_WRONG),
		L("longer nonce", "c=biws," R1 "x,p=" P1, SASL_WRONG),
	};
	struct auth_check		 c;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		run(&t[i], &c);
}

static void
names_are_decoded_and_prepared(void **state)
{
	static const struct { const char *first, *user; } t[] = {
		{ "n,,n=a=2Cb=3Dc,r=x", "a,b=c" },
		{ "n,a=USER,n=user,r=x,e=f,g=h", "user" },
		{ "n,,n=u\xcc\x88" "ber,r=x", "\xc3\xbc" "ber" },
		{ "n,,n=I\xc2\xadX,r=x", "IX" },		/* RFC 4013 3 */
		{ "n,,n=\xc2\xaa,r=x", "a" },
		{ "n,,n=\xe2\x85\xa8,r=x", "IX" },
		{ "n,,n=a\xe3\x80\x80" "b,r=x", "a b" },
	};
	struct exchange		 e = { "name", "SCRAM-SHA-256", {
		{ NULL, SASL_MORE, NULL } } };
	struct auth_check	 c;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e.turn[0].in = t[i].first;
		run(&e, &c);
		assert_string_equal(fake.scram.user, t[i].user);
		assert_string_equal(fake.scram.nonce, "x");
	}
}

static void
authd_may_say_no_or_nothing(void **state)
{
	static const struct exchange	 not_now = { "later", "SCRAM-SHA-1", {
		{ "n,,n=user,r=" N1, SASL_LATER, "" } } };
	static const enum auth_verdict	 verdicts[] = { AUTH_BAD, AUTH_LATER,
	    AUTH_DISABLED };
	static const enum sasl_status	 statuses[] = { SASL_WRONG, SASL_LATER,
	    SASL_DISABLED };
	struct exchange			 e = { "verdict", "SCRAM-SHA-1", {
		{ "n,,n=user,r=" N1, SASL_MORE, S1 },
		{ "c=biws," R1 ",p=" P1, SASL_MORE, "" } } };
	struct auth_check		 c;
	size_t				 i;

	(void)state;
	fake.later = true;
	run(&not_now, &c);
	fake.later = false;
	fake.gone = true;
	run(&not_now, &c);
	fake.gone = false;
	for (i = 0; i < 3; i++) {
		fake.verdict = verdicts[i];
		e.turn[1].status = statuses[i];
		run(&e, &c);
	}
}

/* c= of a header and the binding's data, as the fake makes it. */
static void
bound(char *out, size_t size, const char *header, enum tls_binding kind,
    size_t len)
{
	char	 raw[256];
	size_t	 n = strlen(header);

	memcpy(raw, header, n);
	tls_binding(&stream, kind, (unsigned char *)raw + n);
	fake_base64((unsigned char *)raw, n + len, out, size);
}

static void
try_bound(const char *mechanism, const char *header, const char *c64,
    enum sasl_status first, enum sasl_status last)
{
	char			 hello[256], final[1200], proof[96], v[96];
	struct auth_check	 c;
	struct exchange		 e = { header, mechanism, {
		{ hello, first, NULL } } };

	snprintf(hello, sizeof(hello), "%sn=user,r=" N2, header);
	if (first == SASL_MORE) {
		/* What a client that knows the password would prove. */
		memset(&c, 0, sizeof(c));
		snprintf(c.first, sizeof(c.first), "n=user,r=" N2);
		snprintf(c.last, sizeof(c.last), "c=%.500s,%s", c64, R2);
		snprintf(fake.first, sizeof(fake.first), "%s", S2);
		snprintf(fake.scram.hash, sizeof(fake.scram.hash), "SHA-256");
		fake_scram(&c, proof, v, sizeof(v));
		snprintf(final, sizeof(final), "%s,p=%s", c.last, proof);
		e.turn[1] = (struct turn){ final, last, NULL };
	}
	run(&e, &c);
}

static void
a_proof_is_good_on_its_own_connection_only(void **state)
{
	char	 good[512], bad[512];

	(void)state;
	use_7677();
	fake.tls = true;
	fake.exporter = 32;
	fake.end_point = 48;
	bound(good, sizeof(good), "p=tls-exporter,,", TLS_EXPORTER, 32);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", good, SASL_MORE,
	    SASL_MORE);
	/* Another connection's data, less of it, more of it, of another sort,
	 * of none. */
	memcpy(bad, good, sizeof(good));
	bad[strlen(bad) - 2] = bad[strlen(bad) - 2] == 'A' ? 'B' : 'A';
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", bad, SASL_MORE,
	    SASL_WRONG);
	bound(bad, sizeof(bad), "p=tls-exporter,,", TLS_EXPORTER, 31);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", bad, SASL_MORE,
	    SASL_WRONG);
	bound(bad, sizeof(bad), "p=tls-exporter,,", TLS_EXPORTER, 33);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", bad, SASL_MORE,
	    SASL_WRONG);
	bound(bad, sizeof(bad), "p=tls-server-end-point,,", TLS_END_POINT, 48);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", bad, SASL_MORE,
	    SASL_WRONG);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "biws", SASL_MORE,
	    SASL_WRONG);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", bad,
	    SASL_MORE, SASL_MORE);
	/* One that is not to be had, or that nobody knows. */
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-unique,,", "", SASL_MALFORMED,
	    SASL_MALFORMED);
	try_bound("SCRAM-SHA-256-PLUS", "p=TLS-exporter,,", "", SASL_MALFORMED,
	    SASL_MALFORMED);
	try_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter2,,", "",
	    SASL_MALFORMED, SASL_MALFORMED);
	/* PLUS without, and what is no PLUS with it. */
	try_bound("SCRAM-SHA-256-PLUS", "n,,", "", SASL_MALFORMED,
	    SASL_MALFORMED);
	try_bound("SCRAM-SHA-256-PLUS", "y,,", "", SASL_MALFORMED,
	    SASL_MALFORMED);
	try_bound("SCRAM-SHA-256", "p=tls-exporter,,", "", SASL_MALFORMED,
	    SASL_MALFORMED);
	/* RFC 5802 6: "y" is a lie that somebody told the client. */
	try_bound("SCRAM-SHA-256", "y,,", "", SASL_WRONG, SASL_WRONG);
	try_bound("SCRAM-SHA-256", "n,,", "biws", SASL_MORE, SASL_MORE);
	fake.exporter = fake.end_point = 0;
	try_bound("SCRAM-SHA-256", "y,,", "eSws", SASL_MORE, SASL_MORE);
	try_bound("SCRAM-SHA-256", "y,,", "biws", SASL_MORE, SASL_WRONG);
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
	/* Asked for by an empty "auth" (RFC 7628 4.3). */
	conf.oauth.scope = NULL;
	assert_int_equal(talk("OAUTHBEARER", "biwsAWF1dGg9AQE=", "AQ==\r\n",
	    said, sizeof(said), &c, false), SASL_END_WRONG);
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
		T(exchanges_go_as_printed),
		T(half_or_hostile_scram_fails),
		T(names_are_decoded_and_prepared),
		T(authd_may_say_no_or_nothing),
		T(a_proof_is_good_on_its_own_connection_only),
		T(lines_become_messages),
		T(long_lines_have_an_end),
		T(a_refused_token_is_told_why),
		T(gnu_sasl_and_we_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
