/* Contract in derived.h.  One entry a place, as in cache.c. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "authd/cache.h"
#include "authd/derived.h"
#include "lib/base/xmalloc.h"

#define ENTRIES	1024U

struct derived {
	const struct cache	*cache;
	int64_t			 ttl;		/* milliseconds */
	struct {
		unsigned char		 code[CACHE_CODE];
		int64_t			 until;
		struct scram_keys	 keys;
	}			 entry[ENTRIES];
};

struct derived *
derived_new(const struct cache *cache, unsigned int ttl)
{
	struct derived	*d = xcalloc(1, sizeof(*d));

	d->cache = cache;
	d->ttl = (int64_t)ttl * 1000;
	return d;
}

void
derived_free(struct derived *d)
{
	if (d == NULL)
		return;
	explicit_bzero(d, sizeof(*d));
	free(d);
}

static bool
derived_place(const struct derived *d, const char *user, const char *secret,
    const struct scram_keys *k, unsigned char code[CACHE_CODE], size_t *at)
{
	if (!cache_code(d->cache, user, secret, scram_hash_name(k->hash),
	    code))
		return false;
	*at = ((size_t)code[0] << 8 | code[1]) % ENTRIES;
	return true;
}

bool
derived_get(const struct derived *d, const char *user, const char *secret,
    struct scram_keys *k, int64_t now)
{
	unsigned char			 code[CACHE_CODE];
	const struct scram_keys		*have;
	size_t				 i;

	if (!derived_place(d, user, secret, k, code, &i) ||
	    d->entry[i].until <= now ||
	    CRYPTO_memcmp(d->entry[i].code, code, CACHE_CODE) != 0)
		return false;
	have = &d->entry[i].keys;
	if (have->iterations != k->iterations ||
	    have->salt_len != k->salt_len ||
	    memcmp(have->salt, k->salt, k->salt_len) != 0)
		return false;
	*k = *have;
	return true;
}

void
derived_put(struct derived *d, const char *user, const char *secret,
    const struct scram_keys *k, int64_t now)
{
	unsigned char	 code[CACHE_CODE];
	size_t		 i;

	if (!derived_place(d, user, secret, k, code, &i))
		return;
	memcpy(d->entry[i].code, code, CACHE_CODE);
	d->entry[i].until = now + d->ttl;
	d->entry[i].keys = *k;
}
