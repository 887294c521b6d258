/* date: RFC 5322 dates, new and old forms. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/date.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

static void
times_are_shown_with_the_local_offset(void **state)
{
	static const struct { const char *tz; time_t t; const char *out; }
	    t[] = {
		{ "UTC0", 1795293572, "Sat, 21 Nov 2026 20:39:32 +0000" },
		{ "UTC0", 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ "XYZ-5:30", 1795293572, "Sun, 22 Nov 2026 02:09:32 +0530" },
		{ "XYZ3:30", 1795293572, "Sat, 21 Nov 2026 17:09:32 -0330" },
		{ "XYZ0:30", 0, "Wed, 31 Dec 1969 23:30:00 -0030" },
		{ "UTC0", -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ "UTC0", INT64_MAX, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ "UTC0", INT64_MIN, "Thu, 01 Jan 1970 00:00:00 +0000" },
	};
	char	 out[DATE_MAX];
	time_t	 back;
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		zone(t[i].tz);
		date_format(t[i].t, out);
		assert_string_equal(out, t[i].out);
		if (t[i].t == INT64_MAX || t[i].t == INT64_MIN)
			continue;
		assert_int_equal(date_parse(slice_str(out), &back), 0);
		assert_int_equal(back, t[i].t);
	}
}

static void
dates_are_read_in_all_their_forms(void **state)
{
	static const struct { const char *in; time_t t; } t[] = {
		{ "Sat, 21 Nov 2026 20:39:32 +0000", 1795293572 },
		{ "21 Nov 2026 20:39:32 +0000", 1795293572 },
		{ " sat,21 NOV 2026 20:39:32 gmt (a (nested) comment) ",
		    1795293572 },
		{ "Sat,\r\n 21 Nov 2026\r\n\t20:39:32 +0100", 1795289972 },
		{ "Sat, 21 Nov 2026 20:39:32 -0130", 1795298972 },
		{ "Sat, 21 Nov 2026 20:39 +0000", 1795293540 },
		{ "1 Jan 70 00:00:00 UT", 0 },
		{ "1 Jan 1970 0:00:00 UT", 0 },
		{ "1 Jan 00 00:00:00 UT", 946684800 },
		{ "1 Jan 49 00:00:00 UT", 2493072000 },
		{ "1 Jan 50 00:00:00 UT", -631152000 },
		{ "1 Jan 100 00:00:00 UT", 946684800 },
		{ "1 Jan 2000 00:00:00 EST", 946702800 },
		{ "1 Jan 2000 00:00:00 PDT", 946710000 },
		{ "1 Jan 2000 00:00:00 Z", 946684800 },
		{ "1 Jan 2000 00:00:00 CEST", 946684800 },
		{ "29 Feb 2024 00:00:00 -0000", 1709164800 },
		{ "29 Feb 2000 00:00:00 -0000", 951782400 },
		{ "31 Dec 2016 23:59:60 +0000", 1483228800 },
		{ "Sat, 21 Nov 2026 20 : 39 : 32 +0000", 1795293572 },
		{ "31 Dec 9999 23:59:59 +0000", 253402300799 },
	};
	time_t	 out;
	size_t	 i;

	(void)state;
	zone("XYZ-7");
	for (i = 0; i < N(t); i++) {
		if (date_parse(slice_str(t[i].in), &out) == -1)
			fail_msg("%s", t[i].in);
		assert_int_equal(out, t[i].t);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const t[] = {
		"", " ", "(", "yesterday", "Sat", "Sat, ", "Sat 21 Nov 2026",
		"Sat, 21 Nov 2026", "Sat, 21 Nov 2026 20:39:32",
		"Sat, 21 Nov 2026 20:39:32 ", "Sat, 21 Nov 2026 20 +0000",
		"Sat 21 Nov 2026 20:39:32 +0000",
		"Xyz, 21 Nov 2026 20:39:32 +0000",
		"21 Nov 2026 20:39:32 +000", "21 Nov 2026 20:39:32 +00000",
		"21 Nov 2026 20:39:32 + 0000", "21 Nov 2026 20:39:32 +0060",
		"21 Nov 2026 20:39:32 +0000 x",
		"21 Nov 2026 20:39:32 +0000 (open",
		"0 Nov 2026 20:39:32 +0000", "31 Nov 2026 20:39:32 +0000",
		"29 Feb 2023 00:00:00 +0000", "29 Feb 1900 00:00:00 +0000",
		"32 Dec 2026 20:39:32 +0000", "021 Nov 2026 20:39:32 +0000",
		"-1 Nov 2026 20:39:32 +0000", "21 Nob 2026 20:39:32 +0000",
		"21 November 2026 20:39:32 +0000",
		"21 Nov 6 20:39:32 +0000", "21 Nov 0026 20:39:32 +0000",
		"21 Nov 10000 20:39:32 +0000",
		"21 Nov 99999999999 20:39:32 +0000",
		"21 Nov 2026 24:00:00 +0000", "21 Nov 2026 20:60:32 +0000",
		"21 Nov 2026 20:39:61 +0000", "21 Nov 2026 20:3:32 +0000",
		"21 Nov 2026 20:39:2 +0000", "2026-11-21T20:39:32Z",
		"Sat Nov 21 20:39:32 2026",
	};
	time_t	 out = 42;
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		errno = 0;
		if (date_parse(slice_str(t[i]), &out) != -1)
			fail_msg("%s", t[i]);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(out, 42);
	}
	assert_int_equal(date_parse(SLICE_LIT("21 Nov 2026 20:39:32 +0000\0"),
	    &out), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(times_are_shown_with_the_local_offset),
		cmocka_unit_test(dates_are_read_in_all_their_forms),
		cmocka_unit_test(what_is_no_date_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
