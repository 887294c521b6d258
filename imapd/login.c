/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 * After a successful login the session server writes the tagged answer.
 */
#include <string.h>

#include <bsd/string.h>

#include "imapd/login.h"
#include "lib/base/log.h"
#include "lib/net/imap_lex.h"
#include "lib/net/login.h"
#include "lib/net/tls_stream.h"

#define LITERAL_MAX	1024	/* a name or a password */
#define MECHANISMS_MAX	512

struct imapd {
	struct login	 l;
	struct imap_lex	 lex;
};

/* The tagged answer: how is OK, NO or BAD. */
static enum login_next
imapd_answer(struct imapd *d, const char *how, const char *text)
{
	stream_printf(&d->l.s, "%s %s %s\r\n", d->lex.tag, how, text);
	return LOGIN_GO_ON;
}

static enum login_next
imapd_bye(struct imapd *d, const char *text)
{
	stream_printf(&d->l.s, "* BYE %s\r\n", text);
	return LOGIN_CLOSE;
}

static enum login_next
imapd_error(struct imapd *d, const char *how, const char *text)
{
	imapd_answer(d, how, text);
	return login_error(&d->l) ? LOGIN_GO_ON :
	    imapd_bye(d, "Too many errors");
}

static enum login_next
imapd_refused(struct imapd *d, const char *text)
{
	imapd_answer(d, "NO", text);
	return login_failure(&d->l) ? LOGIN_GO_ON :
	    imapd_bye(d, "Too many failed logins");
}

/* The stream gave no command: why, and a word to who can still hear it. */
static enum login_next
imapd_lost(struct imapd *d)
{
	switch (d->lex.status) {
	case STREAM_TIMEOUT:
		log_info("event=imap-login-timeout ip=%s",
		    d->l.conn->peer.address);
		return imapd_bye(d, "Too slow, goodbye");
	case STREAM_STOP:
		return imapd_bye(d, "[UNAVAILABLE] Shutting down");
	case STREAM_OK:
	case STREAM_EOF:
	case STREAM_TOOLONG:
	case STREAM_BARE:
	case STREAM_ERROR:
		break;
	}
	return LOGIN_CLOSE;
}

/* The words were not as they should be: the lexer knows how. */
static enum login_next
imapd_lex(struct imapd *d)
{
	if (d->lex.status != STREAM_OK)
		return imapd_lost(d);
	return imapd_error(d, d->lex.no ? "NO" : "BAD", d->lex.error);
}

/* What a login came to (RFC 5530 3). */
static enum login_next
imapd_outcome(struct imapd *d, enum login_outcome end)
{
	switch (end) {
	case LOGIN_OK:
		return LOGIN_HANDED;
	case LOGIN_WRONG:
		return imapd_refused(d, "[AUTHENTICATIONFAILED] Wrong user "
		    "name or password");
	case LOGIN_DISABLED:
		return imapd_refused(d, "[CONTACTADMIN] This account may not "
		    "use IMAP");
	case LOGIN_LATER:
		return imapd_refused(d, "[UNAVAILABLE] Login is not possible "
		    "now, try again later");
	case LOGIN_FOREIGN:
		return imapd_refused(d, "[AUTHORIZATIONFAILED] Nobody may act "
		    "for another user here");
	case LOGIN_UNSAFE:
		return imapd_refused(d, login_offers_tls(&d->l) ?
		    "[PRIVACYREQUIRED] Passwords are accepted only with TLS: "
		    "send STARTTLS first" :
		    "[PRIVACYREQUIRED] Passwords are accepted only from this "
		    "machine, as there is no encryption here");
	case LOGIN_UNKNOWN:
		return imapd_error(d, "NO", "[CANNOT] That mechanism is not "
		    "offered");
	case LOGIN_CANCELLED:
		return imapd_error(d, "BAD", "Cancelled");
	case LOGIN_MALFORMED:
		return imapd_error(d, "BAD", "The mechanism does not know "
		    "such a message");
	case LOGIN_NO_SOCKET:
		imapd_answer(d, "NO", "[CANNOT] A session needs a socket");
		return imapd_bye(d, "Goodbye");
	case LOGIN_LOST:
		break;
	}
	return imapd_lost(d);
}

/* Each mechanism as "AUTH=NAME". */
static void
imapd_put_mechanisms(struct imapd *d)
{
	struct buf	 list;
	const char	*name, *end;

	buf_init(&list, MECHANISMS_MAX);
	login_mechanisms(&d->l, &list);
	for (name = buf_cstr(&list); *name != '\0'; name = end) {
		name += strspn(name, " ");
		end = name + strcspn(name, " ");
		stream_printf(&d->l.s, " AUTH=%.*s", (int)(end - name), name);
	}
	buf_free(&list);
}

static void
imapd_put_capabilities(struct imapd *d)
{
	stream_printf(&d->l.s, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR "
	    "LITERAL+ ID ENABLE%s%s",
	    login_offers_tls(&d->l) ? " STARTTLS" : "",
	    d->l.safe ? "" : " LOGINDISABLED");
	imapd_put_mechanisms(d);
}

static enum login_next
imapd_capability(struct imapd *d)
{
	if (!imap_lex_end(&d->lex))
		return imapd_lex(d);
	stream_put(&d->l.s, "* ", 2);
	imapd_put_capabilities(d);
	stream_put(&d->l.s, "\r\n", 2);
	return imapd_answer(d, "OK", "CAPABILITY completed");
}

static enum login_next
imapd_noop(struct imapd *d)
{
	return imap_lex_end(&d->lex) ?
	    imapd_answer(d, "OK", "NOOP completed") : imapd_lex(d);
}

static enum login_next
imapd_logout(struct imapd *d)
{
	if (!imap_lex_end(&d->lex))
		return imapd_lex(d);
	imapd_bye(d, "Goodbye");
	imapd_answer(d, "OK", "LOGOUT completed");
	return LOGIN_CLOSE;
}

static enum login_next
imapd_id(struct imapd *d)
{
	struct imap_lex	*x = &d->lex;
	struct slice	 name, version;

	/* What a client says of itself before login is forgotten. */
	if (!imap_lex_space(x) || !imap_lex_id(x, &name, &version) ||
	    !imap_lex_end(x))
		return imapd_lex(d);
	stream_printf(&d->l.s, "* ID (\"name\" \"Merpati\")\r\n");
	return imapd_answer(d, "OK", "ID completed");
}

static void
imapd_set_tag(struct imapd *d)
{
	strlcpy(d->l.session->tag, d->lex.tag, sizeof(d->l.session->tag));
}

static enum login_next
imapd_login(struct imapd *d)
{
	struct slice	 user, password;

	/* Before its words: a password that waits for "+" is not sent. */
	if (!d->l.safe)
		return imapd_outcome(d, LOGIN_UNSAFE);
	if (!imap_lex_space(&d->lex) || !imap_lex_astring(&d->lex, &user) ||
	    !imap_lex_space(&d->lex) ||
	    !imap_lex_astring(&d->lex, &password) || !imap_lex_end(&d->lex))
		return imapd_lex(d);
	imapd_set_tag(d);
	return imapd_outcome(d, login_password(&d->l, user, password));
}

/* RFC 9051 6.2.2, RFC 4959 3 */
static enum login_next
imapd_authenticate(struct imapd *d)
{
	struct imap_lex		*x = &d->lex;
	struct slice		 mechanism, initial;
	bool			 has_initial = false;
	enum stream_status	 st;
	enum login_outcome	 end;

	if (!imap_lex_space(x) || !imap_lex_atom(x, &mechanism))
		return imapd_lex(d);
	if (!imap_lex_at_end(x)) {
		has_initial = true;
		if (!imap_lex_space(x) || !imap_lex_atom(x, &initial))
			return imapd_lex(d);
	}
	if (!imap_lex_end(x))
		return imapd_lex(d);
	imapd_set_tag(d);
	end = login_sasl(&d->l, mechanism, has_initial ? &initial : NULL,
	    &st);
	if (end == LOGIN_LOST)
		x->status = st;
	return imapd_outcome(d, end);
}

/* RFC 9051 6.2.1 */
static enum login_next
imapd_starttls(struct imapd *d)
{
	if (!imap_lex_end(&d->lex))
		return imapd_lex(d);
	if (!login_offers_tls(&d->l))
		return imapd_error(d, "BAD", tls_on(&d->l.s) ?
		    "TLS is there already" : "STARTTLS is not offered");
	if (!login_tls_ready(&d->l))
		return imapd_error(d, "NO", "[UNAVAILABLE] TLS is not "
		    "possible now");
	imapd_answer(d, "OK", "Begin TLS now");
	if (!login_start_tls(&d->l))
		return LOGIN_CLOSE;
	d->lex.limit.line = login_line_max(&d->l);
	return LOGIN_GO_ON;
}

static const struct {
	const char	*name;
	enum login_next	(*run)(struct imapd *);	/* NULL: after login */
} commands[] = {
	{ "LOGIN", imapd_login },
	{ "AUTHENTICATE", imapd_authenticate },
	{ "CAPABILITY", imapd_capability },
	{ "ID", imapd_id },
	{ "NOOP", imapd_noop },
	{ "LOGOUT", imapd_logout },
	{ "STARTTLS", imapd_starttls },
	{ "APPEND", NULL },
	{ "CHECK", NULL },
	{ "CLOSE", NULL },
	{ "COMPRESS", NULL },
	{ "COPY", NULL },
	{ "CREATE", NULL },
	{ "DELETE", NULL },
	{ "ENABLE", NULL },
	{ "EXAMINE", NULL },
	{ "EXPUNGE", NULL },
	{ "FETCH", NULL },
	{ "GETMETADATA", NULL },
	{ "GETQUOTA", NULL },
	{ "GETQUOTAROOT", NULL },
	{ "IDLE", NULL },
	{ "LIST", NULL },
	{ "LSUB", NULL },
	{ "MOVE", NULL },
	{ "NAMESPACE", NULL },
	{ "NOTIFY", NULL },
	{ "RENAME", NULL },
	{ "REPLACE", NULL },
	{ "SEARCH", NULL },
	{ "SELECT", NULL },
	{ "SETMETADATA", NULL },
	{ "SETQUOTA", NULL },
	{ "SORT", NULL },
	{ "STATUS", NULL },
	{ "STORE", NULL },
	{ "SUBSCRIBE", NULL },
	{ "THREAD", NULL },
	{ "UID", NULL },
	{ "UNSELECT", NULL },
	{ "UNSUBSCRIBE", NULL },
};

static enum login_next
imapd_command(struct imapd *d, struct slice name)
{
	size_t	 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!slice_is(name, commands[i].name))
			continue;
		return commands[i].run != NULL ? commands[i].run(d) :
		    imapd_error(d, "BAD", "Log in first");
	}
	return imapd_error(d, "BAD", "Unknown command");
}

static enum login_next
imapd_step(struct imapd *d)
{
	struct slice	 name;
	enum login_next	 next;

	next = imap_lex_begin(&d->lex, &name) ? imapd_command(d, name) :
	    imapd_lex(d);
	if (next == LOGIN_GO_ON) {
		imap_lex_finish(&d->lex);
		if (d->lex.bye)
			next = imapd_bye(d, d->lex.error);
		else if (d->lex.status != STREAM_OK)
			next = imapd_lost(d);
	}
	imap_lex_wipe(&d->lex);
	return next;
}

static void
imapd_greet(struct imapd *d)
{
	stream_put(&d->l.s, "* OK [", 6);
	imapd_put_capabilities(d);
	stream_printf(&d->l.s, "] %s Merpati ready\r\n",
	    d->l.conf->hostname);
}

void
imapd_serve(struct login_server *server, const struct listener_conn *conn)
{
	static struct imapd	 d;	/* a process serves one */
	struct imap_limits	 limit = { .literal = LITERAL_MAX,
	    .plus = true };
	enum login_next		 next = LOGIN_CLOSE;

	if (login_begin(&d.l, server, conn)) {
		limit.line = login_line_max(&d.l);
		imap_lex_init(&d.lex, &d.l.s, &limit);
		/* Clients write what people type: more than ASCII. */
		d.lex.utf8 = true;
		imapd_greet(&d);
		do
			next = imapd_step(&d);
		while (next == LOGIN_GO_ON);
		imap_lex_free(&d.lex);
	}
	login_end(&d.l, next);
}
