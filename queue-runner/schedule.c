/* Contract in schedule.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/schedule.h"

#define CHUNK		4096	/* entries; number 0 is never used */
#define FAIR		8

struct schedule {
	struct entry	**chunk;
	uint32_t	  nchunks;
	uint32_t	  used;		/* numbers given out, 0 included */
	uint32_t	  free;		/* list of free ones, by link */
	uint32_t	 *bucket;
	uint32_t	  nbuckets;	/* a power of two */
	uint32_t	 *heap;
	uint32_t	  nheap, heap_room;
	uint32_t	  total;
	uint32_t	  turn;
	struct entry_list first, retry;
};

static struct entry *
schedule_at(const struct schedule *s, uint32_t n)
{
	return &s->chunk[n / CHUNK][n % CHUNK];
}

/* An id's end is random, so a few octets of it are a hash. */
static uint32_t
schedule_hash(const char *id)
{
	return hash_octets(id + 7, SPOOL_ID_LEN - 7);
}

struct schedule *
schedule_new(void)
{
	struct schedule	*s;

	s = xcalloc(1, sizeof(*s));
	s->used = 1;
	s->nbuckets = 1024;
	s->bucket = xcalloc(s->nbuckets, sizeof(*s->bucket));
	return s;
}

void
schedule_free(struct schedule *s)
{
	uint32_t	 i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nchunks; i++)
		free(s->chunk[i]);
	free(s->chunk);
	free(s->bucket);
	free(s->heap);
	free(s);
}

struct entry *
schedule_find(const struct schedule *s, const char *id)
{
	struct entry	*e;
	uint32_t	 n;

	n = s->bucket[schedule_hash(id) & (s->nbuckets - 1)];
	for (; n != 0; n = e->chain) {
		e = schedule_at(s, n);
		if (memcmp(e->id, id, SPOOL_ID_LEN) == 0)
			return e;
	}
	return NULL;
}

static void
schedule_link(struct schedule *s, struct entry *e)
{
	uint32_t	*b;

	b = &s->bucket[schedule_hash(e->id) & (s->nbuckets - 1)];
	e->chain = *b;
	*b = e->self;
}

static void
schedule_unlink(struct schedule *s, struct entry *e)
{
	uint32_t	*p;

	p = &s->bucket[schedule_hash(e->id) & (s->nbuckets - 1)];
	while (*p != e->self)
		p = &schedule_at(s, *p)->chain;
	*p = e->chain;
}

static void
schedule_grow_buckets(struct schedule *s)
{
	struct entry	*e;
	uint32_t	 i;

	free(s->bucket);
	s->nbuckets *= 2;
	s->bucket = xcalloc(s->nbuckets, sizeof(*s->bucket));
	for (i = 1; i < s->used; i++) {
		e = schedule_at(s, i);
		if (e->state != ENTRY_FREE && e->state != ENTRY_DEAD)
			schedule_link(s, e);
	}
}

static struct entry *
schedule_alloc(struct schedule *s)
{
	struct entry	*e;
	uint32_t	 n;

	if ((n = s->free) != 0) {
		e = schedule_at(s, n);
		s->free = e->link;
	} else {
		n = s->used++;
		if (n / CHUNK == s->nchunks) {
			s->chunk = xreallocarray(s->chunk, s->nchunks + 1,
			    sizeof(*s->chunk));
			s->chunk[s->nchunks++] = xcalloc(CHUNK, sizeof(*e));
		}
		e = schedule_at(s, n);
	}
	memset(e, 0, sizeof(*e));
	e->self = n;
	return e;
}

static void
schedule_release(struct schedule *s, struct entry *e)
{
	e->state = ENTRY_FREE;
	e->link = s->free;
	s->free = e->self;
}

struct entry *
schedule_add(struct schedule *s, const char *id, bool queued)
{
	struct entry	*e;

	if (schedule_find(s, id) != NULL)
		return NULL;
	e = schedule_alloc(s);
	memcpy(e->id, id, SPOOL_ID_LEN);
	e->queued = queued;
	e->state = ENTRY_ACTIVE;
	if (s->total++ == s->nbuckets)
		schedule_grow_buckets(s);	/* links e as well */
	else
		schedule_link(s, e);
	return e;
}

static void
heap_put(struct schedule *s, uint32_t place, uint32_t n)
{
	s->heap[place] = n;
	schedule_at(s, n)->place = place;
}

static void
heap_up(struct schedule *s, uint32_t place)
{
	uint32_t	 n = s->heap[place], up, when;

	when = schedule_at(s, n)->next;
	while (place > 0) {
		up = (place - 1) / 2;
		if (schedule_at(s, s->heap[up])->next <= when)
			break;
		heap_put(s, place, s->heap[up]);
		place = up;
	}
	heap_put(s, place, n);
}

static void
heap_down(struct schedule *s, uint32_t place)
{
	uint32_t	 n = s->heap[place], down, when;

	when = schedule_at(s, n)->next;
	while ((down = 2 * place + 1) < s->nheap) {
		if (down + 1 < s->nheap &&
		    schedule_at(s, s->heap[down + 1])->next <
		    schedule_at(s, s->heap[down])->next)
			down++;
		if (schedule_at(s, s->heap[down])->next >= when)
			break;
		heap_put(s, place, s->heap[down]);
		place = down;
	}
	heap_put(s, place, n);
}

static void
heap_remove(struct schedule *s, struct entry *e)
{
	uint32_t	 place = e->place, last;

	assert(s->heap[place] == e->self);
	last = s->heap[--s->nheap];
	if (last == e->self)
		return;
	heap_put(s, place, last);
	heap_up(s, place);
	heap_down(s, schedule_at(s, last)->place);
}

static void
list_append(struct schedule *s, struct entry_list *l, struct entry *e)
{
	e->link = 0;
	if (l->count++ == 0)
		l->head = e->self;
	else
		schedule_at(s, l->tail)->link = e->self;
	l->tail = e->self;
}

/* The first that is not dead. */
static struct entry *
list_pop(struct schedule *s, struct entry_list *l)
{
	struct entry	*e;

	while (l->count > 0) {
		e = schedule_at(s, l->head);
		l->head = e->link;
		l->count--;
		if (e->state != ENTRY_DEAD) {
			e->state = ENTRY_ACTIVE;
			return e;
		}
		schedule_release(s, e);
	}
	return NULL;
}

static bool
schedule_listed(const struct entry *e)
{
	return e->state == ENTRY_READY || e->state == ENTRY_PARKED;
}

void
schedule_forget(struct schedule *s, struct entry *e)
{
	schedule_unlink(s, e);
	s->total--;
	if (e->state == ENTRY_WAITING)
		heap_remove(s, e);
	if (schedule_listed(e))
		e->state = ENTRY_DEAD;
	else
		schedule_release(s, e);
}

void
schedule_ready(struct schedule *s, struct entry *e)
{
	if (schedule_listed(e))
		return;
	if (e->state == ENTRY_WAITING)
		heap_remove(s, e);
	e->state = ENTRY_READY;
	list_append(s, e->tried ? &s->retry : &s->first, e);
}

void
schedule_wait(struct schedule *s, struct entry *e, int64_t when)
{
	if (schedule_listed(e))
		return;
	if (e->state == ENTRY_WAITING)
		heap_remove(s, e);
	e->state = ENTRY_WAITING;
	e->next = when < 0 ? 0 : when > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)when;
	if (s->nheap == s->heap_room) {
		s->heap_room = s->heap_room == 0 ? 256 : s->heap_room * 2;
		s->heap = xreallocarray(s->heap, s->heap_room,
		    sizeof(*s->heap));
	}
	heap_put(s, s->nheap++, e->self);
	heap_up(s, e->place);
}

void
schedule_park(struct schedule *s, struct entry_list *l, struct entry *e)
{
	assert(e->state == ENTRY_ACTIVE);
	e->state = ENTRY_PARKED;
	list_append(s, l, e);
}

size_t
schedule_due(struct schedule *s, int64_t now, size_t max)
{
	struct entry	*e;
	size_t		 n;

	for (n = 0; n < max && s->nheap > 0; n++) {
		e = schedule_at(s, s->heap[0]);
		if ((int64_t)e->next > now)
			break;
		schedule_ready(s, e);
	}
	return n;
}

int64_t
schedule_next(const struct schedule *s)
{
	return s->nheap == 0 ? 0 : (int64_t)schedule_at(s, s->heap[0])->next;
}

struct entry *
schedule_pop(struct schedule *s)
{
	struct entry	*e = NULL;

	if (++s->turn % FAIR == 0)
		e = list_pop(s, &s->retry);
	if (e == NULL)
		e = list_pop(s, &s->first);
	if (e == NULL)
		e = list_pop(s, &s->retry);
	return e;
}

struct entry *
schedule_unpark(struct schedule *s, struct entry_list *l)
{
	return list_pop(s, l);
}

void
schedule_count(const struct schedule *s, struct schedule_counts *c)
{
	const struct entry	*e;
	uint32_t		 i;

	memset(c, 0, sizeof(*c));
	for (i = 1; i < s->used; i++) {
		e = schedule_at(s, i);
		if (e->state == ENTRY_ACTIVE)
			c->active++;
		else if (e->state == ENTRY_FREE || e->state == ENTRY_DEAD)
			continue;
		else if (e->queued)
			c->deferred++;
		else
			c->fresh++;
	}
}

void
schedule_each(const struct schedule *s, void (*fn)(struct entry *, void *),
    void *arg)
{
	struct entry	*e;
	uint32_t	 i;

	for (i = 1; i < s->used; i++) {
		e = schedule_at(s, i);
		if (e->state != ENTRY_FREE && e->state != ENTRY_DEAD)
			fn(e, arg);
	}
}

size_t
schedule_total(const struct schedule *s)
{
	return s->total;
}
