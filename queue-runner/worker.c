/* Contract in worker.h. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/worker.h"

#define SLOW_MS		100		/* without an answer */
#define DEPTH		32		/* jobs a worker holds: it makes them
					 * durable together */
#define SHARE		200		/* jobs of a destination in flight */
#define IDLE_MS		60000
#define HUNG_MS		600000		/* one job */
#define MORE_MS		10000		/* before asking again for one more */

struct workers {
	struct event_base	*base;
	struct mailboxes	*mailboxes;
	struct dests		*dests;
	unsigned int		 max;
	struct workers_calls	 calls;
	unsigned int		 count;
};

/* What a destination of workers has more. */
struct crew {
	struct workers	*all;
	struct event	*look;		/* whether one more is wanted still */
	int64_t		 more_at;	/* not before */
};

static struct crew *
worker_crew(const struct dest *d)
{
	return d->more;
}

static bool
worker_room(const struct dest *d)
{
	return d->load < SHARE;
}

static unsigned int
worker_limit(const struct dest *d)
{
	(void)d;
	return UINT_MAX;
}

static void
worker_put(struct channel *k, struct job *j, struct ipc_msg *m,
    struct job **rest)
{
	static struct deliver_job	 job;
	struct workers			*w = worker_crew(k->dest)->all;
	const struct mailbox		*b = j->mailbox;

	(void)rest;
	memset(&job, 0, offsetof(struct deliver_job, sender));
	w->calls.fill(j->owner, j->number[0], &job);
	if (strlcpy(job.user, b->user, sizeof(job.user)) >= sizeof(job.user) ||
	    strlcpy(job.home, b->home, sizeof(job.home)) >= sizeof(job.home))
		log_warnx("event=mailbox-too-long address=%s",
		    log_esc(b->address));
	job.quota_octets = b->quota_octets;
	job.quota_count = b->quota_count;
	proto_deliver_put_job(m, j->ipc_id, &job);
}

static void
worker_report(struct dest *d, struct job *j, enum job_loss loss,
    const struct deliver_result *r)
{
	struct workers	*w = worker_crew(d)->all;

	w->calls.done(j->owner, j->number[0], loss, j->mailbox->user, r);
	job_free(j);
}

static void
worker_lost(struct dest *d, struct job *j, enum job_loss loss)
{
	worker_report(d, j, loss, NULL);
}

static int
worker_got(struct channel *k, struct job *j, struct ipc_msg *m)
{
	static struct deliver_result	 r;

	if (proto_deliver_get_result(m, &r) == -1 ||
	    r.number != j->number[0] ||
	    memcmp(r.id, j->id, SPOOL_ID_LEN) != 0)
		return -1;
	channel_took(k, j);
	worker_report(k->dest, j, LOSS_NONE, &r);
	return 0;
}

static void
worker_closed(struct channel *k)
{
	worker_crew(k->dest)->all->count--;
}

static void
worker_come(int fd, void *arg)
{
	struct dest	*d = arg;
	struct crew	*c = worker_crew(d);

	d->asking = false;
	if (fd == -1) {
		c->more_at = io_monotonic_ms() + MORE_MS;
		log_warnx("event=no-worker to=%s", log_esc(d->key));
		if (d->nchannels == 0)
			dest_fail_waiting(d, LOSS_OURS);
		return;
	}
	channel_new(c->all->base, d, fd);
	c->all->count++;
	dest_pump(d);
}

/*
 * One that answers is enough, however much there is: what it does together
 * costs less than the same by two.  Another helps when one waits, as for a
 * lock.
 */
static bool
worker_slow(const struct dest *d, int64_t now)
{
	struct channel	*k;

	LIST_FOREACH(k, &d->channels, entry)
		if (now - k->since < SLOW_MS)
			return false;
	return true;
}

static void
worker_look(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dest_pump(arg);
}

static void
worker_want(struct dest *d)
{
	const struct timeval	 slow = { .tv_usec = SLOW_MS * 1000 };
	struct crew		*c = worker_crew(d);
	struct job		*j = TAILQ_FIRST(&d->waiting);
	int64_t			 now = io_monotonic_ms();

	if (d->asking || d->nchannels >= c->all->max ||
	    (d->nchannels > 0 && now < c->more_at))
		return;
	if (d->nchannels > 0 && !worker_slow(d, now)) {
		event_add(c->look, &slow);
		return;
	}
	if (j == NULL)
		j = TAILQ_FIRST(&LIST_FIRST(&d->channels)->jobs);
	d->asking = true;
	mailboxes_worker(c->all->mailboxes, j->mailbox->user, worker_come, d);
}

static void
worker_free(struct dest *d)
{
	struct crew	*c = worker_crew(d);

	event_free(c->look);
	free(c);
}

static const struct channel_kind	 worker_kind = {
	.name = "worker",
	.depth = DEPTH,
	.idle_ms = IDLE_MS,
	.hung_ms = HUNG_MS,
	.room = worker_room,
	.limit = worker_limit,
	.want = worker_want,
	.put = worker_put,
	.got = worker_got,
	.lost = worker_lost,
	.closed = worker_closed,
	.free = worker_free,
};

struct workers *
workers_new(struct event_base *base, struct mailboxes *mailboxes,
    struct dests *dests, unsigned int max, const struct workers_calls *calls)
{
	struct workers	*w;

	w = xcalloc(1, sizeof(*w));
	w->base = base;
	w->mailboxes = mailboxes;
	w->dests = dests;
	w->max = max;
	w->calls = *calls;
	return w;
}

struct dest *
workers_dest(struct workers *w, const struct mailbox *b)
{
	struct crew	*c;
	struct dest	*d;
	char		 key[32];
	bool		 made;

	snprintf(key, sizeof(key), "uid:%lu", (unsigned long)b->uid);
	d = dests_get(w->dests, &worker_kind, key, &made);
	if (!made)
		return d;
	c = xcalloc(1, sizeof(*c));
	c->all = w;
	c->look = event_new(w->base, -1, 0, worker_look, d);
	if (c->look == NULL)
		fatalx("event=out-of-memory");
	d->more = c;
	return d;
}

void
workers_submit(struct dest *d, struct mailbox *b, void *owner, const char *id,
    unsigned int number)
{
	struct job	*j = job_new(owner, id, 1);

	j->number[0] = number;
	j->mailbox = b;
	mailbox_ref(b);
	dest_submit(d, j);
}

unsigned int
workers_count(const struct workers *w)
{
	return w->count;
}

void
workers_free(struct workers *w)
{
	free(w);
}
