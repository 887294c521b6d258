/* Contract in delay.h. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "authd/delay.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define SETS	2048
#define WAYS	4
#define SUSPECT	4			/* failures */
#define DOUBLES	4			/* 0.5 s doubled so often is 8 s */

struct delay {
	uint64_t	 seed;
	struct delay_entry {
		uint64_t	 key;	/* 0: empty */
		int64_t		 last;
		unsigned int	 failures;
	}		 entry[SETS][WAYS];
};

struct delay *
delay_new(void)
{
	struct delay	*d = xcalloc(1, sizeof(*d));

	arc4random_buf(&d->seed, sizeof(d->seed));
	return d;
}

void
delay_free(struct delay *d)
{
	free(d);
}

/*
 * FNV-1a with a seed.  Who finds two equal keys shares a delay with another
 * failing client: nothing to gain, so no stronger function is needed.
 */
static uint64_t
delay_hash(const struct delay *d, char kind, const void *data, size_t len)
{
	const unsigned char	*p = data;
	uint64_t		 h = d->seed ^ (unsigned char)kind;
	size_t			 i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211U;
	h ^= h >> 29;
	return h == 0 ? 1 : h;
}

static uint64_t
delay_user_key(const struct delay *d, const char *user)
{
	char	 low[512];
	size_t	 i, len = strlen(user);

	if (len > sizeof(low))
		len = sizeof(low);
	for (i = 0; i < len; i++)
		low[i] = text_lower(user[i]);
	return delay_hash(d, 'u', low, len);
}

uint64_t
delay_client(const struct delay *d, const char *ip)
{
	struct in6_addr	 v6;

	/* A host has a whole /64 to take addresses from. */
	if (inet_pton(AF_INET6, ip, &v6) == 1)
		return delay_hash(d, '6', &v6, 8);
	return delay_hash(d, '4', ip, strlen(ip));
}

static int
delay_note(struct delay *d, uint64_t key, int64_t now)
{
	struct delay_entry	*set = d->entry[key % SETS], *e = &set[0];
	unsigned int		 i;

	for (i = 0; i < WAYS && set[i].key != key; i++)
		if (set[i].last < e->last)
			e = &set[i];
	if (i < WAYS)
		e = &set[i];
	if (e->key != key || now - e->last > DELAY_FORGET_MS)
		e->failures = 0;
	e->key = key;
	e->last = now;
	if (e->failures <= DOUBLES)
		e->failures++;
	return DELAY_FIRST_MS << (e->failures - 1);
}

int
delay_failed(struct delay *d, const char *ip, const char *user, int64_t now)
{
	int	 a = 0, b = 0;

	if (ip[0] != '\0')
		a = delay_note(d, delay_client(d, ip), now);
	if (user[0] != '\0')
		b = delay_note(d, delay_user_key(d, user), now);
	if (a == 0 && b == 0)
		return DELAY_FIRST_MS;
	return a > b ? a : b;
}

bool
delay_suspect(const struct delay *d, const char *ip, int64_t now)
{
	uint64_t			 key;
	const struct delay_entry	*set;
	unsigned int			 i;

	if (ip[0] == '\0')
		return false;
	key = delay_client(d, ip);
	set = d->entry[key % SETS];
	for (i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return set[i].failures >= SUSPECT &&
			    now - set[i].last <= DELAY_FORGET_MS;
	return false;
}

void
delay_passed(struct delay *d, const char *user)
{
	uint64_t		 key = delay_user_key(d, user);
	struct delay_entry	*set = d->entry[key % SETS];
	unsigned int		 i;

	for (i = 0; i < WAYS; i++)
		if (set[i].key == key)
			memset(&set[i], 0, sizeof(set[i]));
}
