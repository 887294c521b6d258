/* Contract in sasl_server.h: an exchange as lines over a stream. */
#include <stdint.h>

#include "lib/base/base64.h"
#include "lib/base/log.h"
#include "lib/net/sasl_parts.h"

#define TURNS_MAX	8	/* more than any mechanism has */
#define CHALLENGE_MAX	4096

static void
wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->size);
	buf_clear(b);
}

static void
put_challenge(struct stream *s, const char *prefix,
    const struct buf *challenge)
{
	struct buf	 text;

	buf_init(&text, BASE64_LEN(CHALLENGE_MAX));
	base64_encode(buf_slice(challenge), &text);
	stream_put(s, prefix, strlen(prefix));
	stream_put(s, buf_cstr(&text), text.len);
	stream_put(s, "\r\n", 2);
	wipe(&text);
	buf_free(&text);
}

/* "*" or base 64 (RFC 4954 4, RFC 9051 6.2.2, RFC 5034 4). */
static enum sasl_end
take_line(struct slice line, struct buf *raw)
{
	enum sasl_end	 end = SASL_END_READY;

	wipe(raw);
	if (slice_eq(line, SLICE_LIT("*")))
		end = SASL_END_CANCELLED;
	else if (base64_decode(line, raw) == -1)
		end = SASL_END_MALFORMED;
	return end;
}

static enum sasl_end
read_line(struct stream *s, struct buf *raw, enum stream_status *status)
{
	struct slice	 line;
	enum sasl_end	 end;

	*status = stream_line(s, SASL_LINE_MAX, &line);
	switch (*status) {
	case STREAM_OK:
		end = take_line(line, raw);
		/* The secret is not left in the stream's buffer. */
		explicit_bzero((void *)(uintptr_t)line.ptr, line.len);
		return end;
	case STREAM_TOOLONG:
	case STREAM_BARE:
		return SASL_END_MALFORMED;
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
	case STREAM_STOP:
		break;
	}
	return SASL_END_LOST;
}

static enum sasl_end
ended(enum sasl_status st)
{
	switch (st) {
	case SASL_READY:
		return SASL_END_READY;
	case SASL_FOREIGN:
		return SASL_END_FOREIGN;
	case SASL_WRONG:
		return SASL_END_WRONG;
	case SASL_DISABLED:
		return SASL_END_DISABLED;
	case SASL_LATER:
		return SASL_END_LATER;
	case SASL_MORE:
	case SASL_MALFORMED:
		break;
	}
	return SASL_END_MALFORMED;
}

/* raw: the initial response when there is one, and then each message. */
static enum sasl_end
turns(struct sasl_server *server, struct stream *s, const char *prefix,
    bool initial, struct buf *raw, struct auth_check *check,
    enum stream_status *status)
{
	struct buf		 challenge;
	struct slice		 message;
	enum sasl_status	 st;
	enum sasl_end		 end = SASL_END_MALFORMED;
	int			 n;

	buf_init(&challenge, CHALLENGE_MAX);
	for (n = 0; n < TURNS_MAX; n++) {
		message = buf_slice(raw);
		st = sasl_server_step(server, n > 0 || initial ? &message :
		    NULL, &challenge, check);
		end = ended(st);
		if (st != SASL_MORE)
			break;
		put_challenge(s, prefix, &challenge);
		if ((end = read_line(s, raw, status)) != SASL_END_READY)
			break;
		end = SASL_END_MALFORMED;
	}
	buf_free(&challenge);
	return end;
}

/*
 * What is decided here authd never hears of, so this is the only trace of it;
 * a client that is bound to another connection than ours may be one with
 * somebody in between.  The name is what the client said, proved by nothing.
 */
static void
log_end(const struct sasl_server *server, enum sasl_end end)
{
	const struct sasl_place	*p = server->place;

	switch (end) {
	case SASL_END_MALFORMED:
	case SASL_END_FOREIGN:
	case SASL_END_WRONG:
	case SASL_END_DISABLED:
	case SASL_END_LATER:
		break;
	case SASL_END_READY:
	case SASL_END_CANCELLED:
	case SASL_END_LOST:
		return;
	}
	if (!server->told)
		log_info("event=sasl-failed service=%s user=%s ip=%s "
		    "mechanism=%s reason=%s", p->service,
		    server->user[0] != '\0' ? log_esc(server->user) : "-",
		    p->ip[0] != '\0' ? p->ip : "-", server->mech->name,
		    log_esc(server->reason[0] != '\0' ? server->reason :
		    "not a line of base 64"));
}

enum sasl_end
sasl_exchange(struct sasl_server *server, struct stream *s,
    const char *prefix, const struct slice *initial,
    struct auth_check *check, enum stream_status *status)
{
	struct buf	 raw;
	enum sasl_end	 end = SASL_END_READY;

	*status = STREAM_OK;
	buf_init(&raw, SASL_MESSAGE_MAX);
	/* At once, so that growing leaves no copies behind. */
	if (buf_reserve(&raw, SASL_MESSAGE_MAX) == NULL)
		return SASL_END_MALFORMED;
	if (initial != NULL && !slice_eq(*initial, SLICE_LIT("=")))
		end = take_line(*initial, &raw);
	if (end == SASL_END_READY)
		end = turns(server, s, prefix, initial != NULL, &raw, check,
		    status);
	wipe(&raw);
	buf_free(&raw);
	if (end != SASL_END_READY)
		explicit_bzero(check, sizeof(*check));
	log_end(server, end);
	return end;
}

void
sasl_exchange_refused(struct sasl_server *server, struct stream *s,
    const char *prefix)
{
	enum stream_status	 st;
	struct slice		 line;
	struct buf		 challenge;

	buf_init(&challenge, CHALLENGE_MAX);
	if (sasl_server_refused(server, &challenge)) {
		put_challenge(s, prefix, &challenge);
		/* Whatever it is; a connection that broke shows itself. */
		st = stream_line(s, SASL_LINE_MAX, &line);
		(void)st;
	}
	buf_free(&challenge);
}
