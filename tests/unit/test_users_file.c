/* Editing the users file: what is not asked for stays as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mailctl/users_file.h"

static const char	 file[] =
    "# comment: not a user\n"
    "\n"
    "al@x.test:{PLAIN}a:1:2::/home/al::quota=5\n"
    "bob:hash\r\n"
    "  \n"
    "no colon here\n"
    "eve@x.test:{CRYPT}$y$j:::::x:y=z:w";

static struct slice
text(void)
{
	return slice_str(file);
}

static void
lines_are_found_and_split(void **state)
{
	static const struct {
		const char	*name, *secret, *extra;
	} t[] = {
		{ "al@x.test", "{PLAIN}a", "quota=5" },
		{ "bob", "hash", "" },
		{ "eve@x.test", "{CRYPT}$y$j", "y=z:w" },
	};
	struct users_line	 l;
	size_t			 pos = 0, i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(users_file_next(text(), &pos, &l));
		assert_true(slice_is(l.field[0], t[i].name));
		assert_true(slice_is(l.field[1], t[i].secret));
		assert_true(slice_is(l.field[7], t[i].extra));
	}
	assert_false(users_file_next(text(), &pos, &l));
	assert_false(users_file_next(text(), &pos, &l));
}

static void
users_are_found_by_address(void **state)
{
	static const struct {
		const char	*address;
		bool		 there;
	} t[] = {
		{ "al@x.test", true }, { "AL@X.test", true },
		{ "bob@host.test", true }, { "BOB@host.TEST", true },
		{ "bob@x.test", false }, { "al@host.test", false },
		{ "al@x.tes", false }, { "l@x.test", false },
		{ "no colon here@host.test", false },
		{ "# comment@host.test", false }, { "", false },
	};
	struct users_line	 l;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(users_file_find(text(), t[i].address,
		    "host.test", &l), t[i].there);
	assert_false(users_file_find(slice_str(""), "a@b", "b", &l));
	assert_false(users_file_find(slice_str(":x\n"), "@b", "b", &l));
}

static void
only_what_is_asked_for_changes(void **state)
{
	struct users_line	 l;
	struct buf		 out;
	char			*want;

	(void)state;
	buf_init(&out, 10000);
	assert_true(users_file_find(text(), "bob@h", "h", &l));
	assert_int_equal(users_file_set_field(&out, text(), &l, USERS_SECRET,
	    "new"), 0);
	want = strdup(buf_cstr(&out));
	assert_int_equal(strlen(want), strlen(file) - 1);
	assert_non_null(strstr(want, "\nbob:new\r\n  \nno colon"));
	buf_clear(&out);
	assert_int_equal(users_file_del(&out, text(), &l), 0);
	assert_null(strstr(buf_cstr(&out), "bob"));
	assert_int_equal(out.len, strlen(file) - strlen("bob:hash\r\n"));
	buf_clear(&out);
	assert_int_equal(users_file_add(&out, text(), "zed@x.test:s"), 0);
	assert_int_equal(out.len, strlen(file) + strlen("\nzed@x.test:s\n"));
	assert_memory_equal(out.ptr, file, strlen(file));
	free(want);
	/* the last line has no LF of its own */
	buf_clear(&out);
	assert_true(users_file_find(text(), "eve@x.test", "h", &l));
	assert_int_equal(users_file_del(&out, text(), &l), 0);
	assert_string_equal(buf_cstr(&out) + out.len - 15,
	    "\nno colon here\n");
	buf_free(&out);
}

static void
missing_fields_get_their_colons(void **state)
{
	static const struct {
		const char	*line, *value, *want;
	}		 t[] = {
		{ "a@b:s\nc@d:t", "w=1", "a@b:s::::::w=1\nc@d:t" },
		{ "a@b:s:\r\n", "w=1", "a@b:s::::::w=1\r\n" },
		{ "a@b:s::::::", "w=1", "a@b:s::::::w=1" },
		{ "a@b:s:1:2:g:h:sh:x y", "z", "a@b:s:1:2:g:h:sh:z" },
		{ "a@b:s", "", "a@b:s" },
		{ "a@b:s::::::x", "", "a@b:s::::::" },
	};
	struct users_line	 l;
	struct buf		 out;
	size_t			 i;

	(void)state;
	buf_init(&out, 10000);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_clear(&out);
		assert_true(users_file_find(slice_str(t[i].line), "a@b", "h",
		    &l));
		assert_int_equal(users_file_set_field(&out,
		    slice_str(t[i].line), &l, USERS_EXTRA, t[i].value), 0);
		assert_string_equal(buf_cstr(&out), t[i].want);
	}
	buf_free(&out);
}

static void
words_of_some_keys_go(void **state)
{
	static const char	*const keys[] = { "k", "long-key", NULL };
	static const struct {
		const char	*in, *want;
	}		 t[] = {
		{ "", "" },
		{ "k=1", "" },
		{ "a=1 k=2 b", "a=1 b" },
		{ "k=1 a=1", "a=1" },
		{ "a=1  \tk=1", "a=1" },
		{ "a=1 userdb_k=1 userdb_b=2", "a=1 userdb_b=2" },
		{ "k kk=1 long-key long-key=", "k kk=1 long-key" },
		{ "a  b", "a  b" },
	};
	struct buf	 out;
	size_t		 i;

	(void)state;
	buf_init(&out, 100);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_clear(&out);
		assert_int_equal(users_file_extra(&out, slice_str(t[i].in),
		    keys), 0);
		assert_string_equal(buf_cstr(&out), t[i].want);
	}
	buf_free(&out);
	buf_init(&out, 3);
	assert_int_equal(users_file_extra(&out, SLICE_LIT("abcd"), keys), -1);
	buf_free(&out);
}

static void
the_bound_is_kept(void **state)
{
	struct users_line	 l;
	struct buf		 out;

	(void)state;
	assert_true(users_file_find(text(), "al@x.test", "h", &l));
	buf_init(&out, 40);
	assert_int_equal(users_file_add(&out, text(), "x:y"), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(users_file_set_field(&out, text(), &l, USERS_SECRET,
	    "s"), -1);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(lines_are_found_and_split),
		cmocka_unit_test(users_are_found_by_address),
		cmocka_unit_test(only_what_is_asked_for_changes),
		cmocka_unit_test(missing_fields_get_their_colons),
		cmocka_unit_test(words_of_some_keys_go),
		cmocka_unit_test(the_bound_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
