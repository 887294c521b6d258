/* Contract in transaction.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/listener.h"
#include "smtpd/headers.h"
#include "smtpd/reply.h"
#include "smtpd/transaction.h"

#define HEAD_MAX	16384	/* octets of our header lines */
#define HEAD_USUAL	1024
#define WITH_MAX	16	/* octets of "UTF8SMTPSA" */
#define TLS_MAX		96	/* of version and cipher */
#define MANY		64	/* recipients that may not fit a small block */

void
transaction_init(struct transaction *tx)
{
	memset(tx, 0, sizeof(*tx));
	envelope_init(&tx->env);
}

void
transaction_reset(struct session *s)
{
	spool_writer_abort(s->tx.writer);
	envelope_free(&s->tx.env);
	transaction_init(&s->tx);
}

static char *
dup_or_null(const char *s)
{
	return s[0] == '\0' ? NULL : xstrdup(s);
}

void
transaction_begin(struct session *s, const struct command_mail *m)
{
	struct envelope	*env = &s->tx.env;

	s->tx.mail = true;
	s->tx.discard = s->discard;
	env->from = xstrdup(m->from.text);
	env->client_ip = dup_or_null(s->peer.address);
	env->client_helo = dup_or_null(s->helo);
	env->client_name = dup_or_null(s->name);
	/* Who proved it, or who a client of ours vouches for. */
	env->auth = dup_or_null(s->user[0] != '\0' ? s->user :
	    s->trusted ? m->auth : "");
	env->uid = s->role == ROLE_SUBMIT ? (long)s->peer.uid : -1;
	env->flags = m->utf8 ? ENVELOPE_UTF8 : 0;
	env->ret = (enum dsn_ret)m->ret;
	if (m->has_envid)
		env->envid = xstrdup(m->envid);
}

size_t
transaction_rcpts(const struct transaction *tx)
{
	return tx->env.nrcpts - tx->added + tx->dropped;
}

static void
fault(struct transaction *tx, enum fault why)
{
	tx->fault = why;
	spool_writer_abort(tx->writer);
	tx->writer = NULL;
}

/* The spool failed us with errno. */
static void
fault_errno(struct transaction *tx)
{
	if (errno == ENOSPC || errno == EDQUOT) {
		fault(tx, FAULT_NOSPACE);
		return;
	}
	log_warn("event=spool-error id=%s", tx->id);
	fault(tx, FAULT_IO);
}

void
transaction_open(struct session *s)
{
	struct transaction	*tx = &s->tx;
	struct spool		*spool;

	tx->env.arrived = io_time_us();
	spool_id_new(tx->id, tx->env.arrived);
	content_init(&tx->content, s->role == ROLE_SUBMISSION ||
	    s->role == ROLE_SUBMIT);
	/* Nobody is left to get it: read it, keep nothing. */
	if (tx->discard || tx->env.nrcpts == 0)
		return;
	if ((spool = server_spool(s->server)) == NULL) {
		fault_errno(tx);
		return;
	}
	tx->writer = spool_writer_new(spool, tx->id);
	if (tx->env.nrcpts > MANY)
		spool_writer_reserve(tx->writer,
		    envelope_block_for(&tx->env, HEAD_USUAL));
}

static int
sink(void *arg, const void *data, size_t len)
{
	struct transaction	*tx = arg;

	return tx->writer == NULL ? 0 : spool_writer_add(tx->writer, data,
	    len);
}

/* What the scanner found that spoils the message. */
static void
judge(struct session *s)
{
	struct transaction	*tx = &s->tx;

	if (tx->fault != FAULT_NONE)
		return;
	if (tx->content.bare && !tx->content.normalise)
		fault(tx, FAULT_BARE);
	else if (tx->content.nul)
		fault(tx, FAULT_NUL);
	else if (tx->content.hops > s->config->smtpd.max_hops)
		fault(tx, FAULT_HOPS);
	else if (tx->content.size > s->config->message_size)
		fault(tx, FAULT_SIZE);
}

void
transaction_add(struct session *s, struct slice run)
{
	struct transaction	*tx = &s->tx;

	if (tx->fault == FAULT_NONE &&
	    run.len > s->config->message_size - tx->content.size)
		fault(tx, FAULT_SIZE);
	if (tx->fault != FAULT_NONE) {
		tx->swallowed += run.len;
		return;
	}
	if (content_add(&tx->content, run, sink, tx) == -1)
		fault_errno(tx);
	judge(s);
}

void
transaction_expect(struct session *s, uint64_t size)
{
	if (s->tx.fault == FAULT_NONE &&
	    size > s->config->message_size - s->tx.content.size)
		fault(&s->tx, FAULT_SIZE);
}

bool
transaction_hopeless(const struct session *s)
{
	return s->tx.fault != FAULT_NONE &&
	    s->tx.swallowed > s->config->message_size;
}

void
transaction_fail(struct session *s)
{
	switch (s->tx.fault) {
	case FAULT_NONE:
		break;
	case FAULT_SIZE:
		reply_refuse_message(s, 552, "5.3.4",
		    "message larger than this server takes");
		break;
	case FAULT_BARE:
		/* What we and the client take for lines may differ: leave. */
		s->closed = true;
		s->reason = "bare-line-end";
		reply_refuse_message(s, 550, "5.6.11", "message has a CR or "
		    "LF outside CRLF (RFC 5321 2.3.8)");
		break;
	case FAULT_NUL:
		reply_refuse_message(s, 550, "5.6.0",
		    "message has a NUL octet");
		break;
	case FAULT_HOPS:
		reply_refuse_message(s, 554, "5.4.6",
		    "too many hops, this message loops");
		break;
	case FAULT_NOSPACE:
		reply_refuse_message(s, 452, "4.3.1",
		    "no room for messages now, try again later");
		break;
	case FAULT_IO:
		reply_refuse_message(s, 451, "4.3.0",
		    "cannot store messages now, try again later");
		break;
	}
	transaction_reset(s);
}

/* What client and we speak: RFC 3848, RFC 6531 4.3. */
static void
with_keyword(const struct session *s, char out[WITH_MAX])
{
	bool		 utf8 = s->tx.env.flags & ENVELOPE_UTF8;
	const char	*base;

	if (s->role == ROLE_LMTP)
		base = utf8 ? "UTF8LMTP" : "LMTP";
	else if (utf8)
		base = "UTF8SMTP";
	else
		base = s->esmtp ? "ESMTP" : "SMTP";
	/* There is no name for HELO under TLS. */
	snprintf(out, WITH_MAX, "%s%s%s", base,
	    s->esmtp && tls_on(&s->stream) ? "S" : "",
	    s->esmtp && s->user[0] != '\0' ? "A" : "");
}

static int
make_head(struct session *s, struct buf *out)
{
	const struct transaction	*tx = &s->tx;
	struct headers			 h;
	struct slice			 front;
	char				 with[WITH_MAX], tls[TLS_MAX];

	with_keyword(s, with);
	snprintf(tls, sizeof(tls), "%s %s", s->tls.version, s->tls.cipher);
	memset(&h, 0, sizeof(h));
	h.received = (struct received){
		.helo = s->helo,
		.client_name = s->name,
		.client_address = s->peer.address,
		.by = s->config->hostname,
		.with = with,
		.tls = tls_on(&s->stream) ? tls : NULL,
		.id = tx->id,
		.recipient = tx->env.nrcpts == 1 ?
		    tx->env.rcpts[0].address : NULL,
		.uid = tx->env.uid,
		.hide_client = s->role == ROLE_SUBMISSION &&
		    !s->config->smtpd.received_client,
		.when = (time_t)(tx->env.arrived / 1000000),
	};
	h.complete = s->role == ROLE_SUBMISSION || s->role == ROLE_SUBMIT;
	if (h.complete && tx->env.from[0] != '\0')
		h.from = tx->env.from;
	front = spool_writer_front(tx->writer);
	return headers_make(out, &h, front,
	    front.len == spool_writer_size(tx->writer));
}

static void
note_flags(struct transaction *tx)
{
	const struct content	*c = &tx->content;

	tx->env.flags |= (c->eightbit ? ENVELOPE_8BIT : 0) |
	    (c->dots ? ENVELOPE_DOTS : 0) |
	    (c->longline ? ENVELOPE_LONGLINE : 0) |
	    (c->bare ? ENVELOPE_BARE : 0);
}

static void
add_always_bcc(struct session *s)
{
	struct envelope	*env = &s->tx.env;
	const char	*bcc = s->config->always_bcc;
	size_t		 i;

	if (bcc == NULL)
		return;
	for (i = 0; i < env->nrcpts; i++)
		if (strcasecmp(env->rcpts[i].address, bcc) == 0)
			return;
	envelope_add_rcpt(env, bcc, NULL, NOTIFY_NEVER);
	s->tx.added = 1;
}

static void
log_message(const struct session *s, const char *event, const char *to)
{
	const struct transaction	*tx = &s->tx;

	log_info("event=%s id=%s from=%s to=%s nrcpt=%zu size=%llu client=%s "
	    "helo=%s%s%s", event, tx->id, log_esc(tx->env.from), log_esc(to),
	    transaction_rcpts(tx), (unsigned long long)tx->content.size,
	    log_esc(s->client), log_esc(s->helo),
	    s->user[0] == '\0' ? "" : " user=",
	    s->user[0] == '\0' ? "" : log_esc(s->user));
}

static void
accepted(struct session *s)
{
	char	 text[128];

	snprintf(text, sizeof(text), "ok, queued as %s", s->tx.id);
	if (s->verbose)
		snprintf(text, sizeof(text), "ok, queued as %s, %llu octets "
		    "for %zu recipients", s->tx.id,
		    (unsigned long long)s->tx.content.size,
		    transaction_rcpts(&s->tx));
	reply_message(s, 250, "2.0.0", text);
	s->messages++;
	s->errors = 0;
	/* Who waits for the answer gets it before log and bell. */
	if (stream_pending(&s->stream).len == 0)
		(void)stream_flush(&s->stream);	/* sticky */
}

/* Into the spool.  0, or -1 with the fault set. */
static int
queue(struct session *s)
{
	struct transaction	*tx = &s->tx;
	struct spool_writer	*writer = tx->writer;
	struct buf		 head;
	bool			 fatal_sync;
	int			 r;

	buf_init(&head, HEAD_MAX);
	if (make_head(s, &head) == -1) {
		buf_free(&head);
		fault_errno(tx);
		return -1;
	}
	note_flags(tx);
	add_always_bcc(s);
	tx->writer = NULL;		/* commit frees it in any case */
	r = spool_writer_commit(writer, &tx->env, buf_slice(&head),
	    &fatal_sync);
	buf_free(&head);
	if (r == 0)
		return 0;
	if (fatal_sync) {
		log_warn("event=fsync-failed id=%s", tx->id);
		tx->fault = FAULT_IO;
		transaction_fail(s);
		(void)stream_flush(&s->stream);
		_exit(EX_IOERR);
	}
	fault_errno(tx);
	return -1;
}

void
transaction_finish(struct session *s)
{
	struct transaction	*tx = &s->tx;

	if (tx->fault == FAULT_NONE) {
		if (content_end(&tx->content, sink, tx) == -1)
			fault_errno(tx);
		judge(s);
	}
	if (tx->fault == FAULT_NONE && tx->writer == NULL) {
		accepted(s);
		log_message(s, "discarded", tx->env.nrcpts > 0 ?
		    tx->env.rcpts[0].address : "-");
		transaction_reset(s);
		return;
	}
	if (tx->fault != FAULT_NONE || queue(s) == -1) {
		transaction_fail(s);
		return;
	}
	accepted(s);
	log_message(s, "queued", tx->env.rcpts[0].address);
	/* Made anew: the wall has but the former one.  queue-runner looks. */
	if (spool_ring(&s->server->spool, tx->id) == -1 && errno == EACCES)
		listener_last();
	transaction_reset(s);
}
