/* Contract in channel.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/channel.h"

static uint64_t	 last_id;

static void	 channel_read(int, short, void *);

struct channel *
channel_new(struct event_base *base, struct dest *d, int sock)
{
	struct channel	*k;

	k = xcalloc(1, sizeof(*k));
	k->dest = d;
	k->sock = sock;
	k->since = io_monotonic_ms();
	TAILQ_INIT(&k->jobs);
	k->ev = event_new(base, sock, EV_READ | EV_PERSIST, channel_read, k);
	/* A host that took a letter is not to get it twice: see channel.h. */
	if (k->ev != NULL && d->kind->remote)
		event_priority_set(k->ev, CHANNEL_FIRST);
	if (k->ev == NULL || event_add(k->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	LIST_INSERT_HEAD(&d->channels, k, entry);
	d->nchannels++;
	return k;
}

void
channel_close(struct channel *k)
{
	LIST_REMOVE(k, entry);
	k->dest->nchannels--;
	event_free(k->ev);
	close(k->sock);
	if (k->dest->kind->closed != NULL)
		k->dest->kind->closed(k);
	free(k);
}

/* Report a job that has left every list. */
static void
job_lost(struct dest *d, struct job *j, enum job_loss loss)
{
	d->load--;
	d->kind->lost(d, j, loss);
}

/*
 * Was the first job what killed it?  When they die of one message after the
 * other and none lives to answer, it is not the messages' fault.
 */
static enum job_loss
channel_blame(struct dest *d, const char *id)
{
	enum job_loss	 loss = LOSS_OURS;

	if (d->killer[0] == '\0' || memcmp(d->killer, id, SPOOL_ID_LEN) == 0)
		loss = LOSS_SUSPECT;
	memcpy(d->killer, id, SPOOL_ID_LEN);
	return loss;
}

void
channel_lost(struct channel *k, const char *why, bool blame)
{
	enum job_loss	 loss = LOSS_OURS;
	struct job_list	 jobs;
	struct dest	*d = k->dest;
	struct job	*j;
	bool		 tired = d->kind->remote && blame && k->done > 0;

	d->held++;
	TAILQ_INIT(&jobs);
	TAILQ_CONCAT(&jobs, &k->jobs, entry);
	log_warnx("event=%s-lost to=%s jobs=%u reason=%s", d->kind->name,
	    log_esc(d->key), k->njobs, log_esc(why));
	d->given -= k->njobs;
	channel_close(k);
	j = TAILQ_FIRST(&jobs);
	if (j != NULL && tired && j->handed_on == 0) {
		/* It may have gone just as it was given the job. */
		j->handed_on++;
		TAILQ_REMOVE(&jobs, j, entry);
		TAILQ_INSERT_HEAD(&d->waiting, j, entry);
	} else if (j != NULL && blame)
		loss = channel_blame(d, j->id);
	while ((j = TAILQ_FIRST(&jobs)) != NULL) {
		TAILQ_REMOVE(&jobs, j, entry);
		job_lost(d, j, loss);
		loss = LOSS_OURS;
	}
	d->held--;
	dest_pump(d);
}

void
channel_took(struct channel *k, struct job *j)
{
	k->dest->killer[0] = '\0';
	TAILQ_REMOVE(&k->jobs, j, entry);
	k->njobs--;
	k->done++;
	k->dest->given--;
	k->dest->load--;
	k->since = io_monotonic_ms();
}

static void
channel_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct channel		*k = arg;
	struct dest		*d = k->dest;
	struct job		*j = TAILQ_FIRST(&k->jobs);
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 0 && j == NULL) {
		channel_close(k);	/* idle: its own choice */
		dest_pump(d);
		return;
	}
	if (n != 1) {
		channel_lost(k, n == 0 ? "closed" : strerror(errno), true);
		return;
	}
	if (j == NULL || m.id != j->ipc_id) {
		ipc_drop(&m);
		channel_lost(k, "an answer to no job", false);
		return;
	}
	/* What becomes of it may want room for another destination. */
	d->held++;
	n = d->kind->got(k, j, &m);
	d->held--;
	if (n == -1)
		channel_lost(k, "a malformed result", false);
	else if (d->kind->remote)
		dest_stir(d);
	else
		dest_pump(d);
}

/* Hand the job over.  0; -1: not now; the channel is gone when *lost. */
static int
channel_give(struct channel *k, struct job *j, bool *lost)
{
	static struct ipc_msg	 m;
	struct dest		*d = k->dest;
	struct job		*rest = NULL;

	*lost = false;
	j->ipc_id = ++last_id;
	d->kind->put(k, j, &m, &rest);
	if (rest != NULL) {
		TAILQ_INSERT_HEAD(&d->waiting, rest, entry);
		d->load++;
	}
	if (ipc_send(k->sock, &m, 0) == 0) {
		if (k->njobs++ == 0)
			k->since = io_monotonic_ms();
		d->given++;
		TAILQ_INSERT_TAIL(&k->jobs, j, entry);
		return 0;
	}
	*lost = errno != EAGAIN || k->njobs == 0;
	return -1;
}

/*
 * One that is filled to less than half, the fullest of them: jobs that are done
 * together cost less.  Else the one with the fewest jobs, if it has room.
 */
static struct channel *
dest_choose(struct dest *d)
{
	struct channel	*k, *fewest = NULL, *best = NULL;

	if (d->given >= d->kind->limit(d))
		return NULL;
	LIST_FOREACH(k, &d->channels, entry) {
		if (k->njobs < d->kind->depth / 2 &&
		    (best == NULL || k->njobs > best->njobs))
			best = k;
		if (k->njobs < d->kind->depth &&
		    (fewest == NULL || k->njobs < fewest->njobs))
			fewest = k;
	}
	return best != NULL ? best : fewest;
}

void
dest_fail_waiting(struct dest *d, enum job_loss loss)
{
	struct job_list	 jobs;
	struct job	*j;

	TAILQ_INIT(&jobs);
	TAILQ_CONCAT(&jobs, &d->waiting, entry);
	while ((j = TAILQ_FIRST(&jobs)) != NULL) {
		TAILQ_REMOVE(&jobs, j, entry);
		job_lost(d, j, loss);
	}
}

static void
dest_give_out(struct dest *d)
{
	struct channel	*k;
	struct job	*j;
	bool		 lost;

	while ((j = TAILQ_FIRST(&d->waiting)) != NULL &&
	    (k = dest_choose(d)) != NULL) {
		TAILQ_REMOVE(&d->waiting, j, entry);
		if (channel_give(k, j, &lost) == 0) {
			if (d->kind->depth > 1 &&
			    k->njobs > d->kind->depth / 2)
				d->kind->want(d);
			continue;
		}
		TAILQ_INSERT_HEAD(&d->waiting, j, entry);
		if (!lost)
			return;		/* its next result pumps again */
		if (k->njobs == 0 && k->done > 0) {
			channel_close(k);	/* it has left by itself */
			continue;
		}
		channel_lost(k, "cannot be written to", false);
		return;			/* which has pumped */
	}
	if (j != NULL)
		d->kind->want(d);
	dest_wake(d);
}

void
dest_pump(struct dest *d)
{
	d->held++;
	dest_give_out(d);
	d->held--;
}

void
dest_submit(struct dest *d, struct job *j)
{
	TAILQ_INSERT_TAIL(&d->waiting, j, entry);
	d->load++;
	dest_pump(d);
}

void
dest_tick(struct dest *d)
{
	struct channel	*k, *next;
	int64_t		 now = io_monotonic_ms();

	for (k = LIST_FIRST(&d->channels); k != NULL; k = next) {
		next = LIST_NEXT(k, entry);
		if (k->njobs == 0 && now - k->since > d->kind->idle_ms)
			channel_close(k);
		else if (k->njobs > 0 && now - k->since > d->kind->hung_ms) {
			channel_lost(k, "no answer for too long", false);
			return;		/* the list may have changed */
		}
	}
}

void
dest_drop(struct dest *d)
{
	struct channel	*k;
	struct job	*j;

	while ((k = LIST_FIRST(&d->channels)) != NULL) {
		TAILQ_CONCAT(&d->waiting, &k->jobs, entry);
		channel_close(k);
	}
	while ((j = TAILQ_FIRST(&d->waiting)) != NULL) {
		TAILQ_REMOVE(&d->waiting, j, entry);
		job_free(j);
	}
}
