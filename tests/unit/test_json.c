/* JSON output: commas, escapes, octets that are no text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mailctl/json.h"

static char	*out;
static size_t	 len;
static FILE	*f;

static struct json
begin(void)
{
	struct json	 j;

	f = open_memstream(&out, &len);
	assert_non_null(f);
	json_init(&j, f);
	return j;
}

static void
finish(const char *want)
{
	assert_int_equal(fclose(f), 0);
	assert_string_equal(out, want);
	free(out);
}

static void
values_nest_with_commas_between(void **state)
{
	struct json	 j = begin();

	(void)state;
	json_open(&j, NULL, '{');
	json_string(&j, "a", "b");
	json_number(&j, "n", -5);
	json_unsigned(&j, "u", UINT64_MAX);
	json_bool(&j, "t", true);
	json_open(&j, "l", '[');
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_string(&j, NULL, NULL);
	json_bool(&j, NULL, false);
	json_close(&j, ']');
	json_open(&j, "e", '[');
	json_close(&j, ']');
	json_close(&j, '}');
	json_line(&j);
	json_open(&j, NULL, '[');
	json_close(&j, ']');
	finish("{\"a\":\"b\",\"n\":-5,\"u\":18446744073709551615,\"t\":true,"
	    "\"l\":[{},null,false],\"e\":[]}\n[]");
}

static void
strings_are_escaped(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "\"\"" }, { "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\n\r\t\x01\x7f", "\"\\u000a\\u000d\\u0009\\u0001\\u007f\"" },
		{ "j\xc3\xb6", "\"j\xc3\xb6\"" },
		{ "\xf0\x9f\x95\x8a", "\"\xf0\x9f\x95\x8a\"" },
		/* no UTF-8 */
		{ "\xff", "\"\\ufffd\"" }, { "a\xc3", "\"a\\ufffd\"" },
		{ "\xc3(", "\"\\ufffd(\"" }, { "\xed\xa0\x80x",
		    "\"\\ufffd\\ufffd\\ufffdx\"" },
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
	};
	struct json	 j;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		j = begin();
		json_string(&j, NULL, t[i].in);
		finish(t[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(values_nest_with_commas_between),
		cmocka_unit_test(strings_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
