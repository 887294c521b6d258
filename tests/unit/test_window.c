/* How much goes to a destination at once, and when: growth, pauses, probes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue-runner/window.h"

#define FIRST	60000
#define LAST	900000

static struct window	 w;

static int
begin(void **state)
{
	(void)state;
	window_init(&w, 20);
	return 0;
}

static void
success_lets_it_grow_to_its_maximum(void **state)
{
	unsigned int	 i;

	(void)state;
	assert_int_equal(window_jobs(&w, 0), WINDOW_START);
	for (i = 1; i < 50; i++) {
		window_well(&w, i);
		assert_int_equal(window_jobs(&w, i), i + WINDOW_START < 20 ?
		    i + WINDOW_START : 20);
	}
}

static void
a_small_maximum_is_kept(void **state)
{
	(void)state;
	window_init(&w, 1);
	assert_int_equal(window_jobs(&w, 0), 1);
	window_well(&w, 1);
	assert_int_equal(window_jobs(&w, 1), 1);
	window_bad(&w);
	assert_int_equal(window_jobs(&w, 1), 1);
}

static void
a_failure_on_the_way_halves_it(void **state)
{
	static const unsigned int	 sizes[] = { 10, 5, 2, 1, 1 };
	size_t				 i;

	(void)state;
	for (i = 0; i < 30; i++)
		window_well(&w, 1);
	for (i = 0; i < 5; i++) {
		window_bad(&w);
		assert_int_equal(window_jobs(&w, 1), sizes[i]);
	}
	assert_int_equal(window_state(&w, 1), WINDOW_OPEN);
}

static void
a_failed_destination_pauses_and_each_pause_is_longer(void **state)
{
	static const int64_t	 pauses[] = { 60, 120, 240, 480, 900, 900 };
	int64_t			 now = 5000;
	size_t			 i;

	(void)state;
	for (i = 0; i < 6; i++) {
		assert_true(window_failed(&w, now, now - 1, 0, FIRST, LAST));
		assert_int_equal(window_state(&w, now), WINDOW_PAUSED);
		assert_int_equal(window_jobs(&w, now), 0);
		now += pauses[i] * 1000 - 1001;
		assert_int_equal(window_state(&w, now), WINDOW_PAUSED);
		now++;
		assert_int_equal(window_state(&w, now), WINDOW_PROBE);
		assert_int_equal(window_jobs(&w, now), 1);
	}
}

static void
what_fails_together_is_one_failure(void **state)
{
	(void)state;
	assert_true(window_failed(&w, 1000, 1, 2, FIRST, LAST));
	assert_true(window_failed(&w, 1001, 1, 1, FIRST, LAST));
	assert_true(window_failed(&w, 1002, 1, 0, FIRST, LAST));
	assert_int_equal(w.failures, 1);
	assert_int_equal(w.until, 1000 + FIRST);
}

static void
a_probe_that_goes_well_opens_it(void **state)
{
	(void)state;
	assert_true(window_failed(&w, 1000, 1, 0, FIRST, LAST));
	window_well(&w, 70000);
	assert_int_equal(window_state(&w, 70000), WINDOW_OPEN);
	assert_int_equal(window_jobs(&w, 70000), WINDOW_START);
	/* And the next pause is the first again. */
	assert_true(window_failed(&w, 80000, 79000, 0, FIRST, LAST));
	assert_int_equal(w.until, 80000 + FIRST);
}

static void
a_pause_that_is_lifted_is_a_probe(void **state)
{
	(void)state;
	window_lift(&w, 0);
	assert_int_equal(window_state(&w, 1000), WINDOW_OPEN);
	assert_true(window_failed(&w, 1000, 1, 0, FIRST, LAST));
	window_lift(&w, 1001);
	assert_int_equal(window_jobs(&w, 1001), 1);
	assert_true(window_failed(&w, 1002, 1001, 0, FIRST, LAST));
	assert_int_equal(w.until, 1002 + 2 * FIRST);
}

/* What somebody wants to be tried is not put off by a try before. */
static void
a_pause_that_is_lifted_during_a_probe_is_another(void **state)
{
	(void)state;
	assert_true(window_failed(&w, 1000, 1, 0, FIRST, LAST));
	window_lift(&w, 1001);
	window_lift(&w, 1010);
	assert_true(window_failed(&w, 1020, 1005, 0, FIRST, LAST));
	assert_int_equal(window_jobs(&w, 1020), 1);
	assert_true(window_failed(&w, 1030, 1021, 0, FIRST, LAST));
	assert_int_equal(w.until, 1030 + 4 * FIRST);
}

static void
too_many_connections_make_a_ceiling_not_a_pause(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < 30; i++)
		window_well(&w, 1000);
	/* Begun before the last success, others under way: it is us. */
	assert_false(window_failed(&w, 1001, 999, 5, FIRST, LAST));
	assert_int_equal(window_jobs(&w, 1001), 5);
	for (i = 0; i < 30; i++)
		window_well(&w, 2000);
	assert_int_equal(window_jobs(&w, 2000), 5);
	window_well(&w, 1001 + 60000);
	assert_int_equal(window_jobs(&w, 61001), 6);
	/* Nothing has gone well since this one began: it is the host. */
	assert_true(window_failed(&w, 80000, 70000, 5, FIRST, LAST));
}

static void
the_last_one_under_way_is_no_case_of_too_many(void **state)
{
	(void)state;
	window_well(&w, 1000);
	assert_true(window_failed(&w, 1001, 999, 0, FIRST, LAST));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(success_lets_it_grow_to_its_maximum,
		    begin),
		cmocka_unit_test_setup(a_small_maximum_is_kept, begin),
		cmocka_unit_test_setup(a_failure_on_the_way_halves_it, begin),
		cmocka_unit_test_setup(
		    a_failed_destination_pauses_and_each_pause_is_longer,
		    begin),
		cmocka_unit_test_setup(what_fails_together_is_one_failure,
		    begin),
		cmocka_unit_test_setup(a_probe_that_goes_well_opens_it,
		    begin),
		cmocka_unit_test_setup(a_pause_that_is_lifted_is_a_probe,
		    begin),
		cmocka_unit_test_setup(
		    a_pause_that_is_lifted_during_a_probe_is_another, begin),
		cmocka_unit_test_setup(
		    too_many_connections_make_a_ceiling_not_a_pause, begin),
		cmocka_unit_test_setup(
		    the_last_one_under_way_is_no_case_of_too_many, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
