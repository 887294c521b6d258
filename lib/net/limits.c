/* Contract in limits.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/sys/tree.h>

#include "lib/base/xmalloc.h"
#include "lib/net/limits.h"

#define WINDOW	60	/* seconds max-rate counts over */

struct limits_entry {
	RB_ENTRY(limits_entry)	 node;
	uint8_t			 key[17];	/* kind, address */
	unsigned int		 open;
	unsigned int		 hits;		/* in the window */
	int64_t			 since;		/* of the window */
};

RB_HEAD(limits_tree, limits_entry);

struct limits {
	struct limits_tree	 tree;
	size_t			 n;
};

static int
limits_cmp(const struct limits_entry *a, const struct limits_entry *b)
{
	return memcmp(a->key, b->key, sizeof(a->key));
}

RB_PROTOTYPE(limits_tree, limits_entry, node, limits_cmp)
RB_GENERATE(limits_tree, limits_entry, node, limits_cmp)

struct limits *
limits_new(void)
{
	return xcalloc(1, sizeof(struct limits));
}

void
limits_free(struct limits *l)
{
	struct limits_entry	*e;

	if (l == NULL)
		return;
	while ((e = RB_ROOT(&l->tree)) != NULL) {
		RB_REMOVE(limits_tree, &l->tree, e);
		free(e);
	}
	free(l);
}

/* kind 'a': the address, 'n': its /24 or /64. */
static struct limits_entry *
limits_get(struct limits *l, char kind, const uint8_t key[16], bool v4,
    bool make)
{
	struct limits_entry	 want, *e;

	memset(&want, 0, sizeof(want));
	want.key[0] = (uint8_t)kind;
	memcpy(want.key + 1, key, kind == 'a' ? 16 : v4 ? 15 : 8);
	e = RB_FIND(limits_tree, &l->tree, &want);
	if (e != NULL || !make || l->n >= LIMITS_ENTRIES)
		return e;
	e = xcalloc(1, sizeof(*e));
	memcpy(e->key, want.key, sizeof(e->key));
	RB_INSERT(limits_tree, &l->tree, e);
	l->n++;
	return e;
}

enum limits_verdict
limits_enter(struct limits *l, const struct config_listeners *c,
    const uint8_t key[16], bool v4, int64_t now)
{
	struct limits_entry	*a, *n;

	a = limits_get(l, 'a', key, v4, true);
	n = limits_get(l, 'n', key, v4, true);
	/* A full table counts nobody rather than refusing everybody. */
	if (a == NULL || n == NULL)
		return LIMITS_OK;
	if (now - a->since >= WINDOW) {
		a->since = now;
		a->hits = 0;
	}
	a->hits++;
	if (c->max_rate > 0 && a->hits > c->max_rate)
		return LIMITS_RATE;
	if (a->open >= c->max_per_address)
		return LIMITS_ADDRESS;
	if (n->open >= c->max_per_network)
		return LIMITS_NETWORK;
	a->open++;
	n->open++;
	return LIMITS_OK;
}

static void
limits_drop(struct limits *l, struct limits_entry *e, int64_t now)
{
	if (e->open > 0 || now - e->since < WINDOW)
		return;
	RB_REMOVE(limits_tree, &l->tree, e);
	l->n--;
	free(e);
}

void
limits_leave(struct limits *l, const uint8_t key[16], bool v4, int64_t now)
{
	static const char	 kinds[] = { 'a', 'n' };
	struct limits_entry	*e;
	size_t			 i;

	for (i = 0; i < sizeof(kinds); i++) {
		e = limits_get(l, kinds[i], key, v4, false);
		if (e == NULL)
			continue;
		if (e->open > 0)
			e->open--;
		limits_drop(l, e, now);
	}
}

void
limits_sweep(struct limits *l, int64_t now)
{
	struct limits_entry	*e, *next;

	RB_FOREACH_SAFE(e, limits_tree, &l->tree, next)
		limits_drop(l, e, now);
}

const char *
limits_name(enum limits_verdict v)
{
	switch (v) {
	case LIMITS_OK:		return "ok";
	case LIMITS_ADDRESS:	return "max-per-address";
	case LIMITS_NETWORK:	return "max-per-network";
	case LIMITS_RATE:	return "max-rate";
	}
	return "?";
}
