/* What stands between a guesser and a password: helpers, memory, delays. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "authd/cache.h"
#include "authd/delay.h"
#include "authd/hashers.h"
#include "lib/base/io.h"

static void
only_the_verified_triple_is_remembered(void **state)
{
	struct cache	*c = cache_new(60), *off = cache_new(0);

	(void)state;
	cache_add(c, "a@x", "$6$hash", "secret", 1000);
	assert_true(cache_has(c, "a@x", "$6$hash", "secret", 1000));
	assert_true(cache_has(c, "a@x", "$6$hash", "secret", 60999));
	assert_false(cache_has(c, "a@x", "$6$hash", "secret", 61000));
	assert_false(cache_has(c, "b@x", "$6$hash", "secret", 1000));
	assert_false(cache_has(c, "a@x", "$6$hast", "secret", 1000));
	assert_false(cache_has(c, "a@x", "$6$hash", "Secret", 1000));
	assert_false(cache_has(c, "a@x", "$6$hash", "", 1000));
	assert_false(cache_has(c, "a@x", "$6$hashs", "ecret", 1000));
	assert_false(cache_has(c, "", "", "", 1000));
	cache_add(off, "a@x", "$6$hash", "secret", 1000);
	assert_false(cache_has(off, "a@x", "$6$hash", "secret", 1000));
	cache_free(c);
	cache_free(off);
	cache_free(NULL);
}

static void
delays_double_up_to_a_bound(void **state)
{
	static const int	 want[] = { 500, 1000, 2000, 4000, 8000, 8000,
	    8000 };
	struct delay		*d = delay_new();
	size_t			 i;
	char			 name[32];

	(void)state;
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "user%zu", i);
		assert_int_equal(delay_failed(d, "192.0.2.1", name, 1000),
		    want[i]);
	}
	/* One user, many addresses; case is no way around. */
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "198.51.100.%zu", i);
		assert_int_equal(delay_failed(d, name, i % 2 ? "Bob" : "bob",
		    1000), want[i]);
	}
	/* The right password forgives the user, not the address. */
	delay_passed(d, "BOB");
	assert_int_equal(delay_failed(d, "", "bob", 1000), 500);
	delay_passed(d, "user0");
	assert_int_equal(delay_failed(d, "192.0.2.1", "user0", 1000), 8000);
	delay_passed(d, "never-seen");
	/* Minutes later all is forgotten. */
	assert_int_equal(delay_failed(d, "192.0.2.1", "bob",
	    1001 + DELAY_FORGET_MS), 500);
	delay_free(d);
}

static void
an_ipv6_network_is_one_client(void **state)
{
	struct delay	*d = delay_new();

	(void)state;
	assert_int_equal(delay_failed(d, "2001:db8::1", "a", 1000), 500);
	assert_int_equal(delay_failed(d, "2001:db8::2", "b", 1000), 1000);
	assert_int_equal(delay_failed(d, "2001:db8:0:1::2", "c", 1000), 500);
	assert_int_equal(delay_failed(d, "nonsense", "d", 1000), 500);
	delay_free(d);
}

static void
the_delay_table_is_bounded(void **state)
{
	struct delay	*d = delay_new();
	char		 name[32];
	int		 i, ms;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		ms = delay_failed(d, "", name, 1000 + i);
		assert_true(ms >= DELAY_FIRST_MS && ms <= DELAY_MAX_MS);
	}
	delay_free(d);
}

struct tally {
	struct event_base	*base;
	int			 fits, differs, failed, left;
	struct scram_keys	 keys;
};

static void
count(enum hash_result r, const struct scram_keys *keys, void *arg)
{
	struct tally	*t = arg;

	if (keys != NULL)
		t->keys = *keys;

	t->fits += r == HASH_FITS;
	t->differs += r == HASH_DIFFERS;
	t->failed += r == HASH_FAILED;
	if (--t->left == 0)
		event_base_loopbreak(t->base);
}

static void
helpers_answer_each_job_once(void **state)
{
	struct tally	 t = { .base = event_base_new() };
	struct hashers	*hs = hashers_new(t.base, 2);
	int		 i;

	(void)state;
	for (i = 0; i < 100; i++) {
		t.left++;
		assert_int_equal(hashers_ask(hs, "{PLAIN}a+b =\x01",
		    i % 4 ? "a+b =\x01" : "x", false, count, &t), 0);
	}
	event_base_dispatch(t.base);
	assert_int_equal(t.left, 0);
	assert_int_equal(t.fits, 75);
	assert_int_equal(t.differs, 25);
	hashers_free(hs);
	hashers_free(NULL);
	event_base_free(t.base);
}

static void
the_queue_is_bounded(void **state)
{
	struct tally	 t = { .base = event_base_new() };
	struct hashers	*hs = hashers_new(t.base, 1);
	char		 huge[4000];
	int		 i;

	(void)state;
	/* One is with the helper, the others wait. */
	for (i = 0; i < HASHERS_QUEUE + 1; i++) {
		t.left++;
		assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count, &t),
		    0);
	}
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count, &t), -1);
	assert_int_equal(errno, EAGAIN);
	event_base_dispatch(t.base);
	assert_int_equal(t.fits, HASHERS_QUEUE + 1);
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", huge, false, count, &t), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(hashers_ask(hs, huge, "a", false, count, &t), -1);
	/* Freed with a job under way: no call, nothing lost. */
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count, &t), 0);
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count, &t), 0);
	hashers_free(hs);
	event_base_free(t.base);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(only_the_verified_triple_is_remembered),
		cmocka_unit_test(delays_double_up_to_a_bound),
		cmocka_unit_test(an_ipv6_network_is_one_client),
		cmocka_unit_test(the_delay_table_is_bounded),
		cmocka_unit_test(helpers_answer_each_job_once),
		cmocka_unit_test(the_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
