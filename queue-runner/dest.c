/* Contract in dest.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/channel.h"
#include "queue-runner/dest.h"

#define BUCKETS		4096		/* a power of 2 */
#define SENDERS		32		/* queues of a destination */
#define KEEP_MS		3600000		/* what is not used */
#define FAIR		8		/* every so often a retry goes first */

TAILQ_HEAD(dest_list, dest);

struct parking {
	struct entry_list	 first[SENDERS], retry[SENDERS];
	unsigned int		 sender;	/* whose turn it is */
	unsigned int		 turn;
};

struct dests {
	struct schedule		*schedule;
	void			(*ready)(void *);
	void			*arg;
	LIST_HEAD(, dest)	 bucket[BUCKETS];
	struct dest		*slot[DESTS_MAX];
	struct dest_list	 used;
	struct dest_list	 turn[2];	/* local, remote */
	struct dest_list	 stirred;
	unsigned int		 count;
	uint32_t		 last_number;
};

struct dests *
dests_new(struct schedule *schedule, void (*ready)(void *), void *arg)
{
	struct dests	*all;

	all = xcalloc(1, sizeof(*all));
	all->schedule = schedule;
	all->ready = ready;
	all->arg = arg;
	TAILQ_INIT(&all->used);
	TAILQ_INIT(&all->turn[0]);
	TAILQ_INIT(&all->turn[1]);
	TAILQ_INIT(&all->stirred);
	return all;
}

static struct dest_list *
dest_turns(const struct dest *d)
{
	return &d->all->turn[d->kind->remote];
}

static void
dest_free(struct dest *d)
{
	LIST_REMOVE(d, chain);
	TAILQ_REMOVE(&d->all->used, d, used);
	if (d->in_turn)
		TAILQ_REMOVE(dest_turns(d), d, turn);
	if (d->is_stirred)
		TAILQ_REMOVE(&d->all->stirred, d, stirred);
	d->all->slot[d->number & (DESTS_MAX - 1)] = NULL;
	d->all->count--;
	if (d->kind->free != NULL)
		d->kind->free(d);
	free(d->parking);
	free(d->key);
	free(d);
}

static bool
dest_unused(const struct dest *d)
{
	return d->load == 0 && d->nchannels == 0 && !d->asking &&
	    d->held == 0 && dest_parked(d) == 0;
}

/* Forget the one that was unused longest. */
static bool
dests_evict(struct dests *all)
{
	struct dest	*d;

	TAILQ_FOREACH(d, &all->used, used)
		if (dest_unused(d)) {
			dest_free(d);
			return true;
		}
	return false;
}

void
dests_tick(struct dests *all)
{
	struct dest	*d, *next;
	int64_t		 now = io_monotonic_ms();

	for (d = TAILQ_FIRST(&all->used); d != NULL &&
	    now - d->used_at > KEEP_MS; d = next) {
		next = TAILQ_NEXT(d, used);
		/* One without room is paused, and that is worth knowing. */
		if (dest_unused(d) && d->kind->room(d))
			dest_free(d);
	}
}

static uint32_t
dests_number(struct dests *all)
{
	do
		all->last_number++;
	while (all->last_number == 0 ||
	    all->slot[all->last_number & (DESTS_MAX - 1)] != NULL);
	return all->last_number;
}

struct dest *
dests_get(struct dests *all, const struct channel_kind *kind, const char *key,
    bool *made)
{
	unsigned int	 h = hash_str(key) % BUCKETS;
	struct dest	*d;

	*made = false;
	LIST_FOREACH(d, &all->bucket[h], chain)
		if (strcmp(d->key, key) == 0) {
			TAILQ_REMOVE(&all->used, d, used);
			TAILQ_INSERT_TAIL(&all->used, d, used);
			d->used_at = io_monotonic_ms();
			return d;
		}
	if (all->count >= DESTS_MAX - 1 && !dests_evict(all))
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->all = all;
	d->kind = kind;
	d->key = xstrdup(key);
	d->number = dests_number(all);
	d->used_at = io_monotonic_ms();
	all->slot[d->number & (DESTS_MAX - 1)] = d;
	all->count++;
	TAILQ_INIT(&d->waiting);
	LIST_INIT(&d->channels);
	LIST_INSERT_HEAD(&all->bucket[h], d, chain);
	TAILQ_INSERT_TAIL(&all->used, d, used);
	*made = true;
	return d;
}

struct dest *
dests_find(const struct dests *all, uint32_t number)
{
	struct dest	*d = all->slot[number & (DESTS_MAX - 1)];

	return d != NULL && d->number == number ? d : NULL;
}

struct dest *
dests_next(const struct dests *all, const struct dest *d)
{
	return d == NULL ? TAILQ_FIRST(&all->used) : TAILQ_NEXT(d, used);
}

void
dests_free(struct dests *all)
{
	struct dest	*d;

	if (all == NULL)
		return;
	while ((d = TAILQ_FIRST(&all->used)) != NULL) {
		dest_drop(d);
		dest_free(d);
	}
	free(all);
}

struct job *
job_new(void *owner, const char *id, size_t n)
{
	struct job	*j;

	j = xcalloc(1, sizeof(*j) + n * sizeof(j->number[0]));
	j->owner = owner;
	j->id = id;
	j->n = n;
	return j;
}

void
job_free(struct job *j)
{
	mailbox_unref(j->mailbox);
	free(j);
}

void
dest_park(struct dest *d, struct entry *e)
{
	struct entry_list	*l;

	if (d->parking == NULL)
		d->parking = xcalloc(1, sizeof(*d->parking));
	l = e->tried ? d->parking->retry : d->parking->first;
	schedule_park(d->all->schedule, &l[e->sender % SENDERS], e);
	dest_wake(d);
}

static unsigned int
parking_count(const struct entry_list *l)
{
	unsigned int	 i, n = 0;

	for (i = 0; i < SENDERS; i++)
		n += l[i].count;
	return n;
}

unsigned int
dest_parked(const struct dest *d)
{
	if (d->parking == NULL)
		return 0;
	return parking_count(d->parking->first) +
	    parking_count(d->parking->retry);
}

/* The senders take turns. */
static struct entry *
parking_pop(struct dest *d, struct entry_list *l)
{
	struct parking	*p = d->parking;
	struct entry	*e;
	unsigned int	 i;

	for (i = 0; i < SENDERS; i++) {
		p->sender = (p->sender + 1) % SENDERS;
		if (l[p->sender].count == 0)
			continue;
		e = schedule_unpark(d->all->schedule, &l[p->sender]);
		if (e != NULL)
			return e;
	}
	return NULL;
}

struct entry *
dest_unpark(struct dest *d)
{
	struct parking	*p = d->parking;
	struct entry	*e = NULL;

	if (p == NULL)
		return NULL;
	if (++p->turn % FAIR == 0)
		e = parking_pop(d, p->retry);
	if (e == NULL)
		e = parking_pop(d, p->first);
	if (e == NULL)
		e = parking_pop(d, p->retry);
	return e;
}

void
dest_stir(struct dest *d)
{
	if (d->is_stirred)
		return;
	TAILQ_INSERT_TAIL(&d->all->stirred, d, stirred);
	d->is_stirred = true;
	d->all->ready(d->all->arg);
}

bool
dests_pump(struct dests *all)
{
	struct dest	*d = TAILQ_FIRST(&all->stirred);

	if (d == NULL)
		return false;
	TAILQ_REMOVE(&all->stirred, d, stirred);
	d->is_stirred = false;
	dest_pump(d);
	return !TAILQ_EMPTY(&all->stirred);
}

void
dest_wake(struct dest *d)
{
	if (d->in_turn || d->parking == NULL || !d->kind->room(d) ||
	    dest_parked(d) == 0)
		return;
	TAILQ_INSERT_TAIL(dest_turns(d), d, turn);
	d->in_turn = true;
	d->all->ready(d->all->arg);
}

static struct entry *
dests_unpark_kind(struct dest_list *turns)
{
	struct entry	*e;
	struct dest	*d;

	while ((d = TAILQ_FIRST(turns)) != NULL) {
		TAILQ_REMOVE(turns, d, turn);
		d->in_turn = false;
		if (!d->kind->room(d))
			continue;	/* somebody will wake it */
		e = dest_unpark(d);
		dest_wake(d);
		if (e != NULL)
			return e;
	}
	return NULL;
}

struct entry *
dests_unpark(struct dests *all, bool remote)
{
	struct entry	*e;

	e = dests_unpark_kind(&all->turn[0]);
	if (e == NULL && remote)
		e = dests_unpark_kind(&all->turn[1]);
	return e;
}
