/* Base 64: what is written, and that nothing else is read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/base64.h"

static void
base64_is_strict(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" }, { "Zm9vYmFy", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" },
		{ "Z", NULL }, { "Zg", NULL }, { "Zg=", NULL },
		{ "Zg===", NULL }, { "=", NULL }, { "====", NULL },
		{ "Z===", NULL }, { "Zg==Zg==", NULL }, { "Z=g=", NULL },
		{ "Zm9v\n", NULL }, { "Zm9v ", NULL }, { "Zm-_", NULL },
		{ "Zh==", NULL }, { "Zm9=", NULL }, { "Zm\xc3\xa9", NULL },
		{ "*", NULL },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 16);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_clear(&b);
		errno = 0;
		if (base64_decode(slice_str(t[i].in), &b) == 0) {
			assert_non_null(t[i].out);
			assert_string_equal(buf_cstr(&b), t[i].out);
		} else {
			assert_null(t[i].out);
			assert_int_equal(errno, EINVAL);
		}
	}
	buf_clear(&b);
	assert_int_equal(base64_decode(SLICE_LIT("Zm9vYmFyZm9vYmFyZm9vYmFy"),
	    &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_free(&b);
}

static void
base64_is_written_with_its_padding(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" }, { "\xff", "/w==" },
	};
	struct buf	 b;
	char		 text[16];
	size_t		 i, len;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		len = strlen(t[i].in);
		memset(text, 'x', sizeof(text));
		base64_print(t[i].in, len, text);
		assert_string_equal(text, t[i].out);
		assert_int_equal(strlen(text), BASE64_LEN(len));
		buf_clear(&b);
		assert_int_equal(buf_addstr(&b, "> "), 0);
		assert_int_equal(base64_encode(slice_str(t[i].in), &b), 0);
		assert_string_equal(buf_cstr(&b) + 2, t[i].out);
		assert_int_equal(b.len, 2 + BASE64_LEN(len));
	}
	buf_free(&b);
}

static void
base64_does_not_pass_the_maximum(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 7);
	assert_int_equal(base64_encode(SLICE_LIT("foob"), &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(b.len, 0);
	assert_int_equal(base64_encode(SLICE_LIT("foo"), &b), 0);
	assert_int_equal(base64_encode(SLICE_LIT("b"), &b), -1);
	assert_string_equal(buf_cstr(&b), "Zm9v");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(base64_is_written_with_its_padding),
		cmocka_unit_test(base64_does_not_pass_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
