/*
 * One try of a message: for each pending recipient authd says where it is,
 * and its worker gets a job.  Ends in outcome() when all have answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/channel.h"
#include "queue-runner/message.h"

#define WINDOW	64		/* recipients of one message in progress */

/* Who is asked about: the argument of a question to authd. */
struct about {
	struct message	*m;
	size_t		 i;
	bool		 mailbox;	/* the alias of this name passed over */
};

void
attempt_settle(struct message *m, size_t i, enum run run, const char *code,
    const char *host, const char *text)
{
	if (code != NULL)
		state_note(&m->st.rcpts[i], runner_now(), code, host, text);
	if (m->run[i] == RUN_BUSY)
		m->busy--;
	if (m->run[i] == RUN_RELAYING)
		m->relaying--;
	m->run[i] = (uint8_t)run;
	m->begun = true;
}

static const char *
attempt_code(const char *code, char class, char out[12])
{
	snprintf(out, 12, "%c%s", class, *code == '\0' ? ".0.0" : code + 1);
	return out;
}

void
attempt_fail(struct message *m, size_t i, const char *code, const char *host,
    const char *text)
{
	char	 soft[12];

	if (m->q->cfg->soft_bounce)
		attempt_settle(m, i, RUN_TEMP, attempt_code(code, '4', soft),
		    host, text);
	else
		attempt_settle(m, i, RUN_PERM, code, host, text);
}

static void
attempt_delivered(struct message *m, size_t i, const char *code,
    const char *user)
{
	struct state_rcpt	*r = &m->st.rcpts[i];

	free(r->host);
	r->host = NULL;		/* of an earlier try, elsewhere */
	attempt_settle(m, i, RUN_OK, NULL, NULL, NULL);
	m->q->delivered++;
	log_later("event=delivered id=%s to=%s user=%s code=%s ms=%lld", m->id,
	    log_esc(r->address), log_esc(user), log_esc(code),
	    (long long)(io_time_us() - m->env.arrived) / 1000);
	/* With a report to make the letter changes in outcome.c. */
	if (!(r->notify & NOTIFY_SUCCESS) || *message_sender(m, i) == '\0')
		message_set_letter(m, i, STATE_DONE, 0);
}

static void
attempt_submit(struct message *m, size_t i, struct mailbox *box)
{
	struct dest	*d = workers_dest(m->q->workers, box);

	m->begun = true;
	m->mixed = true;
	if (m->run[i] != RUN_BUSY) {
		m->run[i] = RUN_BUSY;
		m->busy++;
	}
	if (d == NULL)
		attempt_settle(m, i, RUN_OURS, NULL, NULL, NULL);
	else
		workers_submit(d, box, m, m->id, (unsigned int)i);
}

static void	 attempt_ask(struct message *, size_t i, bool mailbox);

/* Does it get the message already, as another than recipient i? */
static bool
attempt_has(const struct message *m, size_t i, const char *address)
{
	size_t	 k;

	for (k = 0; k < m->st.nrcpts; k++)
		if (k != i && !m->st.rcpts[k].expand &&
		    strcasecmp(m->st.rcpts[k].address, address) == 0)
			return true;
	return false;
}

/*
 * A recipient that turned out to be an alias: nobody could say so before, an
 * admin rerouted to it, or it has become one since.  Its results join the
 * recipients, on disk before any of them is tried.
 */
static int
attempt_splice(struct message *m, size_t i, const struct auth_result *results,
    size_t n)
{
	const struct state_rcpt	*r = &m->st.rcpts[i];
	char			*orcpt = expand_orcpt(r->orcpt, r->address);
	size_t			 k, was = m->st.nrcpts;
	int			 notify = r->notify;

	for (k = 0; k < n; k++)
		if (!attempt_has(m, i, results[k].address))
			expand_add(&m->st, &results[k], orcpt, notify);
	free(orcpt);
	m->st.rcpts[i].letter = STATE_DONE;
	io_close(m->sfd);
	m->sfd = -1;
	if (message_persist(m, true) == -1) {
		log_warn("event=state-write-failed id=%s", m->id);
		state_cut(&m->st, was);
		m->st.rcpts[i].letter = STATE_PENDING;
		return -1;
	}
	m->run = xreallocarray(m->run, m->st.nrcpts, sizeof(*m->run));
	memset(m->run + was, RUN_NONE,
	    (m->st.nrcpts - was) * sizeof(*m->run));
	return 0;
}

static void
attempt_expanded(const char *status, const struct auth_result *results,
    size_t n, void *arg)
{
	struct about	*about = arg;
	struct message	*m = about->m;
	size_t		 i = about->i;

	free(about);
	if (strcmp(status, "temp") == 0)
		attempt_settle(m, i, RUN_OURS, NULL, NULL, NULL);
	else if (strcmp(status, "broken") == 0)
		attempt_settle(m, i, RUN_TEMP, "4.3.5", NULL,
		    "there is an error in what the alias leads to");
	else if (strcmp(status, "none") == 0 && m->st.rcpts[i].expand) {
		attempt_ask(m, i, false);
		return;
	} else if (strcmp(status, "ok") != 0 || n == 0 ||
	    m->st.nrcpts + n > ENVELOPE_RCPTS || i >= m->planned)
		attempt_fail(m, i, "5.4.6", NULL,
		    "the alias leads to itself or nowhere");
	else if (attempt_splice(m, i, results, n) == -1)
		attempt_settle(m, i, RUN_OURS, NULL, NULL, NULL);
	else
		attempt_settle(m, i, RUN_NONE, NULL, NULL, NULL);
	attempt_step(m);
}

static void
attempt_expand(struct message *m, size_t i)
{
	struct about	*about;

	about = xcalloc(1, sizeof(*about));
	about->m = m;
	about->i = i;
	mailboxes_expand(m->q->mailboxes, m->st.rcpts[i].address,
	    attempt_expanded, about);
}

static void
attempt_found(enum auth_kind kind, struct mailbox *box, void *arg)
{
	struct about	*about = arg;
	struct message	*m = about->m;
	size_t		 i = about->i;
	bool		 mailbox = about->mailbox;

	free(about);
	if (mailbox && kind != AUTH_USER && kind != AUTH_BROKEN &&
	    kind != AUTH_TEMP) {
		/* No mailbox has the alias's name. */
		attempt_expand(m, i);
		return;
	}
	switch (kind) {
	case AUTH_USER:
		attempt_submit(m, i, box);
		return;
	case AUTH_ALIAS:
		/* Its own result: the mailbox of that name is meant. */
		attempt_ask(m, i, true);
		return;
	case AUTH_UNKNOWN:
		attempt_fail(m, i, "5.1.1", NULL,
		    "there is no such mailbox here");
		break;
	case AUTH_RELAY:
	case AUTH_REMOTE:
		/* Not parked: it has a question's answer in its hands. */
		m->begun = true;
		(void)relay_add(m, i);
		break;
	case AUTH_BROKEN:
		attempt_settle(m, i, RUN_TEMP, "4.3.5", NULL,
		    "there is an error in what is known of the mailbox");
		break;
	case AUTH_TEMP:
		attempt_settle(m, i, RUN_OURS, NULL, NULL, NULL);
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
	mailboxes_lookup(m->q->mailboxes, address, attempt_found, about);
}

/* True when the message has been parked, and is no more. */
static bool
attempt_park(struct message *m, const struct mailbox *box)
{
	struct dest	*d;

	if (m->begun || m->st.nrcpts > 1)
		return false;
	d = workers_dest(m->q->workers, box);
	if (d == NULL || d->kind->room(d))
		return false;
	message_park(m, d);
	return true;
}

/* Begin with recipient i; false when the message has been parked. */
static bool
attempt_one(struct message *m, size_t i)
{
	struct mailbox	*box;
	char		 code[12];

	if (m->st.rcpts[i].letter != STATE_PENDING)
		return true;
	if (m->st.rcpts[i].when < 0) {
		/* expand.c refused it. */
		strlcpy(code, m->st.rcpts[i].code, sizeof(code));
		attempt_fail(m, i, code, NULL, m->st.rcpts[i].text);
		return true;
	}
	if (relay_takes(m->q, m->st.rcpts[i].address))
		return relay_add(m, i);
	if (m->st.rcpts[i].expand) {
		m->run[i] = RUN_BUSY;
		m->busy++;
		attempt_expand(m, i);
		return true;
	}
	box = mailboxes_known(m->q->mailboxes, m->st.rcpts[i].address);
	if (box != NULL) {
		if (attempt_park(m, box))
			return false;
		attempt_submit(m, i, box);
		return true;
	}
	m->run[i] = RUN_BUSY;
	m->busy++;
	attempt_ask(m, i, false);
	return true;
}

/* Go on as far as the window allows; after the last answer, the outcome. */
void
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
	if (!relay_go(m))
		return;
	m->stepping = false;
	if (m->busy == 0 && m->relaying == 0)
		outcome(m);
}

void
attempt_start(struct message *m)
{
	m->run = xcalloc(m->st.nrcpts, sizeof(*m->run));
	m->planned = m->st.nrcpts;
	m->next = 0;
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
			attempt_fail(m, i, "5.2.2", NULL, r->text);
		else
			attempt_settle(m, i, RUN_TEMP, r->code, NULL, r->text);
		break;
	case MAIL_PERM:
		attempt_fail(m, i, r->code, NULL, r->text);
		break;
	}
}

static void
attempt_done(void *owner, unsigned int number, enum job_loss loss,
    const char *user, const struct deliver_result *r)
{
	struct message	*m = owner;

	switch (loss) {
	case LOSS_NONE:
		attempt_result(m, number, user, r);
		break;
	case LOSS_SUSPECT:
		m->e->kills++;
		m->killed = true;
		/* FALLTHROUGH */
	case LOSS_OURS:
	case LOSS_PAUSED:
		m->e->again = true;
		attempt_settle(m, number, RUN_OURS, NULL, NULL, NULL);
		break;
	}
	attempt_step(m);
}

const struct workers_calls	 attempt_calls = {
	attempt_fill, attempt_done
};
