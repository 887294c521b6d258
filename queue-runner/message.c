/* Loading and ending: contract in message.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/control.h"
#include "lib/store/torn.h"
#include "queue-runner/message.h"
#include "queue-runner/notice.h"

#define FEW		100		/* recipients that do not count */
#define MANY		20000		/* at once of those that do */
#define NEVER_WHOLE	3600		/* seconds after which it is damage */

enum load {
	LOAD_OK,
	LOAD_GONE,
	LOAD_LATER,		/* our trouble */
	LOAD_UNREADY,		/* not whole: the next scan looks again */
	LOAD_BAD		/* *why: put it aside */
};

static enum load
message_load_state(struct message *m, const char **why)
{
	int	 fd;

	if (!m->e->queued)
		return LOAD_OK;
	fd = files_open_state(&m->q->files, PLACE_QUEUE, m->id, O_RDWR);
	if (fd == -1)
		return errno == ENOENT ? LOAD_OK : LOAD_LATER;
	switch (state_read(fd, &m->st, why)) {
	case STATE_OK:
		m->e->tried = true;
		if (m->st.old)
			close(fd);	/* outcome.c makes a new one */
		else
			m->sfd = fd;
		return LOAD_OK;
	case STATE_PARTIAL:
		/* Cut by a crash before it counted: as if not there. */
		close(fd);
		return LOAD_OK;
	case STATE_CORRUPT:
		close(fd);
		return LOAD_BAD;
	case STATE_ERROR:
		break;
	}
	io_close(fd);
	return LOAD_LATER;
}

/* No bell announced it, so perhaps its content is not on the disk. */
static bool
message_unannounced(const struct message *m)
{
	return !m->e->queued && m->e->again;
}

/* smtpd may be writing it, or a power loss cut it off. */
static enum load
message_unready(struct message *m, const char **why)
{
	struct stat	 st;

	*why = "it is not whole";
	if (m->e->queued)
		return LOAD_BAD;
	/* An empty one is a killed smtpd's, who sweeps it away. */
	if (fstat(m->fd, &st) == 0 && st.st_size > 0 &&
	    st.st_ctim.tv_sec + NEVER_WHOLE < runner_now())
		return LOAD_BAD;
	return LOAD_UNREADY;
}

static enum load
message_load(struct message *m, const char **why)
{
	m->fd = files_open_message(&m->q->files, m->e->queued ? PLACE_QUEUE :
	    PLACE_NEW, m->id);
	if (m->fd == -1) {
		if (errno == ENOENT)
			return LOAD_GONE;
		*why = "it is no file";
		return errno == ELOOP || errno == ENXIO ? LOAD_BAD :
		    LOAD_LATER;
	}
	switch (envelope_read(m->fd, &m->env, why)) {
	case ENVELOPE_OK:
		if (!message_unannounced(m))
			return message_load_state(m, why);
		switch (torn_check(m->fd, &m->env)) {
		case 0:
			return message_load_state(m, why);
		case 1:
			return message_unready(m, why);
		}
		break;
	case ENVELOPE_PARTIAL:
		return message_unready(m, why);
	case ENVELOPE_CORRUPT:
		return LOAD_BAD;
	case ENVELOPE_ERROR:
		break;
	}
	return LOAD_LATER;
}

/* Not too many recipients at a time, for memory's sake. */
static bool
message_too_big_now(struct message *m)
{
	size_t	 n = m->env.nrcpts > m->st.nrcpts ? m->env.nrcpts :
		    m->st.nrcpts;

	if (n < FEW)
		return false;
	if (m->q->many > 0 && m->q->many + n > MANY)
		return true;
	m->many = n;
	m->q->many += n;
	return false;
}

/* A reroute may have moved it between smtpd's rename and its bell. */
static bool
message_moved(struct message *m)
{
	enum files_place	 place;

	if (m->e->queued || files_find(&m->q->files, m->id, &place) == -1 ||
	    place != PLACE_QUEUE)
		return false;
	m->e->queued = true;
	return true;
}

/*
 * Senders take turns: whom one is counted as, by who logged in, else by the
 * address.
 */
static uint8_t
message_sender_number(const struct message *m)
{
	const char	*s = m->env.auth != NULL ? m->env.auth : m->env.from;
	uint32_t	 h = hash_str(s);

	return (uint8_t)(h ^ h >> 8 ^ h >> 16);
}

static void
message_begin(struct message *m, enum load load, const char *why)
{
	switch (load) {
	case LOAD_OK:
		m->e->sender = message_sender_number(m);
		if (message_too_big_now(m))
			message_end(m, NEXT_WAIT, runner_now() + 1);
		else if (m->st.nrcpts == 0)
			expand_start(m);
		else
			attempt_start(m);
		return;
	case LOAD_GONE:
		if (message_moved(m)) {
			message_end(m, NEXT_WAIT, runner_now());
			return;
		}
		/* FALLTHROUGH */
	case LOAD_UNREADY:
		message_end(m, NEXT_FORGET, 0);
		return;
	case LOAD_LATER:
		log_warn("event=message-unreadable id=%s", m->id);
		message_end_ours(m);
		return;
	case LOAD_BAD:
		message_hold(m, why);
		return;
	}
}

void
message_start(struct runner *q, struct entry *e)
{
	struct message	*m;
	const char	*why = "";
	enum load	 load;

	if (relay_holds(q, e))
		return;
	m = xcalloc(1, sizeof(*m));
	m->q = q;
	m->e = e;
	memcpy(m->id, e->id, SPOOL_ID_LEN);
	m->fd = m->sfd = -1;
	envelope_init(&m->env);
	state_init(&m->st);
	m->started = io_monotonic_ms();
	LIST_INSERT_HEAD(&q->messages, m, entry);
	q->active++;
	if (e->done) {
		outcome_end(m);
		return;
	}
	if (!poison_begin(q->poison, m->id)) {
		message_hold(m, "queue-runner died of it three times");
		return;
	}
	load = message_load(m, &why);
	poison_end(q->poison);
	message_begin(m, load, why);
}

/* Everything but the entry. */
static void
message_free(struct message *m)
{
	LIST_REMOVE(m, entry);
	relay_free(m);
	m->q->active--;
	if (m->remote)
		m->q->remote_active--;
	m->q->many -= m->many;
	io_close(m->fd);
	io_close(m->sfd);
	envelope_free(&m->env);
	state_free(&m->st);
	free(m->run);
	free(m->later);
	free(m);
}

void
message_drop(struct message *m)
{
	message_free(m);
}

void
message_end(struct message *m, enum message_next next, int64_t when)
{
	struct control_request	*later = m->later;
	struct runner		*q = m->q;
	struct entry		*e = m->e;
	char			 id[SPOOL_ID_LEN + 1];

	memcpy(id, m->id, sizeof(id));
	m->later = NULL;
	message_free(m);
	if (next == NEXT_FORGET) {
		poison_clear(q->poison, id);
		schedule_forget(q->schedule, e);
	} else {
		e->again = true;
		runner_wait(q, e, when);
	}
	if (later != NULL && next == NEXT_WAIT)
		control_apply(q, later, id);
	free(later);
	runner_dispatch_soon(q);
}

void
message_end_ours(struct message *m)
{
	message_end(m, NEXT_WAIT, runner_ours(m->q));
}

void
message_park(struct message *m, struct dest *d)
{
	struct entry	*e = m->e;

	if (remote_is(d))
		e->dest = d->number;
	message_free(m);
	dest_park(d, e);
}

void
message_park_asking(struct message *m, const char *domain)
{
	struct runner	*q = m->q;
	struct entry	*e = m->e;
	char		 name[ADDRESS_MAX + 1];

	strlcpy(name, domain, sizeof(name));
	message_free(m);
	finder_park(q->finder, name, e);
}

void
message_hold(struct message *m, const char *reason)
{
	struct runner	*q = m->q;

	if (files_hold(&q->files, m->e->queued ? PLACE_QUEUE : PLACE_NEW,
	    m->id, reason) == -1) {
		log_warn("event=hold-failed id=%s", m->id);
		if (!files_stands(&q->files, PLACE_HOLD, m->id)) {
			message_end_ours(m);
			return;
		}
	}
	log_warnx("event=held id=%s reason=%s", m->id, log_esc(reason));
	/* A note about a note would be held for the same reason, and so on. */
	if (!(m->env.flags & ENVELOPE_BOUNCE))
		notice_held(q, m->id, reason);
	message_end(m, NEXT_FORGET, 0);
}

struct message *
message_find(struct runner *q, const struct entry *e)
{
	struct message	*m;

	LIST_FOREACH(m, &q->messages, entry)
		if (m->e == e)
			return m;
	return NULL;
}

int
message_persist(struct message *m, bool sync)
{
	char	 name[SPOOL_ID_LEN + 3];
	int	 dir;

	if (!m->e->queued) {
		if (files_to_queue(&m->q->files, m->id, false) == -1)
			return -1;
		m->e->queued = true;
	}
	if (m->sfd != -1)
		return 0;
	dir = files_get_dir(&m->q->files, PLACE_QUEUE, m->id);
	if (dir == -1)
		return -1;
	memcpy(name, m->id, SPOOL_ID_LEN);
	memcpy(name + SPOOL_ID_LEN, ".s", 3);
	/* Its fsync of the directory makes the rename durable as well. */
	m->sfd = state_create(dir, name, &m->st, sync);
	files_put_dir(&m->q->files, dir);
	return m->sfd == -1 ? -1 : 0;
}

void
message_set_letter(struct message *m, size_t i, enum state_letter letter,
    unsigned int batch)
{
	struct state_rcpt	*r = &m->st.rcpts[i];

	if (m->sfd != -1 &&
	    state_set_letter(m->sfd, r, letter, batch) == -1) {
		log_warn("event=state-write-failed id=%s", m->id);
		/* It says less than we know: outcome.c makes a new one. */
		io_close(m->sfd);
		m->sfd = -1;
	}
	r->letter = letter;
	r->batch = batch;
}

int64_t
message_age(const struct message *m)
{
	return (io_time_us() - m->env.arrived) / 1000000;
}

const char *
message_sender(const struct message *m, size_t i)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];

	if (m->env.flags & ENVELOPE_BOUNCE)
		return "";
	return r->owner != NULL ? r->owner : m->env.from;
}
