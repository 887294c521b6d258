/* Contract in worker.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/worker.h"

#define WINDOW		4		/* jobs a worker holds */
#define BUSY		2		/* from here on another worker helps */
#define SHARE		50		/* jobs of a destination in flight */
#define IDLE_MS		60000
#define HUNG_MS		600000		/* one job */
#define MORE_MS		10000		/* before asking again for one more */
#define BUCKETS		256

struct job {
	TAILQ_ENTRY(job)	 entry;
	void			*owner;
	unsigned int		 number;
	struct route		*route;
	uint64_t		 ipc_id;
};

TAILQ_HEAD(job_list, job);

struct worker {
	LIST_ENTRY(worker)	 entry;
	struct dest		*dest;
	struct event		*ev;
	int			 sock;
	struct job_list		 jobs;		/* given to it, in order */
	unsigned int		 njobs;
	int64_t			 since;		/* of the first job, or idle */
};

struct dest {
	LIST_ENTRY(dest)	 chain;
	TAILQ_ENTRY(dest)	 turn;		/* when something is parked */
	struct workers		*all;
	uint32_t		 uid;
	struct job_list		 waiting;
	unsigned int		 load;		/* waiting and given */
	LIST_HEAD(, worker)	 workers;
	unsigned int		 nworkers;
	bool			 asking;
	int64_t			 more_at;	/* not before */
	struct entry_list	 parked;
	/* Of the last worker that was lost, with no verdict since. */
	char			 killer[SPOOL_ID_LEN];
};

struct workers {
	struct event_base		*base;
	struct asker			*asker;
	unsigned int			 max;
	struct workers_calls		 calls;
	LIST_HEAD(, dest)		 dests[BUCKETS];
	TAILQ_HEAD(, dest)		 parking;
	unsigned int			 count;
	uint64_t			 last_id;
};

struct workers *
workers_new(struct event_base *base, struct asker *asker, unsigned int max,
    const struct workers_calls *calls)
{
	struct workers	*w;

	w = xcalloc(1, sizeof(*w));
	w->base = base;
	w->asker = asker;
	w->max = max;
	w->calls = *calls;
	TAILQ_INIT(&w->parking);
	return w;
}

struct dest *
workers_dest(struct workers *w, uint32_t uid)
{
	struct dest	*d;

	LIST_FOREACH(d, &w->dests[uid % BUCKETS], chain)
		if (d->uid == uid)
			return d;
	d = xcalloc(1, sizeof(*d));
	d->all = w;
	d->uid = uid;
	TAILQ_INIT(&d->waiting);
	LIST_INIT(&d->workers);
	LIST_INSERT_HEAD(&w->dests[uid % BUCKETS], d, chain);
	return d;
}

static void
job_free(struct job *j)
{
	route_unref(j->route);
	free(j);
}

/* Report a job that has left every list. */
static void
job_done(struct dest *d, struct job *j, enum worker_loss loss,
    const struct deliver_result *result)
{
	d->load--;
	d->all->calls.done(j->owner, j->number, loss, j->route->user, result);
	job_free(j);
}

static void
worker_close(struct worker *k)
{
	LIST_REMOVE(k, entry);
	k->dest->nworkers--;
	k->dest->all->count--;
	event_free(k->ev);
	close(k->sock);
	free(k);
}

/*
 * Was the first job what killed it?  When workers die of one message after the
 * other and none lives to answer, it is not the messages' fault.
 */
static enum worker_loss
worker_blame(struct dest *d, const char *id)
{
	enum worker_loss	 loss = LOSS_OURS;

	if (d->killer[0] == '\0' || memcmp(d->killer, id, SPOOL_ID_LEN) == 0)
		loss = LOSS_SUSPECT;
	memcpy(d->killer, id, SPOOL_ID_LEN);
	return loss;
}

/* A lost worker and the pump call each other. */
static void	 dest_pump(struct dest *);

static void
worker_lost(struct worker *k, const char *why, bool blame)
{
	enum worker_loss	 loss = LOSS_OURS;
	struct job_list		 jobs;
	struct dest		*d = k->dest;
	struct job		*j;

	TAILQ_INIT(&jobs);
	TAILQ_CONCAT(&jobs, &k->jobs, entry);
	log_warnx("event=worker-lost uid=%lu jobs=%u reason=%s",
	    (unsigned long)d->uid, k->njobs, log_esc(why));
	worker_close(k);
	if ((j = TAILQ_FIRST(&jobs)) != NULL && blame)
		loss = worker_blame(d, d->all->calls.id(j->owner));
	while ((j = TAILQ_FIRST(&jobs)) != NULL) {
		TAILQ_REMOVE(&jobs, j, entry);
		job_done(d, j, loss, NULL);
		loss = LOSS_OURS;
	}
	dest_pump(d);
}

static void
worker_read(int fd, short what, void *arg)
{
	static struct ipc_msg		 m;
	static struct deliver_result	 r;
	struct worker			*k = arg;
	struct dest			*d = k->dest;
	struct job			*j = TAILQ_FIRST(&k->jobs);
	int				 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 0 && j == NULL) {
		worker_close(k);	/* idle: its own choice */
		return;
	}
	if (n != 1) {
		worker_lost(k, n == 0 ? "closed" : strerror(errno), true);
		return;
	}
	if (proto_deliver_get_result(&m, &r) == -1 || j == NULL ||
	    m.id != j->ipc_id || r.number != j->number ||
	    memcmp(r.id, d->all->calls.id(j->owner), SPOOL_ID_LEN) != 0) {
		worker_lost(k, "a malformed result", false);
		return;
	}
	d->killer[0] = '\0';
	TAILQ_REMOVE(&k->jobs, j, entry);
	k->njobs--;
	k->since = io_monotonic_ms();
	job_done(d, j, LOSS_NONE, &r);
	dest_pump(d);
}

/* Hand the job over.  0; -1: not now; the worker is gone when *lost. */
static int
worker_give(struct worker *k, struct job *j, bool *lost)
{
	static struct ipc_msg		 m;
	static struct deliver_job	 job;
	struct workers			*w = k->dest->all;

	*lost = false;
	memset(&job, 0, offsetof(struct deliver_job, sender));
	w->calls.fill(j->owner, j->number, &job);
	if (strlcpy(job.user, j->route->user, sizeof(job.user)) >=
	    sizeof(job.user) || strlcpy(job.home, j->route->home,
	    sizeof(job.home)) >= sizeof(job.home))
		log_warnx("event=route-too-long address=%s",
		    log_esc(j->route->address));
	job.quota_octets = j->route->quota_octets;
	job.quota_count = j->route->quota_count;
	j->ipc_id = ++w->last_id;
	proto_deliver_put_job(&m, j->ipc_id, &job);
	if (ipc_send(k->sock, &m, 0) == 0) {
		if (k->njobs++ == 0)
			k->since = io_monotonic_ms();
		TAILQ_INSERT_TAIL(&k->jobs, j, entry);
		return 0;
	}
	*lost = errno != EAGAIN || k->njobs == 0;
	return -1;
}

/* The worker with the fewest jobs and room for one more. */
static struct worker *
dest_choose(struct dest *d)
{
	struct worker	*k, *best = NULL;

	LIST_FOREACH(k, &d->workers, entry)
		if (k->njobs < WINDOW &&
		    (best == NULL || k->njobs < best->njobs))
			best = k;
	return best;
}

static void
dest_fail_waiting(struct dest *d)
{
	struct job_list	 jobs;
	struct job	*j;

	TAILQ_INIT(&jobs);
	TAILQ_CONCAT(&jobs, &d->waiting, entry);
	while ((j = TAILQ_FIRST(&jobs)) != NULL) {
		TAILQ_REMOVE(&jobs, j, entry);
		job_done(d, j, LOSS_OURS, NULL);
	}
}

static void
dest_got_worker(int fd, void *arg)
{
	struct dest	*d = arg;
	struct worker	*k;

	d->asking = false;
	if (fd == -1) {
		d->more_at = io_monotonic_ms() + MORE_MS;
		log_warnx("event=no-worker uid=%lu", (unsigned long)d->uid);
		if (d->nworkers == 0)
			dest_fail_waiting(d);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->dest = d;
	k->sock = fd;
	k->since = io_monotonic_ms();
	TAILQ_INIT(&k->jobs);
	k->ev = event_new(d->all->base, fd, EV_READ | EV_PERSIST, worker_read,
	    k);
	if (k->ev == NULL || event_add(k->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	LIST_INSERT_HEAD(&d->workers, k, entry);
	d->nworkers++;
	d->all->count++;
	dest_pump(d);
}

static void
dest_want_worker(struct dest *d)
{
	struct job	*j = TAILQ_FIRST(&d->waiting);

	if (d->asking || d->nworkers >= d->all->max ||
	    (d->nworkers > 0 && io_monotonic_ms() < d->more_at))
		return;
	if (j == NULL)
		j = TAILQ_FIRST(&LIST_FIRST(&d->workers)->jobs);
	d->asking = true;
	asker_worker(d->all->asker, j->route->user, dest_got_worker, d);
}

/* Give out what waits; ask for help when all hands are full. */
static void
dest_pump(struct dest *d)
{
	struct worker	*k;
	struct job	*j;
	bool		 lost;

	while ((j = TAILQ_FIRST(&d->waiting)) != NULL &&
	    (k = dest_choose(d)) != NULL) {
		TAILQ_REMOVE(&d->waiting, j, entry);
		if (worker_give(k, j, &lost) == 0) {
			if (k->njobs > BUSY)
				dest_want_worker(d);
			continue;
		}
		TAILQ_INSERT_HEAD(&d->waiting, j, entry);
		if (!lost)
			return;		/* its next result pumps again */
		worker_lost(k, "cannot be written to", false);
		return;			/* which has pumped */
	}
	if (j != NULL)
		dest_want_worker(d);
}

void
workers_submit(struct workers *w, struct dest *d, struct route *route,
    void *owner, unsigned int number)
{
	struct job	*j;

	(void)w;
	j = xcalloc(1, sizeof(*j));
	j->owner = owner;
	j->number = number;
	j->route = route;
	route_ref(route);
	TAILQ_INSERT_TAIL(&d->waiting, j, entry);
	d->load++;
	dest_pump(d);
}

bool
workers_full(const struct dest *d)
{
	return d->load >= SHARE;
}

void
workers_park(struct workers *w, struct schedule *s, struct dest *d,
    struct entry *e)
{
	if (d->parked.count == 0)
		TAILQ_INSERT_TAIL(&w->parking, d, turn);
	schedule_park(s, &d->parked, e);
}

struct entry *
workers_unpark(struct workers *w, struct schedule *s, bool any)
{
	struct entry	*e;
	struct dest	*d, *next;

	for (d = TAILQ_FIRST(&w->parking); d != NULL; d = next) {
		next = TAILQ_NEXT(d, turn);
		if (!any && workers_full(d))
			continue;
		e = schedule_unpark(s, &d->parked);
		TAILQ_REMOVE(&w->parking, d, turn);
		if (d->parked.count > 0)
			TAILQ_INSERT_TAIL(&w->parking, d, turn);
		if (e != NULL)
			return e;
	}
	return NULL;
}

unsigned int
workers_count(const struct workers *w)
{
	return w->count;
}

static void
dest_tick(struct dest *d, int64_t now)
{
	struct worker	*k, *next;

	for (k = LIST_FIRST(&d->workers); k != NULL; k = next) {
		next = LIST_NEXT(k, entry);
		if (k->njobs == 0 && now - k->since > IDLE_MS)
			worker_close(k);
		else if (k->njobs > 0 && now - k->since > HUNG_MS) {
			worker_lost(k, "no answer for ten minutes", false);
			return;		/* the list may have changed */
		}
	}
}

void
workers_tick(struct workers *w)
{
	int64_t		 now = io_monotonic_ms();
	struct dest	*d;
	size_t		 i;

	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(d, &w->dests[i], chain)
			dest_tick(d, now);
}

void
workers_free(struct workers *w)
{
	struct worker	*k;
	struct dest	*d;
	struct job	*j;
	size_t		 i;

	if (w == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while ((d = LIST_FIRST(&w->dests[i])) != NULL) {
			LIST_REMOVE(d, chain);
			while ((k = LIST_FIRST(&d->workers)) != NULL) {
				TAILQ_CONCAT(&d->waiting, &k->jobs, entry);
				worker_close(k);
			}
			while ((j = TAILQ_FIRST(&d->waiting)) != NULL) {
				TAILQ_REMOVE(&d->waiting, j, entry);
				job_free(j);
			}
			free(d);
		}
	free(w);
}
