/* Contract in limits.h. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/xmalloc.h"
#include "lib/net/limits.h"

#define WINDOW	60	/* seconds max-rate counts over */
#define STALE	256	/* old entries in a row: the rest is older */

struct limits_slot {
	atomic_bool	 used;
	atomic_bool	 open;		/* counted by limits_enter_open() */
	bool		 v4;
	uint8_t		 key[16];
};

struct limits_hit {
	atomic_llong	 when;
	uint8_t		 key[16];
};

/* All of it is shared; pages that nobody needs are never touched. */
struct limits {
	size_t			 size;		/* of the mapping */
	atomic_size_t		 used;		/* from here on none ever was */
	atomic_ulong		 hits;		/* so far */
	atomic_llong		 logged;
	atomic_uint		 unlogged;
	struct limits_hit	 hit[LIMITS_HITS];
	struct limits_slot	 slot[];
};

struct limits *
limits_new(size_t slots)
{
	struct limits	*l;
	size_t		 size = sizeof(*l) + slots * sizeof(l->slot[0]);

	l = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l == MAP_FAILED)
		return NULL;
	l->size = size;
	atomic_store(&l->logged, -1);
	return l;
}

void
limits_free(struct limits *l)
{
	if (l != NULL)
		munmap(l, l->size);
}

static bool
same_network(const uint8_t *a, const uint8_t *b, bool v4)
{
	return memcmp(a, b, v4 ? 15 : 8) == 0;
}

/* Connections of the address in the last minute, this one among them. */
static unsigned int
limits_hit(struct limits *l, const uint8_t key[16], int64_t now)
{
	struct limits_hit	*h;
	unsigned long		 at = atomic_fetch_add(&l->hits, 1), i;
	unsigned int		 n = 1, stale = 0;

	h = &l->hit[at % LIMITS_HITS];
	memcpy(h->key, key, sizeof(h->key));
	atomic_store(&h->when, now);
	for (i = 1; i < LIMITS_HITS && i <= at && stale < STALE; i++) {
		h = &l->hit[(at - i) % LIMITS_HITS];
		/* One that is being written just now is like an old one. */
		if (now - atomic_load(&h->when) >= WINDOW)
			stale++;
		else {
			stale = 0;
			n += memcmp(h->key, key, sizeof(h->key)) == 0;
		}
	}
	return n;
}

/* Slots up to this one are in use from now on; how many to look at. */
static size_t
limits_reach(struct limits *l, size_t slot)
{
	size_t	 used = atomic_load(&l->used);

	while (slot >= used && !atomic_compare_exchange_weak(&l->used, &used,
	    slot + 1))
		;
	return atomic_load(&l->used);
}

enum limits_verdict
limits_enter(struct limits *l, size_t slot, const struct config_listeners *c,
    const uint8_t key[16], bool v4, int64_t now)
{
	struct limits_slot	*s = &l->slot[slot];
	enum limits_verdict	 v = LIMITS_OK;
	unsigned int		 address = 0, network = 0;
	size_t			 used, i;

	if (c->max_rate > 0 && limits_hit(l, key, now) > c->max_rate)
		return LIMITS_RATE;
	/* First say it, then count: so nobody slips through beside another. */
	memcpy(s->key, key, sizeof(s->key));
	s->v4 = v4;
	atomic_store(&s->used, true);
	used = limits_reach(l, slot);
	for (i = 0; i < used; i++) {
		s = &l->slot[i];
		if (!atomic_load(&s->used) || s->v4 != v4 ||
		    !same_network(s->key, key, v4))
			continue;
		network++;
		address += memcmp(s->key, key, sizeof(s->key)) == 0;
	}
	if (address > c->max_per_address)
		v = LIMITS_ADDRESS;
	else if (network > c->max_per_network)
		v = LIMITS_NETWORK;
	if (v != LIMITS_OK)
		limits_leave(l, slot);
	return v;
}

unsigned int
limits_open(const struct limits *l)
{
	size_t		 used = atomic_load(&l->used), i;
	unsigned int	 n = 0;

	for (i = 0; i < used; i++)
		n += atomic_load(&l->slot[i].open);
	return n;
}

enum limits_verdict
limits_enter_open(struct limits *l, size_t slot, unsigned int max)
{
	atomic_store(&l->slot[slot].open, true);
	(void)limits_reach(l, slot);
	if (limits_open(l) <= max)
		return LIMITS_OK;
	limits_leave(l, slot);
	return LIMITS_OPEN;
}

void
limits_leave(struct limits *l, size_t slot)
{
	atomic_store(&l->slot[slot].used, false);
	atomic_store(&l->slot[slot].open, false);
}

bool
limits_may_log(struct limits *l, int64_t now, unsigned int *unlogged)
{
	if (atomic_exchange(&l->logged, now) == now) {
		atomic_fetch_add(&l->unlogged, 1);
		return false;
	}
	*unlogged = atomic_exchange(&l->unlogged, 0);
	return true;
}

const char *
limits_name(enum limits_verdict v)
{
	switch (v) {
	case LIMITS_OK:		return "ok";
	case LIMITS_ADDRESS:	return "max-per-address";
	case LIMITS_NETWORK:	return "max-per-network";
	case LIMITS_RATE:	return "max-rate";
	case LIMITS_OPEN:	return "mx-share";
	}
	return "?";
}
