/* Messages on their way out: line ends, dots, TOP; cut at every octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pop3-session/wire.h"

static const struct {
	const char	*in, *out;
	uint64_t	 lines;
} cases[] = {
	{ "", ".\r\n", WIRE_ALL },
	{ "\n", "\r\n.\r\n", WIRE_ALL },
	{ "a", "a\r\n.\r\n", WIRE_ALL },
	{ "a\n", "a\r\n.\r\n", WIRE_ALL },
	{ "a\r\n", "a\r\n.\r\n", WIRE_ALL },
	{ "a\r", "a\r\n.\r\n", WIRE_ALL },
	{ "a\r\rb\n", "a\r\rb\r\n.\r\n", WIRE_ALL },
	{ "a\r\r\n", "a\r\r\n.\r\n", WIRE_ALL },
	{ ".", "..\r\n.\r\n", WIRE_ALL },
	{ ".\n", "..\r\n.\r\n", WIRE_ALL },
	{ "..\n", "...\r\n.\r\n", WIRE_ALL },
	{ "a.\n.b\r\n.c", "a.\r\n..b\r\n..c\r\n.\r\n", WIRE_ALL },
	{ "\r.\n", "\r.\r\n.\r\n", WIRE_ALL },
	{ ".\n.\n.\n.\n", "..\r\n..\r\n..\r\n..\r\n.\r\n", WIRE_ALL },
	{ "\n\n\n\n", "\r\n\r\n\r\n\r\n.\r\n", WIRE_ALL },
	{ "h: 1\n\nb\nc\n", "h: 1\r\n\r\nb\r\nc\r\n.\r\n", WIRE_ALL },
	/* TOP: the header, the empty line, then so many lines. */
	{ "h: 1\n\nb\nc\n", "h: 1\r\n\r\n.\r\n", 0 },
	{ "h: 1\n\nb\nc\n", "h: 1\r\n\r\nb\r\n.\r\n", 1 },
	{ "h: 1\n\nb\nc\n", "h: 1\r\n\r\nb\r\nc\r\n.\r\n", 2 },
	{ "h: 1\n\nb\nc\n", "h: 1\r\n\r\nb\r\nc\r\n.\r\n", 3 },
	{ "h: 1\n\n\n\nd\n", "h: 1\r\n\r\n\r\n\r\n.\r\n", 2 },
	{ "h: 1\r\n\r\n.b\r\nc", "h: 1\r\n\r\n..b\r\n.\r\n", 1 },
	{ "h: 1\n\nb", "h: 1\r\n\r\nb\r\n.\r\n", 1 },
	{ "h: 1\n", "h: 1\r\n.\r\n", 0 },
	{ "\nb\nc\n", "\r\nb\r\n.\r\n", 1 },
	{ "h\r\r\n\nb\n", "h\r\r\n\r\n.\r\n", 0 },
	/* "\r\r\n" is no empty line. */
	{ "\r\r\n\nb\n", "\r\r\n\r\n.\r\n", 0 },
	{ "", ".\r\n", 0 },
};

static void
convert(const char *in, size_t len, const size_t *cuts, size_t ncuts,
    uint64_t lines, char *out, size_t *outlen)
{
	struct wire	 w;
	size_t		 i, from = 0, to, n = 0, got;
	char		*room;

	wire_init(&w, lines);
	for (i = 0; i <= ncuts; i++) {
		to = i == ncuts ? len : cuts[i];
		/* An exact allocation: a sanitizer sees every octet past it. */
		room = malloc(WIRE_ROOM(to - from));
		assert_non_null(room);
		got = wire_put(&w, in + from, to - from, room);
		assert_true(got <= WIRE_ROOM(to - from));
		memcpy(out + n, room, got);
		free(room);
		n += got;
		from = to;
	}
	got = wire_end(&w, out + n);
	assert_true(got <= WIRE_END_MAX);
	*outlen = n + got;
}

static void
check(const char *in, const char *want, uint64_t lines, const size_t *cuts,
    size_t ncuts)
{
	char	 out[256];
	size_t	 n;

	convert(in, strlen(in), cuts, ncuts, lines, out, &n);
	out[n] = '\0';
	assert_string_equal(out, want);
}

static void
wire_puts_what_the_table_says_however_it_is_cut(void **state)
{
	size_t	 i, len, cuts[2];

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = strlen(cases[i].in);
		check(cases[i].in, cases[i].out, cases[i].lines, NULL, 0);
		for (cuts[0] = 0; cuts[0] <= len; cuts[0]++)
			for (cuts[1] = cuts[0]; cuts[1] <= len; cuts[1]++)
				check(cases[i].in, cases[i].out,
				    cases[i].lines, cuts, 2);
	}
}

/* The sent octets without the dots that were added and the final line. */
static uint64_t
unstuffed(const char *out, size_t n)
{
	uint64_t	 octets = n - 3;
	size_t		 i;

	for (i = 0; i + 3 < n; i++)
		if (out[i] == '.' && (i == 0 || out[i - 1] == '\n'))
			octets--;
	return octets;
}

static void
wire_size_is_what_is_sent(void **state)
{
	struct wire_size	 s;
	char			 out[256];
	size_t			 i, n, cut, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = strlen(cases[i].in);
		convert(cases[i].in, len, NULL, 0, WIRE_ALL, out, &n);
		for (cut = 0; cut <= len; cut++) {
			wire_size_init(&s);
			wire_size_add(&s, cases[i].in, cut);
			wire_size_add(&s, cases[i].in + cut, len - cut);
			assert_int_equal(wire_size_end(&s),
			    unstuffed(out, n));
		}
	}
}

static void
wire_keeps_nul_and_eight_bit_octets(void **state)
{
	static const char	 in[] = "\0\xff\n\0.\n.\0";
	static const char	 want[] = "\0\xff\r\n\0.\r\n..\0\r\n.\r\n";
	char			 out[64];
	size_t			 n;

	(void)state;
	convert(in, sizeof(in) - 1, NULL, 0, WIRE_ALL, out, &n);
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(out, want, n);
}

static void
wire_is_silent_after_the_last_line_of_top(void **state)
{
	struct wire	 w;
	char		 out[64];

	(void)state;
	wire_init(&w, 0);
	assert_int_equal(wire_put(&w, "h\n\n", 3, out), 5);
	assert_true(w.done);
	assert_int_equal(wire_put(&w, "more\n", 5, out), 0);
	assert_int_equal(wire_end(&w, out), 3);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(
		    wire_puts_what_the_table_says_however_it_is_cut),
		cmocka_unit_test(wire_size_is_what_is_sent),
		cmocka_unit_test(wire_keeps_nul_and_eight_bit_octets),
		cmocka_unit_test(wire_is_silent_after_the_last_line_of_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
