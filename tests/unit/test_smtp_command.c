/* SMTP commands, half of them wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/envelope.h"
#include "smtpd/command.h"

static void
split_takes_verb_and_argument(void **state)
{
	static const struct { const char *line, *verb, *arg; } t[] = {
		{ "NOOP", "NOOP", "" },
		{ "noop  ", "noop", "" },
		{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
		{ "HELO\tx", "HELO", "x" },
		{ "HELP  a  b ", "HELP", "a  b" },
		{ "", "", "" },
		{ "   ", "", "" },
	};
	struct slice	 verb, arg;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		command_split(slice_str(t[i].line), &verb, &arg);
		assert_true(slice_eq(verb, slice_str(t[i].verb)));
		assert_true(slice_eq(arg, slice_str(t[i].arg)));
	}
}

static void
helo_takes_any_printable_word(void **state)
{
	static const struct { const char *arg; int code; } t[] = {
		{ "mail.example.org", 0 },
		{ "[192.0.2.1]", 0 },
		{ "my_pc", 0 },
		{ "", 501 },
		{ "two words", 501 },
		{ "a\x01" "b", 501 },
		{ "caf\xc3\xa9", 501 },
	};
	struct command_error	 err;
	char			 out[COMMAND_HELO_MAX + 1], big[400];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err.code = 0;
		assert_int_equal(command_parse_helo(slice_str(t[i].arg), out,
		    &err), t[i].code == 0 ? 0 : -1);
		assert_int_equal(err.code, t[i].code);
	}
	memset(big, 'a', sizeof(big));
	assert_int_equal(command_parse_helo((struct slice){ big,
	    sizeof(big) }, out, &err), -1);
}

static void
mail_is_parsed_or_refused(void **state)
{
	static const struct {
		const char	*arg;
		int		 flags, code;
		const char	*from;
	} t[] = {
		{ "FROM:<a@example.org>", 0, 0, "a@example.org" },
		{ "from:<a@Example.ORG>", 0, 0, "a@example.org" },
		{ "FROM: <a@example.org>", 0, 0, "a@example.org" },
		{ "FROM:<>", 0, 0, "" },
		{ "FROM:<> SIZE=0", 0, 0, "" },
		{ "FROM:<@x.org,@y.org:a@example.org>", 0, 0,
		    "a@example.org" },
		{ "FROM:<\"a b\"@example.org>", 0, 0,
		    "\"a b\"@example.org" },
		{ "FROM:<a@example.org> BODY=8bitmime", 0, 0,
		    "a@example.org" },
		{ "FROM:<a@example.org>  RET=HDRS   ENVID=a+20b", 0, 0,
		    "a@example.org" },
		{ "FROM:<\xc3\xa4@example.org> SMTPUTF8", 0, 0,
		    "\xc3\xa4@example.org" },
		{ "FROM:a@example.org", ADDRESS_LENIENT, 0,
		    "a@example.org" },
		{ "FROM:<\xc3\xa4@example.org>", 0, 553, NULL },
		{ "FROM:a@example.org", 0, 501, NULL },
		{ "FROM:<a@example.org", 0, 501, NULL },
		{ "FROM:<a@example.org>SIZE=1", 0, 501, NULL },
		{ "TO:<a@example.org>", 0, 501, NULL },
		{ "FROM", 0, 501, NULL },
		{ "", 0, 501, NULL },
		{ "FROM:", 0, 501, NULL },
		{ "FROM:<a b@example.org>", 0, 501, NULL },
		{ "FROM:<a@example.org> SIZE=", 0, 501, NULL },
		{ "FROM:<a@example.org> SIZE", 0, 501, NULL },
		{ "FROM:<a@example.org> SIZE=-1", 0, 501, NULL },
		{ "FROM:<a@example.org> SIZE=1x", 0, 501, NULL },
		{ "FROM:<a@example.org> SIZE=1 SIZE=2", 0, 501, NULL },
		{ "FROM:<a@example.org> BODY=BINARYMIME", 0, 555, NULL },
		{ "FROM:<a@example.org> BODY=9BIT", 0, 501, NULL },
		{ "FROM:<a@example.org> RET=SOME", 0, 501, NULL },
		{ "FROM:<a@example.org> ENVID=a+0ab", 0, 501, NULL },
		{ "FROM:<a@example.org> ENVID=a+2", 0, 501, NULL },
		{ "FROM:<a@example.org> ENVID=a=b", 0, 501, NULL },
		{ "FROM:<a@example.org> SMTPUTF8=1", 0, 501, NULL },
		{ "FROM:<a@example.org> AUTH=<>", 0, 0, "a@example.org" },
		{ "FROM:<a@example.org> AUTH=", 0, 501, NULL },
		{ "FROM:<a@example.org> AUTH", 0, 501, NULL },
		{ "FROM:<a@example.org> AUTH=no+20body", 0, 0,
		    "a@example.org" },
		{ "FROM:<a@example.org> AUTH=b+0A@example.org", 0, 501,
		    NULL },
		{ "FROM:<a@example.org> AUTH=b+FF@example.org", 0, 501,
		    NULL },
		{ "FROM:<a@example.org> AUTH=b+3@example.org", 0, 501, NULL },
		{ "FROM:<a@example.org> AUTH=<> AUTH=<>", 0, 501, NULL },
		{ "FROM:<a@example.org> NOTIFY=NEVER", 0, 555, NULL },
		{ "FROM:<a@example.org> =1", 0, 501, NULL },
		{ "FROM:<a@example.org> -X=1", 0, 501, NULL },
	};
	static struct command_mail	 m;
	struct command_error		 err;
	size_t				 i;
	int				 r;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err.code = 0;
		r = command_parse_mail(slice_str(t[i].arg), t[i].flags, &m,
		    &err);
		if (r != (t[i].code == 0 ? 0 : -1) || err.code != t[i].code)
			fail_msg("%s: %d %d", t[i].arg, r, err.code);
		if (r == 0)
			assert_string_equal(m.from.text, t[i].from);
	}
}

static void
mail_keeps_its_parameters(void **state)
{
	static struct command_mail	 m;
	struct command_error		 err;

	(void)state;
	assert_int_equal(command_parse_mail(slice_str("FROM:<a@b.org> "
	    "SIZE=99999999999999999999 BODY=8BITMIME SMTPUTF8 RET=FULL "
	    "ENVID=QQ+2B1"), 0, &m, &err), 0);
	assert_true(m.size == UINT64_MAX);
	assert_true(m.eightbit && m.utf8 && m.has_envid);
	assert_int_equal(m.ret, RET_FULL);
	assert_string_equal(m.envid, "QQ+1");
	assert_int_equal(command_parse_mail(slice_str("FROM:<a@b.org> "
	    "SIZE=123"), 0, &m, &err), 0);
	assert_true(m.size == 123 && !m.utf8 && !m.has_envid);
	assert_string_equal(m.auth, "");
}

static void
auth_of_mail_is_an_address_or_nothing(void **state)
{
	static const struct { const char *value, *auth; } t[] = {
		{ "b@example.org", "b@example.org" },
		{ "b+2Bc@Example.ORG", "b+c@example.org" },
		{ "\xc3\xa4@example.org", "\xc3\xa4@example.org" },
		{ "<>", "" },
		{ "+3C+3E", "" },
		{ "b", "" },
		{ "<b@example.org>", "" },
		{ "b+20c@example.org", "" },
	};
	static struct command_mail	 m;
	struct command_error		 err;
	char				 arg[256];
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(arg, sizeof(arg), "FROM:<> AUTH=%s", t[i].value);
		assert_int_equal(command_parse_mail(slice_str(arg), 0, &m,
		    &err), 0);
		assert_string_equal(m.auth, t[i].auth);
	}
}

static void
auth_is_parsed_or_refused(void **state)
{
	static const struct { const char *arg, *mechanism, *initial; } t[] = {
		{ "PLAIN", "PLAIN", "" },
		{ "plain AGEAYg==", "plain", "AGEAYg==" },
		{ "SCRAM-SHA-256-PLUS  =", "SCRAM-SHA-256-PLUS", "=" },
		{ "LOGIN !", "LOGIN", "!" },
		{ "", NULL, NULL },
		{ "PLAIN AGEA Yg==", NULL, NULL },
		{ "PLAIN =\t=", NULL, NULL },
	};
	struct command_error	 err;
	struct slice		 m, initial;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err.code = 0;
		assert_int_equal(command_parse_auth(slice_str(t[i].arg), &m,
		    &initial, &err), t[i].mechanism == NULL ? -1 : 0);
		if (t[i].mechanism == NULL) {
			assert_int_equal(err.code, 501);
			assert_string_equal(err.enhanced, "5.5.4");
			continue;
		}
		assert_true(slice_eq(m, slice_str(t[i].mechanism)));
		assert_true(slice_eq(initial, slice_str(t[i].initial)));
	}
}

static void
rcpt_is_parsed_or_refused(void **state)
{
	static const struct {
		const char	*arg;
		bool		 utf8;
		int		 code, notify;
		const char	*orcpt;
	} t[] = {
		{ "TO:<b@example.org>", false, 0, 0, NULL },
		{ "TO:<Postmaster>", false, 0, 0, NULL },
		{ "to:<b@example.org> NOTIFY=NEVER", false, 0, NOTIFY_NEVER,
		    NULL },
		{ "TO:<b@example.org> NOTIFY=success,DELAY", false, 0,
		    NOTIFY_SUCCESS | NOTIFY_DELAY, NULL },
		{ "TO:<b@example.org> ORCPT=rfc822;b+2Bc@example.org", false,
		    0, 0, "rfc822;b+c@example.org" },
		{ "TO:<b@example.org> ORCPT=utf-8;\xc3\xa4@example.org",
		    true, 0, 0, "utf-8;\xc3\xa4@example.org" },
		{ "TO:<\xc3\xa4@example.org>", true, 0, 0, NULL },
		{ "TO:<\xc3\xa4@example.org>", false, 553, 0, NULL },
		{ "TO:<b@example.org> ORCPT=utf-8;\xc3\xa4@example.org",
		    false, 501, 0, NULL },
		{ "TO:<>", false, 501, 0, NULL },
		{ "TO:<b>", false, 501, 0, NULL },
		{ "TO:b@example.org", false, 501, 0, NULL },
		{ "TO:<b@example.org> NOTIFY=NEVER,DELAY", false, 501, 0,
		    NULL },
		{ "TO:<b@example.org> NOTIFY=", false, 501, 0, NULL },
		{ "TO:<b@example.org> NOTIFY=SUCCESS,", false, 501, 0, NULL },
		{ "TO:<b@example.org> NOTIFY=LATER", false, 501, 0, NULL },
		{ "TO:<b@example.org> ORCPT=rfc822", false, 501, 0, NULL },
		{ "TO:<b@example.org> ORCPT=rfc822;", false, 501, 0, NULL },
		{ "TO:<b@example.org> ORCPT=;b", false, 501, 0, NULL },
		{ "TO:<b@example.org> ORCPT=rfc822;a+0D+0Ab", false, 501, 0,
		    NULL },
		{ "TO:<b@example.org> ORCPT=rfc822;a+FF", true, 501, 0,
		    NULL },
		{ "TO:<b@example.org> SIZE=1", false, 555, 0, NULL },
		{ "FROM:<b@example.org>", false, 501, 0, NULL },
	};
	static struct command_rcpt	 c;
	struct command_error		 err;
	size_t				 i;
	int				 r;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err.code = 0;
		r = command_parse_rcpt(slice_str(t[i].arg), 0, t[i].utf8, &c,
		    &err);
		if (r != (t[i].code == 0 ? 0 : -1) || err.code != t[i].code)
			fail_msg("%s: %d %d", t[i].arg, r, err.code);
		if (r != 0)
			continue;
		assert_int_equal(c.notify, t[i].notify);
		assert_int_equal(c.has_orcpt, t[i].orcpt != NULL);
		if (c.has_orcpt)
			assert_string_equal(c.orcpt, t[i].orcpt);
	}
}

static void
orcpt_and_envid_have_bounds(void **state)
{
	static struct command_rcpt	 c;
	static struct command_mail	 m;
	struct command_error		 err;
	char				 arg[1024];
	int				 n;

	(void)state;
	for (n = 480; n <= 520; n++) {
		snprintf(arg, sizeof(arg), "TO:<b@b.org> ORCPT=rfc822;%0*d",
		    n, 0);
		assert_int_equal(command_parse_rcpt(slice_str(arg), 0, false,
		    &c, &err), n + 7 <= COMMAND_ORCPT_MAX ? 0 : -1);
	}
	for (n = 90; n <= 110; n++) {
		snprintf(arg, sizeof(arg), "FROM:<b@b.org> ENVID=%0*d", n, 0);
		assert_int_equal(command_parse_mail(slice_str(arg), 0, &m,
		    &err), n <= COMMAND_ENVID_MAX ? 0 : -1);
	}
}

static void
bdat_takes_a_size(void **state)
{
	static const struct {
		const char *arg; int r; uint64_t size; bool last;
	} t[] = {
		{ "0", 0, 0, false },
		{ "100 LAST", 0, 100, true },
		{ "100 last", 0, 100, true },
		{ "9223372036854775807", 0, INT64_MAX, false },
		{ "9223372036854775808", -1, 0, false },
		{ "", -1, 0, false },
		{ "LAST", -1, 0, false },
		{ "-1", -1, 0, false },
		{ "1 LAST LAST", -1, 0, false },
		{ "1 2", -1, 0, false },
	};
	struct command_error	 err;
	uint64_t		 size;
	size_t			 i;
	bool			 last;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(command_parse_bdat(slice_str(t[i].arg),
		    &size, &last, &err), t[i].r);
		if (t[i].r == -1) {
			assert_int_equal(err.code, 501);
			continue;
		}
		assert_true(size == t[i].size);
		assert_int_equal(last, t[i].last);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(split_takes_verb_and_argument),
		cmocka_unit_test(helo_takes_any_printable_word),
		cmocka_unit_test(mail_is_parsed_or_refused),
		cmocka_unit_test(mail_keeps_its_parameters),
		cmocka_unit_test(auth_of_mail_is_an_address_or_nothing),
		cmocka_unit_test(auth_is_parsed_or_refused),
		cmocka_unit_test(rcpt_is_parsed_or_refused),
		cmocka_unit_test(orcpt_and_envid_have_bounds),
		cmocka_unit_test(bdat_takes_a_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
