/* An account: keywords' letters, quota, an index that fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/account.h"
#include "tests/unit/tmpdir.h"

static struct account	 a;

static int
setup(void **state)
{
	return tmpdir_setup(state) == -1 ? -1 :
	    account_open(&a, tmpdir_path, "mail.example.org");
}

static int
teardown(void **state)
{
	account_close(&a);
	return tmpdir_teardown(state);
}

static void
check_file(const char *want)
{
	struct buf	 b;

	buf_init(&b, 100000);
	tmpdir_read("Maildir/keywords", &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
write_keywords(const char *text)
{
	tmpdir_write("Maildir/keywords", text, strlen(text));
}

static void
keywords_get_letters_in_turn(void **state)
{
	(void)state;
	assert_null(account_keyword_name(&a, 0));
	assert_int_equal(account_keyword(&a, SLICE_LIT("$Junk"), false), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(access(tmpdir_file("Maildir/keywords"), F_OK), -1);
	assert_int_equal(account_keyword(&a, SLICE_LIT("$Junk"), true), 0);
	assert_int_equal(account_keyword(&a, SLICE_LIT("work"), true), 1);
	assert_int_equal(account_keyword(&a, SLICE_LIT("$junk"), true), 0);
	assert_int_equal(account_keyword(&a, SLICE_LIT("WORK"), false), 1);
	assert_string_equal(account_keyword_name(&a, 1), "work");
	assert_null(account_keyword_name(&a, 2));
	assert_null(account_keyword_name(&a, 26));
	check_file("a $Junk\nb work\n");
}

static void
what_others_add_is_seen(void **state)
{
	struct account	 other;

	(void)state;
	assert_int_equal(account_open(&other, tmpdir_path, "h"), 0);
	assert_int_equal(account_keyword(&a, SLICE_LIT("one"), true), 0);
	assert_int_equal(account_keyword(&other, SLICE_LIT("two"), true), 1);
	assert_string_equal(account_keyword_name(&other, 0), "one");
	assert_string_equal(account_keyword_name(&a, 1), "two");
	assert_int_equal(account_keyword(&a, SLICE_LIT("TWO"), false), 1);
	account_close(&other);
	/* A hole, as a person may leave it, is filled. */
	write_keywords("c three\na one\n");
	assert_int_equal(account_keyword(&a, SLICE_LIT("four"), true), 1);
	assert_int_equal(account_keyword(&a, SLICE_LIT("three"), true), 2);
	check_file("c three\na one\nb four\n");
}

static void
there_are_26_of_them(void **state)
{
	char	 name[10];
	int	 i;

	(void)state;
	for (i = 0; i < 26; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(account_keyword(&a, slice_str(name), true),
		    i);
	}
	assert_int_equal(account_keyword(&a, SLICE_LIT("k26"), true), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(account_keyword(&a, SLICE_LIT("k25"), true), 25);
}

static void
what_is_no_keyword_is_refused(void **state)
{
	static const char	*const t[] = {
		"", "a b", "a\n", "(", "a)", "{", "%", "*", "\"", "\\Seen",
		"]", "\x7f", "\xc3\xa4", "a\tb",
	};
	char			 big[ACCOUNT_KEYWORD_MAX + 2];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		errno = 0;
		assert_int_equal(account_keyword(&a, slice_str(t[i]), true),
		    -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(account_keyword(&a, (struct slice){ "a\0b", 3 },
	    true), -1);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(account_keyword(&a, slice_str(big), true), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(account_keyword(&a, (struct slice){ big,
	    ACCOUNT_KEYWORD_MAX }, true), 0);
}

static void
a_file_of_others_is_read_with_care(void **state)
{
	static const char	*const t[] = {
		"a", "a ", "a \n", "A upper\n", "{ brace\n", "ab two\n",
		"a\tone\n", " a one\n", "a o\tne\n", "a \x01\n", "\n\n\n",
		"1 digit\n", "a cut off",
	};
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		/* Sizes differ, or the time must. */
		unlink(tmpdir_file("Maildir/keywords"));
		assert_null(account_keyword_name(&a, 0));
		write_keywords(t[i]);
		assert_null(account_keyword_name(&a, 0));
	}
	/* A new line does not join the one that was cut off. */
	assert_int_equal(account_keyword(&a, SLICE_LIT("new"), true), 0);
	check_file("a cut off\na new\n");
	unlink(tmpdir_file("Maildir/keywords"));
	assert_int_equal(symlink("/etc/passwd",
	    tmpdir_file("Maildir/keywords")), 0);
	assert_int_equal(account_keyword(&a, SLICE_LIT("x"), true), -1);
}

static void
a_quota_leaves_room_or_not(void **state)
{
	uint64_t	 octets, count;

	(void)state;
	assert_int_equal(account_quota_room(&a, UINT64_MAX, 1), 1);
	a.quota_octets = 100;
	a.quota_count = 2;
	assert_int_equal(account_quota_room(&a, 100, 2), 1);
	assert_int_equal(account_quota_room(&a, 101, 1), 0);
	assert_int_equal(account_quota_room(&a, 1, 3), 0);
	assert_int_equal(account_quota_room(&a, UINT64_MAX, 1), 0);
	account_quota_add(&a, 60, 1);
	assert_int_equal(account_quota_room(&a, 40, 1), 1);
	assert_int_equal(account_quota_room(&a, 41, 1), 0);
	assert_int_equal(account_usage(&a, &octets, &count), 0);
	assert_int_equal(octets, 60);
	assert_int_equal(count, 1);
	account_quota_add(&a, -60, -1);
	assert_int_equal(account_quota_room(&a, 100, 2), 1);
}

static void
an_index_that_fails_is_made_anew(void **state)
{
	struct index	*ix;
	int		 i;

	(void)state;
	errno = EBADMSG;
	account_index_failed(&a, "there is none");
	for (i = 0; i < 3; i++) {
		ix = account_index(&a);
		assert_non_null(ix);
		assert_ptr_equal(account_index(&a), ix);
		assert_false(index_is_private(ix));
		assert_int_equal(access(tmpdir_file("index/data.mdb"), F_OK),
		    0);
		errno = EBADMSG;
		account_index_failed(&a, "a test");
		assert_int_equal(access(tmpdir_file("index/data.mdb"), F_OK),
		    -1);
	}
	/* Enough of that. */
	assert_true(index_is_private(account_index(&a)));
	errno = EBADMSG;
	account_index_failed(&a, "a private one too");
	assert_true(index_is_private(account_index(&a)));
}

static void
a_full_disk_leaves_others_their_index(void **state)
{
	(void)state;
	assert_false(index_is_private(account_index(&a)));
	errno = ENOSPC;
	account_index_failed(&a, "no room");
	assert_int_equal(access(tmpdir_file("index/data.mdb"), F_OK), 0);
	assert_true(index_is_private(account_index(&a)));
}

static void
a_home_that_is_not_there_is_no_account(void **state)
{
	struct account	 other;

	(void)state;
	tmpdir_write("file", "", 0);
	assert_int_equal(account_open(&other, tmpdir_file("file"), "h"), -1);
	assert_int_equal(errno, ENOTDIR);
	account_close(&other);
	assert_int_equal(account_open(&other, tmpdir_file("new"), "h"), 0);
	assert_int_equal(access(tmpdir_file("new/Maildir/cur"), F_OK), 0);
	account_close(&other);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(keywords_get_letters_in_turn),
		T(what_others_add_is_seen),
		T(there_are_26_of_them),
		T(what_is_no_keyword_is_refused),
		T(a_file_of_others_is_read_with_care),
		T(a_quota_leaves_room_or_not),
		T(an_index_that_fails_is_made_anew),
		T(a_full_disk_leaves_others_their_index),
		T(a_home_that_is_not_there_is_no_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
