/* buf, text, log: octets in, octets out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

static void
buf_refuses_to_pass_its_maximum(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "def", 3), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "abc");
	assert_int_equal(buf_addf(&b, "%d", 42), 0);
	assert_string_equal(buf_cstr(&b), "abc42");
	assert_int_equal(buf_addc(&b, 'x'), -1);
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "c42");
	buf_free(&b);
}

static void
buf_grows_over_many_small_pieces(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf_addc(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(b.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.ptr[i], 'a' + (int)(i % 26));
	buf_free(&b);
}

static void
numbers_are_only_digits_within_their_bound(void **state)
{
	static const struct { const char *in; uint64_t max; int err; } t[] = {
		{ "0", 10, 0 }, { "10", 10, 0 }, { "007", 10, 0 },
		{ "11", 10, ERANGE }, { "", 10, EINVAL },
		{ " 1", 10, EINVAL }, { "+1", 10, EINVAL },
		{ "-1", 10, EINVAL }, { "1 ", 10, EINVAL },
		{ "0x1", 10, EINVAL }, { "2", 1, ERANGE }, { "1", 1, 0 },
		{ "18446744073709551615", UINT64_MAX, 0 },
		{ "18446744073709551616", UINT64_MAX, ERANGE },
		{ "99999999999999999999999", UINT64_MAX, ERANGE },
	};
	uint64_t	 v;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		errno = 0;
		if (text_u64(slice_str(t[i].in), t[i].max, &v) == 0)
			errno = 0;
		assert_int_equal(errno, t[i].err);
	}
}

static void
xtext_round_trips_every_octet(void **state)
{
	struct buf	 enc, dec;
	char		 all[256];
	size_t		 i;
	int		 utf8;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&enc, 4096);
	buf_init(&dec, 4096);
	for (utf8 = 0; utf8 < 2; utf8++) {
		buf_clear(&enc);
		buf_clear(&dec);
		assert_int_equal(text_xencode(&enc,
		    (struct slice){ all, 256 }, utf8), 0);
		assert_null(memchr(enc.ptr, '\n', enc.len));
		assert_null(memchr(enc.ptr, ' ', enc.len));
		assert_int_equal(text_xdecode(&dec, buf_slice(&enc)), 0);
		assert_int_equal(dec.len, 256);
		assert_memory_equal(dec.ptr, all, 256);
	}
	assert_int_equal(text_xdecode(&dec, SLICE_LIT("a+4")), -1);
	assert_int_equal(text_xdecode(&dec, SLICE_LIT("a+4g")), -1);
	buf_free(&enc);
	buf_free(&dec);
}

static void
log_values_cannot_forge_a_field_or_line(void **state)
{
	(void)state;
	assert_string_equal(log_esc("plain"), "plain");
	assert_string_equal(log_esc(""), "\"\"");
	assert_string_equal(log_esc("a b=c"), "\"a b=c\"");
	assert_string_equal(log_esc("x\nevent=fake"),
	    "\"x\\x0aevent=fake\"");
	assert_string_equal(log_esc("say \"hi\"\\"),
	    "\"say \\x22hi\\x22\\x5c\"");
	assert_string_equal(log_esc("caf\xc3\xa9"), "caf\xc3\xa9");
	assert_string_equal(log_esc("caf\xe9"), "\"caf\\xe9\"");
	assert_string_equal(log_esc("\xc2\x9b" "31m"),
	    "\"\\xc2\\x9b31m\"");
}

static void
hash_is_fnv_1a_of_octets(void **state)
{
	(void)state;
	assert_int_equal(hash_str(""), 0x811c9dc5u);
	assert_int_equal(hash_str("a"), 0xe40c292cu);
	assert_int_equal(hash_str("foobar"), 0xbf9cf968u);
	assert_int_equal(hash_octets("\xff", 1), 0x7a0b824eu);
	assert_int_not_equal(hash_octets("a\0", 2), hash_str("a"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(buf_refuses_to_pass_its_maximum),
		cmocka_unit_test(buf_grows_over_many_small_pieces),
		cmocka_unit_test(numbers_are_only_digits_within_their_bound),
		cmocka_unit_test(xtext_round_trips_every_octet),
		cmocka_unit_test(hash_is_fnv_1a_of_octets),
		cmocka_unit_test(log_values_cannot_forge_a_field_or_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
