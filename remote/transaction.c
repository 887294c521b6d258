/*
 * Contract in transaction.h.
 *
 *	state		good reply	refusal
 *	RSET (dirty)	MAIL		connection lost
 *	MAIL		RCPT		everybody settled
 *	RCPT		next, DATA	that recipient settled
 *	DATA		content		the accepted ones settled
 *	content		they are sent	they are settled
 *
 * A connection that ends before MAIL was answered did no harm: again elsewhere.
 * Later on, everybody who is not settled is put off.  After the final dot that
 * may make a duplicate, never a loss.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/net/smtp_client.h"
#include "remote/content.h"
#include "remote/outcome.h"
#include "remote/transaction.h"

struct transaction {
	struct session		*s;
	struct content		 content;
	struct work		*w;
	const struct remote_job	*job;
	size_t			 idx[REMOTE_RCPTS];	/* tried now */
	size_t			 n;
	size_t			 ok[REMOTE_RCPTS];	/* accepted ones */
	size_t			 nok;
	bool			 utf8;		/* SMTPUTF8 is said */
	bool			 chunk;		/* BDAT instead of DATA */
	bool			 data_said;	/* DATA went with the RCPTs */
	bool			 full;		/* it takes no more RCPTs */
};

void
work_settle(struct work *w, size_t i, const struct remote_outcome *o)
{
	if (w->settled[i])
		return;
	outcome_copy(&w->res->outcome[i], o);
	w->settled[i] = true;
	w->left--;
}

void
work_settle_all(struct work *w, const struct remote_outcome *o)
{
	size_t	 i;

	for (i = 0; i < w->job->nrcpt; i++)
		work_settle(w, i, o);
}

static void
settle_accepted(struct transaction *t, const struct remote_outcome *o)
{
	size_t	 i;

	for (i = 0; i < t->nok; i++)
		work_settle(t->w, t->ok[i], o);
}

/* The reply as a verdict, noted for the log. */
static struct remote_outcome
verdict(struct transaction *t)
{
	struct remote_outcome	 o = { 0 };

	outcome_of_reply(&o, &t->s->smtp.reply);
	t->w->code = t->s->smtp.reply.code;
	return o;
}

static struct remote_outcome
broke_off(struct transaction *t, const char *at)
{
	struct remote_outcome	 o = { 0 };

	outcome_set(&o, "4.4.2", "the conversation with %.200s broke off at "
	    "%s: %s", session_peer(t->s), at, t->s->smtp.why);
	return o;
}

/* Everybody who is left is put off, the connection is over. */
static enum transaction_status
lost(struct transaction *t, const char *at)
{
	struct remote_outcome	 o = broke_off(t, at);

	work_settle_all(t->w, &o);
	return TRANSACTION_LOST;
}

/* The same for a 421: RFC 5321 3.8 lets a host say it to any command. */
static enum transaction_status
closing(struct transaction *t)
{
	struct remote_outcome	 o = verdict(t);

	work_settle_all(t->w, &o);
	(void)smtp_client_lose(&t->s->smtp, "it said 421");
	return TRANSACTION_LOST;
}

/* What the host cannot take is not even begun. */
static bool
unfit(struct transaction *t, struct remote_outcome *o)
{
	const struct smtp_features	*f = &t->s->smtp.features;

	if (t->job->utf8 && !(f->ext & SMTP_EXT_SMTPUTF8)) {
		outcome_set(o, "5.6.7", "%.200s takes no internationalised "
		    "mail (SMTPUTF8)", session_peer(t->s));
		return true;
	}
	if (f->size > 0 && t->job->len > f->size) {
		outcome_set(o, "5.3.4", "%.200s takes messages of up to %llu "
		    "octets, this one has %llu", session_peer(t->s),
		    (unsigned long long)f->size,
		    (unsigned long long)t->job->len);
		return true;
	}
	switch (content_prepare(&t->content, t->job, f)) {
	case CONTENT_OK:
		return false;
	case CONTENT_UNFIT:
		outcome_set(o, "5.6.3", "%.200s takes no 8-bit message "
		    "(8BITMIME), and this one cannot be converted: %.100s",
		    session_peer(t->s), t->content.plan.reason);
		return true;
	case CONTENT_UNREADABLE:
		break;
	}
	outcome_set(o, "4.3.0", "the message cannot be read here");
	return true;
}

static void
say_mail(struct transaction *t)
{
	static const char *const	 ret[] = { NULL, "FULL", "HDRS" };
	const struct smtp_mail		 m = { .sender = t->job->sender,
	    .size = t->content.converted ? 0 : t->job->len,
	    .eightbit = t->job->eightbit,
	    .utf8 = t->utf8, .ret = ret[t->job->ret],
	    .envid = t->job->envid };

	smtp_client_put_mail(&t->s->smtp, &m);
}

static const char *
notify_words(int bits, char out[32])
{
	if (bits == 0)
		return NULL;
	if (bits & NOTIFY_NEVER)
		return "NEVER";
	snprintf(out, 32, "%s%s%s", bits & NOTIFY_SUCCESS ? ",SUCCESS" : "",
	    bits & NOTIFY_FAILURE ? ",FAILURE" : "",
	    bits & NOTIFY_DELAY ? ",DELAY" : "");
	return out + 1;
}

static void
say_rcpt(struct transaction *t, size_t i)
{
	const struct remote_rcpt	*to = &t->job->rcpt[i];
	char				 words[32];
	const struct smtp_rcpt		 r = { .address = to->address,
	    .notify = notify_words(to->notify, words), .orcpt = to->orcpt,
	    .utf8 = t->utf8 };

	smtp_client_put_rcpt(&t->s->smtp, &r);
}

static int
reset(struct transaction *t)
{
	if (!t->s->dirty)
		return 0;
	stream_put(&t->s->smtp.s, "RSET\r\n", 6);
	if (smtp_client_reply(&t->s->smtp) == -1)
		return -1;
	session_log_reply(t->s, "RSET");
	if (t->s->smtp.reply.code / 100 != 2)
		return smtp_client_lose(&t->s->smtp, "it refused RSET");
	t->s->dirty = false;
	return 0;
}

/* MAIL's own reply, while those of n pipelined commands are still to come. */
static enum transaction_status
mail_reply(struct transaction *t, size_t n, bool *go_on,
    struct remote_outcome *why)
{
	struct smtp_client	*c = &t->s->smtp;

	*go_on = false;
	if (smtp_client_reply(c) == -1) {
		*why = broke_off(t, "MAIL");
		return TRANSACTION_AGAIN;
	}
	session_log_reply(t->s, "MAIL");
	if (c->reply.code == 421) {
		*why = verdict(t);
		(void)smtp_client_lose(c, "it said 421");
		return TRANSACTION_AGAIN;
	}
	if (c->reply.code / 100 == 2) {
		t->s->dirty = true;
		*go_on = true;
		return TRANSACTION_DONE;
	}
	*why = verdict(t);
	work_settle_all(t->w, why);
	t->s->dirty = n > 0;
	for (; n > 0; n--)
		if (smtp_client_reply(c) == -1)
			return TRANSACTION_LOST;
	/* DATA among them was taken?  That is no host to go on with. */
	if (c->reply.code / 100 == 3)
		(void)smtp_client_lose(c, "it took DATA without a sender");
	return c->lost ? TRANSACTION_LOST : TRANSACTION_DONE;
}

static enum transaction_status
rcpt_reply(struct transaction *t, size_t i)
{
	struct remote_outcome	 o;

	if (smtp_client_reply(&t->s->smtp) == -1)
		return lost(t, "RCPT");
	session_log_reply(t->s, "RCPT");
	if (t->s->smtp.reply.code == 421)
		return closing(t);
	if (t->s->smtp.reply.code / 100 == 2) {
		t->ok[t->nok++] = i;
		return TRANSACTION_DONE;
	}
	/* Left for a transaction of their own, after this one. */
	if (t->nok > 0 && outcome_too_many(&t->s->smtp.reply)) {
		t->full = true;
		return TRANSACTION_DONE;
	}
	o = verdict(t);
	work_settle(t->w, i, &o);
	return TRANSACTION_DONE;
}

/* MAIL and RCPTs, in groups where the host has PIPELINING (RFC 2920). */
static enum transaction_status
envelope(struct transaction *t, bool *go_on, struct remote_outcome *why)
{
	bool			 pipe, mail = true;
	enum transaction_status	 st;
	size_t			 sent = 0, got = 0, batch;

	pipe = t->s->smtp.features.ext & SMTP_EXT_PIPELINING;
	batch = pipe ? SMTP_CLIENT_BATCH : 1;
	say_mail(t);
	if (!pipe) {
		st = mail_reply(t, 0, go_on, why);
		if (!*go_on)
			return st;
		mail = false;
	}
	while (got < t->n && (sent < t->n || got < sent)) {
		for (; sent < t->n && sent - got < batch && !t->full; sent++)
			say_rcpt(t, t->idx[sent]);
		if (sent == got)
			break;		/* full */
		if (pipe && !t->chunk && !t->full && sent == t->n) {
			stream_put(&t->s->smtp.s, "DATA\r\n", 6);
			t->data_said = true;
		}
		if (mail) {
			st = mail_reply(t, sent + t->data_said, go_on, why);
			if (!*go_on)
				return st;
			mail = false;
		}
		for (; got < sent; got++)
			if ((st = rcpt_reply(t, t->idx[got])) !=
			    TRANSACTION_DONE) {
				*go_on = false;
				return st;
			}
	}
	*go_on = true;
	return TRANSACTION_DONE;
}

/* One verdict for all; with LMTP (RFC 2033 4.2) one for each. */
static enum transaction_status
final_replies(struct transaction *t)
{
	struct remote_outcome	 o;
	size_t			 i;

	t->s->smtp.patience_ms = (int)t->s->cfg->remote.data_timeout * 1000;
	for (i = 0; i < t->nok; i++) {
		if (smtp_client_reply(&t->s->smtp) == -1)
			return lost(t, "the end of the message");
		session_log_reply(t->s, ".");
		o = verdict(t);
		if (t->s->smtp.reply.code == 421)
			return closing(t);
		if (!t->s->open->lmtp) {
			settle_accepted(t, &o);
			break;
		}
		work_settle(t->w, t->ok[i], &o);
	}
	t->s->smtp.patience_ms = (int)t->s->cfg->remote.command_timeout *
	    1000;
	return t->s->smtp.lost ? TRANSACTION_LOST : TRANSACTION_DONE;
}

static enum transaction_status
unreadable(struct transaction *t)
{
	struct remote_outcome	 o = { 0 };

	/* No final dot, no full chunk: the host gets no message. */
	(void)smtp_client_lose(&t->s->smtp, "our copy cannot be read");
	outcome_set(&o, "4.3.0", "the message cannot be read here");
	work_settle_all(t->w, &o);
	return TRANSACTION_LOST;
}

static enum transaction_status
unheard(struct transaction *t)
{
	struct remote_outcome	 o = { 0 };

	(void)smtp_client_lose(&t->s->smtp, "queue-runner is gone");
	outcome_set(&o, "4.3.2", "the sending system was shut down");
	work_settle_all(t->w, &o);
	return TRANSACTION_LOST;
}

static enum transaction_status
send_content(struct transaction *t)
{
	enum transaction_status	 st;

	/* The next queue-runner will send it, and knows nothing of this. */
	if (!session_wanted(t->s))
		return unheard(t);
	if ((t->chunk ? content_chunk(t->s, t->job) :
	    content_data(t->s, t->job, &t->content)) == -1)
		return unreadable(t);
	st = final_replies(t);
	if (st == TRANSACTION_DONE)
		t->s->dirty = false;
	return st;
}

/*
 * DATA went along with the recipients and none of them was accepted.  If the
 * host wants a message all the same (RFC 2920 3.1), it gets an empty one, for
 * nobody.
 */
static enum transaction_status
nobody(struct transaction *t)
{
	struct smtp_client	*c = &t->s->smtp;

	if (!t->data_said)
		return TRANSACTION_DONE;
	if (smtp_client_reply(c) == -1)
		return TRANSACTION_LOST;
	if (c->reply.code / 100 == 3) {
		stream_put(&c->s, ".\r\n", 3);
		if (smtp_client_reply(c) == -1)
			return TRANSACTION_LOST;
	}
	return c->reply.code == 421 || c->lost ? TRANSACTION_LOST :
	    TRANSACTION_DONE;
}

static enum transaction_status
data(struct transaction *t)
{
	struct remote_outcome	 o;

	if (t->chunk)
		return send_content(t);
	if (!t->data_said)
		stream_put(&t->s->smtp.s, "DATA\r\n", 6);
	if (smtp_client_reply(&t->s->smtp) == -1)
		return lost(t, "DATA");
	session_log_reply(t->s, "DATA");
	if (t->s->smtp.reply.code == 421)
		return closing(t);
	if (t->s->smtp.reply.code / 100 == 3) {
		/* A verdict on what it has not seen is none. */
		if (stream_pending(&t->s->smtp.s).len == 0)
			return send_content(t);
		(void)smtp_client_lose(&t->s->smtp,
		    "it spoke before its turn");
		return lost(t, "DATA");
	}
	o = verdict(t);
	if (o.verdict == MAIL_OK) {
		/* A 2yz here would be a message accepted unseen. */
		(void)smtp_client_lose(&t->s->smtp, "it answered DATA with "
		    "%d", t->s->smtp.reply.code);
		return lost(t, "DATA");
	}
	settle_accepted(t, &o);
	return t->s->smtp.lost ? TRANSACTION_LOST : TRANSACTION_DONE;
}

static enum transaction_status
run(struct transaction *t, struct remote_outcome *why)
{
	enum transaction_status	 st;
	bool			 go_on;

	if (unfit(t, why)) {
		work_settle_all(t->w, why);
		return TRANSACTION_DONE;
	}
	t->utf8 = t->job->utf8;
	/* The length of what is converted is not known beforehand. */
	t->chunk = (t->s->smtp.features.ext & SMTP_EXT_CHUNKING) &&
	    !t->content.converted;
	if (reset(t) == -1) {
		*why = broke_off(t, "RSET");
		return TRANSACTION_AGAIN;
	}
	st = envelope(t, &go_on, why);
	if (st != TRANSACTION_DONE || !go_on)
		return st;
	st = t->nok == 0 ? nobody(t) : data(t);
	if (st == TRANSACTION_LOST) {
		/* Nobody is left behind, whatever ended it. */
		*why = broke_off(t, "DATA");
		work_settle_all(t->w, why);
	}
	return st;
}

enum transaction_status
transaction_run(struct session *s, struct work *w, struct remote_outcome *why)
{
	struct transaction	 t = { .s = s, .w = w, .job = w->job };
	enum transaction_status	 st;
	size_t			 i;

	memset(why, 0, sizeof(*why));
	for (i = 0; i < w->job->nrcpt; i++)
		if (!w->settled[i])
			t.idx[t.n++] = i;
	st = run(&t, why);
	content_free(&t.content);
	return st;
}
