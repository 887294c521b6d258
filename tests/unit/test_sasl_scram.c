/* SCRAM: RFC 5802 5 and RFC 7677 3 as printed, and what must not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sasl_box.h"

#define N1	"fyko+d2lbbFgONRv9qkxdawL"
#define R1	"r=" N1 "3rfcNHYJY1ZVvWVs7j"
#define S1	R1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define P1	"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define N2	"rOprNGfwEbeRWgbNEkqO"
#define R2	"r=" N2 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define S2	R2 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define P2	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void
use_7677(void)
{
	fake.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	fake.salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
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

int
main(void)
{
#define T(f)	cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest	 tests[] = {
		T(exchanges_go_as_printed),
		T(half_or_hostile_scram_fails),
		T(names_are_decoded_and_prepared),
		T(authd_may_say_no_or_nothing),
		T(a_proof_is_good_on_its_own_connection_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
