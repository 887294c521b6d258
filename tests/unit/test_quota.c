/* maildirsize: added up, distrusted, made again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/store/maildir.h"
#include "lib/store/quota.h"
#include "tests/unit/tmpdir.h"

static const struct quota	 limits = { 1000, 10 };

static int
setup(void **state)
{
	return tmpdir_setup(state) == -1 ? -1 :
	    maildir_make(tmpdir_file("M"));
}

static void
check(const struct quota *q, uint64_t octets, uint64_t count)
{
	uint64_t	 o = 77, c = 77;

	assert_int_equal(quota_usage(tmpdir_file("M"), q, &o, &c), 0);
	assert_int_equal(o, octets);
	assert_int_equal(c, count);
}

static void
check_file(const char *want)
{
	struct buf	 b;

	buf_init(&b, 10000);
	tmpdir_read("M/maildirsize", &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
write_size(const char *text)
{
	tmpdir_write("M/maildirsize", text, strlen(text));
}

static void
messages_are_counted_by_their_names(void **state)
{
	(void)state;
	check(&limits, 0, 0);
	unlink(tmpdir_file("M/maildirsize"));
	tmpdir_write("M/new/1.a,S=100,W=110", "", 0);
	tmpdir_write("M/cur/2.b:2,S", "0123456789", 10);
	tmpdir_write("M/cur/.hidden", "xx", 2);
	tmpdir_write("M/tmp/3.c,S=500", "", 0);
	assert_int_equal(maildir_make(tmpdir_file("M/.Sent")), 0);
	tmpdir_write("M/.Sent/cur/4.d,S=1:2,S", "", 0);
	tmpdir_write("M/.file", "", 0);
	check(&limits, 111, 3);
	check_file("1000S,10C\n111 3\n");
	assert_int_equal(tmpdir_count("M/tmp", NULL), 1);
}

static void
what_is_added_is_summed(void **state)
{
	(void)state;
	/* No file: nothing to add to. */
	assert_int_equal(quota_add(tmpdir_file("M"), 5, 1), 0);
	assert_int_equal(access(tmpdir_file("M/maildirsize"), F_OK), -1);
	check(&limits, 0, 0);
	assert_int_equal(quota_add(tmpdir_file("M"), 500, 2), 0);
	assert_int_equal(quota_add(tmpdir_file("M"), -100, -1), 0);
	check(&limits, 400, 1);
	check_file("1000S,10C\n0 0\n500 2\n-100 -1\n");
	assert_int_equal(quota_add(tmpdir_file("none/M"), 1, 1), 0);
}

static void
other_limits_mean_another_count(void **state)
{
	static const struct { struct quota q; const char *file; } t[] = {
		{ { 1000, 10 }, "1000S,10C\n0 0\n" },
		{ { 2000, 0 }, "2000S\n0 0\n" },
		{ { 0, 5 }, "5C\n0 0\n" },
		{ { 0, 0 }, "0S\n0 0\n" },
		{ { UINT64_MAX, UINT64_MAX },
		    "18446744073709551615S,18446744073709551615C\n0 0\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		write_size("999S\n5 5\n");
		check(&t[i].q, 0, 0);
		check_file(t[i].file);
	}
}

static void
what_is_malformed_is_counted_again(void **state)
{
	static const char	*const t[] = {
		"", "1000S,10C", "1000S,10C\n", "1000S,10C\n5\n",
		"1000S,10C\n5 5", "1000S,10C\n5 5 5\n", "1000S,10C\nx 5\n",
		"1000S,10C\n--5 5\n", "1000S,10C\n-5 1\n",
		"1000S,10C\n5 -1\n", "1000S,10C\n5 1\n\n",
		"1000S,10C\n9223372036854775807 1\n",
	};
	char			 big[6000];
	size_t			 i;

	(void)state;
	tmpdir_write("M/new/1.a,S=7", "", 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		write_size(t[i]);
		check(&limits, 7, 1);
	}
	strcpy(big, "1000S,10C\n");
	while (strlen(big) < 5200)
		strcat(big, "1 0\n");
	write_size(big);
	check(&limits, 7, 1);
	check_file("1000S,10C\n7 1\n");
	/* Blanks as others write them. */
	write_size("1000S,10C\n     100    2\n  -50 -1\n");
	check(&limits, 50, 1);
}

static void
who_is_over_is_counted_again(void **state)
{
	struct timespec	 old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	(void)state;
	tmpdir_write("M/new/1.a,S=7", "", 0);
	write_size("1000S,10C\n500 1\n501 1\n");
	check(&limits, 7, 1);
	write_size("1000S,10C\n1001 1\n");	/* counted just now */
	check(&limits, 1001, 1);
	utimensat(AT_FDCWD, tmpdir_file("M/maildirsize"), old, 0);
	check(&limits, 7, 1);
	write_size("1000S,10C\n1 11\n");
	utimensat(AT_FDCWD, tmpdir_file("M/maildirsize"), old, 0);
	check(&limits, 7, 1);
	/* Within the limits its age does not matter. */
	write_size("1000S,10C\n999 1\n");
	utimensat(AT_FDCWD, tmpdir_file("M/maildirsize"), old, 0);
	check(&limits, 999, 1);
}

static void
a_missing_maildir_uses_nothing(void **state)
{
	uint64_t	 o = 1, c = 1;

	(void)state;
	assert_int_equal(quota_usage(tmpdir_file("none"), &limits, &o, &c),
	    0);
	assert_true(o == 0 && c == 0);
	tmpdir_write("file", "", 0);
	assert_int_equal(quota_usage(tmpdir_file("file"), &limits, &o, &c),
	    -1);
	assert_int_equal(errno, ENOTDIR);
	/* A link in the place of the file is not followed. */
	assert_int_equal(symlink(tmpdir_file("file"),
	    tmpdir_file("M/maildirsize")), 0);
	assert_int_equal(quota_add(tmpdir_file("M"), 1, 1), -1);
	assert_int_equal(errno, ELOOP);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, tmpdir_teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(messages_are_counted_by_their_names),
		T(what_is_added_is_summed),
		T(other_limits_mean_another_count),
		T(what_is_malformed_is_counted_again),
		T(who_is_over_is_counted_again),
		T(a_missing_maildir_uses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
