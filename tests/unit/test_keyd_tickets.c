/* The lives of keys of session tickets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/tickets.h"

static struct key_ticket	 a, b, c;

static void
a_key_is_the_same_until_half_of_its_life(void **state)
{
	struct tickets	*t = tickets_new(3600, 1000);

	(void)state;
	tickets_get(t, NULL, 1000, &a);
	assert_true(a.known);
	assert_int_equal(a.fresh, 1800);
	assert_int_equal(a.left, 3600);
	tickets_get(t, NULL, 1800 * 1000, &b);
	assert_memory_equal(b.name, a.name, sizeof(a.name));
	assert_memory_equal(b.aes, a.aes, sizeof(a.aes));
	assert_memory_equal(b.hmac, a.hmac, sizeof(a.hmac));
	assert_int_equal(b.fresh, 1);
	assert_int_equal(b.left, 1801);
	tickets_get(t, a.name, 1800 * 1000, &b);
	assert_true(b.known);
	assert_int_equal(b.fresh, 1);
	tickets_free(t);
}

static void
then_it_only_opens_old_tickets_and_is_wiped_at_its_end(void **state)
{
	struct tickets	*t = tickets_new(3600, 0);

	(void)state;
	tickets_get(t, NULL, 0, &a);
	tickets_get(t, NULL, 1800 * 1000, &b);
	assert_memory_not_equal(a.name, b.name, sizeof(a.name));
	assert_memory_not_equal(a.aes, b.aes, sizeof(a.aes));
	assert_memory_not_equal(a.hmac, b.hmac, sizeof(a.hmac));
	tickets_get(t, a.name, 1800 * 1000, &c);
	assert_true(c.known);
	assert_memory_equal(c.aes, a.aes, sizeof(a.aes));
	assert_int_equal(c.fresh, 0);
	assert_int_equal(c.left, 1800);
	tickets_get(t, a.name, 3599 * 1000, &c);
	assert_int_equal(c.left, 1);
	tickets_get(t, a.name, 3599 * 1000 + 1, &c);
	assert_false(c.known);	/* less than a second is none */
	tickets_get(t, a.name, 3600 * 1000, &c);
	assert_false(c.known);
	/* And b is the older one now. */
	tickets_get(t, b.name, 3600 * 1000, &c);
	assert_true(c.known);
	assert_int_equal(c.fresh, 0);
	tickets_free(t);
}

static void
unknown_names_are_unknown(void **state)
{
	static const unsigned char	 zero[KEY_TICKET_NAME];
	static const struct key_ticket	 none;
	struct tickets			*t = tickets_new(60, 0);

	(void)state;
	tickets_get(t, zero, 1, &a);
	assert_memory_equal(&a, &none, sizeof(a));
	tickets_get(t, NULL, 1, &a);
	a.name[KEY_TICKET_NAME - 1] ^= 1;
	tickets_get(t, a.name, 1, &b);
	assert_memory_equal(&b, &none, sizeof(b));
	/* The place of the older one is empty again: no name fits it. */
	assert_int_equal(tickets_turn(t, 31 * 1000), 29 * 1000);
	assert_int_equal(tickets_turn(t, 60 * 1000), 1000);
	tickets_get(t, zero, 60 * 1000, &b);
	assert_false(b.known);
	tickets_free(t);
}

static void
the_timer_wipes_what_nobody_asks_for(void **state)
{
	struct tickets	*t = tickets_new(60, 0);

	(void)state;
	tickets_get(t, NULL, 0, &a);
	assert_int_equal(tickets_turn(t, 0), 30 * 1000);
	assert_int_equal(tickets_turn(t, 30 * 1000), 30 * 1000);
	tickets_get(t, a.name, 59 * 1000, &b);
	assert_true(b.known);
	/* A machine that slept: nothing of before is left. */
	tickets_get(t, NULL, 59 * 1000, &b);
	assert_int_equal(tickets_turn(t, 1000 * 1000), 30 * 1000);
	tickets_get(t, a.name, 1000 * 1000, &c);
	assert_false(c.known);
	tickets_get(t, b.name, 1000 * 1000, &c);
	assert_false(c.known);
	tickets_free(t);
}

static void
a_shorter_life_holds_at_once(void **state)
{
	struct tickets	*t = tickets_new(3600, 0);

	(void)state;
	tickets_get(t, NULL, 0, &a);
	tickets_set_life(t, 10, 1000);
	tickets_get(t, NULL, 1000, &b);
	assert_memory_equal(a.name, b.name, sizeof(a.name));
	assert_int_equal(b.fresh, 5);
	assert_int_equal(b.left, 10);
	tickets_set_life(t, 3600, 2000);
	tickets_get(t, NULL, 2000, &b);
	assert_int_equal(b.left, 9);
	tickets_free(t);
}

static void
two_seconds_are_a_life(void **state)
{
	struct tickets	*t = tickets_new(2, 0);
	int64_t		 now;

	(void)state;
	for (now = 0; now < 10000; now += 50) {
		tickets_get(t, NULL, now, &a);
		assert_true(a.known);
		assert_int_equal(a.fresh, 1);
		assert_in_range(a.left, 1, 2);
	}
	tickets_free(t);
	tickets_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_key_is_the_same_until_half_of_its_life),
		cmocka_unit_test(
		    then_it_only_opens_old_tickets_and_is_wiped_at_its_end),
		cmocka_unit_test(unknown_names_are_unknown),
		cmocka_unit_test(the_timer_wipes_what_nobody_asks_for),
		cmocka_unit_test(a_shorter_life_holds_at_once),
		cmocka_unit_test(two_seconds_are_a_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
