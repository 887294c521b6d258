/*
 * The recipients of a message that go to other hosts.  Those that go to one
 * destination travel together, up to a hundred in a job; a message with very
 * many has few jobs out at a time, so that others get their turn.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/channel.h"
#include "queue-runner/message.h"
#include "queue-runner/relay_job.h"

#define SLOTS		64	/* of batches, by destination */
#define AT_ONCE		32	/* destinations a message is under way to */
#define LATE_MS		1000	/* answers of the resolver waited for */

/* Recipients with one sender to one destination, all with UTF-8 or none. */
struct batch {
	LIST_ENTRY(batch)	 slot;
	TAILQ_ENTRY(batch)	 entry;
	struct dest		*dest;		/* held */
	unsigned int		*number;
	size_t			 n, room;
	size_t			 gone;		/* of them in a job, or done */
	size_t			 out;		/* in a job */
	bool			 utf8;		/* relay_job_utf8() */
};

struct relay {
	LIST_HEAD(, batch)	 slot[SLOTS];
	TAILQ_HEAD(, batch)	 batches;
	size_t			 n;		/* batches */
	size_t			 busy;		/* with something out */
	size_t			 asking;	/* questions */
	struct event		*late;
	bool			 hurry;
};

/* Who is asked about. */
struct about {
	struct message	*m;
	size_t		 i;
};

static const char *
relay_domain(const char *address)
{
	const char	*at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

bool
relay_takes(const struct runner *q, const char *address)
{
	const char	*domain = relay_domain(address);

	/* Whether one of these takes the name, authd knows. */
	return *domain != '\0' && !config_is_local(q->cfg, domain) &&
	    !config_is_relay(q->cfg, domain);
}

static struct relay *
relay_of(struct message *m)
{
	size_t	 i;

	if (m->relay != NULL)
		return m->relay;
	m->relay = xcalloc(1, sizeof(*m->relay));
	for (i = 0; i < SLOTS; i++)
		LIST_INIT(&m->relay->slot[i]);
	TAILQ_INIT(&m->relay->batches);
	return m->relay;
}

void
relay_free(struct message *m)
{
	struct relay	*y = m->relay;
	struct batch	*b;

	if (y == NULL)
		return;
	while ((b = TAILQ_FIRST(&y->batches)) != NULL) {
		TAILQ_REMOVE(&y->batches, b, entry);
		b->dest->held--;
		free(b->number);
		free(b);
	}
	if (y->late != NULL)
		event_free(y->late);
	free(y);
	m->relay = NULL;
}

static struct batch *
batch_find(struct message *m, const struct dest *d, size_t i)
{
	struct batch	*b;
	bool		 utf8 = relay_job_utf8(m, i);

	LIST_FOREACH(b, &relay_of(m)->slot[d->number % SLOTS], slot)
		if (b->dest == d && b->utf8 == utf8 &&
		    strcmp(message_sender(m, b->number[0]),
		    message_sender(m, i)) == 0)
			return b;
	return NULL;
}

static struct batch *
batch_new(struct message *m, struct dest *d, size_t i)
{
	struct relay	*y = relay_of(m);
	struct batch	*b;

	b = xcalloc(1, sizeof(*b));
	b->dest = d;
	b->utf8 = relay_job_utf8(m, i);
	d->held++;
	LIST_INSERT_HEAD(&y->slot[d->number % SLOTS], b, slot);
	TAILQ_INSERT_TAIL(&y->batches, b, entry);
	y->n++;
	return b;
}

static void
relay_batch(struct message *m, size_t i, struct dest *d)
{
	struct batch	*b = batch_find(m, d, i);

	if (b == NULL)
		b = batch_new(m, d, i);
	if (b->n == b->room) {
		b->room = b->room == 0 ? 1 : b->room * 2;
		b->number = xreallocarray(b->number, b->room,
		    sizeof(*b->number));
	}
	b->number[b->n++] = (unsigned int)i;
	if (m->run[i] == RUN_BUSY)
		m->busy--;
	m->run[i] = RUN_RELAYING;
	m->relaying++;
}

/* Does all that is left go to one destination?  Then the entry knows it. */
static void
relay_note_dest(struct message *m, const struct dest *d)
{
	if (m->only == 0)
		m->only = d->number;
	else if (m->only != d->number)
		m->mixed = true;
}

/* It is not tried just now: the last one's words have to do. */
static void
relay_paused(struct message *m, size_t i, const struct dest *d)
{
	struct remote_view	 v;

	remote_view(d, &v);
	if (v.pause_ms > m->pause_ms)
		m->pause_ms = v.pause_ms;
	attempt_settle(m, i, RUN_PAUSED, v.code, *v.host == '\0' ? NULL :
	    v.host, v.text);
}

static void
relay_place(struct message *m, size_t i, const struct finding *f)
{
	switch (f->status) {
	case FOUND:
		relay_note_dest(m, f->dest);
		if (remote_state(f->dest) == WINDOW_PAUSED)
			relay_paused(m, i, f->dest);
		else
			relay_batch(m, i, f->dest);
		return;
	case FOUND_NOT:
		attempt_fail(m, i, f->code, NULL, f->text);
		break;
	case FOUND_LATER:
		attempt_settle(m, i, RUN_TEMP, f->code, NULL, f->text);
		break;
	case FOUND_OURS:
		attempt_settle(m, i, RUN_OURS, NULL, NULL, NULL);
		break;
	}
	m->mixed = true;
}

static void
relay_found(const struct finding *f, void *arg)
{
	struct about	*about = arg;
	struct message	*m = about->m;
	size_t		 i = about->i;

	free(about);
	m->busy--;
	m->run[i] = RUN_NONE;
	m->relay->asking--;
	relay_place(m, i, f);
	attempt_step(m);
}

/* Nothing else is pending than recipients of this domain. */
static bool
relay_alone(const struct message *m, const char *domain)
{
	size_t	 i;

	if (m->begun || m->busy > 0 || m->relaying > 0)
		return false;
	for (i = 0; i < m->st.nrcpts; i++)
		if (m->st.rcpts[i].letter == STATE_PENDING &&
		    strcmp(relay_domain(m->st.rcpts[i].address), domain) != 0)
			return false;
	return true;
}

bool
relay_add(struct message *m, size_t i)
{
	const char	*domain = relay_domain(m->st.rcpts[i].address);
	struct runner	*q = m->q;
	struct finding	 f;
	struct about	*about;

	if (finder_known(q->finder, domain, &f)) {
		relay_place(m, i, &f);
		return true;
	}
	if (relay_alone(m, domain)) {
		message_park_asking(m, domain);
		return false;
	}
	about = xcalloc(1, sizeof(*about));
	about->m = m;
	about->i = i;
	if (m->run[i] != RUN_BUSY)
		m->busy++;
	m->run[i] = RUN_BUSY;
	relay_of(m)->asking++;
	finder_ask(q->finder, domain, relay_found, about);
	return true;
}

static void
relay_late(int fd, short what, void *arg)
{
	struct message	*m = arg;

	(void)fd;
	(void)what;
	m->relay->hurry = true;
	attempt_step(m);
}

/* The batches are complete, or have been waited for long enough. */
static bool
relay_complete(struct message *m)
{
	struct timeval	 tv = { .tv_sec = LATE_MS / 1000 };
	struct relay	*y = m->relay;

	if (m->next < m->st.nrcpts && m->relaying < REMOTE_RCPTS)
		return false;
	if (y->hurry || y->asking == 0)
		return true;
	if (y->late == NULL) {
		y->late = evtimer_new(m->q->base, relay_late, m);
		if (y->late == NULL || event_add(y->late, &tv) == -1)
			fatalx("event=out-of-memory");
	}
	return false;
}

/* The next recipients of a batch. */
static void
batch_submit(struct message *m, struct batch *b)
{
	struct job	*j;
	size_t		 n = b->n - b->gone;

	if (remote_state(b->dest) == WINDOW_PAUSED) {
		for (; b->gone < b->n; b->gone++)
			relay_paused(m, b->number[b->gone], b->dest);
		return;
	}
	if (n > REMOTE_RCPTS)
		n = REMOTE_RCPTS;
	j = job_new(m, m->id, n);
	memcpy(j->number, b->number + b->gone, n * sizeof(j->number[0]));
	b->gone += n;
	if (b->out == 0)
		m->relay->busy++;
	b->out += n;
	dest_submit(b->dest, j);
}

/* As many jobs as a message may have. */
static void
relay_submit(struct message *m)
{
	struct relay	*y = m->relay;
	struct batch	*b, *next;
	bool		 any = true;

	while (any) {
		any = false;
		for (b = TAILQ_FIRST(&y->batches); b != NULL; b = next) {
			next = TAILQ_NEXT(b, entry);
			if (b->gone == b->n || b->out > REMOTE_RCPTS ||
			    (b->out == 0 && y->busy >= AT_ONCE))
				continue;
			batch_submit(m, b);
			any = true;
		}
	}
}

/* Nothing of it has been begun, and all is for one destination. */
static struct dest *
relay_single(const struct message *m)
{
	struct batch	*b = TAILQ_FIRST(&m->relay->batches);

	return m->relay->n == 1 && b->n == m->relaying ? b->dest : NULL;
}

/* The program ends: what has not been given out is not tried. */
static void
relay_abandon(struct message *m)
{
	struct batch	*b;

	TAILQ_FOREACH(b, &m->relay->batches, entry)
		for (; b->gone < b->n; b->gone++)
			attempt_settle(m, b->number[b->gone], RUN_OURS, NULL,
			    NULL, NULL);
}

bool
relay_go(struct message *m)
{
	struct dest	*d;
	bool		 crowded;

	if (m->relay == NULL || m->relay->n == 0 || !relay_complete(m))
		return true;
	if (m->q->stopping) {
		relay_abandon(m);
		return true;
	}
	crowded = !m->remote && runner_remote_full(m->q);
	if (!m->begun && m->busy == 0) {
		if ((d = relay_single(m)) != NULL && (crowded ||
		    !d->kind->room(d))) {
			message_park(m, d);
			return false;
		}
		if (crowded) {
			message_end(m, NEXT_WAIT, runner_now() + 1);
			return false;
		}
	}
	if (!m->remote) {
		m->remote = true;
		m->q->remote_active++;
	}
	m->begun = true;
	relay_submit(m);
	return true;
}

static void
relay_done(const struct job *j, struct dest *d, enum job_loss loss,
    const struct remote_result *r)
{
	struct message	*m = j->owner;
	struct batch	*b = batch_find(m, d, j->number[0]);
	size_t		 k;

	b->out -= j->n;
	if (b->out == 0)
		m->relay->busy--;
	switch (loss) {
	case LOSS_NONE:
		relay_job_result(m, j, r);
		break;
	case LOSS_SUSPECT:
		m->e->kills++;
		m->killed = true;
		/* FALLTHROUGH */
	case LOSS_OURS:
		for (k = 0; k < j->n; k++)
			attempt_settle(m, j->number[k], RUN_OURS, NULL, NULL,
			    NULL);
		break;
	case LOSS_PAUSED:
		for (k = 0; k < j->n; k++)
			relay_paused(m, j->number[k], d);
		break;
	}
	attempt_step(m);
}

/* Is its sender to be told something, or is it too old? */
static bool
relay_must_tell(const struct runner *q, const struct entry *e)
{
	char	 id[SPOOL_ID_LEN + 1];
	int64_t	 age;

	memcpy(id, e->id, SPOOL_ID_LEN);
	id[SPOOL_ID_LEN] = '\0';
	age = runner_now() - spool_id_time(id);
	return age >= q->cfg->queue.expire || (!e->told &&
	    q->cfg->queue.warn && age >= q->cfg->queue.warn_after);
}

static void
relay_later(struct entry *e, int64_t ms, void *arg)
{
	struct runner	*q = arg;

	if (e->tried && !relay_must_tell(q, e))
		runner_wait(q, e, runner_now() + (ms + 999) / 1000);
	else {
		/* Its sender is to be told. */
		schedule_ready(q->schedule, e);
		runner_dispatch_soon(q);
	}
}

const struct remotes_calls	 relay_calls = {
	.fill = relay_job_fill,
	.rcpt = relay_job_rcpt,
	.done = relay_done,
	.later = relay_later,
};

bool
relay_holds(struct runner *q, struct entry *e)
{
	struct remote_view	 v;
	struct dest		*d;

	if (!e->tried || (d = dests_find(q->dests, e->dest)) == NULL ||
	    !remote_is(d))
		return false;
	if (remote_state(d) == WINDOW_PAUSED) {
		if (relay_must_tell(q, e))
			return false;
		remote_view(d, &v);
		relay_later(e, v.pause_ms, q);
		return true;
	}
	if (d->kind->room(d))
		return false;
	dest_park(d, e);
	return true;
}
