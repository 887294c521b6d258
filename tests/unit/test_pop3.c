/* POP3 command lines, numbers, capabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/pop3.h"

static void
keywords_are_known_in_any_case_and_only_whole(void **state)
{
	static const struct {
		const char	*line;
		enum pop3_verb	 verb;
		bool		 has_args;
		const char	*args;
	} t[] = {
		{ "STAT", POP3_STAT, false, "" },
		{ "stat", POP3_STAT, false, "" },
		{ "sTaT", POP3_STAT, false, "" },
		{ "RETR 1", POP3_RETR, true, "1" },
		{ "TOP 1 2", POP3_TOP, true, "1 2" },
		{ "UTF8", POP3_UTF8, false, "" },
		{ "AUTH PLAIN =", POP3_AUTH, true, "PLAIN =" },
		{ "PASS  two  blanks ", POP3_PASS, true, " two  blanks " },
		{ "PASS", POP3_PASS, false, "" },
		{ "PASS ", POP3_PASS, true, "" },
		{ "", POP3_UNKNOWN, false, "" },
		{ " STAT", POP3_UNKNOWN, true, "STAT" },
		{ "STA", POP3_UNKNOWN, false, "" },
		{ "STATS", POP3_UNKNOWN, false, "" },
		{ "STAT\t", POP3_UNKNOWN, false, "" },
		{ "RETR\t1", POP3_UNKNOWN, false, "" },
		{ "R\xc3\x89TR 1", POP3_UNKNOWN, true, "1" },
		{ "GET / HTTP/1.1", POP3_UNKNOWN, true, "/ HTTP/1.1" },
	};
	struct pop3_command	 cmd;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		pop3_parse(slice_str(t[i].line), &cmd);
		assert_int_equal(cmd.verb, t[i].verb);
		assert_int_equal(cmd.has_args, t[i].has_args);
		assert_true(slice_eq(cmd.args, slice_str(t[i].args)));
	}
	pop3_parse((struct slice){ "STAT\0X", 6 }, &cmd);
	assert_int_equal(cmd.verb, POP3_UNKNOWN);
}

static void
arguments_are_plain_numbers_and_not_too_many(void **state)
{
	static const struct {
		const char	*line;
		int		 max, n;
		uint32_t	 a, b;
	} t[] = {
		{ "LIST", 1, 0, 0, 0 },
		{ "LIST  ", 1, 0, 0, 0 },
		{ "LIST 7", 1, 1, 7, 0 },
		{ "LIST  7 ", 1, 1, 7, 0 },
		{ "TOP 4294967295 0", 2, 2, 4294967295u, 0 },
		{ "TOP 1   20", 2, 2, 1, 20 },
		{ "TOP 007 1", 2, 2, 7, 1 },
		{ "LIST 7 8", 1, -1, 0, 0 },
		{ "STAT 1", 0, -1, 0, 0 },
		{ "TOP 1 2 3", 2, -1, 0, 0 },
		{ "LIST -1", 1, -1, 0, 0 },
		{ "LIST +1", 1, -1, 0, 0 },
		{ "LIST 1x", 1, -1, 0, 0 },
		{ "LIST 0x1", 1, -1, 0, 0 },
		{ "LIST 4294967296", 1, -1, 0, 0 },
		{ "LIST 18446744073709551617", 1, -1, 0, 0 },
		{ "TOP 1 -1", 2, -1, 0, 0 },
		{ "TOP 1,2", 2, -1, 0, 0 },
	};
	struct pop3_command	 cmd;
	uint32_t		 arg[2];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		pop3_parse(slice_str(t[i].line), &cmd);
		arg[0] = arg[1] = 0;
		assert_int_equal(pop3_numbers(&cmd, arg, t[i].max), t[i].n);
		if (t[i].n >= 1)
			assert_int_equal(arg[0], t[i].a);
		if (t[i].n == 2)
			assert_int_equal(arg[1], t[i].b);
	}
}

static void
capabilities_tell_the_configuration(void **state)
{
	const struct pop3_offer	 clear = { .stls = true, .sasl = "" },
				 tls = { .user = true, .sasl = "PLAIN LOGIN" };
	struct config		 conf;
	struct buf		 b;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	buf_init(&b, 1024);
	conf.pop3d.expire = -1;
	assert_int_equal(pop3_capabilities(&conf, &tls, &b), 0);
	assert_int_equal(strncmp(buf_cstr(&b), "USER\r\nSASL PLAIN LOGIN\r\n"
	    "TOP\r\n", 29), 0);
	assert_non_null(strstr(buf_cstr(&b), "\r\nEXPIRE NEVER\r\n"));
	assert_null(strstr(buf_cstr(&b), "LOGIN-DELAY"));
	assert_null(strstr(buf_cstr(&b), "STLS"));
	assert_string_equal(buf_cstr(&b) + b.len - 5, "\r\n.\r\n");
	buf_clear(&b);
	assert_int_equal(pop3_capabilities(&conf, &clear, &b), 0);
	assert_int_equal(strncmp(buf_cstr(&b), "STLS\r\nTOP\r\n", 11), 0);
	buf_clear(&b);
	conf.pop3d.expire = 30;
	conf.pop3d.login_delay = 300;
	assert_int_equal(pop3_capabilities(&conf, NULL, &b), 0);
	assert_null(strstr(buf_cstr(&b), "SASL"));
	assert_int_equal(strncmp(buf_cstr(&b), "TOP\r\n", 5), 0);
	assert_non_null(strstr(buf_cstr(&b), "\r\nEXPIRE 30\r\n"));
	assert_non_null(strstr(buf_cstr(&b), "\r\nLOGIN-DELAY 300\r\n"));
	buf_free(&b);
	buf_init(&b, 20);
	assert_int_equal(pop3_capabilities(&conf, NULL, &b), -1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(keywords_are_known_in_any_case_and_only_whole),
		cmocka_unit_test(arguments_are_plain_numbers_and_not_too_many),
		cmocka_unit_test(capabilities_tell_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
