/* Destinations: who is parked, and in which order they come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "queue-runner/channel.h"
#include "queue-runner/dest.h"

static struct schedule	*s;
static struct dests	*all;
static unsigned int	 woken, room_for;

static bool
room(const struct dest *d)
{
	return d->load < room_for;
}

static const struct channel_kind	 here = { .name = "here", .room = room };
static const struct channel_kind	 there = { .name = "there",
    .room = room, .remote = true };

static void
wake(void *arg)
{
	(void)arg;
	woken++;
}

static int
begin(void **state)
{
	(void)state;
	s = schedule_new();
	all = dests_new(s, wake, NULL);
	woken = 0;
	room_for = 1;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	dests_free(all);
	schedule_free(s);
	return 0;
}

static struct dest *
get(const char *key)
{
	bool	 made;

	return dests_get(all, key[0] == 't' ? &there : &here, key, &made);
}

/* A message of a sender, parked. */
static struct entry *
park(struct dest *d, unsigned int number, uint8_t sender, bool tried)
{
	struct entry	*e;
	char		 id[SPOOL_ID_LEN + 1];

	snprintf(id, sizeof(id), "1abcdef%013u", number);
	e = schedule_add(s, id, true);
	assert_non_null(e);
	e->sender = sender;
	e->tried = tried;
	e->next = number;
	dest_park(d, e);
	return e;
}

static void
a_key_has_one_destination_and_a_number(void **state)
{
	struct dest	*d;
	bool		 made;

	(void)state;
	d = dests_get(all, &here, "a", &made);
	assert_true(made);
	assert_ptr_equal(dests_get(all, &here, "a", &made), d);
	assert_false(made);
	assert_ptr_not_equal(dests_get(all, &here, "b", &made), d);
	assert_ptr_equal(dests_find(all, d->number), d);
	assert_null(dests_find(all, 0));
	assert_null(dests_find(all, d->number + DESTS_MAX));
}

static void
the_unused_make_room_for_new_ones(void **state)
{
	char		 key[32];
	struct dest	*first = get("first"), *busy = get("busy");
	uint32_t	 number = first->number;
	unsigned int	 i;

	(void)state;
	busy->held++;
	for (i = 0; i < DESTS_MAX + 10; i++) {
		snprintf(key, sizeof(key), "d%u", i);
		assert_non_null(get(key));
	}
	assert_null(dests_find(all, number));
	assert_ptr_equal(dests_find(all, busy->number), busy);
	busy->held--;
}

static void
when_all_are_used_there_is_none(void **state)
{
	char		 key[32];
	struct dest	*d;
	unsigned int	 i;

	(void)state;
	for (i = 0; i < DESTS_MAX - 1; i++) {
		snprintf(key, sizeof(key), "d%u", i);
		d = get(key);
		assert_non_null(d);
		d->held++;
	}
	assert_null(get("one more"));
	d->held--;
	assert_non_null(get("one more"));
}

static void
senders_take_turns(void **state)
{
	struct dest	*d = get("a");
	unsigned int	 i, place = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		park(d, i, 7, false);
	park(d, 5000, 8, false);
	for (i = 0; i < 3; i++)
		if (dest_unpark(d)->next == 5000)
			place = i + 1;
	assert_in_range(place, 1, 2);
	assert_int_equal(dest_parked(d), 998);
}

static void
first_tries_go_before_retries_but_not_always(void **state)
{
	struct dest	*d = get("a");
	unsigned int	 i, retries = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		park(d, i, (uint8_t)i, true);
	for (i = 100; i < 200; i++)
		park(d, i, (uint8_t)i, false);
	for (i = 0; i < 80; i++)
		retries += dest_unpark(d)->next < 100;
	assert_int_equal(retries, 10);
}

static void
destinations_take_turns(void **state)
{
	struct dest	*a = get("a"), *b = get("b");
	unsigned int	 i, of_b = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		park(a, i, (uint8_t)i, false);
	for (i = 100; i < 110; i++)
		park(b, i, 1, false);
	for (i = 0; i < 20; i++)
		of_b += dests_unpark(all, true)->next >= 100;
	assert_int_equal(of_b, 10);
}

static void
without_room_nothing_comes_back_until_it_is_woken(void **state)
{
	struct dest	*d = get("a");

	(void)state;
	d->load = 1;
	park(d, 1, 1, false);
	assert_int_equal(woken, 0);
	assert_null(dests_unpark(all, true));
	d->load = 0;
	dest_wake(d);
	assert_int_equal(woken, 1);
	assert_non_null(dests_unpark(all, true));
	assert_null(dests_unpark(all, true));
	dest_wake(d);
	assert_int_equal(woken, 1);
}

static void
local_mail_comes_back_when_other_hosts_may_not(void **state)
{
	struct dest	*t = get("there"), *h = get("here");

	(void)state;
	park(t, 1, 1, false);
	park(h, 2, 1, false);
	assert_int_equal(dests_unpark(all, false)->next, 2);
	assert_null(dests_unpark(all, false));
	assert_int_equal(dests_unpark(all, true)->next, 1);
}

static void
the_forgotten_do_not_come_back(void **state)
{
	struct dest	*d = get("a");
	struct entry	*e = park(d, 1, 1, false);

	(void)state;
	park(d, 2, 2, false);
	schedule_forget(s, e);
	assert_int_equal(dests_unpark(all, true)->next, 2);
	assert_null(dests_unpark(all, true));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest	 tests[] = {
		TEST(a_key_has_one_destination_and_a_number),
		TEST(the_unused_make_room_for_new_ones),
		TEST(when_all_are_used_there_is_none),
		TEST(senders_take_turns),
		TEST(first_tries_go_before_retries_but_not_always),
		TEST(destinations_take_turns),
		TEST(without_room_nothing_comes_back_until_it_is_woken),
		TEST(local_mail_comes_back_when_other_hosts_may_not),
		TEST(the_forgotten_do_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
