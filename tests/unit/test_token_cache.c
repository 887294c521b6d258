/* What tokend remembers, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokend/cache.h"

static void
digests_are_sha_256(void **state)
{
	static const unsigned char	 abc[8] = { 0xba, 0x78, 0x16, 0xbf,
	    0x8f, 0x01, 0xcf, 0xea };
	unsigned char			 d[CACHE_DIGEST];

	(void)state;
	cache_digest("abc", d);
	assert_memory_equal(d, abc, sizeof(abc));
}

static void
answers_are_forgotten_in_time(void **state)
{
	static const struct token_answer	 good = { TOKEN_ACTIVE, "bob",
	    10 }, soon = { TOKEN_ACTIVE, "bob", 0 }, bad = { TOKEN_INACTIVE,
	    "", 10 }, later = { TOKEN_LATER, "", 10 };
	struct cache				*c = cache_new();
	struct token_answer			 a;
	unsigned char				 d[CACHE_DIGEST],
						 e[CACHE_DIGEST];

	(void)state;
	cache_digest("one", d);
	cache_digest("two", e);
	assert_false(cache_has(c, d, 1000, &a));
	cache_add(c, d, 1000, &bad);
	cache_add(c, d, 1000, &later);
	cache_add(c, d, 1000, &soon);
	assert_false(cache_has(c, d, 1000, &a));
	cache_add(c, d, 1000, &good);
	assert_true(cache_has(c, d, 1000, &a));
	assert_int_equal(a.status, TOKEN_ACTIVE);
	assert_string_equal(a.user, "bob");
	assert_int_equal(a.seconds, 10);
	assert_true(cache_has(c, d, 8500, &a));
	assert_int_equal(a.seconds, 2);
	assert_false(cache_has(c, e, 1000, &a));
	assert_true(cache_has(c, d, 10999, &a));
	assert_int_equal(a.seconds, 0);
	assert_false(cache_has(c, d, 11000, &a));
	cache_free(c);
	cache_free(NULL);
}

/* As many as there are tokens; the newest is always there. */
static void
the_cache_is_bounded(void **state)
{
	struct cache		*c = cache_new();
	struct token_answer	 a = { TOKEN_ACTIVE, "", 100 }, found;
	unsigned char		 d[CACHE_DIGEST];
	char			 token[16];
	unsigned int		 i, kept = 0;

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(token, sizeof(token), "t%u", i);
		snprintf(a.user, sizeof(a.user), "u%u", i);
		cache_digest(token, d);
		cache_add(c, d, i, &a);
		assert_true(cache_has(c, d, i, &found));
		assert_string_equal(found.user, a.user);
	}
	for (i = 0; i < 5000; i++) {
		snprintf(token, sizeof(token), "t%u", i);
		snprintf(a.user, sizeof(a.user), "u%u", i);
		cache_digest(token, d);
		if (!cache_has(c, d, 5000, &found))
			continue;
		assert_string_equal(found.user, a.user);
		kept++;
	}
	assert_in_range(kept, 512, 1024);
	cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(digests_are_sha_256),
		cmocka_unit_test(answers_are_forgotten_in_time),
		cmocka_unit_test(the_cache_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
