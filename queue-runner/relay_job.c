/* Contract in relay_job.h. */
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "queue-runner/relay_job.h"

bool
relay_job_utf8(const struct message *m, size_t i)
{
	char	 ascii[ADDRESS_MAX + 1];

	return !address_to_ascii(m->st.rcpts[i].address, ascii);
}

void
relay_job_fill(const struct job *j, struct remote_job *out)
{
	struct message		*m = j->owner;
	const char		*sender = message_sender(m, j->number[0]);
	const struct envelope	*env = &m->env;

	memcpy(out->id, m->id, sizeof(out->id));
	out->utf8 = !address_to_ascii(sender, out->sender) ||
	    (env->flags & ENVELOPE_UTF8) != 0 ||
	    relay_job_utf8(m, j->number[0]);
	/* RFC 3461 5.2.7.3: a list's owner did not ask for these. */
	if (strcmp(sender, env->from) == 0) {
		if (env->envid != NULL && strlen(env->envid) <
		    sizeof(out->envid))
			strlcpy(out->envid, env->envid, sizeof(out->envid));
		out->ret = env->ret == RET_FULL ? 1 : env->ret == RET_HDRS ?
		    2 : 0;
	}
	out->eightbit = (env->flags & ENVELOPE_8BIT) != 0;
	out->dots = (env->flags & ENVELOPE_DOTS) != 0;
	out->longline = (env->flags & ENVELOPE_LONGLINE) != 0;
	out->offset = env->block - env->head;
	out->len = env->head + env->size;
	out->fd = m->fd;
}

void
relay_job_rcpt(const struct job *j, size_t i, struct remote_rcpt *out)
{
	struct message		*m = j->owner;
	const struct state_rcpt	*r = &m->st.rcpts[j->number[i]];

	out->number = j->number[i];
	(void)address_to_ascii(r->address, out->address);
	out->notify = r->notify;
	out->orcpt = r->orcpt;
}

static void
relay_delivered(struct message *m, size_t i, const struct remote_result *r,
    const struct remote_outcome *o)
{
	struct state_rcpt	*s = &m->st.rcpts[i];
	bool			 report;

	m->q->delivered++;
	log_later("event=relayed id=%s to=%s host=%s addr=%s tls=%s code=%s "
	    "reply=%s ms=%lld", m->id, log_esc(s->address), log_esc(r->host),
	    log_esc(r->addr), log_esc(r->tls), log_esc(o->code),
	    log_esc(o->text), (long long)(io_time_us() - m->env.arrived) /
	    1000);
	/* RFC 3461 5.2.2: the next host reports, unless it cannot. */
	report = (s->notify & NOTIFY_SUCCESS) && !r->dsn &&
	    *message_sender(m, i) != '\0';
	if (!report) {
		attempt_settle(m, i, RUN_OK, NULL, NULL, NULL);
		message_set_letter(m, i, STATE_DONE, 0);
		return;
	}
	attempt_settle(m, i, RUN_RELAYED, "2.0.0", r->host[0] == '\0' ? "-" :
	    r->host, o->text);
}

static void
relay_outcome(struct message *m, size_t i, const struct remote_result *r,
    const struct remote_outcome *o)
{
	const char	*host = o->said && r->host[0] != '\0' ? r->host :
			    NULL;

	switch (o->verdict) {
	case MAIL_OK:
		relay_delivered(m, i, r, o);
		break;
	case MAIL_TEMP:
		attempt_settle(m, i, RUN_TEMP, o->code, host, o->text);
		break;
	case MAIL_PERM:
		attempt_fail(m, i, o->code, host, o->text);
		break;
	}
}

static const struct remote_outcome *
result_find(const struct remote_result *r, size_t guess, unsigned int number)
{
	size_t	 k;

	if (guess < r->noutcome && r->outcome[guess].number == number)
		return &r->outcome[guess];
	for (k = 0; k < r->noutcome; k++)
		if (r->outcome[k].number == number)
			return &r->outcome[k];
	return NULL;
}

void
relay_job_result(struct message *m, const struct job *j,
    const struct remote_result *r)
{
	const struct remote_outcome	*o;
	size_t				 k;

	for (k = 0; k < j->n; k++) {
		o = result_find(r, k, j->number[k]);
		if (o != NULL)
			relay_outcome(m, j->number[k], r, o);
		else
			attempt_settle(m, j->number[k], RUN_OURS, NULL, NULL,
			    NULL);
	}
}
