/*
 * After a try: what failed for good is bounced, what was delivered reported
 * when that was asked for, what is left waits.  The order on disk: tries, then
 * letters B and S with their batches, synced, then the reports, then F and D.
 * So a batch, once it is on disk, never changes, and a report of it has
 * always the same id.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/message.h"
#include "queue-runner/notice.h"

#define SPREAD		15		/* a part of the wait */
#define STATE_TAIL	(1024 * 1024)	/* of tries, then only the last */

static bool
outcome_expired(const struct message *m)
{
	return message_age(m) >= m->q->cfg->queue.expire;
}

/* A try that failed now, too late for another. */
static void
outcome_expire(struct message *m, size_t i)
{
	struct state_rcpt	*r = &m->st.rcpts[i];
	char			 text[STATE_TEXT_MAX];

	/* What a host said stays as it was said. */
	if (r->host == NULL) {
		snprintf(text, sizeof(text), "given up after %u seconds; at "
		    "last: %s %s", m->q->cfg->queue.expire, r->code,
		    r->text == NULL ? "" : r->text);
		free(r->text);
		r->text = xstrdup(text);
	}
	/* RFC 3463 3.5: of class 4 only, though the action is failed. */
	strlcpy(r->code, "4.4.7", sizeof(r->code));
	m->run[i] = RUN_PERM;
}

static void
outcome_log(const struct message *m, size_t i)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];

	log_info("event=%s id=%s to=%s host=%s code=%s reason=%s",
	    m->run[i] == RUN_PERM ? "failed" : "deferred", m->id,
	    log_esc(r->address), log_esc(r->host == NULL ? "-" : r->host),
	    log_esc(r->code), log_esc(r->text == NULL ? "" : r->text));
}

/* Counts of what this try brought. */
struct tally {
	size_t	 temp, perm, ours, done;
	size_t	 paused;	/* of temp: they were not tried */
	bool	 same;		/* temp and perm: one code, one text, all
				 * pending */
};

static bool
outcome_same_host(const struct state_rcpt *a, const struct state_rcpt *b)
{
	if (a->host == NULL || b->host == NULL)
		return a->host == b->host;
	return strcmp(a->host, b->host) == 0;
}

static void
outcome_count(struct message *m, struct tally *t)
{
	const struct state_rcpt	*r, *first = NULL;
	bool			 expired = outcome_expired(m);
	size_t			 i;

	memset(t, 0, sizeof(*t));
	t->same = true;
	for (i = 0; i < m->st.nrcpts; i++) {
		r = &m->st.rcpts[i];
		if (r->letter != STATE_PENDING)
			continue;
		if (expired && (m->run[i] == RUN_TEMP ||
		    m->run[i] == RUN_PAUSED))
			outcome_expire(m, i);
		switch ((enum run)m->run[i]) {
		case RUN_NONE:
		case RUN_BUSY:
		case RUN_RELAYING:
		case RUN_OURS:
			t->ours++;
			t->same = false;
			continue;
		case RUN_OK:
		case RUN_RELAYED:
			t->done++;
			continue;
		case RUN_PAUSED:
			t->paused++;
			/* FALLTHROUGH */
		case RUN_TEMP:
			t->temp++;
			break;
		case RUN_PERM:
			t->perm++;
			break;
		}
		outcome_log(m, i);
		if (first == NULL)
			first = r;
		else if (t->same && (strcmp(first->code, r->code) != 0 ||
		    strcmp(first->text, r->text) != 0 ||
		    !outcome_same_host(first, r)))
			t->same = false;
	}
	if (t->done > 0 || t->paused > 0 || t->temp + t->perm < 2)
		t->same = false;
}

/*
 * A line a try; one for all when all say the same.  One for what was relayed,
 * too: the host in it makes "relayed" of a report that a crash has delayed.
 */
static void
outcome_record(struct message *m, const struct tally *t)
{
	const struct state_rcpt	*r;
	size_t			 i;

	for (i = 0; i < m->st.nrcpts; i++) {
		r = &m->st.rcpts[i];
		if (r->letter != STATE_PENDING || (m->run[i] != RUN_TEMP &&
		    m->run[i] != RUN_PERM && m->run[i] != RUN_RELAYED))
			continue;
		if (state_add_try(m->sfd, &m->st, r->when,
		    t->same ? -1 : (long)i, r->code, r->host, r->text) ==
		    -1) {
			log_warn("event=state-write-failed id=%s", m->id);
			return;
		}
		if (t->same)
			return;
	}
}

/*
 * A first failure leaves new/.  Nothing in a first state may not be lost: so
 * it needs no sync.
 */
static void
outcome_save(struct message *m, const struct tally *t)
{
	if (m->sfd != -1)
		outcome_record(m, t);
	else if (t->temp > 0 &&
	    message_persist(m, m->st.nrcpts > 1) == -1)
		log_warn("event=state-write-failed id=%s", m->id);
	if (m->sfd != -1 && m->st.end - m->st.head > STATE_TAIL) {
		close(m->sfd);
		m->sfd = -1;
		if (message_persist(m, true) == -1)
			log_warn("event=state-write-failed id=%s", m->id);
	}
}

/* Is the recipient's sender to be told of a failure? */
static bool
outcome_tells(struct message *m, size_t i)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];

	if (*message_sender(m, i) == '\0') {
		log_warnx("event=double-bounce id=%s to=%s code=%s reason=%s",
		    m->id, log_esc(r->address), log_esc(r->code),
		    log_esc(r->text == NULL ? "" : r->text));
		return false;
	}
	return r->notify == 0 || (r->notify & NOTIFY_FAILURE) != 0;
}

static unsigned int
outcome_last_batch(const struct message *m)
{
	unsigned int	 max = 0;
	size_t		 i;

	for (i = 0; i < m->st.nrcpts; i++)
		if (m->st.rcpts[i].batch > max)
			max = m->st.rcpts[i].batch;
	return max;
}

/* The batch of an earlier recipient with letter and sender, or a new one. */
static unsigned int
outcome_batch(const struct message *m, size_t i, enum state_letter letter,
    unsigned int first, unsigned int *last)
{
	const char	*sender = message_sender(m, i);
	size_t		 k;

	for (k = i; k-- > 0;)
		if (m->st.rcpts[k].letter == letter &&
		    m->st.rcpts[k].batch >= first &&
		    strcmp(message_sender(m, k), sender) == 0)
			return m->st.rcpts[k].batch;
	return *last < STATE_BATCHES ? ++*last : *last;
}

/* The letters of what is over. */
static void
outcome_mark(struct message *m)
{
	enum state_letter	 letter;
	unsigned int		 last, first;
	size_t			 i;

	last = outcome_last_batch(m);
	first = last + 1;
	for (i = 0; i < m->st.nrcpts; i++) {
		if (m->st.rcpts[i].letter != STATE_PENDING)
			continue;
		if (m->run[i] == RUN_OK || m->run[i] == RUN_RELAYED)
			letter = STATE_SUCCEEDING;
		else if (m->run[i] != RUN_PERM)
			continue;
		else if (outcome_tells(m, i))
			letter = STATE_BOUNCING;
		else {
			message_set_letter(m, i, STATE_FAILED, 0);
			m->q->bounced++;
			continue;
		}
		message_set_letter(m, i, letter,
		    outcome_batch(m, i, letter, first, &last));
	}
}

/* Make the report of the batch that recipient i is the first of. */
static int
outcome_report(struct message *m, size_t i, size_t *which)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];
	enum state_letter	 letter = r->letter;
	unsigned int		 batch = r->batch;
	size_t			 k, n = 0;
	bool			 failed = letter == STATE_BOUNCING;

	for (k = i; k < m->st.nrcpts; k++)
		if (m->st.rcpts[k].letter == letter &&
		    m->st.rcpts[k].batch == batch)
			which[n++] = k;
	if (*message_sender(m, i) != '\0' && notice_report(m,
	    failed ? DSN_FAILURE : DSN_SUCCESS, batch, which, n) == -1)
		return -1;
	for (k = 0; k < n; k++)
		message_set_letter(m, which[k], failed ? STATE_FAILED :
		    STATE_DONE, batch);
	if (failed)
		m->q->bounced += n;
	return 0;
}

/*
 * Make the batches durable.  Without that the next try would give the same
 * number, and so the same report's id, to another set of recipients, and who
 * came to it later would never be reported.
 */
static int
outcome_sync(struct message *m)
{
	int	 rc = 0;

	if (m->sfd != -1)
		rc = fdatasync(m->sfd);
	else if (m->st.nrcpts > 1)
		rc = message_persist(m, true);
	if (rc == -1)
		log_warn("event=state-write-failed id=%s", m->id);
	return rc;
}

/* Every batch that is on disk, of this try or left by a crash. */
static int
outcome_reports(struct message *m)
{
	size_t	*which = NULL, i;
	int	 rc = 0;

	for (i = 0; i < m->st.nrcpts && rc == 0; i++) {
		if (m->st.rcpts[i].letter != STATE_BOUNCING &&
		    m->st.rcpts[i].letter != STATE_SUCCEEDING)
			continue;
		if (which == NULL) {
			if (outcome_sync(m) == -1)
				return -1;
			which = xreallocarray(NULL, m->st.nrcpts,
			    sizeof(*which));
		}
		rc = outcome_report(m, i, which);
	}
	free(which);
	return rc;
}

/*
 * The report of a letter that another host has taken cannot be made, and
 * nothing on the disk says that the host has it.  It says so now, or there
 * will be no report: without either the host would get the letter again and
 * again.
 */
static bool
outcome_forgoes_report(struct message *m)
{
	if (m->sfd != -1 || m->st.nrcpts != 1 || m->run[0] != RUN_RELAYED ||
	    message_persist(m, true) == 0)
		return false;
	log_warnx("event=report-forgone id=%s", m->id);
	message_set_letter(m, 0, STATE_DONE, 0);
	return true;
}

static bool
outcome_finished(const struct message *m)
{
	size_t	 i;

	for (i = 0; i < m->st.nrcpts; i++)
		if (m->st.rcpts[i].letter != STATE_DONE &&
		    m->st.rcpts[i].letter != STATE_FAILED)
			return false;
	return true;
}

static bool
outcome_may_warn(const struct message *m, size_t i)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];

	return r->letter == STATE_PENDING && (m->run[i] == RUN_TEMP ||
	    m->run[i] == RUN_PAUSED) &&
	    *message_sender(m, i) != '\0' &&
	    (r->notify == 0 || (r->notify & NOTIFY_DELAY) != 0);
}

/* Once, to each sender whose recipients wait. */
static void
outcome_warn(struct message *m)
{
	unsigned int	 batch = 0;
	size_t		*which, i, k, n;

	if (m->st.warned || !m->q->cfg->queue.warn ||
	    message_age(m) < m->q->cfg->queue.warn_after)
		return;
	which = xreallocarray(NULL, m->st.nrcpts, sizeof(*which));
	for (i = 0; i < m->st.nrcpts; i++) {
		if (!outcome_may_warn(m, i))
			continue;
		for (k = i, n = 0; k < m->st.nrcpts; k++)
			if (outcome_may_warn(m, k) &&
			    strcmp(message_sender(m, k),
			    message_sender(m, i)) == 0)
				which[n++] = k;
		if (notice_report(m, DSN_DELAY, batch++, which, n) == -1)
			break;		/* the next try warns */
		for (k = 0; k < n; k++)
			m->run[which[k]] = RUN_NONE;
	}
	if (i == m->st.nrcpts && batch > 0) {
		m->st.warned = true;
		if (m->sfd != -1 && state_set_warned(m->sfd, &m->st) == -1)
			log_warn("event=state-write-failed id=%s", m->id);
	}
	free(which);
}

void
outcome_end(struct message *m)
{
	if (files_remove(&m->q->files, m->e->queued ? PLACE_QUEUE : PLACE_NEW,
	    m->id) == -1) {
		/*
		 * It is done; that has to be remembered, and tried again.  On
		 * a disk that takes nothing any more memory has to do, or
		 * another host would get it again and again.
		 */
		log_warn("event=remove-failed id=%s", m->id);
		if (m->sfd == -1 && !m->e->done)
			(void)message_persist(m, false);
		m->e->done = true;
		message_end_ours(m);
		return;
	}
	if (m->st.nrcpts > 1)
		log_info("event=removed id=%s", m->id);
	message_end(m, NEXT_FORGET, 0);
}

/* How long until the next try of a message of that age? */
static int64_t
outcome_wait(const struct message *m)
{
	const struct config_times	*t = &m->q->cfg->queue.retry;
	int64_t				 age = message_age(m), end = 0;
	size_t				 i;

	for (i = 0; i + 1 < t->n; i++) {
		end += t->item[i];
		if (age < end)
			break;
	}
	/* What was deferred together need not come back together. */
	return t->item[i] + m->e->self % (t->item[i] / SPREAD + 1);
}

static int64_t
outcome_next(const struct message *m, const struct tally *t)
{
	/* Hosts that have just said no are not asked again that soon. */
	if (t->ours > 0 && t->temp == t->paused)
		return runner_ours(m->q);
	if (t->paused > 0 && t->paused == t->temp)
		return runner_now() + (m->pause_ms + 999) / 1000;
	/* Not a part of a second too early, or the curve would lag. */
	return runner_now() + outcome_wait(m) + 1;
}

void
outcome(struct message *m)
{
	struct tally	 t;
	int64_t		 when;

	outcome_count(m, &t);
	/* One that went well without: those deaths had other causes. */
	if (!m->killed && t.ours == 0)
		m->e->kills = 0;
	if (t.temp + t.perm > 0)
		m->e->tried = true;
	if (t.temp + t.perm + t.done > 0)
		outcome_save(m, &t);
	if (t.perm + t.done > 0)
		outcome_mark(m);
	if (outcome_reports(m) == -1 && !outcome_forgoes_report(m)) {
		message_end_ours(m);
		return;
	}
	if (outcome_finished(m)) {
		outcome_end(m);
		return;
	}
	if (m->e->kills >= POISON_LIMIT) {
		message_hold(m, "three processes that delivered it died");
		return;
	}
	if (t.temp > 0)
		outcome_warn(m);
	poison_clear(m->q->poison, m->id);
	when = outcome_next(m, &t);
	m->e->dest = m->mixed ? 0 : m->only;
	m->e->told = message_age(m) >= m->q->cfg->queue.warn_after;
	if (m->sfd != -1 && state_set_next(m->sfd, when) == -1)
		log_warn("event=state-write-failed id=%s", m->id);
	message_end(m, NEXT_WAIT, when);
}
