/* Contract in job.h. */
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "remote/job.h"
#include "remote/outcome.h"
#include "remote/transaction.h"

static void
begin(struct work *w, const struct remote_job *job, struct remote_result *res)
{
	size_t	 i;

	memset(w, 0, sizeof(*w));
	memset(res, 0, sizeof(*res));
	strlcpy(res->id, job->id, sizeof(res->id));
	w->job = job;
	w->res = res;
	w->left = res->noutcome = job->nrcpt;
	for (i = 0; i < job->nrcpt; i++)
		res->outcome[i].number = job->rcpt[i].number;
}

/* No connection is to be had: not this message's fault. */
static void
unreachable(struct session *s, struct work *w)
{
	w->res->destination_failed = s->failure.verdict == MAIL_TEMP;
	work_settle_all(w, &s->failure);
}

/*
 * A kept connection that proves dead says nothing about the host: once more,
 * from the start of the list.  A new one does: on with the next host.
 */
static int
once_more(struct session *s, const struct remote_outcome *why)
{
	if (s->used > 0) {
		session_close(s);
		return session_open(s);
	}
	return session_next(s, why);
}

static void
deliver(struct session *s, struct work *w)
{
	struct remote_outcome	 why;

	if (!session_alive(s)) {
		session_close(s);
		if (session_open(s) == -1) {
			unreachable(s, w);
			return;
		}
	}
	while (w->left > 0) {
		switch (transaction_run(s, w, &why)) {
		case TRANSACTION_DONE:
			s->used++;
			w->res->kept = true;
			break;
		case TRANSACTION_LOST:
			w->res->kept = false;
			break;
		case TRANSACTION_AGAIN:
			if (once_more(s, &why) == -1) {
				unreachable(s, w);
				return;
			}
			break;
		}
	}
}

static void
log_result(const struct session *s, const struct work *w, int64_t began)
{
	size_t	 i, n[3] = { 0 };

	for (i = 0; i < w->res->noutcome; i++)
		n[w->res->outcome[i].verdict]++;
	log_info("event=%s id=%s host=%s addr=%s tls=%s rcpts=%zu ok=%zu "
	    "temp=%zu perm=%zu code=%d ms=%lld%s%s", n[MAIL_OK] > 0 ? "sent" :
	    "not-sent", w->job->id, log_esc(s->host), log_esc(s->addr),
	    s->tls[0] == '\0' ? "no" : log_esc(s->tls), w->res->noutcome,
	    n[MAIL_OK], n[MAIL_TEMP], n[MAIL_PERM], w->code,
	    (long long)(io_monotonic_ms() - began),
	    n[MAIL_OK] > 0 ? "" : " text=",
	    n[MAIL_OK] > 0 ? "" : log_esc(w->res->outcome[0].text));
}

void
job_run(struct session *s, const struct remote_job *job,
    struct remote_result *res)
{
	struct work	 w;
	int64_t		 began = io_monotonic_ms();

	begin(&w, job, res);
	deliver(s, &w);
	res->dsn = s->smtp.features.ext & SMTP_EXT_DSN;
	strlcpy(res->host, s->host, sizeof(res->host));
	strlcpy(res->addr, s->addr, sizeof(res->addr));
	strlcpy(res->tls, s->tls, sizeof(res->tls));
	log_result(s, &w, began);
	if (!res->kept)
		session_close(s);
}
