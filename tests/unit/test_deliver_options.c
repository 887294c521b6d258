/* The sendmail command line: what callers use, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/options.h"

#define ARGS	20

static struct deliver_options	 o;
static char			 err[DELIVER_ERROR_MAX];

/* Parse a line split at blanks; "''" is an empty argument. */
static int
parse(const char *line)
{
	static char	 copy[512];
	static char	*argv[ARGS + 1];
	char		*p, *save = NULL;
	int		 n = 0;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (p = strtok_r(copy, " ", &save); p != NULL && n < ARGS;
	    p = strtok_r(NULL, " ", &save)) {
		if (strcmp(p, "''") == 0)
			*p = '\0';
		argv[n++] = p;
	}
	argv[n] = NULL;
	return options_parse(n, argv, &o, err);
}

static void
modes_come_from_name_and_options(void **state)
{
	static const struct {
		const char		*line;
		enum deliver_mode	 mode;
	} t[] = {
		{ "deliver bob", MODE_SEND },
		{ "/usr/sbin/sendmail -t", MODE_SEND },
		{ "sendmail -bm bob", MODE_SEND },
		{ "sendmail -bs", MODE_SMTP },
		{ "sendmail -v -bv bob", MODE_VERIFY },
		{ "sendmail -bp", MODE_LIST },
		{ "mailq", MODE_LIST },
		{ "/usr/bin/mailq -v", MODE_LIST },
		{ "newaliases", MODE_ALIASES },
		{ "sendmail -bi", MODE_ALIASES },
		{ "sendmail -I", MODE_ALIASES },
		{ "sendmail -q", MODE_FLUSH },
		{ "sendmail -q15m", MODE_FLUSH },
		{ "deliver -c /x -w", MODE_WORKER },
		{ "deliver -h", MODE_HELP },
		{ "deliver --help", MODE_HELP },
		{ "deliver -h5 bob", MODE_SEND },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse(t[i].line), 0);
		assert_int_equal(o.mode, t[i].mode);
	}
}

static void
what_callers_use_is_understood(void **state)
{
	(void)state;
	/* cron */
	assert_int_equal(parse("sendmail -FCronDaemon -i -B8BITMIME -oem "
	    "root"), 0);
	assert_string_equal(o.name, "CronDaemon");
	assert_false(o.dot_ends);
	assert_int_equal(o.nrcpt, 1);
	assert_string_equal(o.rcpt[0], "root");
	assert_null(o.sender);
	/* mutt */
	assert_int_equal(parse("sendmail -oem -oi -f a@b -N failure,Delay -R "
	    "hdrs -- bob -x"), -1);
	assert_int_equal(parse("sendmail -oem -oi -f a@b -N failure,Delay -R "
	    "hdrs -- bob eve"), 0);
	assert_string_equal(o.sender, "a@b");
	assert_string_equal(o.notify, "FAILURE,DELAY");
	assert_string_equal(o.ret, "HDRS");
	assert_int_equal(o.nrcpt, 2);
	/* PHP */
	assert_int_equal(parse("/usr/sbin/sendmail -t -i -fwww@x.test"), 0);
	assert_true(o.from_header);
	assert_false(o.dot_ends);
	assert_string_equal(o.sender, "www@x.test");
	/* clusters, separate arguments, old ways */
	assert_int_equal(parse("sendmail -tiv -r a@b -odi -o e -OA=b -V id7 "
	    "-G -L tag"), 0);
	assert_true(o.from_header && o.verbose && o.gateway);
	assert_string_equal(o.envid, "id7");
	assert_int_equal(o.nrcpt, 0);
	assert_int_equal(parse("sendmail bob"), 0);
	assert_true(o.dot_ends);
}

static void
the_null_sender_has_three_spellings(void **state)
{
	(void)state;
	assert_int_equal(parse("sendmail -f <> bob"), 0);
	assert_string_equal(o.sender, "");
	assert_int_equal(parse("sendmail -f<> bob"), 0);
	assert_string_equal(o.sender, "");
	assert_int_equal(parse("sendmail -f '' bob"), 0);
	assert_string_equal(o.sender, "");
}

static void
parts_of_the_queue_can_be_named(void **state)
{
	(void)state;
	assert_int_equal(parse("sendmail -qIabc"), 0);
	assert_string_equal(o.flush_by, "");
	assert_string_equal(o.flush_what, "abc");
	assert_int_equal(parse("sendmail -qR@x.test"), 0);
	assert_string_equal(o.flush_by, "--recipient");
	assert_int_equal(parse("sendmail -qSbob"), 0);
	assert_string_equal(o.flush_by, "--sender");
}

static void
wrong_usage_is_refused(void **state)
{
	static const char *const	 t[] = {
		"deliver", "sendmail -f", "sendmail -bd", "sendmail -bD",
		"sendmail -bz bob", "sendmail -b bob", "sendmail -bsx",
		"sendmail -N bob bob", "sendmail -N never,failure bob",
		"sendmail -N success,failure,delay,delay bob",
		"sendmail -N failure,, bob", "sendmail -R half bob",
		"sendmail -bv", "sendmail -Z bob", "sendmail -qI",
		"sendmail bob -v", "sendmail - bob", "sendmail -i",
		"sendmail --what bob", "sendmail -B", "sendmail -c",
	};
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse(t[i]), -1);
		assert_true(err[0] != '\0');
	}
	assert_int_equal(options_parse(0, NULL, &o, err), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(modes_come_from_name_and_options),
		cmocka_unit_test(what_callers_use_is_understood),
		cmocka_unit_test(the_null_sender_has_three_spellings),
		cmocka_unit_test(parts_of_the_queue_can_be_named),
		cmocka_unit_test(wrong_usage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
