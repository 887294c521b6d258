/* Encodings, charsets, encoded words, case mapping, base subjects. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/decode.h"
#include "lib/mail/encoded_word.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
check_decoder(enum transfer_encoding kind, bool crlf, const char *in,
    const char *want)
{
	struct decoder	 d;
	size_t		 len = strlen(in), step, i, n, out;
	char		 text[4096];

	for (step = 1; step <= len + 1; step++) {
		decoder_begin(&d, kind, crlf);
		for (i = out = 0; i < len; i += n) {
			n = len - i < step ? len - i : step;
			out += decoder_feed(&d, in + i, n, text + out);
		}
		out += decoder_end(&d, text + out);
		text[out] = '\0';
		if (strcmp(text, want) != 0)
			print_error("%s\n", in);
		assert_string_equal(text, want);
	}
}

static void
quoted_printable_is_decoded(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a=3Db=3d", "a=b=" },
		{ "=C3=A4", "\303\244" },
		{ "soft=\nline", "softline" },
		{ "soft=\r\nline", "softline" },
		{ "soft= \t\nline", "softline" },
		{ "blanks \t\nend  ", "blanks\nend" },
		{ "blanks \r\nx", "blanks\r\nx" },
		{ "kept  here", "kept  here" },
		{ "a=\n\nb", "a\nb" },
		/* refused, and left as it is */
		{ "=", "" },
		{ "a=b", "a=b" },
		{ "=G1=1G==3D", "=G1=1G==" },
		{ "=4", "=4" },
		{ "=C=C3=", "=C\303" },
		{ "a= b", "a= b" },
		{ "a=\rb", "a=\rb" },
		{ "a \rb", "a \rb" },
		{ "=\t=20", "=\t " },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_decoder(TRANSFER_QP, false, t[i].in, t[i].out);
	check_decoder(TRANSFER_QP, true, "a \nb\r\n=\nc=0A", "a\r\nb\r\nc\n");
}

static void
base64_is_decoded(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "YQ==", "a" },
		{ "YWI=", "ab" },
		{ "YWJj", "abc" },
		{ "YWJj\nZGVm\r\n", "abcdef" },
		{ "YWJjZGVmZ2hpamtsbW5vcA==", "abcdefghijklmnop" },
		/* broken */
		{ "YQ", "a" },
		{ "Y", "" },
		{ "YWI", "ab" },
		{ "Y!W\001J@j", "abc" },
		{ "YQ==YmM=", "abc" },
		{ "====", "" },
		{ "=YWJj", "abc" },
		{ "-- no base 64\377", "\236\206\332\261\356\270" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_decoder(TRANSFER_BASE64, false, t[i].in, t[i].out);
}

static void
other_encodings_are_passed_on(void **state)
{
	(void)state;
	check_decoder(TRANSFER_NONE, false, "a =41\n\r\n", "a =41\n\r\n");
	check_decoder(TRANSFER_UNKNOWN, false, "YQ==", "YQ==");
	check_decoder(TRANSFER_IDENTITY, true, "a\nb\r\nc\r\r\n\n",
	    "a\r\nb\r\nc\r\r\n\r\n");
}

static void
blanks_without_end_are_bounded(void **state)
{
	static char	 in[3000], out[DECODE_ROOM(3000)];
	struct decoder	 d;
	size_t		 n;

	(void)state;
	memset(in, ' ', sizeof(in));
	decoder_begin(&d, TRANSFER_QP, false);
	n = decoder_feed(&d, in, sizeof(in), out);
	assert_true(n <= sizeof(in) && n >= sizeof(in) - DECODE_HELD);
	n = decoder_feed(&d, "x", 1, out);
	assert_true(n > 1 && n <= DECODE_HELD + 1);
}

#define BAD	"\357\277\275"

static void
charsets_become_utf8(void **state)
{
	static const struct { const char *name, *in, *out; } t[] = {
		{ "utf-8", "\303\244\342\202\254", "\303\244\342\202\254" },
		{ "US-ASCII", "abc", "abc" },
		{ "iso-8859-1", "\344\200", "\303\244\342\202\254" },
		{ "ISO-8859-15", "\244", "\342\202\254" },
		{ "koi8-r", "\301", "\320\260" },
		{ "iso-2022-jp", "\033$B$\"\033(B", "\343\201\202" },
		{ "Shift_JIS", "\202\240", "\343\201\202" },
		{ "gb2312", "\260\241", "\345\225\212" },
		{ "big5", "\244@", "\344\270\200" },
		{ "ks_c_5601-1987", "\260\241", "\352\260\200" },
		{ "utf-7", "+AOQ-", "\303\244" },
		{ "windows-1255", "\340", "\327\220" },
		{ "windows-1258", "a\354", "\303\241" },
		{ "windows-1258", "a", "a" },
		/* wrong, cut or unknown */
		{ "utf-8", "a\344b", "a" BAD "b" },
		{ "utf-8", "\342\202", BAD },
		{ "utf-8", "\355\240\200", BAD BAD BAD },
		{ "utf-8", "\300\200\377", BAD BAD BAD },
		{ "us-ascii", "\344\303\244", "\303\244\303\244" },
		{ "", "\200\303\244", "\342\202\254\303\244" },
		{ "no-such-charset", "\344", "\303\244" },
		{ "utf-16//TRANSLIT", "\344", "\303\244" },
		{ "../../etc/passwd", "a", "a" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "a", "a" },
		{ "Shift_JIS", "a\202", "a" BAD },
		{ "euc-jp", "\377a", BAD "a" },
		{ "iso-2022-jp", "\033$B\377\377\033(Ba", BAD BAD "a" },
	};
	struct charset	 c;
	struct buf	 b;
	size_t		 i, k, step;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++)
		for (step = 1; step < 4; step++) {
			buf_clear(&b);
			(void)charset_begin(&c, slice_str(t[i].name));
			for (k = 0; k < strlen(t[i].in); k += step)
				assert_int_equal(charset_feed(&c, t[i].in + k,
				    strnlen(t[i].in + k, step), &b), 0);
			assert_int_equal(charset_end(&c, &b), 0);
			if (strcmp(buf_cstr(&b), t[i].out) != 0)
				print_error("%s %zu\n", t[i].name, i);
			assert_string_equal(buf_cstr(&b), t[i].out);
		}
	buf_free(&b);
}

static void
a_full_buffer_is_an_error(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(charset_convert(SLICE_LIT("koi8-r"),
	    SLICE_LIT("\301\301\301\301"), &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_clear(&b);
	assert_int_equal(charset_convert(SLICE_LIT("utf-8"),
	    SLICE_LIT("123456"), &b), -1);
	buf_clear(&b);
	assert_int_equal(casemap(SLICE_LIT("123456"), &b), -1);
	buf_clear(&b);
	assert_int_equal(encoded_word_text(SLICE_LIT("=?utf-8?q?123456?="),
	    &b), -1);
	buf_free(&b);
}

static void
encoded_words_become_text(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ " plain  text ", "plain  text" },
		{ "folded\n\ttext\r\n more", "folded\ttext more" },
		{ "=?utf-8?q?a_=C3=A4?=", "a \303\244" },
		{ "=?UTF-8?B?w6Q=?= x", "\303\244 x" },
		{ "=?iso-8859-1*en?Q?=E4?=", "\303\244" },
		{ "(=?iso-8859-1?Q?a?= =?iso-8859-2?Q?b?=)", "(ab)" },
		{ "=?utf-8?q?a?=\n =?utf-8?q?b?= c", "ab c" },
		{ "a =?utf-8?q?b?= c =?utf-8?q?d?=", "a b c d" },
		/* split characters */
		{ "=?utf-8?B?w6?= =?utf-8?B?pA==?=", "\303\244" },
		{ "=?utf-8?q?=C3?= =?utf-8?b?pA==?=", "\303\244" },
		{ "=?utf-8?q?=C3?= x =?utf-8?q?=A4?=", BAD " x " BAD },
		/* against the rules, but clear */
		{ "x=?utf-8?q?=C3=A4?=y", "x\303\244y" },
		{ "\"=?utf-8?q?=C3=A4?=\"", "\"\303\244\"" },
		{ "=?utf-8?q?a b?=", "a b" },
		{ "=?utf-8?q?what?\?=", "what?" },
		{ "=?utf-8?q?a=?=", "a=" },
		{ "=?utf-8?Q?a=0Ab=00c?=", "a b c" },
		{ "raw \344 and \303\244", "raw \303\244 and \303\244" },
		{ "=?us-ascii?q?=E4?=", "\303\244" },
		{ "=?x-unknown?q?=E4?=", "\303\244" },
		{ "=?utf-8?q?\?=", "" },
		/* none */
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
		{ "=?utf-8?q?a", "=?utf-8?q?a" },
		{ "=??q?a?=", "=??q?a?=" },
		{ "=?a b?q?a?=", "=?a b?q?a?=" },
		{ "=?utf-8?qq?a?=", "=?utf-8?qq?a?=" },
		{ "=?=?=?", "=?=?=?" },
		{ "=?utf-8", "=?utf-8" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(encoded_word_text(slice_str(t[i].in), &b), 0);
		if (strcmp(buf_cstr(&b), t[i].out) != 0)
			print_error("%s\n", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
parameters_are_decoded(void **state)
{
	static const struct { const char *name, *in, *out; } t[] = {
		{ "n", "plain", "plain" },
		{ "n", "=?utf-8?q?=C3=A4?=", "\303\244" },
		{ "n*", "utf-8'en'a%20%c3%A4", "a \303\244" },
		{ "n*", "iso-8859-1''%E4", "\303\244" },
		{ "n*", "''%E4", "\303\244" },
		{ "n*", "", "" },
		{ "n*", "no%20quotes", "no quotes" },
		{ "n*", "utf-8'one", "one" },
		{ "n*", "utf-8''%zz%1%", "%zz%1%" },
		{ "n*", "utf-8''%0d%00", "  " },
		{ "n*", "utf-8''%ff", BAD },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(encoded_word_param(slice_str(t[i].name),
		    slice_str(t[i].in), &b), 0);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
case_and_form_do_not_matter(void **state)
{
	static const struct { const char *a, *b; bool same; } t[] = {
		{ "abc", "ABC", true },
		{ "\303\244", "\303\204", true },		/* ae */
		{ "\303\244", "a\314\210", true },		/* composed */
		{ "\316\271\317\203", "\316\231\316\243", true },
		{ "\357\254\201", "FI", false },	/* case first */
		{ "\307\206", "\307\204", true },		/* dz caron */
		{ "\357\274\241", "a", true },			/* full width */
		{ "\342\204\253", "\303\245", true },		/* Angstrom */
		{ "abc", "abd", false },
		{ "\303\244", "a", false },
		{ "\303\237", "ss", false },	/* no full case mapping */
		{ "\352\260\201", "\352\260\200", false },
		{ "\377", "\376", true },	/* both are no UTF-8 */
		{ "", "a", false },
	};
	struct buf	 a, b;
	size_t		 i;

	(void)state;
	buf_init(&a, 100);
	buf_init(&b, 100);
	for (i = 0; i < N(t); i++) {
		buf_clear(&a);
		buf_clear(&b);
		assert_int_equal(casemap(slice_str(t[i].a), &a), 0);
		assert_int_equal(casemap(slice_str(t[i].b), &b), 0);
		if (slice_eq(buf_slice(&a), buf_slice(&b)) != t[i].same)
			print_error("%s %s\n", t[i].a, t[i].b);
		assert_int_equal(slice_eq(buf_slice(&a), buf_slice(&b)),
		    t[i].same);
	}
	buf_clear(&a);
	assert_int_equal(casemap(SLICE_LIT("\303\244x"), &a), 0);
	assert_string_equal(buf_cstr(&a), "A\314\210X");
	buf_free(&a);
	buf_free(&b);
}

static void
subjects_lose_what_replies_add(void **state)
{
	static const struct { const char *in, *out; bool reply; } t[] = {
		{ "", "", false },
		{ "hello", "hello", false },
		{ " Re: hello", "hello", true },
		{ "re:hello", "hello", true },
		{ "RE :  hello", "hello", true },
		{ "Fw: FWD: Re: hello", "hello", true },
		{ "[list] hello", "hello", false },
		{ "[list] Re: [list] hello", "hello", true },
		{ "Re[2]: hello", "hello", true },
		{ "Re: [list]", "[list]", true },
		{ "[a] [b]", "[b]", false },
		{ "[a] Re:", "", true },
		{ "hello (fwd) (FWD) ", "hello", true },
		{ "[Fwd: hello]", "hello", true },
		{ "[Fwd: [list] Re: hello (fwd)] ", "hello", true },
		{ "[fwd:]", "", true },
		{ "a\n\t b   c", "a b c", false },
		{ "=?utf-8?q?Re=3A_=C3=A4?=", "\303\244", true },
		{ "Re: [\303\244] x", "x", true },
		/* nothing to take away */
		{ "Regarding: x", "Regarding: x", false },
		{ "Re x", "Re x", false },
		{ "Re", "Re", false },
		{ "Fwdx: y", "Fwdx: y", false },
		{ "[[a]] x", "[[a]] x", false },
		{ "[open", "[open", false },
		{ "[fwd: x", "[fwd: x", false },
		{ "x (fwd) y", "x (fwd) y", false },
		{ "Aw: x", "Aw: x", false },
		{ "[]", "[]", false },
	};
	struct buf	 b;
	size_t		 i;
	bool		 reply;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(base_subject(slice_str(t[i].in), &b, &reply),
		    0);
		if (strcmp(buf_cstr(&b), t[i].out) != 0 ||
		    reply != t[i].reply)
			print_error("%s\n", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].out);
		assert_int_equal(reply, t[i].reply);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(quoted_printable_is_decoded),
		cmocka_unit_test(base64_is_decoded),
		cmocka_unit_test(other_encodings_are_passed_on),
		cmocka_unit_test(blanks_without_end_are_bounded),
		cmocka_unit_test(charsets_become_utf8),
		cmocka_unit_test(a_full_buffer_is_an_error),
		cmocka_unit_test(encoded_words_become_text),
		cmocka_unit_test(parameters_are_decoded),
		cmocka_unit_test(case_and_form_do_not_matter),
		cmocka_unit_test(subjects_lose_what_replies_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
