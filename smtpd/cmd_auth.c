/*
 * AUTH: RFC 4954.  What the client proves goes to authd, which knows whether it
 * is true; here it is forgotten at once, and the process ends with the
 * connection.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "lib/net/sasl_server.h"
#include "smtpd/commands.h"
#include "smtpd/login.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"

#define PREFIX	"334 "
#define NAMES	512		/* octets of all mechanisms' names */

static struct sasl_place
place(struct session *s)
{
	return (struct sasl_place){
		.config = s->config,
		.service = "smtp",
		.ip = s->peer.address,
		.stream = &s->stream,
		.safe = credentials_safe(&s->peer),
		.certificate = tls_on(&s->stream) ? s->tls.client : "",
		.authd = &s->server->lookup.client,
	};
}

void
cmd_auth_announce(struct session *s)
{
	struct sasl_place	 where = place(s);
	struct buf		 names;

	if (s->role != ROLE_SUBMISSION)
		return;
	buf_init(&names, NAMES);
	sasl_server_list(&where, &names);
	if (names.len > 0)
		reply_more(s, 250, NULL, "AUTH %s", buf_cstr(&names));
	buf_free(&names);
}

/* What was read and is done with: passwords among it. */
static void
wipe_input(struct stream *st)
{
	if (st->in != NULL)
		explicit_bzero(st->in, st->in_pos);
}

static void
refuse(struct session *s, const struct command_error *err)
{
	reply_error(s, err);
	if (!login_is_failure(err) ||
	    ++s->auth_failures < LOGIN_FAILURES_MAX)
		return;
	s->closed = true;
	s->reason = "auth-failures";
	reply(s, 421, "4.7.0", "too many failures, closing");
}

static void
logged_in(struct session *s, const char *user)
{
	memcpy(s->user, user, sizeof(s->user));
	log_debug("event=authenticated client=%s user=%s",
	    log_esc(s->client), log_esc(user));
	reply(s, 235, "2.7.0", "welcome");
}

/* The exchange said who it is: does authd agree? */
static void
check(struct session *s, struct sasl_server *sasl,
    const struct auth_check *claim)
{
	static struct auth_answer	 answer;
	const struct command_error	*err;

	if (auth_client_check(&s->server->lookup.client, claim,
	    &answer) == -1) {
		log_warn("event=authd-unreachable");
		answer.verdict = AUTH_LATER;
	} else if (answer.verdict == AUTH_OK && answer.user[0] == '\0')
		answer.verdict = AUTH_LATER;
	if (answer.verdict == AUTH_BAD || answer.verdict == AUTH_DISABLED)
		sasl_exchange_refused(sasl, &s->stream, PREFIX);
	if ((err = login_reply_verdict(answer.verdict)) != NULL)
		refuse(s, err);
	else
		logged_in(s, answer.user);
	explicit_bzero(&answer, sizeof(answer));
}

static void
exchange(struct session *s, struct sasl_server *sasl,
    const struct slice *initial)
{
	static struct auth_check	 claim;
	const struct command_error	*err;
	enum stream_status		 st = STREAM_OK;
	enum sasl_end			 end;

	memset(&claim, 0, sizeof(claim));
	end = sasl_exchange(sasl, &s->stream, PREFIX, initial, &claim, &st);
	if (end == SASL_END_READY)
		check(s, sasl, &claim);
	else if (end == SASL_END_MALFORMED && st == STREAM_TOOLONG)
		refuse(s, login_reply_toolong());
	else if ((err = login_reply_end(end)) != NULL)
		refuse(s, err);
	else
		session_lost(s, st);
	explicit_bzero(&claim, sizeof(claim));
}

void
cmd_auth(struct session *s, struct slice arg)
{
	struct sasl_place	 where = place(s);
	struct command_error	 err;
	struct sasl_server	*sasl;
	struct slice		 mechanism, initial;
	bool			 unsafe = false;

	if (s->user[0] != '\0') {
		reply(s, 503, "5.5.1", "you are logged in already");
		return;
	}
	if (command_parse_auth(arg, &mechanism, &initial, &err) == -1) {
		reply_error(s, &err);
		return;
	}
	listener_last();
	sasl = sasl_server_start(&where, mechanism, &unsafe);
	if (sasl == NULL)
		refuse(s, login_reply_start(unsafe));
	else
		exchange(s, sasl, initial.len > 0 ? &initial : NULL);
	sasl_server_free(sasl);
	wipe_input(&s->stream);
}
