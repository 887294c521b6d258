/* lib/net/tls_memory: what is written to lies together, the rest where it was. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/net/tls_memory.h"

#define NEAR	65536	/* the room for all of it */

static char	*first;		/* gathered */

static bool
near(const void *p)
{
	uintptr_t	 a = (uintptr_t)first, b = (uintptr_t)p;

	return b - a < NEAR;
}

static void
locks_lie_together(void **state)
{
	CRYPTO_RWLOCK	*lock;
	void		*other;

	(void)state;
	first = (char *)CRYPTO_THREAD_lock_new();
	other = OPENSSL_malloc(56);
	lock = CRYPTO_THREAD_lock_new();
	assert_non_null(first);
	assert_non_null(other);
	assert_true(near(lock));
	assert_true((char *)lock - first <= 64);
	assert_false(near(other));
	assert_int_equal((uintptr_t)lock % 16, 0);
	assert_int_equal(CRYPTO_THREAD_write_lock(lock), 1);
	assert_int_equal(CRYPTO_THREAD_unlock(lock), 1);
	CRYPTO_THREAD_lock_free(lock);
	OPENSSL_free(other);
}

static void
so_do_objects_that_count(void **state)
{
	EVP_PKEY	*key = EVP_PKEY_new();

	(void)state;
	assert_non_null(key);
	assert_true(near(key));
	EVP_PKEY_free(key);
}

static void
what_grows_is_kept(void **state)
{
	char	*p = CRYPTO_malloc(100, "crypto/err/err.c", 1);

	(void)state;
	assert_true(near(p));
	memset(p, 'x', 100);
	p = CRYPTO_realloc(p, 5000, "crypto/err/err.c", 1);
	assert_non_null(p);
	assert_int_equal(p[0], 'x');
	assert_int_equal(p[99], 'x');
	CRYPTO_free(p, "crypto/err/err.c", 1);
}

static void
a_full_room_is_no_failure(void **state)
{
	char	*p[4];
	size_t	 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		p[i] = CRYPTO_malloc(NEAR / 2, "ssl/ssl_lib.c", 1);
		assert_non_null(p[i]);
		memset(p[i], (int)i, NEAR / 2);
	}
	assert_true(near(p[0]));
	assert_false(near(p[3]));
	for (i = 0; i < 4; i++) {
		assert_int_equal(p[i][NEAR / 2 - 1], i);
		CRYPTO_free(p[i], "ssl/ssl_lib.c", 1);
	}
}

static void
afterwards_nothing_is_gathered(void **state)
{
	CRYPTO_RWLOCK	*lock;

	(void)state;
	tls_memory_gathered();
	lock = CRYPTO_THREAD_lock_new();
	assert_non_null(lock);
	assert_false(near(lock));
	CRYPTO_THREAD_lock_free(lock);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(locks_lie_together),
		cmocka_unit_test(so_do_objects_that_count),
		cmocka_unit_test(what_grows_is_kept),
		cmocka_unit_test(a_full_room_is_no_failure),
		cmocka_unit_test(afterwards_nothing_is_gathered),
	};

	tls_memory_gather();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
