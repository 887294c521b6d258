/* DATA: RFC 5321 4.1.1.4.  BDAT: RFC 3030 2. */
#include "lib/base/log.h"
#include "smtpd/commands.h"
#include "smtpd/data.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/submit.h"
#include "smtpd/transaction.h"

/* A client that waits where we see no end yet gets its answer soon. */
#define BARE_MS		5000

static void
set_patience(struct session *s)
{
	stream_set_idle(&s->stream, s->tx.fault == FAULT_BARE ? BARE_MS :
	    (int)(s->config->smtpd.data_timeout * 1000));
}

/* The stream ended inside a message, or a chunk that nobody asked for. */
static void
lost(struct session *s, enum stream_status st)
{
	log_info("event=lost stage=data client=%s helo=%s from=%s size=%llu "
	    "reason=%s", log_esc(s->client), log_esc(s->helo),
	    s->tx.mail ? log_esc(s->tx.env.from) : "-",
	    (unsigned long long)s->tx.content.size, stream_status_name(st));
	if (s->tx.fault == FAULT_BARE && st == STREAM_TIMEOUT) {
		transaction_fail(s);
		return;
	}
	session_lost(s, st);
	transaction_reset(s);
}

/* More than we are willing to read of a message that is refused anyway. */
static void
give_up(struct session *s)
{
	s->closed = true;
	s->reason = "endless-data";
	transaction_fail(s);
}

/* False: the session is over. */
static bool
read_data(struct session *s)
{
	enum data_status	 ds = DATA_RUN;
	enum stream_status	 st;
	struct slice		 in, run;
	struct data		 d;
	size_t			 used;

	data_init(&d);
	while (ds != DATA_END) {
		if ((st = stream_peek(&s->stream, &in)) != STREAM_OK) {
			lost(s, st);
			return false;
		}
		ds = data_next(&d, in, &run, &used);
		if (run.len > 0)
			transaction_add(s, run);
		stream_consume(&s->stream, used);
		if (s->tx.fault != FAULT_NONE) {
			set_patience(s);
			if (transaction_hopeless(s)) {
				give_up(s);
				return false;
			}
		}
	}
	return true;
}

/* True: the user has sent too much, and the transaction is over. */
static bool
too_many(struct session *s)
{
	struct command_error	 err;

	if (!submit_too_many(s, &err))
		return false;
	reply_refuse(s, "data", NULL, err.code, err.enhanced, "%s", err.text);
	transaction_reset(s);
	return true;
}

void
cmd_data(struct session *s, struct slice arg)
{
	(void)arg;
	if (session_improper(s, "DATA") || too_many(s))
		return;
	reply(s, 354, NULL, "send the message, end with a line that is a dot");
	transaction_open(s);
	set_patience(s);
	if (read_data(s))
		transaction_finish(s);
	stream_set_idle(&s->stream, session_idle_ms(s));
}

/* A chunk, kept or thrown away.  False: the session is over. */
static bool
read_chunk(struct session *s, uint64_t left, bool keep)
{
	enum stream_status	 st;
	struct slice		 in;

	while (left > 0) {
		if ((st = stream_peek(&s->stream, &in)) != STREAM_OK) {
			lost(s, st);
			return false;
		}
		if (in.len > left)
			in.len = (size_t)left;
		if (keep)
			transaction_add(s, in);
		stream_consume(&s->stream, in.len);
		left -= in.len;
	}
	return true;
}

/*
 * The client may have sent the chunk already: read past it.  False: the session
 * is over, and nobody waits for a reply.
 */
static bool
skip_chunk(struct session *s, uint64_t size)
{
	if (size <= s->config->message_size)
		return read_chunk(s, size, false);
	s->closed = true;
	s->reason = "endless-data";
	return true;
}

static void
refuse_chunk(struct session *s, uint64_t size, int code, const char *text)
{
	if (skip_chunk(s, size))
		reply(s, code, "5.5.1", "%s", text);
}

/* The first chunk begins.  False: it is refused. */
static bool
open_chunks(struct session *s, uint64_t size)
{
	struct command_error	 err;

	if (submit_too_many(s, &err)) {
		if (skip_chunk(s, size))
			reply_refuse(s, "data", NULL, err.code, err.enhanced,
			    "%s", err.text);
		/* Later chunks must not pass for a message. */
		transaction_reset(s);
		return false;
	}
	s->tx.bdat = true;
	transaction_open(s);
	return true;
}

static void
take_chunk(struct session *s, uint64_t size, bool last)
{
	if (!s->tx.bdat && !open_chunks(s, size))
		return;
	set_patience(s);
	s->tx.partial = !last;
	transaction_expect(s, size);
	if (s->tx.fault != FAULT_NONE && size > s->config->message_size) {
		give_up(s);
		return;
	}
	if (!read_chunk(s, size, true))
		return;
	if (transaction_hopeless(s))
		give_up(s);
	else if (last)
		transaction_finish(s);
	else if (s->tx.fault != FAULT_NONE) {
		/* RFC 3030 2: a failed chunk fails the transaction. */
		transaction_fail(s);
	} else
		reply(s, 250, "2.0.0", "%llu octets received",
		    (unsigned long long)size);
}

void
cmd_bdat(struct session *s, struct slice arg)
{
	struct command_error	 err;
	uint64_t		 size;
	bool			 last;

	if (command_parse_bdat(arg, &size, &last, &err) == -1) {
		/* Where does the next command begin?  Nobody knows. */
		s->closed = true;
		s->reason = "bdat-syntax";
		reply_error(s, &err);
		return;
	}
	if (!s->tx.mail)
		refuse_chunk(s, size, 503, "say MAIL first");
	else if (transaction_rcpts(&s->tx) == 0)
		refuse_chunk(s, size, s->tx.tried &&
		    s->role != ROLE_LMTP ? 554 : 503, "no valid recipients");
	else
		take_chunk(s, size, last);
	stream_set_idle(&s->stream, session_idle_ms(s));
}
