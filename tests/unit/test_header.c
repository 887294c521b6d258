/* header: walking fields, folding, encoded words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/header.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
check(struct slice s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.ptr, want, s.len);
}

static void
fields_are_walked_to_the_empty_line(void **state)
{
	struct slice		 msg = SLICE_LIT(
	    "From: a@x\r\nTo : b@y,\r\n\tc@z\r\nX:\r\n\r\nBody: no\r\n");
	struct header_field	 f;
	size_t			 pos = 0;

	(void)state;
	assert_true(header_next(msg, &pos, &f));
	check(f.name, "From");
	check(f.value, " a@x");
	check(f.whole, "From: a@x\r\n");
	assert_true(header_next(msg, &pos, &f));
	check(f.name, "To");
	check(f.value, " b@y,\r\n\tc@z");
	check(f.whole, "To : b@y,\r\n\tc@z\r\n");
	assert_true(header_next(msg, &pos, &f));
	check(f.name, "X");
	check(f.value, "");
	assert_false(header_next(msg, &pos, &f));
	assert_string_equal(msg.ptr + pos, "Body: no\r\n");
}

static void
the_section_ends_where_no_field_starts(void **state)
{
	static const struct { const char *in; size_t n; const char *rest; }
	    t[] = {
		{ "", 0, "" },
		{ "\r\n", 0, "" },
		{ "\n", 0, "" },
		{ "\r", 0, "\r" },
		{ "A: 1", 1, "" },
		{ "A:", 1, "" },
		{ "A: 1\r\n", 1, "" },
		{ "A: 1\n b\nB: 2\n\nbody", 2, "body" },
		{ "A: 1\r\n\r\nbody", 1, "body" },
		{ "A: 1\r\n \r\nB: 2\r\n", 2, "" },
		{ "A: 1\r\nno field here\r\nB: 2\r\n", 1,
		    "no field here\r\nB: 2\r\n" },
		{ "From bob Sat Jan  1 12:00:00 2000\r\nA: 1\r\n", 0,
		    "From bob Sat Jan  1 12:00:00 2000\r\nA: 1\r\n" },
		{ " A: 1\r\n", 0, " A: 1\r\n" },
		{ ": 1\r\n", 0, ": 1\r\n" },
		{ "A\r\n: 1\r\n", 0, "A\r\n: 1\r\n" },
		{ "A\x80: 1\r\n", 0, "A\x80: 1\r\n" },
		{ "A\x01: 1\r\n", 0, "A\x01: 1\r\n" },
		{ "A", 0, "A" },
	};
	struct header_field	 f;
	size_t			 i, n, pos;

	(void)state;
	for (i = 0; i < N(t); i++) {
		struct slice	 msg = slice_str(t[i].in);

		for (n = pos = 0; header_next(msg, &pos, &f); n++)
			;
		assert_int_equal(n, t[i].n);
		assert_string_equal(t[i].in + pos, t[i].rest);
		/* Asked again it stays there. */
		if (pos == msg.len)
			assert_false(header_next(msg, &pos, &f));
	}
}

static void
mbox_lines_are_skipped_if_wanted(void **state)
{
	static const struct { const char *in; size_t n; const char *rest; }
	    t[] = {
		{ "From a Sat\r\nA: 1\n>From b\nB: 2\n\nbody", 2, "body" },
		{ "From : 1\n>From b\n", 1, "" },
		{ "From a", 0, "" },
		{ "From a\n\nbody", 0, "body" },
		/* none of the header's */
		{ "Fromage\n", 0, "Fromage\n" },
		{ ">From\n", 0, ">From\n" },
		{ "A: 1\n\nFrom a\nB: 2\n", 1, "From a\nB: 2\n" },
		{ "A: 1\r\n\r\n>From a\nB: 2\n", 1, ">From a\nB: 2\n" },
		{ "\nFrom a\nB: 2\n", 0, "From a\nB: 2\n" },
		{ "A: 1\n\n>", 1, ">" },
	};
	struct header_field	 f;
	size_t			 i, n, pos;

	(void)state;
	for (i = 0; i < N(t); i++) {
		struct slice	 msg = slice_str(t[i].in);

		for (n = pos = 0; header_next_lenient(msg, &pos, &f); n++)
			;
		assert_int_equal(n, t[i].n);
		assert_string_equal(t[i].in + pos, t[i].rest);
	}
}

static void
a_message_cut_anywhere_is_walked_within_its_bounds(void **state)
{
	static const char	 text[] =
	    "Received: by x\r\n\t; now\r\nA : b\r\n\r\nbody";
	struct header_field	 f;
	size_t			 len, pos;

	(void)state;
	for (len = 0; len < sizeof(text); len++) {
		struct slice	 msg = { text, len };

		pos = 0;
		while (header_next(msg, &pos, &f)) {
			assert_true(f.whole.ptr + f.whole.len <= text + len);
			assert_true(f.value.ptr + f.value.len <=
			    f.whole.ptr + f.whole.len);
		}
		assert_true(pos <= len);
	}
}

static void
fields_are_found_and_counted_by_name(void **state)
{
	struct slice		 msg = SLICE_LIT("Received: 1\r\n"
	    "RECEIVED: 2\r\nX-Received: 3\r\nReceive: 4\r\n\r\n"
	    "Received: 5\r\n");
	struct header_field	 f;

	(void)state;
	assert_int_equal(header_count(msg, "received"), 2);
	assert_true(header_find(msg, "Received", &f));
	check(f.value, " 1");
	assert_true(header_find(msg, "receive", &f));
	check(f.value, " 4");
	assert_false(header_find(msg, "Rec", &f));
	assert_false(header_find(msg, "Subject", &f));
}

static void
unfolding_leaves_no_line_end(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " hello", "hello" }, { "", "" }, { " \r\n \t", "" },
		{ " a\r\n\tb\r\n c ", "a\tb c" }, { "a\n b", "a b" },
		{ "a\rb", "ab" }, { "\r\n a", "a" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 64);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(header_unfold(slice_str(t[i].in), &b), 0);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_clear(&b);
	assert_int_equal(header_unfold(SLICE_LIT(" a\0b "), &b), 0);
	assert_int_equal(b.len, 3);
	buf_free(&b);
	buf_init(&b, 4);
	assert_int_equal(buf_addc(&b, 'x'), 0);
	assert_int_equal(header_unfold(SLICE_LIT("ab\r\n cd"), &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "x");
	buf_free(&b);
}

static void
fields_are_written_folded_at_blanks(void **state)
{
	static const struct { const char *text; bool encode; const char *out; }
	    t[] = {
		{ "hello", true, "X: hello\r\n" },
		{ "", true, "X: \r\n" },
		{ "  a  b  ", true, "X: a  b\r\n" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c", false,
		    "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n c\r\n" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", false,
		    "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n b\r\n" },
		{ "Zo\xc3\xab <z@x>", true,
		    "X: =?utf-8?Q?Zo=C3=AB?= <z@x>\r\n" },
		{ "Zo\xc3\xab M\xc3\xbcller <z@x>", true,
		    "X: =?utf-8?Q?Zo=C3=AB_M=C3=BCller?= <z@x>\r\n" },
		{ "Zo\xc3\xab and M\xc3\xbcller", true,
		    "X: =?utf-8?Q?Zo=C3=AB?= and =?utf-8?Q?M=C3=BCller?="
		    "\r\n" },
		{ "Zo\xc3\xab", false, "X: Zo\xc3\xab\r\n" },
		{ "Zo\xeb", true, "X: =?unknown-8bit?Q?Zo=EB?=\r\n" },
		{ "=?utf-8?Q?x?=", true,
		    "X: =?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?=\r\n" },
		{ "=?utf-8?Q?x?=", false, "X: =?utf-8?Q?x?=\r\n" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(header_add(&b, "X", t[i].text, t[i].encode),
		    0);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
long_encoded_text_keeps_lines_short_and_characters_whole(void **state)
{
	struct buf	 text, b;
	const char	*line, *end, *p;
	size_t		 i, chars = 0;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&b, 65536);
	for (i = 0; i < 200; i++)
		assert_int_equal(buf_addstr(&text, "\xe7\x94\xa8"), 0);
	assert_int_equal(header_add(&b, "Subject", buf_cstr(&text), true), 0);
	for (line = buf_cstr(&b); *line != '\0'; line = end + 2) {
		end = strstr(line, "\r\n");
		assert_non_null(end);
		assert_true(end - line <= 76);
		assert_memory_equal(end - 2, "?=", 2);
		p = strstr(line, "?Q?");
		assert_non_null(p);
		assert_int_equal((end - 2 - (p + 3)) % 9, 0);
		chars += (size_t)(end - 2 - (p + 3)) / 9;
	}
	assert_int_equal(chars, 200);
	buf_free(&text);
	buf_free(&b);
}

static void
a_line_end_in_text_cannot_make_a_second_field(void **state)
{
	static const char *const t[] = {
		"a\r\nBcc: x", "a\nb", "a\rb", "\n", "a\r\n b",
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 16);
	assert_int_equal(buf_addstr(&b, "keep"), 0);
	for (i = 0; i < N(t); i++) {
		assert_int_equal(header_add(&b, "X", t[i], true), -1);
		assert_int_equal(errno, EINVAL);
		assert_string_equal(buf_cstr(&b), "keep");
	}
	assert_int_equal(header_add(&b, "Subject", "too much of it", true),
	    -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "keep");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(fields_are_walked_to_the_empty_line),
		cmocka_unit_test(the_section_ends_where_no_field_starts),
		cmocka_unit_test(mbox_lines_are_skipped_if_wanted),
		cmocka_unit_test(
		    a_message_cut_anywhere_is_walked_within_its_bounds),
		cmocka_unit_test(fields_are_found_and_counted_by_name),
		cmocka_unit_test(unfolding_leaves_no_line_end),
		cmocka_unit_test(fields_are_written_folded_at_blanks),
		cmocka_unit_test(
		    long_encoded_text_keeps_lines_short_and_characters_whole),
		cmocka_unit_test(a_line_end_in_text_cannot_make_a_second_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
