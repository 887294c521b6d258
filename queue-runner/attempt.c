/*
 * One try of a message: for each pending recipient authd says where it is,
 * and its worker gets a job.  Ends in outcome() when all have answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/message.h"

#define WINDOW	64		/* recipients of one message in progress */

/* Who is asked about: the argument of a question to authd. */
struct about {
	struct message	*m;
	size_t		 i;
	bool		 mailbox;	/* the alias of this name passed over */
};

static void	 attempt_step(struct message *);

/* A recipient's part of this try is over. */
static void
attempt_settle(struct message *m, size_t i, enum run run, const char *code,
    const char *text)
{
	if (code != NULL)
		state_note(&m->st.rcpts[i], runner_now(), code, text);
	if (m->run[i] == RUN_BUSY)
		m->busy--;
	m->run[i] = (uint8_t)run;
}

static const char *
attempt_code(const char *code, char class, char out[12])
{
	snprintf(out, 12, "%c%s", class, *code == '\0' ? ".0.0" : code + 1);
	return out;
}

static void
attempt_fail(struct message *m, size_t i, const char *code, const char *text)
{
	char	 soft[12];

	if (m->q->cfg->soft_bounce)
		attempt_settle(m, i, RUN_TEMP, attempt_code(code, '4', soft),
		    text);
	else
		attempt_settle(m, i, RUN_PERM, code, text);
}

static void
attempt_delivered(struct message *m, size_t i, const char *code,
    const char *user)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];

	attempt_settle(m, i, RUN_OK, NULL, NULL);
	m->q->delivered++;
	log_info("event=delivered id=%s to=%s user=%s code=%s ms=%lld", m->id,
	    log_esc(r->address), log_esc(user), log_esc(code),
	    (long long)(io_time_us() - m->env.arrived) / 1000);
	/* With a report to make the letter changes in outcome.c. */
	if (!(r->notify & NOTIFY_SUCCESS) || *message_sender(m, i) == '\0')
		message_set_letter(m, i, STATE_DONE, 0);
}

static void
attempt_submit(struct message *m, size_t i, struct route *route)
{
	struct dest	*d = workers_dest(m->q->workers, route->uid);

	if (m->run[i] != RUN_BUSY) {
		m->run[i] = RUN_BUSY;
		m->busy++;
	}
	workers_submit(m->q->workers, d, route, m, (unsigned int)i);
}

static void	 attempt_ask(struct message *, size_t i, bool mailbox);

static void
attempt_found(enum auth_kind kind, struct route *route, void *arg)
{
	struct about	*about = arg;
	struct message	*m = about->m;
	size_t		 i = about->i;
	bool		 mailbox = about->mailbox;

	free(about);
	switch (kind) {
	case AUTH_USER:
		attempt_submit(m, i, route);
		return;
	case AUTH_ALIAS:
		/* Its own result: the mailbox of that name is meant. */
		if (!mailbox) {
			attempt_ask(m, i, true);
			return;
		}
		attempt_fail(m, i, "5.4.6", "the alias leads to itself");
		break;
	case AUTH_UNKNOWN:
		attempt_fail(m, i, "5.1.1", "there is no such mailbox here");
		break;
	case AUTH_RELAY:
	case AUTH_REMOTE:
		attempt_settle(m, i, RUN_TEMP, "4.4.0",
		    "remote delivery is not available in this version");
		break;
	case AUTH_TEMP:
		attempt_settle(m, i, RUN_OURS, NULL, NULL);
		break;
	}
	attempt_step(m);
}

/* A leading backslash asks for the mailbox behind an alias of its name. */
static void
attempt_ask(struct message *m, size_t i, bool mailbox)
{
	struct about	*about;
	char		 address[ADDRESS_MAX + 2];

	about = xcalloc(1, sizeof(*about));
	about->m = m;
	about->i = i;
	about->mailbox = mailbox;
	snprintf(address, sizeof(address), "%s%s", mailbox ? "\\" : "",
	    m->st.rcpts[i].address);
	asker_lookup(m->q->asker, address, attempt_found, about);
}

/* True when the message has been parked, and is no more. */
static bool
attempt_park(struct message *m, const struct route *route)
{
	struct dest	*d;

	if (!m->parkable || !runner_crowded(m->q))
		return false;
	d = workers_dest(m->q->workers, route->uid);
	if (!workers_full(d))
		return false;
	message_park(m, d);
	return true;
}

/* Begin with recipient i; false when the message has been parked. */
static bool
attempt_one(struct message *m, size_t i)
{
	struct route	*route;
	char		 code[12];

	if (m->st.rcpts[i].letter != STATE_PENDING)
		return true;
	if (m->st.rcpts[i].when < 0) {
		/* expand.c refused it. */
		strlcpy(code, m->st.rcpts[i].code, sizeof(code));
		attempt_fail(m, i, code, m->st.rcpts[i].text);
		return true;
	}
	route = asker_known(m->q->asker, m->st.rcpts[i].address);
	if (route != NULL) {
		if (attempt_park(m, route))
			return false;
		attempt_submit(m, i, route);
		return true;
	}
	m->run[i] = RUN_BUSY;
	m->busy++;
	attempt_ask(m, i, false);
	return true;
}

/* Go on as far as the window allows; after the last answer, the outcome. */
static void
attempt_step(struct message *m)
{
	if (m->stepping)
		return;
	m->stepping = true;
	while (m->next < m->st.nrcpts && m->busy < WINDOW &&
	    !m->q->stopping) {
		if (!attempt_one(m, m->next))
			return;
		m->next++;
	}
	m->stepping = false;
	if (m->busy == 0)
		outcome(m);
}

void
attempt_start(struct message *m)
{
	m->run = xcalloc(m->st.nrcpts, sizeof(*m->run));
	m->next = 0;
	m->parkable = m->st.nrcpts == 1;
	attempt_step(m);
}

static void
attempt_fill(void *owner, unsigned int number, struct deliver_job *job)
{
	struct message		*m = owner;
	const struct state_rcpt	*r = &m->st.rcpts[number];

	memcpy(job->id, m->id, sizeof(job->id));
	job->number = number;
	job->again = m->e->again;
	job->arrived = m->env.arrived;
	strlcpy(job->sender, r->owner != NULL ? r->owner : m->env.from,
	    sizeof(job->sender));
	strlcpy(job->recipient, r->address, sizeof(job->recipient));
	job->offset = m->env.block - m->env.head;
	job->len = m->env.head + m->env.size;
	job->utf8 = (m->env.flags & ENVELOPE_UTF8) != 0;
	job->fd = m->fd;
}

/* A mailbox stays full only so long before the sender is told. */
static bool
attempt_grace_over(const struct message *m, const char *code)
{
	return strcmp(code, "4.2.2") == 0 &&
	    message_age(m) >= m->q->cfg->queue.quota_grace;
}

static void
attempt_result(struct message *m, size_t i, const char *user,
    const struct deliver_result *r)
{
	switch (r->verdict) {
	case MAIL_OK:
		attempt_delivered(m, i, r->code, user);
		break;
	case MAIL_TEMP:
		if (attempt_grace_over(m, r->code))
			attempt_fail(m, i, "5.2.2", r->text);
		else
			attempt_settle(m, i, RUN_TEMP, r->code, r->text);
		break;
	case MAIL_PERM:
		attempt_fail(m, i, r->code, r->text);
		break;
	}
}

static void
attempt_done(void *owner, unsigned int number, enum worker_loss loss,
    const char *user, const struct deliver_result *r)
{
	struct message	*m = owner;

	switch (loss) {
	case LOSS_NONE:
		attempt_result(m, number, user, r);
		break;
	case LOSS_SUSPECT:
		m->e->kills++;
		/* FALLTHROUGH */
	case LOSS_OURS:
		m->e->again = true;
		attempt_settle(m, number, RUN_OURS, NULL, NULL);
		break;
	}
	attempt_step(m);
}

static const char *
attempt_id(void *owner)
{
	return ((struct message *)owner)->id;
}

const struct workers_calls	 attempt_calls = {
	attempt_fill, attempt_done, attempt_id
};
