/* Contract in cache.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <sha2.h>

#include "lib/base/xmalloc.h"
#include "tokend/cache.h"

#define SLOTS		1024	/* a power of two */
#define NEIGHBOURS	8

struct entry {
	unsigned char	 digest[CACHE_DIGEST];
	int64_t		 until;			/* 0: free */
	char		 user[AUTH_USER_MAX + 1];
};

struct cache {
	struct entry	 entry[SLOTS];
};

struct cache *
cache_new(void)
{
	return xcalloc(1, sizeof(struct cache));
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	explicit_bzero(c, sizeof(*c));
	free(c);
}

void
cache_digest(const char *token, unsigned char digest[CACHE_DIGEST])
{
	SHA2_CTX	 ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)token, strlen(token));
	SHA256Final(digest, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
}

/* Its octets are as good as random: they are the slot. */
static size_t
cache_slot(const unsigned char digest[CACHE_DIGEST], size_t i)
{
	return (((size_t)digest[0] << 8 | digest[1]) + i) % SLOTS;
}

bool
cache_has(const struct cache *c, const unsigned char digest[CACHE_DIGEST],
    int64_t now, struct token_answer *a)
{
	const struct entry	*e;
	size_t			 i;

	for (i = 0; i < NEIGHBOURS; i++) {
		e = &c->entry[cache_slot(digest, i)];
		if (e->until <= now ||
		    memcmp(e->digest, digest, CACHE_DIGEST) != 0)
			continue;
		memset(a, 0, sizeof(*a));
		a->status = TOKEN_ACTIVE;
		strlcpy(a->user, e->user, sizeof(a->user));
		a->seconds = (unsigned int)((e->until - now) / 1000);
		return true;
	}
	return false;
}

void
cache_add(struct cache *c, const unsigned char digest[CACHE_DIGEST],
    int64_t now, const struct token_answer *a)
{
	struct entry	*e, *best = NULL;
	size_t		 i;

	if (a->status != TOKEN_ACTIVE || a->seconds == 0)
		return;
	for (i = 0; i < NEIGHBOURS; i++) {
		e = &c->entry[cache_slot(digest, i)];
		if (memcmp(e->digest, digest, CACHE_DIGEST) == 0) {
			best = e;
			break;
		}
		if (best == NULL || e->until < best->until)
			best = e;
	}
	memcpy(best->digest, digest, CACHE_DIGEST);
	best->until = now + (int64_t)a->seconds * 1000;
	strlcpy(best->user, a->user, sizeof(best->user));
}
