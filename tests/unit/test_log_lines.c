/* Log lines of one message: matching, times, order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mailctl/log_lines.h"

#define ID	"0123456789abcdefghjk"

static void
ids_match_as_words(void **state)
{
	static const struct {
		const char	*line;
		bool		 match;
	} t[] = {
		{ "event=x id=" ID " a=b", true }, { ID, true },
		{ "as=" ID, true }, { "<" ID "@x.test>", true },
		{ "x" ID " id=" ID, true },
		{ "id=x" ID, false }, { "id=" ID "0", false },
		{ "id=0123456789abcdefghj", false }, { "", false },
		{ "id=0123456789ABCDEFGHJK", false },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(log_lines_match(slice_str(t[i].line), ID),
		    t[i].match);
}

static void
labels_are_times(void **state)
{
	int64_t		 s;
	uint32_t	 ns;

	(void)state;
	assert_int_equal(log_lines_time("@400000000000002500000001", &s, &ns),
	    0);
	assert_int_equal(s, 0);
	assert_int_equal(ns, 1);
	assert_int_equal(log_lines_time("@4000000069208c2a3b9ac9ff", &s, &ns),
	    0);
	assert_int_equal(s, 0x69208c2a - 37);
	assert_int_equal(ns, 999999999);
}

static void
wrong_labels_are_refused(void **state)
{
	static const char *const	 t[] = { "", "@", "@4000",
	    "4000000069208c2a3b9ac9ff0", "@4000000069208c2a3b9aca00",
	    "@4000000069208c2a000000000",
	    "@0000000069208c2a00000000", "@400000000000002400000000",
	    "@8000000069208c2a00000000", "@g000000069208c2a00000000" };
	int64_t				 s;
	uint32_t			 ns;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(log_lines_time(t[i], &s, &ns), -1);
		assert_int_equal(errno, EINVAL);
	}
}

static void
lines_come_in_time_order(void **state)
{
	static const char	 one[] =
	    "@400000000000000c00000000 third id=" ID "\n"
	    "@400000000000000c00000000 other id=x\n"
	    "@400000000000000b00000000 first id=" ID " again " ID "\n";
	static const char	 two[] =
	    "without label " ID "\n"
	    "@400000000000000b00000005 second " ID;
	static const char *const want[] = { "without label " ID,
	    "first id=" ID " again " ID, "second " ID, "third id=" ID };
	struct log_lines	 l = { 0 };
	size_t			 i;

	(void)state;
	log_lines_scan(&l, "a", slice_str(one), ID);
	log_lines_scan(&l, "b", slice_str(two), ID);
	log_lines_scan(&l, "c", slice_str(""), ID);
	log_lines_sort(&l);
	assert_int_equal(l.n, 4);
	for (i = 0; i < 4; i++)
		assert_string_equal(l.line[i].text, want[i]);
	assert_string_equal(l.line[2].program, "b");
	log_lines_free(&l);
	log_lines_sort(&l);
}

static void
a_missing_directory_is_told(void **state)
{
	struct log_lines	 l = { 0 };
	char			 failed[64];

	(void)state;
	assert_int_equal(log_lines_read(&l, "/nonexistent/log", ID, failed,
	    sizeof(failed)), -1);
	assert_string_equal(failed, "/nonexistent/log");
	log_lines_free(&l);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(ids_match_as_words),
		cmocka_unit_test(labels_are_times),
		cmocka_unit_test(wrong_labels_are_refused),
		cmocka_unit_test(lines_come_in_time_order),
		cmocka_unit_test(a_missing_directory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
