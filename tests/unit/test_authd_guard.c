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
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "authd/buckets.h"
#include "authd/cache.h"
#include "authd/delay.h"
#include "authd/derived.h"
#include "authd/hashers.h"
#include "authd/once.h"
#include "authd/salts.h"
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
tell(enum hash_result r, struct tally *t)
{
	t->fits += r == HASH_FITS;
	t->differs += r == HASH_DIFFERS;
	t->failed += r == HASH_FAILED;
	if (--t->left == 0)
		event_base_loopbreak(t->base);
}

static void
count(struct ipc_msg *answer, void *arg)
{
	tell(hashers_result(answer, NULL), arg);
}

static void
made(struct ipc_msg *answer, void *arg)
{
	struct tally	*t = arg;

	tell(hashers_result(answer, &t->keys), t);
}

static void
helpers_answer_each_job_once(void **state)
{
	struct tally	 t = { .base = event_base_new() };
	struct helpers	*hs = hashers_new(t.base, 2);
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
	helpers_free(hs);
	helpers_free(NULL);
	event_base_free(t.base);
}

static void
the_queue_is_bounded(void **state)
{
	struct tally	 t = { .base = event_base_new() };
	struct helpers	*hs = hashers_new(t.base, 1);
	char		 huge[4000];
	int		 i;

	(void)state;
	/* One is with the helper, the others wait. */
	for (i = 0; i < HASHERS_QUEUE + 1; i++) {
		t.left++;
		assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false,
		    count, &t), 0);
	}
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count,
	    &t), -1);
	assert_int_equal(errno, EAGAIN);
	event_base_dispatch(t.base);
	assert_int_equal(t.fits, HASHERS_QUEUE + 1);
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", huge, false, count,
	    &t), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(hashers_ask(hs, huge, "a", false, count,
	    &t), -1);
	/* Freed with a job under way: no call, nothing lost. */
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count,
	    &t), 0);
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, count,
	    &t), 0);
	helpers_free(hs);
	event_base_free(t.base);
}

static void
keys_are_made_by_helpers(void **state)
{
	struct tally		 t = { .base = event_base_new() };
	struct helpers		*hs = hashers_new(t.base, 1);
	struct scram_keys	 k = { .hash = SCRAM_SHA_1,
	    .iterations = 4096, .salt_len = 3, .salt = "abc" }, want;

	(void)state;
	want = k;
	assert_int_equal(scram_keys_make(&want, "w\xc3\xb6rd"), 0);
	t.left = 1;
	assert_int_equal(hashers_derive(hs, &k, "w\xc3\xb6rd", false, made,
	    &t), 0);
	event_base_dispatch(t.base);
	assert_int_equal(t.fits, 1);
	assert_memory_equal(&t.keys, &want, sizeof(want));
	helpers_free(hs);
	event_base_free(t.base);
}

struct turn {
	struct event_base	*base;
	char			 order[32];
	size_t			 n;
};

static void
first_turn(struct ipc_msg *answer, void *arg)
{
	struct turn	*t = arg;

	assert_int_equal(hashers_result(answer, NULL), HASH_FITS);
	t->order[t->n++] = 'f';
	if (t->n == 24)
		event_base_loopbreak(t->base);
}

static void
late_turn(struct ipc_msg *answer, void *arg)
{
	struct turn	*t = arg;

	assert_int_equal(hashers_result(answer, NULL), HASH_FITS);
	t->order[t->n++] = 'l';
	if (t->n == 24)
		event_base_loopbreak(t->base);
}

/* Neither kind keeps the other out, and each has its own room. */
static void
late_jobs_let_others_go_first(void **state)
{
	struct turn	 t = { .base = event_base_new() };
	struct helpers	*hs = hashers_new(t.base, 1);
	int		 i;

	(void)state;
	for (i = 0; i < 12; i++)
		assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", true,
		    late_turn, &t), 0);
	for (i = 0; i < 12; i++)
		assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false,
		    first_turn, &t), 0);
	event_base_dispatch(t.base);
	/* The first was given before anybody else was there. */
	assert_memory_equal(t.order, "lfflfffl", 8);
	helpers_free(hs);
	hs = hashers_new(t.base, 1);
	for (i = 0; i < HASHERS_QUEUE + 1; i++)
		assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", true,
		    late_turn, &t), 0);
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", true, late_turn,
	    &t), -1);
	assert_int_equal(hashers_ask(hs, "{PLAIN}a", "a", false, first_turn,
	    &t), 0);
	helpers_free(hs);
	event_base_free(t.base);
}

static void
who_fails_often_is_suspect(void **state)
{
	struct delay	*d = delay_new();
	int		 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_false(delay_suspect(d, "2001:db8::1", 1000));
		delay_failed(d, "2001:db8::1", "bob", 1000);
	}
	assert_true(delay_suspect(d, "2001:db8::2", 1000));
	assert_false(delay_suspect(d, "192.0.2.1", 1000));
	assert_false(delay_suspect(d, "", 1000));
	assert_false(delay_suspect(d, "2001:db8::1",
	    1001 + DELAY_FORGET_MS));
	/* Nobody named from nowhere: no harm. */
	for (i = 0; i < 9; i++)
		assert_int_equal(delay_failed(d, "", "", 1000),
		    DELAY_FIRST_MS);
	delay_free(d);
}

static int	 dropped;

static void
drop(void *thing)
{
	dropped += *(int *)thing;
}

static void
things_serve_once_and_a_minute(void **state)
{
	static const char	*const bad[] = { "", "000", "zz", "fff",
	    "00000000000000000000000000000000",
	    "ffffffffffffffffffffffffffffffff",
	    "xffffffffffffffffffffffffffffffff" };
	struct once	*o = once_new(drop);
	char		 a[AUTH_PASS_LEN + 1], b[AUTH_PASS_LEN + 1];
	int		 one = 1, ten = 10, zero = 0, i;

	(void)state;
	dropped = 0;
	once_put(o, &one, 7, 1000, a);
	once_put(o, &ten, 7, 1000, b);
	assert_int_equal(strlen(a), AUTH_PASS_LEN);
	assert_string_not_equal(a, b);
	for (i = 0; i < 7; i++)
		assert_null(once_take(o, bad[i], 1000));
	assert_ptr_equal(once_see(o, a, 1000), &one);
	assert_ptr_equal(once_take(o, a, 1000 + ONCE_MS - 1), &one);
	assert_null(once_see(o, a, 1000));
	assert_null(once_take(o, a, 1000));
	assert_null(once_take(o, b, 1000 + ONCE_MS));
	b[31] = b[31] == '0' ? '1' : '0';
	assert_null(once_take(o, b, 1000));
	for (i = 0; i < ONCE_EACH; i++)
		once_put(o, &zero, 7, 2000, a);
	assert_int_equal(dropped, 10);
	once_put(o, &one, 7, 2000, a);
	once_free(o);
	assert_int_equal(dropped, 11);
	once_free(NULL);
}

static void
who_begins_without_end_pushes_out_only_the_own(void **state)
{
	struct once	*o = once_new(drop);
	char		 a[AUTH_PASS_LEN + 1], b[AUTH_PASS_LEN + 1];
	int		 one = 1, zero = 0, i;

	(void)state;
	dropped = 0;
	once_put(o, &one, 1, 1000, a);
	for (i = 0; i < 100 * ONCE_EACH; i++)
		once_put(o, &zero, 2, 1000, b);
	assert_ptr_equal(once_see(o, a, 1000), &one);
	assert_ptr_equal(once_take(o, b, 1000), &zero);
	for (i = 0; i < ONCE_EACH; i++)
		once_put(o, &zero, 1 + ONCE_GROUPS, 1000, b);
	assert_null(once_see(o, a, 1000));
	assert_int_equal(dropped, 1);
	once_free(o);
}

static void
an_hour_holds_what_it_may(void **state)
{
	struct buckets	*b = buckets_new(2, 10);
	const int64_t	 hour = 3600 * 1000;

	(void)state;
	assert_int_equal(buckets_take(b, "a", 11, 0), BUCKETS_RECIPIENTS);
	assert_int_equal(buckets_take(b, "a", UINT64_MAX, 0),
	    BUCKETS_RECIPIENTS);
	assert_int_equal(buckets_take(b, "a", 10, 0), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", 0, 0), BUCKETS_RECIPIENTS);
	/* A tenth of an hour gives one recipient. */
	assert_int_equal(buckets_take(b, "a", 1, hour / 10 - 1),
	    BUCKETS_RECIPIENTS);
	assert_int_equal(buckets_take(b, "a", 0, hour / 10), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", 1, hour / 10), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", 1, hour / 4),
	    BUCKETS_MESSAGES);
	assert_int_equal(buckets_take(b, "b", 1, hour / 4), BUCKETS_OK);
	/* However long it lasts, it holds one hour's. */
	assert_int_equal(buckets_take(b, "a", 11, 1000 * hour),
	    BUCKETS_RECIPIENTS);
	assert_int_equal(buckets_take(b, "a", 1, 1000 * hour), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", 1, 1000 * hour), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", 1, 1000 * hour),
	    BUCKETS_MESSAGES);
	buckets_free(b);
	b = buckets_new(0, 0);
	assert_int_equal(buckets_take(b, "a", UINT32_MAX, 0), BUCKETS_OK);
	assert_int_equal(buckets_take(b, "a", UINT32_MAX, 0), BUCKETS_OK);
	buckets_free(b);
	buckets_free(NULL);
}

static void
the_table_of_buckets_is_bounded(void **state)
{
	struct buckets	*b = buckets_new(1000000, 10000000);
	char		 name[32];
	int		 i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_int_equal(buckets_take(b, name, 1, i), BUCKETS_OK);
	}
	buckets_free(b);
}

static void
salts_stay_the_same(void **state)
{
	char		 dir[] = "/tmp/merpati-test.XXXXXX", path[64];
	struct salts	*s;
	unsigned char	 a[32], b[32];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(rmdir(dir), 0);	/* it is made */
	s = salts_new(dir);
	salts_make(s, "SHA-256", "a@x", a, 32);
	salts_make(s, "SHA-256", "A@X", b, 32);
	assert_memory_equal(a, b, 32);
	salts_make(s, "SHA-1", "a@x", b, 32);
	assert_memory_not_equal(a, b, 32);
	salts_make(s, "SHA-256", "b@x", b, 32);
	assert_memory_not_equal(a, b, 32);
	salts_free(s);
	s = salts_new(dir);
	memset(b, 'x', sizeof(b));
	salts_make(s, "SHA-256", "a@x", b, 16);
	assert_memory_equal(a, b, 16);
	assert_int_equal(b[16], 'x');
	salts_free(s);
	/* A key that is none is left alone, and another one used. */
	snprintf(path, sizeof(path), "%s/salt-key", dir);
	assert_int_equal(truncate(path, 10), 0);
	s = salts_new(dir);
	salts_make(s, "SHA-256", "a@x", b, 32);
	assert_memory_not_equal(a, b, 32);
	salts_free(s);
	salts_free(NULL);
	unlink(path);
	rmdir(dir);
}

static void
derived_keys_are_those_asked_for(void **state)
{
	struct cache		*c = cache_new(60);
	struct derived		*d = derived_new(c, 60);
	struct scram_keys	 k = { .iterations = 4096, .salt_len = 3,
	    .salt = "abc" }, got = k;

	(void)state;
	assert_false(derived_get(d, "a@x", "{PLAIN}b", &got, 1000));
	memset(k.stored, 7, sizeof(k.stored));
	derived_put(d, "a@x", "{PLAIN}b", &k, 1000);
	assert_true(derived_get(d, "a@x", "{PLAIN}b", &got, 1000));
	assert_memory_equal(&got, &k, sizeof(k));
	assert_false(derived_get(d, "b@x", "{PLAIN}b", &got, 1000));
	assert_false(derived_get(d, "a@x", "{PLAIN}c", &got, 1000));
	assert_false(derived_get(d, "a@x", "{PLAIN}b", &got, 62000));
	got.iterations = 4097;
	assert_false(derived_get(d, "a@x", "{PLAIN}b", &got, 1000));
	got = k;
	got.salt[0] = 'x';
	assert_false(derived_get(d, "a@x", "{PLAIN}b", &got, 1000));
	got = k;
	got.hash = SCRAM_SHA_1;
	assert_false(derived_get(d, "a@x", "{PLAIN}b", &got, 1000));
	derived_free(d);
	derived_free(NULL);
	cache_free(c);
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
		cmocka_unit_test(keys_are_made_by_helpers),
		cmocka_unit_test(late_jobs_let_others_go_first),
		cmocka_unit_test(who_fails_often_is_suspect),
		cmocka_unit_test(things_serve_once_and_a_minute),
		cmocka_unit_test(
		    who_begins_without_end_pushes_out_only_the_own),
		cmocka_unit_test(an_hour_holds_what_it_may),
		cmocka_unit_test(the_table_of_buckets_is_bounded),
		cmocka_unit_test(salts_stay_the_same),
		cmocka_unit_test(derived_keys_are_those_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
