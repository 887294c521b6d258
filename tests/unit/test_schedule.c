/* What is tried when: the order, and that nothing is lost in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue-runner/schedule.h"

static const char *
id_of(unsigned int n)
{
	static char	 id[SPOOL_ID_LEN + 1];

	snprintf(id, sizeof(id), "1abcdef%013u", n);
	return id;
}

static unsigned int
number_of(const struct entry *e)
{
	char	 num[14];

	memcpy(num, e->id + 7, 13);
	num[13] = '\0';
	return (unsigned int)strtoul(num, NULL, 10);
}

static struct entry *
add(struct schedule *s, unsigned int n)
{
	struct entry	*e;

	e = schedule_add(s, id_of(n), false);
	assert_non_null(e);
	return e;
}

static void
an_entry_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct entry) <= 56);
}

static void
an_id_is_known_once(void **state)
{
	struct schedule	*s = schedule_new();
	struct entry	*e = add(s, 1);

	(void)state;
	assert_null(schedule_add(s, id_of(1), true));
	assert_ptr_equal(schedule_find(s, id_of(1)), e);
	assert_null(schedule_find(s, id_of(2)));
	schedule_ready(s, e);
	schedule_forget(s, e);
	assert_null(schedule_find(s, id_of(1)));
	assert_non_null(schedule_add(s, id_of(1), true));
	assert_null(schedule_pop(s));	/* the forgotten one is not served */
	assert_int_equal(schedule_total(s), 1);
	schedule_free(s);
}

static void
the_due_come_in_the_order_of_time(void **state)
{
	struct schedule	*s = schedule_new();
	struct entry	*e;
	unsigned int	 i, last = 0, n = 0;

	(void)state;
	srandom(7);
	for (i = 0; i < 5000; i++) {
		e = add(s, i);
		e->tried = true;
		schedule_wait(s, e, 1 + random() % 1000);
	}
	/* Some change their minds, some go. */
	for (i = 0; i < 5000; i += 3)
		schedule_wait(s, schedule_find(s, id_of(i)), 1 + i % 1000);
	for (i = 0; i < 5000; i += 5)
		schedule_forget(s, schedule_find(s, id_of(i)));
	assert_int_equal(schedule_total(s), 4000);
	assert_int_equal(schedule_due(s, 0, 100), 0);
	while (schedule_due(s, 1000, 1) == 1) {
		e = schedule_pop(s);
		assert_non_null(e);
		assert_true(e->next >= last);
		last = e->next;
		n++;
	}
	assert_int_equal(n, 4000);
	assert_int_equal(schedule_next(s), 0);
	schedule_free(s);
}

static void
nothing_is_due_early(void **state)
{
	struct schedule	*s = schedule_new();

	(void)state;
	schedule_wait(s, add(s, 1), 100);
	schedule_wait(s, add(s, 2), INT64_MAX);
	schedule_wait(s, add(s, 3), -5);
	assert_int_equal(schedule_due(s, 99, 10), 1);
	assert_int_equal(number_of(schedule_pop(s)), 3);
	assert_int_equal(schedule_next(s), 100);
	assert_null(schedule_pop(s));
	assert_int_equal(schedule_due(s, 100, 10), 1);
	assert_int_equal(schedule_due(s, 4000000000, 10), 0);
	schedule_free(s);
}

static void
first_tries_go_before_retries_but_not_always(void **state)
{
	struct schedule	*s = schedule_new();
	struct entry	*e;
	unsigned int	 i, retries = 0;

	(void)state;
	for (i = 0; i < 100; i++) {
		e = add(s, i);
		e->tried = i >= 80;
		schedule_ready(s, e);
		schedule_ready(s, e);	/* no second time */
	}
	for (i = 0; i < 80; i++)
		retries += schedule_pop(s)->tried;
	assert_int_equal(retries, 10);
	for (; i < 100; i++)
		assert_non_null(schedule_pop(s));
	assert_null(schedule_pop(s));
	schedule_free(s);
}

static void
the_parked_come_back_in_order(void **state)
{
	struct schedule_counts	 c;
	struct schedule		*s = schedule_new();
	struct entry_list	 l = { 0 };
	unsigned int		 i;

	(void)state;
	for (i = 0; i < 10; i++)
		schedule_park(s, &l, add(s, i));
	schedule_wait(s, schedule_find(s, id_of(4)), 5);	/* stays */
	schedule_forget(s, schedule_find(s, id_of(0)));
	schedule_forget(s, schedule_find(s, id_of(3)));
	schedule_count(s, &c);
	assert_int_equal(c.fresh, 8);
	for (i = 1; i < 10; i++)
		if (i != 3)
			assert_int_equal(number_of(schedule_unpark(s, &l)),
			    i);
	assert_null(schedule_unpark(s, &l));
	schedule_count(s, &c);
	assert_int_equal(c.active, 8);
	schedule_free(s);
}

static void
many_come_and_go_without_growing(void **state)
{
	struct schedule	*s = schedule_new();
	unsigned int	 i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		schedule_ready(s, add(s, i));
		schedule_forget(s, schedule_pop(s));
	}
	assert_int_equal(schedule_total(s), 0);
	for (i = 0; i < 20000; i++)
		add(s, i);
	for (i = 0; i < 20000; i++)
		assert_non_null(schedule_find(s, id_of(i)));
	schedule_free(s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(an_entry_is_small),
		cmocka_unit_test(an_id_is_known_once),
		cmocka_unit_test(the_due_come_in_the_order_of_time),
		cmocka_unit_test(nothing_is_due_early),
		cmocka_unit_test(first_tries_go_before_retries_but_not_always),
		cmocka_unit_test(the_parked_come_back_in_order),
		cmocka_unit_test(many_come_and_go_without_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
