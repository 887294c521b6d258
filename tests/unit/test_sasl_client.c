/*
 * Whole exchanges against fixed vectors: RFC 5802 5 as printed, the others
 * computed apart with the same client nonce, which this program's own
 * gsasl_nonce() gives to the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <gsasl.h>

#include "lib/base/base64.h"
#include "lib/net/sasl_client.h"

#define NONCE	"fyko+d2lbbFgONRv9qkxdawL"
#define R1	"r=" NONCE "3rfcNHYJY1ZVvWVs7j"
#define S1	R1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define R256	"r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define S256	R256 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define ALL	"PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 " \
		"SCRAM-SHA-256-PLUS CRAM-MD5 DIGEST-MD5 NTLM GSSAPI EXTERNAL"

/* The library's nonce comes from here: the program's symbol goes first. */
int
gsasl_nonce(char *data, size_t len)
{
	struct buf	 b;

	buf_init(&b, 64);
	assert_int_equal(base64_decode(slice_str(NONCE), &b), 0);
	assert_int_equal(len, b.len);
	memcpy(data, b.ptr, len);
	buf_free(&b);
	return GSASL_OK;
}

static const char	 octets[32] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
};

/* say NULL: no challenge; hear NULL: the step fails. */
struct exchange {
	const char	*name, *list, *mechanism;
	bool		 tls;
	size_t		 exporter, unique;
	struct {
		const char	*say, *hear;
	} step[4];
	bool		 finished;
};

static const struct exchange	 exchanges[] = {
	{ "RFC 5802 5", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { S1, "c=biws," R1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" },
	    { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "" } }, true },
	{ "SHA-256", "scram-sha-256 scram-sha-1", "SCRAM-SHA-256", false, 0, 0,
	    { { NULL, "n,,n=user,r=" NONCE },
	    { S256, "c=biws," R256
	      ",p=2FUSN0pPcS7P8hBhsxBJOiUDbRoW4KVNGZT0LxVnSek=" },
	    { "v=zJZjsVp2g+W9jd01vgbsshippfH1sM0tLdBvs+e3DF4=", "" } }, true },
	{ "bound to TLS 1.3", ALL, "SCRAM-SHA-256-PLUS", true, 32, 0, {
	    { NULL, "p=tls-exporter,,n=user,r=" NONCE },
	    { S256, "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ"
	      "GhscHR4f," R256
	      ",p=SmmG1yuBZlVCk2EJhIfhLzRXsoOjWihO8SG6z+wDEfM=" },
	    { "v=SvfizvAzVzyK6DyZ4xGECzkVJAkYCszMtw8TNLohaIU=", "" } }, true },
	{ "bound to TLS 1.2", "SCRAM-SHA-1-PLUS SCRAM-SHA-256 PLAIN",
	    "SCRAM-SHA-1-PLUS", true, 0, 12, {
	    { NULL, "p=tls-unique,,n=user,r=" NONCE },
	    { S1, "c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=," R1
	      ",p=ResgVA2w6fEFiwzXkrPSGTt/RSg=" },
	    { "v=HKBeWjn99U5AvtgAjz6m1d81mhk=", "" } }, true },
	{ "PLUS missing", "SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256", true, 32, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { S256, "c=biws," R256
	      ",p=2FUSN0pPcS7P8hBhsxBJOiUDbRoW4KVNGZT0LxVnSek=" },
	    { "v=zJZjsVp2g+W9jd01vgbsshippfH1sM0tLdBvs+e3DF4=", "" } }, true },
	{ "PLAIN", "LOGIN PLAIN", "PLAIN", true, 32, 12, {
	    { NULL, "|user|pencil" } }, true },
	{ "PLAIN said twice", "PLAIN", "PLAIN", true, 0, 0, {
	    { NULL, "|user|pencil" }, { "", NULL } }, false },
	{ "LOGIN", "XLOGIN LOGIN", "LOGIN", true, 0, 0, {
	    { NULL, "WAIT" }, { "Username:", "user" },
	    { "Password:", "pencil" } }, true },
	{ "LOGIN half", "LOGIN", "LOGIN", true, 0, 0, {
	    { NULL, "WAIT" }, { "Username:", "user" } }, false },
	{ "server's signature wrong", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0,
	    { { NULL, "n,,n=user,r=" NONCE },
	    { S1, "c=biws," R1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" },
	    { "v=rmF9pqV8S7suAoZWja4dJRkFsKU=", NULL } }, false },
	{ "server's signature missing", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0,
	    0, { { NULL, "n,,n=user,r=" NONCE },
	    { S1, "c=biws," R1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" } }, false },
	{ "server says no", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { S1, "c=biws," R1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" },
	    { "e=invalid-proof", NULL } }, false },
	{ "nonce of somebody else", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0,
	    { { NULL, "n,,n=user,r=" NONCE },
	    { "r=zyko+d2lbbFgONRv9qkxdawL3rfc,s=QSXCR+Q6sek8bf92,i=4096",
	      NULL } }, false },
	{ "too few rounds", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { R1 ",s=QSXCR+Q6sek8bf92,i=1", NULL } }, false },
	{ "rounds for an hour", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { R1 ",s=QSXCR+Q6sek8bf92,i=4294967295", NULL } }, false },
	{ "rounds beyond numbers", "SCRAM-SHA-1", "SCRAM-SHA-1", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE },
	    { R1 ",s=QSXCR+Q6sek8bf92,i=99999999999999999999999", NULL } },
	    false },
	{ "nothing said", "SCRAM-SHA-256", "SCRAM-SHA-256", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE }, { "", NULL } }, false },
	{ "nonsense said", "SCRAM-SHA-256", "SCRAM-SHA-256", false, 0, 0, {
	    { NULL, "n,,n=user,r=" NONCE }, { "i=4096,,=,r", NULL } }, false },
};

static struct sasl_client *
start(const struct exchange *e)
{
	struct sasl_client_login	 l = { .user = "user",
	    .password = "pencil", .tls = e->tls,
	    .exporter = { octets, e->exporter },
	    .unique = { octets, e->unique } };
	const char			*error;

	return sasl_client_new(slice_str(e->list), &l, &error);
}

/* One line of the table; NUL is written as a bar. */
static void
step(struct sasl_client *c, const char *say, const char *hear, struct buf *out)
{
	struct buf		 heard;
	struct slice		 text;
	enum sasl_client_status	 st;
	char			*b64 = NULL;
	size_t			 i, len;

	if (say != NULL) {
		assert_int_equal(gsasl_base64_to(say, strlen(say), &b64, &len),
		    GSASL_OK);
		text = slice_str(b64);
	}
	st = sasl_client_step(c, say == NULL ? NULL : &text, out);
	gsasl_free(b64);
	if (hear == NULL) {
		assert_int_equal(st, SASL_CLIENT_FAILED);
		assert_int_equal(out->len, 0);
		assert_true(sasl_client_error(c)[0] != '\0');
		return;
	}
	if (strcmp(hear, "WAIT") == 0) {
		assert_int_equal(st, SASL_CLIENT_WAIT);
		return;
	}
	assert_int_equal(st, SASL_CLIENT_SEND);
	buf_init(&heard, SASL_CLIENT_OUT);
	assert_int_equal(base64_decode(buf_slice(out), &heard), 0);
	for (i = 0; i < heard.len; i++)
		if (heard.ptr[i] == '\0')
			heard.ptr[i] = '|';
	assert_string_equal(buf_cstr(&heard), hear);
	buf_free(&heard);
}

static void
exchanges_go_as_printed(void **state)
{
	const struct exchange	*e;
	struct sasl_client	*c;
	struct buf		 out;
	size_t			 i, j;

	(void)state;
	buf_init(&out, SASL_CLIENT_OUT);
	for (i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		e = &exchanges[i];
		print_message("%s\n", e->name);
		assert_non_null(c = start(e));
		assert_string_equal(sasl_client_mechanism(c), e->mechanism);
		assert_int_equal(sasl_client_sends_password(c),
		    strncmp(e->mechanism, "SCRAM", 5) != 0);
		for (j = 0; j < 4 && (j == 0 || e->step[j].say != NULL); j++) {
			if (e->finished)
				assert_false(sasl_client_finished(c));
			step(c, e->step[j].say, e->step[j].hear, &out);
			if (e->step[j].hear == NULL)
				break;
		}
		assert_int_equal(sasl_client_finished(c), e->finished);
		sasl_client_free(c);
	}
	buf_free(&out);
}

static void
nothing_in_common_is_refused(void **state)
{
	static const struct exchange	 none[] = {
		{ .name = "password in clear", .list = "PLAIN LOGIN" },
		{ .name = "empty", .list = "", .tls = true },
		{ .name = "blanks", .list = " \t ", .tls = true },
		{ .name = "unwanted", .tls = true, .list =
		    "CRAM-MD5 DIGEST-MD5 NTLM EXTERNAL ANONYMOUS XOAUTH2" },
		{ .name = "PLUS without data", .tls = true,
		    .list = "SCRAM-SHA-256-PLUS" },
		{ .name = "PLUS without TLS", .exporter = 32,
		    .list = "SCRAM-SHA-256-PLUS PLAIN" },
		{ .name = "part of a word", .tls = true,
		    .list = "PLAINER XPLAIN PLAI" },
	};
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		print_message("%s\n", none[i].name);
		assert_null(start(&none[i]));
	}
}

static void
unfit_logins_are_refused(void **state)
{
	static char			 huge[600];
	struct sasl_client_login	 l = { .user = "", .password = "x",
	    .tls = true };
	struct sasl_client		*c;
	struct buf			 out;
	const char			*error;

	(void)state;
	buf_init(&out, SASL_CLIENT_OUT);
	memset(huge, 'a', sizeof(huge) - 1);
	assert_null(sasl_client_new(SLICE_LIT("PLAIN"), &l, &error));
	l.user = huge;
	assert_null(sasl_client_new(SLICE_LIT("PLAIN"), &l, &error));
	l.user = "user";
	l.password = "";
	assert_null(sasl_client_new(SLICE_LIT("PLAIN"), &l, &error));
	l.password = huge;
	assert_null(sasl_client_new(SLICE_LIT("PLAIN"), &l, &error));
	/* RFC 4013 2.3: control characters have no place in a name. */
	l.user = "a\001b";
	l.password = "x";
	assert_non_null(c = sasl_client_new(SLICE_LIT("SCRAM-SHA-1"), &l,
	    &error));
	assert_int_equal(sasl_client_step(c, NULL, &out), SASL_CLIENT_FAILED);
	assert_int_equal(sasl_client_step(c, NULL, &out), SASL_CLIENT_FAILED);
	sasl_client_free(c);
	sasl_client_free(NULL);
	buf_free(&out);
}

static void
challenges_are_bounded_base64(void **state)
{
	static const char *const	 bad[] = { "====", "cj1", "cj1*", "c",
	    "cj0=x", "cj0 ", "\377\377\377\377" };
	static char			 huge[SASL_CLIENT_IN + 8];
	struct exchange			 e = { .list = "SCRAM-SHA-1" };
	struct sasl_client		*c;
	struct slice			 text;
	struct buf			 out;
	size_t				 i;

	(void)state;
	buf_init(&out, SASL_CLIENT_OUT);
	memset(huge, 'A', sizeof(huge));
	for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(c = start(&e));
		assert_int_equal(sasl_client_step(c, NULL, &out),
		    SASL_CLIENT_SEND);
		if (i < sizeof(bad) / sizeof(bad[0])) {
			text = slice_str(bad[i]);
		} else {
			text.ptr = huge;
			text.len = sizeof(huge);
		}
		assert_int_equal(sasl_client_step(c, &text, &out),
		    SASL_CLIENT_FAILED);
		sasl_client_free(c);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(exchanges_go_as_printed),
		cmocka_unit_test(nothing_in_common_is_refused),
		cmocka_unit_test(unfit_logins_are_refused),
		cmocka_unit_test(challenges_are_bounded_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
