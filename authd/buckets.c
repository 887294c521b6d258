/* Contract in buckets.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "authd/buckets.h"
#include "lib/base/xmalloc.h"

#define SETS	2048
#define WAYS	4
#define HOUR	((int64_t)3600 * 1000)

/*
 * Levels are in parts of which an hour's milliseconds make one message: so a
 * millisecond adds as many as messages are allowed in an hour, in integers.
 */
struct bucket {
	uint64_t	 key;		/* 0: empty */
	int64_t		 at;
	int64_t		 messages, recipients;
};

struct buckets {
	uint64_t	 seed;
	int64_t		 messages, recipients;	/* an hour's */
	struct bucket	 bucket[SETS][WAYS];
};

struct buckets *
buckets_new(unsigned int messages, unsigned int recipients)
{
	struct buckets	*b = xcalloc(1, sizeof(*b));

	arc4random_buf(&b->seed, sizeof(b->seed));
	b->messages = messages;
	b->recipients = recipients;
	return b;
}

void
buckets_free(struct buckets *b)
{
	free(b);
}

/* FNV-1a with a seed: only names of our users come here. */
static uint64_t
buckets_key(const struct buckets *b, const char *user)
{
	uint64_t	 h = b->seed ^ 14695981039346656037U;

	for (; *user != '\0'; user++)
		h = (h ^ (unsigned char)*user) * 1099511628211U;
	h ^= h >> 29;
	return h == 0 ? 1 : h;
}

static void
bucket_fill(int64_t *level, int64_t limit, int64_t ms)
{
	if (ms >= HOUR || *level + ms * limit > limit * HOUR)
		*level = limit * HOUR;
	else
		*level += ms * limit;
}

static struct bucket *
buckets_find(struct buckets *b, const char *user, int64_t now)
{
	uint64_t	 key = buckets_key(b, user);
	struct bucket	*set = b->bucket[key % SETS], *k = &set[0];
	unsigned int	 i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			k = &set[i];
			bucket_fill(&k->messages, b->messages, now - k->at);
			bucket_fill(&k->recipients, b->recipients,
			    now - k->at);
			k->at = now;
			return k;
		}
		if (set[i].key == 0 || (k->key != 0 && set[i].at < k->at))
			k = &set[i];
	}
	*k = (struct bucket){ key, now, b->messages * HOUR,
	    b->recipients * HOUR };
	return k;
}

enum buckets_status
buckets_take(struct buckets *b, const char *user, uint64_t count,
    int64_t now)
{
	struct bucket	*k = buckets_find(b, user, now);
	uint64_t	 want = count == 0 ? 1 : count;

	if (b->messages != 0 && k->messages < HOUR)
		return BUCKETS_MESSAGES;
	if (b->recipients != 0 &&
	    (uint64_t)(k->recipients / HOUR) < want)
		return BUCKETS_RECIPIENTS;
	if (count == 0)
		return BUCKETS_OK;
	if (b->messages != 0)
		k->messages -= HOUR;
	if (b->recipients != 0)
		k->recipients -= (int64_t)count * HOUR;
	return BUCKETS_OK;
}
