/* Contract in notice.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/date.h"
#include "queue-runner/notice.h"

static const struct {
	const char	*kind;		/* of the derived id */
	const char	*event;
	enum dsn_action	 action;
} kinds[] = {
	[DSN_FAILURE] = { "failure", "bounced", DSN_FAILED },
	[DSN_DELAY] = { "delay", "warned", DSN_DELAYED },
	[DSN_SUCCESS] = { "success", "reported", DSN_DELIVERED },
};

/* What a reader of the file has to know of its octets. */
static int
notice_flags(struct slice s)
{
	size_t	 i, line = 0;
	int	 flags = 0;

	for (i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			flags |= ENVELOPE_8BIT;
		if (s.ptr[i] == '.' && (i == 0 || s.ptr[i - 1] == '\n'))
			flags |= ENVELOPE_DOTS;
		if (s.ptr[i] == '\n')
			line = 0;
		else if (++line > 999)
			flags |= ENVELOPE_LONGLINE;
	}
	return flags;
}

/* Write it into the queue, from the null sender, and have it tried. */
static int
notice_queue(struct runner *q, const char *id, const char *to, int flags,
    struct slice content)
{
	struct envelope	 env;
	int		 rc;

	envelope_init(&env);
	env.arrived = io_time_us();
	env.from = xstrdup("");
	env.flags = ENVELOPE_BOUNCE | flags | notice_flags(content);
	envelope_add_rcpt(&env, to, NULL, NOTIFY_NEVER);
	rc = spool_write_queued(&q->files.spool, id, &env, content);
	envelope_free(&env);
	if (rc == 0)
		runner_add(q, id, true, false);
	return rc;
}

/* The start of the message, as much of it as a report may hold. */
static int
notice_original(const struct message *m, bool full, struct buf *out,
    bool *whole)
{
	uint64_t	 len = m->env.head + m->env.size;
	size_t		 want = full ? DSN_ORIGINAL_MAX : DSN_HEADER_MAX;
	ssize_t		 n;
	char		*p;

	/* An octet more than fits tells that it was cut. */
	if (want + 1 > len)
		want = (size_t)len;
	else
		want++;
	buf_init(out, want + 1);
	if ((p = buf_reserve(out, want)) == NULL)
		return -1;
	n = io_pread_full(m->fd, p, want, m->env.block - m->env.head);
	if (n == -1)
		return -1;
	out->len = (size_t)n;
	*whole = (uint64_t)n == len;
	return 0;
}

static void
notice_fill(const struct message *m, enum dsn_kind kind, const size_t *which,
    size_t n, struct dsn_rcpt *rcpts)
{
	const struct state_rcpt	*r;
	size_t			 i;

	for (i = 0; i < n; i++) {
		r = &m->st.rcpts[which[i]];
		rcpts[i].address = r->address;
		rcpts[i].orcpt = r->orcpt;
		rcpts[i].action = kinds[kind].action;
		rcpts[i].status = "2.0.0";
		rcpts[i].remote = r->host;
		if (kind == DSN_SUCCESS) {
			if (r->host != NULL)
				rcpts[i].action = DSN_RELAYED;
			continue;
		}
		rcpts[i].status = r->code[0] == '\0' ? kind == DSN_FAILURE ?
		    "5.0.0" : "4.0.0" : r->code;
		rcpts[i].text = r->text;
		rcpts[i].last_attempt = (time_t)r->when;
		if (kind == DSN_DELAY)
			rcpts[i].retry_until = (time_t)(m->st.arrived +
			    m->q->cfg->queue.expire);
	}
}

static int
notice_write(struct message *m, struct dsn_report *report, const size_t *which,
    size_t n)
{
	struct dsn_rcpt	*rcpts;
	struct buf	 original, out;
	int		 rc, saved;

	buf_init(&out, DSN_MAX(n));
	rcpts = xcalloc(n, sizeof(*rcpts));
	notice_fill(m, report->kind, which, n, rcpts);
	report->rcpts = rcpts;
	report->nrcpts = n;
	rc = notice_original(m, report->full, &original, &report->whole);
	report->original = buf_slice(&original);
	if (rc == 0)
		rc = dsn_build(&out, report);
	if (rc == 0)
		rc = notice_queue(m->q, report->report_id, report->from,
		    dsn_is_utf8(report) ? ENVELOPE_UTF8 : 0,
		    buf_slice(&out));
	saved = errno;
	buf_free(&original);
	buf_free(&out);
	free(rcpts);
	errno = saved;
	return rc;
}

int
notice_report(struct message *m, enum dsn_kind kind, unsigned int batch,
    const size_t *which, size_t n)
{
	struct dsn_report	 report;
	char			 id[SPOOL_ID_LEN + 1];

	memset(&report, 0, sizeof(report));
	spool_id_derive(id, m->id, batch, kinds[kind].kind);
	report.kind = kind;
	report.hostname = m->q->cfg->hostname;
	report.postmaster = m->q->cfg->postmaster;
	report.from = message_sender(m, which[0]);
	report.id = m->id;
	report.report_id = id;
	report.arrived = (time_t)(m->env.arrived / 1000000);
	report.now = (time_t)runner_now();
	report.envid = m->env.envid;
	/* RET is about failures only: RFC 3461 4.3. */
	report.full = kind == DSN_FAILURE && m->env.ret != RET_HDRS;
	/* What is parsed here may be poison as well. */
	(void)poison_begin(m->q->poison, m->id);
	if (notice_write(m, &report, which, n) == -1) {
		poison_end(m->q->poison);
		log_warn("event=report-failed id=%s report=%s", m->id, id);
		return -1;
	}
	poison_end(m->q->poison);
	log_info("event=%s id=%s report=%s to=%s rcpts=%zu",
	    kinds[kind].event, m->id, id, log_esc(report.from), n);
	return 0;
}

void
notice_held(struct runner *q, const char *id, const char *reason)
{
	struct buf	 b;
	char		 note[SPOOL_ID_LEN + 1], date[DATE_MAX];

	spool_id_derive(note, id, 0, "held");
	date_format((time_t)runner_now(), date);
	buf_init(&b, 16384);
	if (buf_addf(&b, "From: Mail delivery <MAILER-DAEMON@%s>\r\n"
	    "To: <%s>\r\nSubject: Message %s was put aside\r\n"
	    "Date: %s\r\nMessage-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
	    "Message %s is in the spool's hold directory and is not tried\r\n"
	    "any more.  The reason:\r\n\r\n    %s\r\n\r\n"
	    "\"mailctl queue show %s\" shows it, \"mailctl queue release %s\""
	    "\r\nhas it tried again, \"mailctl queue remove %s\" discards it."
	    "\r\n", q->cfg->hostname, q->cfg->postmaster, id, date, note,
	    q->cfg->hostname, id, reason, id, id, id) == -1 ||
	    notice_queue(q, note, q->cfg->postmaster, 0, buf_slice(&b)) == -1)
		log_warn("event=note-failed id=%s", id);
	buf_free(&b);
}
