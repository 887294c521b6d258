/* Contract in session.h. */
#include <sys/socket.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "remote/auth.h"
#include "remote/outcome.h"
#include "remote/secure.h"
#include "remote/session.h"

#define QUIT_MS	2000		/* for the answer to QUIT */

enum talk {
	TALK_OK,
	TALK_NOT,		/* another host, please */
	TALK_CLEAR		/* the same one without TLS */
};

void
session_init(struct session *s, const struct config *cfg,
    const struct remote_open *open, struct tls_client_ctx *tls)
{
	memset(s, 0, sizeof(*s));
	s->cfg = cfg;
	s->open = open;
	s->tls_ctx = tls;
	s->fd = s->asker = -1;
	smtp_client_init(&s->smtp);
}

const char *
session_peer(const struct session *s)
{
	static char	 peer[RESOLVER_NAME_MAX + 64 + 3];

	if (s->target == NULL || s->target->host == NULL)
		strlcpy(peer, s->addr, sizeof(peer));
	else
		snprintf(peer, sizeof(peer), "%s[%s]", s->host, s->addr);
	return peer;
}

void
session_log_reply(const struct session *s, const char *to)
{
	log_debug("event=reply to=%s host=%s code=%d text=%s", to,
	    log_esc(s->host), s->smtp.reply.code,
	    log_esc(s->smtp.reply.text));
}

/* Without a word: the connection is of no use any more. */
static void
hang_up(struct session *s)
{
	if (s->smtp.on)
		tls_drop(&s->smtp.s);
	smtp_client_finish(&s->smtp);
	io_close(s->fd);
	s->fd = -1;
	s->used = 0;
	s->dirty = false;
}

void
session_close(struct session *s)
{
	if (s->fd == -1)
		return;
	if (!s->smtp.lost) {
		s->smtp.patience_ms = QUIT_MS;
		stream_put(&s->smtp.s, "QUIT\r\n", 6);
		(void)smtp_client_reply(&s->smtp);
		if (!s->smtp.lost)
			tls_stop(&s->smtp.s, 0);
	}
	hang_up(s);
}

/* What to tell when no host is left: a host's words before ours. */
static void
note_failure(struct session *s, const struct remote_outcome *o)
{
	if (strncmp(o->text, "521", 3) != 0)
		s->never = false;
	if (o->said || !s->failure.said)
		outcome_copy(&s->failure, o);
	log_info("event=host-failed host=%s addr=%s code=%s text=%s",
	    log_esc(s->host), log_esc(s->addr), o->code, log_esc(o->text));
}

static int
fail_reply(struct session *s)
{
	struct remote_outcome	 o = { 0 };

	outcome_of_reply(&o, &s->smtp.reply);
	note_failure(s, &o);
	return -1;
}

static int
fail_lost(struct session *s, const char *at)
{
	struct remote_outcome	 o = { 0 };
	const char		*tls = tls_error(&s->smtp.s);

	outcome_set(&o, "4.4.2", "no conversation with %.200s at %s: %s",
	    session_peer(s), at, tls[0] != '\0' ? tls : s->smtp.why);
	note_failure(s, &o);
	return -1;
}

/* A reply before there was a command would be taken for the next one's. */
static int
refuse_ahead(struct session *s, const char *at)
{
	if (stream_pending(&s->smtp.s).len == 0)
		return 0;
	(void)smtp_client_lose(&s->smtp, "it spoke before its turn");
	return fail_lost(s, at);
}

static int
greeting(struct session *s)
{
	s->smtp.patience_ms = (int)s->cfg->remote.greeting_timeout * 1000;
	if (smtp_client_reply(&s->smtp) == -1)
		return fail_lost(s, "the greeting");
	session_log_reply(s, "connect");
	if (s->smtp.reply.code != 220)
		return fail_reply(s);
	s->smtp.patience_ms = (int)s->cfg->remote.command_timeout * 1000;
	return refuse_ahead(s, "the greeting");
}

static int
hello(struct session *s)
{
	const char	*verb = s->open->lmtp ? "LHLO" : "EHLO";
	int		 code;

	if (smtp_client_hello(&s->smtp, verb, s->cfg->remote.helo) == -1)
		return fail_lost(s, verb);
	session_log_reply(s, verb);
	code = s->smtp.reply.code;
	/* RFC 5321 3.2: who does not know EHLO gets HELO. */
	if (code / 100 == 5 && code != 521 && !s->open->lmtp &&
	    !s->smtp.lost) {
		verb = "HELO";
		if (smtp_client_hello(&s->smtp, verb, s->cfg->remote.helo) ==
		    -1)
			return fail_lost(s, verb);
		session_log_reply(s, verb);
		memset(&s->smtp.features, 0, sizeof(s->smtp.features));
	}
	if (s->smtp.reply.code / 100 != 2 || s->smtp.lost)
		return fail_reply(s);
	return refuse_ahead(s, verb);
}

static void
note_target(struct session *s, const struct connect_target *t)
{
	s->target = t;
	s->tls[0] = '\0';
	strlcpy(s->addr, t->address, sizeof(s->addr));
	strlcpy(s->host, t->host == NULL ? "localhost" : t->host->name,
	    sizeof(s->host));
	service_title("%s", s->host);
}

static int
fail(struct session *s, const struct remote_outcome *o)
{
	note_failure(s, o);
	return -1;
}

static enum talk
shake_hands(struct session *s, const struct secure_policy *p)
{
	struct remote_outcome	 o = { 0 };

	if (secure_start(s, p, &o) == 0)
		return TALK_OK;
	(void)fail(s, &o);
	return p->need == SECURE_MAY && strcmp(o.code, "4.7.5") == 0 ?
	    TALK_CLEAR : TALK_NOT;
}

/* STARTTLS and EHLO again, RFC 3207 4. */
static enum talk
start_tls(struct session *s, const struct secure_policy *p)
{
	struct remote_outcome	 o = { 0 };
	enum talk		 t;

	if (!(s->smtp.features.ext & SMTP_EXT_STARTTLS)) {
		if (p->need == SECURE_MAY)
			return TALK_OK;
		outcome_set(&o, "4.7.4", "%.200s offers no TLS, which it must "
		    "have", session_peer(s));
		(void)fail(s, &o);
		return TALK_NOT;
	}
	stream_put(&s->smtp.s, "STARTTLS\r\n", 10);
	if (smtp_client_reply(&s->smtp) == -1) {
		(void)fail_lost(s, "STARTTLS");
		return TALK_NOT;
	}
	session_log_reply(s, "STARTTLS");
	if (s->smtp.reply.code != 220) {
		if (p->need == SECURE_MAY && s->smtp.reply.code != 421 &&
		    !s->smtp.lost)
			return TALK_OK;
		(void)fail_reply(s);
		return TALK_NOT;
	}
	if ((t = shake_hands(s, p)) != TALK_OK)
		return t;
	if (hello(s) == 0)
		return TALK_OK;
	/* With TLS 1.3 a host refuses what we took for a handshake done. */
	return p->need == SECURE_MAY && s->smtp.lost ? TALK_CLEAR : TALK_NOT;
}

static int
log_in(struct session *s)
{
	struct remote_outcome	 o = { 0 };

	if (s->open->user[0] == '\0' || auth_login(s, &o) == 0)
		return 0;
	return fail(s, &o);
}

/* From a connected socket to where MAIL may be said. */
static enum talk
talk(struct session *s)
{
	struct secure_policy	 p = secure_policy(s->open, s->target->host);
	bool			 implicit = secure_implicit(s->open);
	enum talk		 t;

	smtp_client_start(&s->smtp, s->fd, 1000);
	if (p.need == SECURE_MAY && connect_memory_has(&s->no_tls, s->addr))
		p.need = SECURE_OFF;
	if (implicit && (t = shake_hands(s, &p)) != TALK_OK)
		return t;
	if (greeting(s) == -1 || hello(s) == -1)
		return TALK_NOT;
	if (!implicit && p.need != SECURE_OFF &&
	    (t = start_tls(s, &p)) != TALK_OK)
		return t;
	return log_in(s) == 0 ? TALK_OK : TALK_NOT;
}

/*
 * TLS that may be done without went wrong half-way: in the clear, on a new
 * connection (RFC 7435 3), and so for a while.
 */
static enum talk
talk_to(struct session *s, const struct connect_target *t)
{
	enum talk	 how;

	note_target(s, t);
	how = talk(s);
	if (how != TALK_CLEAR)
		return how;
	connect_memory_add(&s->no_tls, s->addr);
	session_close(s);
	if ((s->fd = connect_again(&s->connect, t)) == -1)
		return TALK_NOT;
	note_target(s, t);
	return talk(s);
}

/* Nobody was even tried. */
static void
none_usable(struct session *s)
{
	size_t	 i;

	for (i = 0; i < s->open->nhost; i++)
		if (secure_unusable(s->open, &s->open->host[i])) {
			outcome_set(&s->failure, "4.7.5", "it cannot be "
			    "known whether %.200s has TLSA records (RFC "
			    "7672 2.1)", s->open->host[i].name);
			return;
		}
	outcome_set(&s->failure, "4.4.4", "no host has an address of a "
	    "family that is in use here");
}

/* No host is left: say why. */
static int
no_host(struct session *s)
{
	struct remote_outcome	 o = { 0 };

	if (s->connect.why[0] != '\0') {
		s->never = false;
		outcome_set(&o, "4.4.1", "%s", s->connect.why);
		if (!s->failure.said)
			outcome_copy(&s->failure, &o);
	}
	if (s->failure.text[0] == '\0')
		none_usable(s);
	else if (s->failure.said && s->never) {
		s->failure.verdict = MAIL_PERM;
		strlcpy(s->failure.code, "5.3.2", sizeof(s->failure.code));
	} else if (s->failure.verdict != MAIL_TEMP) {
		s->failure.verdict = MAIL_TEMP;
		s->failure.code[0] = '4';
	}
	return -1;
}

static int
rest_of_list(struct session *s)
{
	const struct connect_target	*t;

	while ((s->fd = connect_next(&s->connect, &t)) != -1) {
		if (talk_to(s, t) == TALK_OK)
			return 0;
		connect_forget(&s->connect, t);
		session_close(s);
	}
	return no_host(s);
}

int
session_open(struct session *s)
{
	memset(&s->failure, 0, sizeof(s->failure));
	s->never = true;
	s->host[0] = s->addr[0] = s->tls[0] = '\0';
	connect_begin(&s->connect, &s->cfg->remote, s->open, &s->memory,
	    secure_unusable);
	return rest_of_list(s);
}

int
session_next(struct session *s, const struct remote_outcome *o)
{
	note_failure(s, o);
	connect_forget(&s->connect, s->target);
	session_close(s);
	return rest_of_list(s);
}

bool
session_alive(struct session *s)
{
	if (s->fd == -1 || s->smtp.lost ||
	    stream_pending(&s->smtp.s).len > 0)
		return false;
	if (!stream_readable(&s->smtp.s, 0))
		return true;
	/* An end or a 421; TLS keeps what is its own to itself. */
	(void)smtp_client_lose(&s->smtp, "it ended the conversation");
	return false;
}

bool
session_wanted(const struct session *s)
{
	char	 c;

	errno = 0;
	return s->asker == -1 || recv(s->asker, &c, 1, MSG_PEEK |
	    MSG_DONTWAIT) > 0 || errno == EAGAIN || errno == EINTR;
}
