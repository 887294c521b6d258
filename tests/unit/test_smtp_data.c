/* DATA's end and the content's facts, whole and split at every octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "smtpd/content.h"
#include "smtpd/data.h"

static int
add(void *arg, const void *data, size_t len)
{
	return buf_add(arg, data, len);
}

/*
 * Feed in, cut into pieces at the octets a and b, through both.  True when
 * the end was seen; then *rest is what stands behind it.
 */
static bool
feed(const char *in, size_t len, size_t a, size_t b, struct content *c,
    struct buf *out, size_t *rest)
{
	const size_t	 cuts[] = { 0, a, b, len };
	struct slice	 piece, run;
	struct data	 d;
	size_t		 i, used;

	data_init(&d);
	for (i = 0; i < 3; i++) {
		piece.ptr = in + cuts[i];
		piece.len = cuts[i + 1] - cuts[i];
		while (piece.len > 0) {
			if (data_next(&d, piece, &run, &used) == DATA_END) {
				*rest = len - (size_t)(piece.ptr + used - in);
				assert_int_equal(content_end(c, add, out), 0);
				return true;
			}
			assert_true(used > 0 || run.len > 0);
			assert_int_equal(content_add(c, run, add, out), 0);
			piece.ptr += used;
			piece.len -= used;
		}
	}
	return false;
}

struct data_case {
	const char	*name, *in;
	bool		 end;
	const char	*strict;	/* NULL: bare */
	const char	*mended;	/* with normalise */
	size_t		 rest;
};

static const struct data_case	 cases[] = {
	{ "empty message", ".\r\n", true, "", "", 0 },
	{ "one line", "a\r\n.\r\n", true, "a\r\n", "a\r\n", 0 },
	{ "commands behind", "a\r\n.\r\nQUIT\r\n", true, "a\r\n", "a\r\n", 6 },
	{ "stuffed dot", "..\r\n.\r\n", true, ".\r\n", ".\r\n", 0 },
	{ "dot and text", ".a\r\n.\r\n", true, "a\r\n", "a\r\n", 0 },
	{ "three dots", "a\r\n...\r\n.\r\n", true, "a\r\n..\r\n",
	    "a\r\n..\r\n", 0 },
	{ "dot inside", "a.b\r\n.\r\n", true, "a.b\r\n", "a.b\r\n", 0 },
	{ "empty lines", "\r\n\r\n.\r\n", true, "\r\n\r\n", "\r\n\r\n", 0 },
	{ "LF . LF", "a\n.\nb\r\n.\r\n", true, NULL, "a\r\n.\r\nb\r\n", 0 },
	{ "LF . CRLF", "a\n.\r\nb\r\n.\r\n", true, NULL, "a\r\n.\r\nb\r\n",
	    0 },
	{ "CRLF . LF", "a\r\n.\nb\r\n.\r\n", true, NULL, "a\r\n\r\nb\r\n",
	    0 },
	{ "CR . CR", "a\r.\rb\r\n.\r\n", true, NULL, "a\r\n.\r\nb\r\n", 0 },
	{ "CR . CRLF", "a\r.\r\nb\r\n.\r\n", true, NULL, "a\r\n.\r\nb\r\n",
	    0 },
	{ "CRLF . CR", "a\r\n.\rb\r\n.\r\n", true, NULL, "a\r\n\r\nb\r\n",
	    0 },
	{ "CRLF . CR CRLF", "a\r\n.\r\r\n.\r\n", true, NULL, "a\r\n\r\n", 0 },
	{ "CR CRLF . CRLF", "a\r\r\n.\r\n", true, NULL, "a\r\n", 0 },
	{ "many CR before LF", "a\r\r\r\n.\r\n", true, NULL, "a\r\n", 0 },
	{ "many CR", "a\r\r\rb\r\n.\r\n", true, NULL, "a\r\n\r\n\r\nb\r\n",
	    0 },
	{ "many LF", "a\n\n\nb\r\n.\r\n", true, NULL, "a\r\n\r\n\r\nb\r\n",
	    0 },
	{ "LF CR", "a\n\rb\r\n.\r\n", true, NULL, "a\r\n\r\nb\r\n", 0 },
	{ "first LF", "\n.\r\n.\r\n", true, NULL, "\r\n.\r\n", 0 },
	{ "no end: LF . LF", "a\n.\n", false, NULL, NULL, 0 },
	{ "no end: LF . CRLF", "a\n.\r\n", false, NULL, NULL, 0 },
	{ "no end: CR . CR", "a\r.\r", false, NULL, NULL, 0 },
	{ "no end: CRLF . LF", "a\r\n.\n", false, NULL, NULL, 0 },
	{ "no end: CRLF . CR", "a\r\n.\r", false, NULL, NULL, 0 },
	{ "no end: dot only", ".", false, NULL, NULL, 0 },
	{ "no end: dots", "..\r\n", false, NULL, NULL, 0 },
	{ "no end: dot blank", "a\r\n. \r\n", false, NULL, NULL, 0 },
};

static void
check_case(const struct data_case *t, size_t a, size_t b, bool normalise)
{
	const char	*want = normalise ? t->mended : t->strict;
	struct content	 c;
	struct buf	 out;
	size_t		 rest = 0;
	bool		 end;

	buf_init(&out, 4096);
	content_init(&c, normalise);
	end = feed(t->in, strlen(t->in), a, b, &c, &out, &rest);
	if (end != t->end)
		fail_msg("%s at %zu %zu: end %d", t->name, a, b, end);
	if (end) {
		assert_int_equal(rest, t->rest);
		if (c.bare != (t->strict == NULL))
			fail_msg("%s at %zu %zu: bare %d", t->name, a, b,
			    c.bare);
		if (want != NULL && (out.len != strlen(want) ||
		    strcmp(buf_cstr(&out), want) != 0))
			fail_msg("%s at %zu %zu: \"%s\"", t->name, a, b,
			    buf_cstr(&out));
		if (want != NULL)
			assert_int_equal(c.size, out.len);
	}
	buf_free(&out);
}

static void
only_crlf_dot_crlf_ends_data_however_it_is_split(void **state)
{
	size_t	 i, a, b, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = strlen(cases[i].in);
		for (a = 0; a <= len; a++)
			for (b = a; b <= len; b++) {
				check_case(&cases[i], a, b, false);
				check_case(&cases[i], a, b, true);
			}
	}
}

/* Octet by octet, as the RFC tells it: the length of the content, or -1. */
static int
slow_data(const char *in, size_t len, char *out)
{
	size_t	 i, n = 0;
	bool	 bol = true;

	for (i = 0; i < len; i++) {
		if (bol && in[i] == '.') {
			if (len - i >= 3 && in[i + 1] == '\r' &&
			    in[i + 2] == '\n')
				return (int)n;
			bol = false;
			continue;
		}
		bol = in[i] == '\n' && i > 0 && in[i - 1] == '\r';
		out[n++] = in[i];
	}
	return -1;
}

static void
data_agrees_with_the_slow_way_on_every_short_string(void **state)
{
	static const char	 alphabet[] = "\r\n.a";
	char			 in[9], slow[16];
	struct content		 c;
	struct buf		 out;
	size_t			 len, i, rest;
	unsigned long		 n, code, max;
	int			 want;
	bool			 end;

	(void)state;
	buf_init(&out, 64);
	for (len = 1, max = 4; len <= 8; len++, max *= 4)
		for (n = 0; n < max; n++) {
			for (i = 0, code = n; i < len; i++, code /= 4)
				in[i] = alphabet[code % 4];
			want = slow_data(in, len, slow);
			content_init(&c, false);
			buf_clear(&out);
			end = feed(in, len, len / 3, len / 2, &c, &out,
			    &rest);
			assert_int_equal(end, want != -1);
			if (!end || c.bare)
				continue;
			assert_int_equal(out.len, want);
			if (want > 0)
				assert_memory_equal(out.ptr, slow, want);
		}
	buf_free(&out);
}

static void
scan(const char *in, size_t len, size_t cut, struct content *c)
{
	struct buf	 out;

	buf_init(&out, 65536);
	content_init(c, false);
	assert_int_equal(content_add(c, (struct slice){ in, cut }, add, &out),
	    0);
	assert_int_equal(content_add(c, (struct slice){ in + cut, len - cut },
	    add, &out), 0);
	assert_int_equal(content_end(c, add, &out), 0);
	buf_free(&out);
}

static void
content_notes_what_it_sees_however_it_is_split(void **state)
{
	static const struct {
		const char	*in;
		size_t		 len;
		bool		 nul, eightbit, dots;
		unsigned int	 hops;
	} t[] = {
#define S(s)	s, sizeof(s) - 1
		{ S("Subject: x\r\n\r\nReceived: no\r\n"), 0, 0, 0, 0 },
		{ S("Received: a\r\nreceived:b\r\n\r\n"), 0, 0, 0, 2 },
		{ S("Received : a\r\nReceivedx: b\r\nX-Received: c\r\n\r\n"),
		    0, 0, 0, 0 },
		{ S("Received: a\r\n by b\r\nRECEIVED: c"), 0, 0, 0, 2 },
		{ S(" Received: a\r\n\r\n"), 0, 0, 0, 0 },
		{ S("\r\nReceived: a\r\n"), 0, 0, 0, 0 },
		{ S("a\0b\r\n"), 1, 0, 0, 0 },
		{ S("abcdefghijklmnopqrstu\0\r\n"), 1, 0, 0, 0 },
		{ S("abcdefg\xff\r\n"), 0, 1, 0, 0 },
		{ S("\xc3\xa4\r\n.x\r\n"), 0, 1, 1, 0 },
		{ S("a.\r\n .\r\n"), 0, 0, 0, 0 },
		{ S(".\r\n"), 0, 0, 1, 0 },
#undef S
	};
	struct content	 c;
	size_t		 i, cut;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (cut = 0; cut <= t[i].len; cut++) {
			scan(t[i].in, t[i].len, cut, &c);
			assert_int_equal(c.nul, t[i].nul);
			assert_false(c.bare);
			assert_int_equal(c.hops, t[i].hops);
			if (t[i].nul)
				continue;
			assert_int_equal(c.eightbit, t[i].eightbit);
			assert_int_equal(c.dots, t[i].dots);
		}
}

static void
content_calls_a_line_of_999_octets_long(void **state)
{
	static char	 line[2100];
	struct content	 c;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line + 998, "\r\n", 2);
	scan(line, 1000, 500, &c);
	assert_false(c.longline);
	line[998] = 'x';
	memcpy(line + 999, "\r\n", 2);
	scan(line, 1001, 998, &c);
	assert_true(c.longline);
}

static void
content_ends_with_crlf(void **state)
{
	struct content	 c;
	struct buf	 out;

	(void)state;
	buf_init(&out, 100);
	content_init(&c, false);
	assert_int_equal(content_add(&c, SLICE_LIT("a\r\nb"), add, &out), 0);
	assert_int_equal(content_end(&c, add, &out), 0);
	assert_string_equal(buf_cstr(&out), "a\r\nb\r\n");
	buf_clear(&out);
	content_init(&c, false);
	assert_int_equal(content_add(&c, SLICE_LIT("a\r"), add, &out), 0);
	assert_int_equal(content_end(&c, add, &out), 0);
	assert_true(c.bare);
	buf_clear(&out);
	content_init(&c, true);
	assert_int_equal(content_add(&c, SLICE_LIT("a\r\r"), add, &out), 0);
	assert_int_equal(content_end(&c, add, &out), 0);
	assert_string_equal(buf_cstr(&out), "a\r\n\r\n");
	buf_free(&out);
}

static int
full(void *arg, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return -1;
}

static void
content_reports_a_sink_that_is_full(void **state)
{
	struct content	 c;

	(void)state;
	content_init(&c, true);
	assert_int_equal(content_add(&c, SLICE_LIT("a\nb"), full, NULL), -1);
	content_init(&c, true);
	assert_int_equal(content_add(&c, SLICE_LIT("a\r\n"), full, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(
		    only_crlf_dot_crlf_ends_data_however_it_is_split),
		cmocka_unit_test(
		    data_agrees_with_the_slow_way_on_every_short_string),
		cmocka_unit_test(
		    content_notes_what_it_sees_however_it_is_split),
		cmocka_unit_test(content_calls_a_line_of_999_octets_long),
		cmocka_unit_test(content_ends_with_crlf),
		cmocka_unit_test(content_reports_a_sink_that_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
