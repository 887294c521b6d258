/* Sets of numbers: tables at the edges, and a bitmap as the model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/number_set.h"

#define MAX	4294967295u

static void
parse(const char *text, uint32_t largest, struct number_set *s)
{
	assert_int_equal(number_set_parse(slice_str(text), largest, 1000, s),
	    0);
}

static void
check(const struct number_set *s, const char *want)
{
	struct buf	 b;
	uint32_t	 before = 0;
	size_t		 i;

	for (i = 0; i < s->n; i++) {
		assert_int_equal(s->range[i].before, before);
		before += s->range[i].last - s->range[i].first + 1;
	}
	assert_int_equal(number_set_count(s), before);
	buf_init(&b, 4000);
	assert_int_equal(number_set_format(s, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
sequence_sets_are_read(void **state)
{
	static const struct {
		const char	*text;
		uint32_t	 largest;
		const char	*want;
	} t[] = {
		{ "1", 9, "1" },
		{ "1:3", 0, "1:3" },
		{ "3:1", 0, "1:3" },
		{ "5,4,3", 0, "3:5" },
		{ "1,2,3,4", 0, "1:4" },
		{ "1:5,2:3", 0, "1:5" },
		{ "2:3,1:5,7", 0, "1:5,7" },
		{ "9,1,5:6,2", 0, "1:2,5:6,9" },
		{ "*", 7, "7" },
		{ "*:*", 7, "7" },
		{ "5:*", 7, "5:7" },
		{ "*:5", 7, "5:7" },
		{ "9:*", 7, "7:9" },
		{ "*,1", 7, "1,7" },
		{ "*", 0, "" },
		{ "5:*", 0, "" },
		{ "5:*,3", 0, "3" },
		{ "4294967295", 0, "4294967295" },
		{ "1:4294967295", 0, "1:4294967295" },
		{ "1:4294967295,4294967295,7", 0, "1:4294967295" },
		{ "4294967295,4294967294", 0, "4294967294:4294967295" },
		{ "4294967295,1:2", 0, "1:2,4294967295" },
	};
	struct number_set	 s = { 0 };
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		parse(t[i].text, t[i].largest, &s);
		check(&s, t[i].want);
	}
	number_set_free(&s);
}

static void
what_is_no_sequence_set_is_refused(void **state)
{
	static const char	*const t[] = {
		"", "0", "01", "1:0", "0:1", "4294967296",
		"99999999999999999999999", "1,", ",1", "1,,2", "1:", ":1",
		"1:2:3", "**", "*1", "1*", "a", "1 ", " 1", "-1", "+1",
		"1;2", "$", "1,$", "1:2,", "1\t",
	};
	struct number_set	 s = { 0 };
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		number_set_add(&s, 1, 5);
		errno = 0;
		if (number_set_parse(slice_str(t[i]), 7, 100, &s) != -1)
			fail_msg("\"%s\" was taken", t[i]);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(s.n, 0);
	}
	number_set_add(&s, 1, 5);
	assert_int_equal(number_set_parse((struct slice){ "1\0", 2 }, 7,
	    100, &s), -1);
	assert_int_equal(number_set_parse((struct slice){ NULL, 0 }, 7,
	    100, &s), -1);
	/* As many as allowed, and one more. */
	assert_int_equal(number_set_parse(SLICE_LIT("1,2,3"), 7, 3, &s), 0);
	check(&s, "1:3");
	assert_int_equal(number_set_parse(SLICE_LIT("1,2,3,4"), 7, 3, &s),
	    -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(s.n, 0);
	number_set_free(&s);
}

static void
the_edges_of_the_range_hold(void **state)
{
	struct number_set	 s = { 0 }, out = { 0 };

	(void)state;
	check(&s, "");
	assert_false(number_set_has(&s, 0));
	assert_int_equal(number_set_at(&s, 1), 0);
	assert_int_equal(number_set_next(&s, 1), 0);
	assert_int_equal(number_set_position(&s, 1), 0);
	number_set_remove(&s, 1, MAX);
	number_set_add(&s, 5, 4);
	number_set_add(&s, 0, 0);
	check(&s, "");
	number_set_add(&s, MAX, MAX);
	number_set_add(&s, MAX, MAX);
	check(&s, "4294967295");
	assert_int_equal(number_set_at(&s, 1), MAX);
	assert_int_equal(number_set_next(&s, 1), MAX);
	number_set_add(&s, 1, MAX);
	check(&s, "1:4294967295");
	assert_int_equal(number_set_count(&s), MAX);
	assert_int_equal(number_set_at(&s, MAX), MAX);
	assert_int_equal(number_set_position(&s, MAX), MAX);
	assert_int_equal(number_set_position(&s, 0), 0);
	assert_int_equal(number_set_at(&s, 0), 0);
	number_set_at_set(&s, &s, &out);
	check(&out, "1:4294967295");
	number_set_positions(&s, &s, &out);
	check(&out, "1:4294967295");
	number_set_remove(&s, 2, MAX - 1);
	check(&s, "1,4294967295");
	number_set_add_set(&s, &out);
	check(&s, "1:4294967295");
	number_set_remove_set(&s, &out);
	check(&s, "");
	number_set_free(&s);
	number_set_free(&out);
}

static void
text_that_does_not_fit_leaves_the_buffer(void **state)
{
	struct number_set	 s = { 0 };
	struct buf		 b;

	(void)state;
	number_set_add(&s, 1, 1);
	number_set_add(&s, 30, 40);
	buf_init(&b, 3);
	assert_int_equal(number_set_format(&s, &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	buf_init(&b, 7);
	assert_int_equal(buf_addstr(&b, "x"), 0);
	assert_int_equal(number_set_format(&s, &b), -1);
	assert_string_equal(buf_cstr(&b), "x");
	buf_clear(&b);
	assert_int_equal(number_set_format(&s, &b), 0);
	assert_string_equal(buf_cstr(&b), "1,30:40");
	buf_free(&b);
	number_set_free(&s);
}

/* --- against bitmaps ------------------------------------------------------- */

#define BITS	200

static bool	 model[2][BITS + 1];

static uint32_t
dice(uint32_t n)
{
	static uint32_t	 x = 12345;

	x = x * 1664525u + 1013904223u;
	return (x >> 8) % n;
}

static void
same(const struct number_set *s, const bool *m)
{
	uint32_t	 i, n = 0, next = 0;

	for (i = 0; i + 1 < s->n; i++)
		assert_true(s->range[i].last + 1 < s->range[i + 1].first);
	for (i = 1; i <= BITS; i++) {
		assert_int_equal(number_set_has(s, i), m[i]);
		assert_int_equal(number_set_position(s, i), m[i] ? ++n : 0);
		if (m[i])
			assert_int_equal(number_set_at(s, n), i);
	}
	assert_int_equal(number_set_count(s), n);
	assert_int_equal(number_set_at(s, n + 1), 0);
	for (i = BITS; i > 0; i--) {
		if (m[i])
			next = i;
		assert_int_equal(number_set_next(s, i), next);
	}
}

/* Numbers of a at the positions in b; positions in a of b's numbers. */
static void
compare_positions(const struct number_set *a, const struct number_set *b)
{
	struct number_set	 out = { 0 };
	bool			 want[BITS + 1] = { false };
	bool			 back[BITS + 1] = { false };
	uint32_t		 i, n = 0;

	for (i = 1; i <= BITS; i++) {
		if (!model[0][i])
			continue;
		n++;
		want[i] = model[1][n];
		back[n] = model[1][i];
	}
	number_set_at_set(a, b, &out);
	same(&out, want);
	number_set_positions(a, b, &out);
	same(&out, back);
	number_set_free(&out);
}

static void
combine(struct number_set *s, unsigned int how)
{
	uint32_t	 i;

	switch (how) {
	case 0:
		number_set_add_set(&s[0], &s[1]);
		break;
	case 1:
		number_set_remove_set(&s[0], &s[1]);
		break;
	default:
		number_set_intersect(&s[0], &s[1]);
		break;
	}
	for (i = 1; i <= BITS; i++)
		model[0][i] = how == 0 ? model[0][i] || model[1][i] :
		    how == 1 ? model[0][i] && !model[1][i] :
		    model[0][i] && model[1][i];
}

static void
random_operations_do_as_a_bitmap_does(void **state)
{
	struct number_set	 s[2] = { { 0 }, { 0 } };
	uint32_t		 round, which, first, last, what, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		which = dice(2);
		what = dice(60);
		first = 1 + dice(BITS);
		last = first + dice(dice(4) == 0 ? 30 : 3);
		if (last > BITS)
			last = BITS;
		if (what < 57) {
			if (what < 32)
				number_set_add(&s[which], first, last);
			else
				number_set_remove(&s[which], first, last);
			for (i = first; i <= last; i++)
				model[which][i] = what < 32;
		} else
			combine(s, what - 57);
		if (what == 0 && dice(10) == 0) {
			number_set_copy(&s[0], &s[1]);
			memcpy(model[0], model[1], sizeof(model[0]));
		} else if (what == 1 && dice(30) == 0) {
			number_set_clear(&s[which]);
			memset(model[which], 0, sizeof(model[which]));
		}
		same(&s[0], model[0]);
		same(&s[1], model[1]);
		if (round % 16 == 0)
			compare_positions(&s[0], &s[1]);
	}
	number_set_free(&s[0]);
	number_set_free(&s[1]);
}

static void
random_texts_do_as_a_bitmap_does(void **state)
{
	struct number_set	 s = { 0 };
	uint32_t		 round, n, a, b, i;
	bool			 want[BITS + 1];
	char			 text[400];
	int			 len;

	(void)state;
	for (round = 0; round < 2000; round++) {
		memset(want, 0, sizeof(want));
		len = 0;
		for (n = 1 + dice(20); n > 0; n--) {
			a = 1 + dice(BITS);
			b = 1 + dice(BITS);
			if (dice(3) == 0)
				b = a;
			len += snprintf(text + len, sizeof(text) -
			    (size_t)len, a == b ? "%s%u" : "%s%u:%u",
			    len == 0 ? "" : ",", a, b);
			for (i = a < b ? a : b; i <= (a < b ? b : a); i++)
				want[i] = true;
		}
		parse(text, 0, &s);
		same(&s, want);
	}
	number_set_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(sequence_sets_are_read),
		cmocka_unit_test(what_is_no_sequence_set_is_refused),
		cmocka_unit_test(the_edges_of_the_range_hold),
		cmocka_unit_test(text_that_does_not_fit_leaves_the_buffer),
		cmocka_unit_test(random_operations_do_as_a_bitmap_does),
		cmocka_unit_test(random_texts_do_as_a_bitmap_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
