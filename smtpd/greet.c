/* Before the first command: whose connection is it, and is it welcome? */
#include <string.h>

#include "lib/base/log.h"
#include "smtpd/client_name.h"
#include "smtpd/proxy.h"
#include "smtpd/reply.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"

#define PROXY_MS	10000	/* a proxy speaks at once */

static bool
has_address(const struct session *s)
{
	return s->peer.address[0] != '\0';
}

static bool
in_trusted(const struct session *s)
{
	return has_address(s) &&
	    listener_in_networks(&s->peer, &s->config->trusted);
}

static bool
proxy_bad(struct session *s, const char *why)
{
	log_info("event=proxy-refused client=%s text=%s", log_esc(s->client),
	    log_esc(why));
	return false;
}

/* The stream's own way to read, while read_header() takes its place. */
static ssize_t	(*plain_read)(struct stream *, void *, size_t);

/* Nothing behind the header: TLS may begin there, which reads for itself. */
static ssize_t
read_header(struct stream *st, void *data, size_t len)
{
	size_t	 missing = proxy_missing(stream_pending(st));

	return plain_read(st, data, len < missing ? len : missing);
}

/* The header, of *used octets, has come whole. */
static enum stream_status
await_header(struct session *s, struct sockaddr_storage *sa, size_t *used,
    enum proxy_status *p)
{
	enum stream_status	 st;
	struct slice		 in;

	plain_read = s->stream.read;
	s->stream.read = read_header;
	st = stream_peek(&s->stream, &in);
	while (st == STREAM_OK) {
		*p = proxy_parse(in, sa, used);
		if (*p != PROXY_MORE)
			break;
		st = stream_more(&s->stream, &in);
	}
	s->stream.read = plain_read;
	return st;
}

/* Only who may relay anyway may tell us that it is somebody else. */
static bool
take_proxy(struct session *s)
{
	struct sockaddr_storage	 sa;
	enum stream_status	 st;
	enum proxy_status	 p = PROXY_MORE;
	size_t			 used = 0;

	if (has_address(s) && !in_trusted(s))
		return proxy_bad(s, "not a trusted proxy");
	stream_set_idle(&s->stream, PROXY_MS);
	if ((st = await_header(s, &sa, &used, &p)) != STREAM_OK)
		return proxy_bad(s, stream_status_name(st));
	if (p == PROXY_BAD)
		return proxy_bad(s, "not a PROXY protocol v2 header");
	stream_consume(&s->stream, used);
	if (p == PROXY_OK) {
		listener_set_peer(&s->peer, (struct sockaddr *)&sa);
		s->client = s->peer.address;
		return listener_admit(s->stream.wfd, &s->peer);
	}
	return true;
}

/* RFC 5321 4.3.1: the client waits for the greeting. */
static bool
talks_early(struct session *s)
{
	struct slice	 in;

	if (s->role != ROLE_MX || s->trusted || !has_address(s) ||
	    !stream_readable(&s->stream,
	    (int)s->config->smtpd.greet_delay_ms))
		return false;
	/* One that came and went has said nothing. */
	return stream_peek(&s->stream, &in) == STREAM_OK;
}

static const char *
or_default(const char *text, const char *otherwise)
{
	return text == NULL ? otherwise : text;
}

/* False: closed. */
static bool
check_access(struct session *s)
{
	enum access_action	 action;
	const char		*text;

	if (!has_address(s))
		return true;
	access_refresh(s->server->client);
	if (access_has_names(s->server->client))
		client_name(&s->server->resolver, s->peer.address, s->name,
		    sizeof(s->name));
	action = access_client(s->server->client,
	    (struct sockaddr *)&s->peer.sa, s->name, &text);
	/* There is no soft form of a 554 greeting. */
	if (action == ACCESS_REFUSE && s->config->soft_bounce)
		action = ACCESS_DEFER;
	switch (action) {
	case ACCESS_NONE:
	case ACCESS_OK:
		break;
	case ACCESS_REFUSE:
		/* RFC 5321 3.1: then wait for QUIT. */
		s->shunned = true;
		reply_refuse(s, "connect", NULL, 554, "5.7.1", "%s",
		    or_default(text, "this server takes no mail from you"));
		return true;
	case ACCESS_DEFER:
		reply_refuse(s, "connect", NULL, 421, "4.7.1", "%s",
		    or_default(text, "this server takes no mail from you "
		    "now, try again later"));
		return false;
	case ACCESS_DISCARD:
		s->discard = true;
		break;
	}
	return true;
}

bool
session_greet(struct session *s)
{
	if (s->listen->proxy && !take_proxy(s)) {
		s->reason = "proxy";
		return false;
	}
	stream_set_idle(&s->stream, session_idle_ms(s));
	if (secure_first(s) && !secure_start(s))
		return false;
	s->trusted = s->role == ROLE_SUBMIT || in_trusted(s);
	if (talks_early(s)) {
		s->reason = "early-talker";
		reply_refuse(s, "connect", NULL, 554, "5.5.1",
		    "you speak before the greeting");
		return false;
	}
	if (!check_access(s)) {
		s->reason = "access";
		return false;
	}
	if (!s->shunned)
		reply(s, 220, NULL, "%s %s Merpati", s->config->hostname,
		    s->role == ROLE_LMTP ? "LMTP" : "ESMTP");
	return true;
}
