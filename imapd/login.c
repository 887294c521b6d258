/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 * After a successful login the session server writes the tagged answer.
 */
#include <string.h>

#include <bsd/string.h>

#include "imapd/login.h"
#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "lib/net/imap_lex.h"
#include "lib/net/login.h"

#define LITERAL_MAX	1024	/* a name or a password */

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

static enum login_next
imapd_wrong(struct imapd *d)
{
	return imapd_refused(d, "[AUTHENTICATIONFAILED] Wrong user name or "
	    "password");
}

/* User and password are in the session; ask authd to take the connection. */
static enum login_next
imapd_hand_over(struct imapd *d)
{
	strlcpy(d->l.session->tag, d->lex.tag,
	    sizeof(d->l.session->tag));
	switch (login_hand_over(&d->l)) {
	case HAND_OVER_DONE:
	case HAND_OVER_PUMP:
		return LOGIN_HANDED;
	case HAND_OVER_BAD:
		return imapd_wrong(d);
	case HAND_OVER_DISABLED:
		return imapd_refused(d, "[CONTACTADMIN] This account may not "
		    "use IMAP");
	case HAND_OVER_LATER:
		return imapd_refused(d, "[UNAVAILABLE] Login is not possible "
		    "now, try again later");
	case HAND_OVER_NO_SOCKET:
		imapd_answer(d, "NO", "[CANNOT] A session needs a socket");
		return imapd_bye(d, "Goodbye");
	case HAND_OVER_GONE:
		break;
	}
	return LOGIN_CLOSE;
}

static enum login_next
imapd_try(struct imapd *d, enum credentials_status st)
{
	switch (st) {
	case CREDENTIALS_OK:
		return imapd_hand_over(d);
	case CREDENTIALS_CANCELLED:
		return imapd_error(d, "BAD", "Cancelled");
	case CREDENTIALS_MALFORMED:
		return imapd_error(d, "BAD",
		    "That is no user name and password");
	case CREDENTIALS_FOREIGN:
		break;
	}
	return imapd_refused(d, "[AUTHORIZATIONFAILED] Nobody may act for "
	    "another user here");
}

static enum login_next
imapd_unsafe(struct imapd *d)
{
	return imapd_refused(d, "[PRIVACYREQUIRED] Passwords are accepted "
	    "only from this machine, as there is no encryption here yet");
}

static void
imapd_put_capabilities(struct imapd *d)
{
	stream_printf(&d->l.s, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ "
	    "ID ENABLE %s", d->l.safe ? "AUTH=PLAIN" : "LOGINDISABLED");
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

static enum login_next
imapd_login(struct imapd *d)
{
	struct slice	 user, password;

	/* Before its words: a password that waits for "+" is not sent. */
	if (!d->l.safe)
		return imapd_unsafe(d);
	if (!imap_lex_space(&d->lex) || !imap_lex_astring(&d->lex, &user) ||
	    !imap_lex_space(&d->lex) ||
	    !imap_lex_astring(&d->lex, &password) || !imap_lex_end(&d->lex))
		return imapd_lex(d);
	/* A name that nobody has, a password that is none: just wrong. */
	if (credentials_set(&d->l.session->check, user, password) !=
	    CREDENTIALS_OK)
		return imapd_wrong(d);
	return imapd_hand_over(d);
}

/* What the client answers to "+" (RFC 9051 6.2.2). */
static enum login_next
imapd_authenticate_line(struct imapd *d)
{
	struct slice	 line;

	stream_put(&d->l.s, "+ \r\n", 4);
	d->lex.status = stream_line(&d->l.s, CREDENTIALS_LINE, &line);
	switch (d->lex.status) {
	case STREAM_OK:
		return imapd_try(d, credentials_plain(&d->l.session->check,
		    line));
	case STREAM_TOOLONG:
	case STREAM_BARE:
		d->lex.status = STREAM_OK;
		return imapd_try(d, CREDENTIALS_MALFORMED);
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
	case STREAM_STOP:
		break;
	}
	return imapd_lost(d);
}

static enum login_next
imapd_authenticate(struct imapd *d)
{
	struct imap_lex	*x = &d->lex;
	struct slice	 mechanism, initial = { NULL, 0 };

	if (!imap_lex_space(x) || !imap_lex_atom(x, &mechanism))
		return imapd_lex(d);
	if (!slice_is(mechanism, "PLAIN"))
		return imapd_error(d, "NO", "Only PLAIN is known here");
	if (!d->l.safe)
		return imapd_unsafe(d);
	/* "=" is an empty response (RFC 4959 3), which PLAIN has none of. */
	if ((!imap_lex_at_end(x) && (!imap_lex_space(x) ||
	    !imap_lex_atom(x, &initial))) || !imap_lex_end(x))
		return imapd_lex(d);
	return initial.ptr == NULL ? imapd_authenticate_line(d) :
	    imapd_try(d, credentials_plain(&d->l.session->check, initial));
}

static enum login_next
imapd_starttls(struct imapd *d)
{
	return imapd_error(d, "BAD", "STARTTLS is not offered");
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

void
imapd_serve(const struct login_program *prog, const struct config *conf,
    const struct listener_conn *conn)
{
	static const struct imap_limits	 limit = { .line = CREDENTIALS_LINE,
	    .literal = LITERAL_MAX, .plus = true };
	static struct imapd		 d;	/* a process serves one */
	enum login_next			 next;

	login_begin(&d.l, prog, conf, conn);
	imap_lex_init(&d.lex, &d.l.s, &limit);
	/* Clients write what people type, and they type more than ASCII. */
	d.lex.utf8 = true;
	stream_put(&d.l.s, "* OK [", 6);
	imapd_put_capabilities(&d);
	stream_printf(&d.l.s, "] %s Merpati ready\r\n", conf->hostname);
	do
		next = imapd_step(&d);
	while (next == LOGIN_GO_ON);
	imap_lex_free(&d.lex);
	login_end(&d.l, next);
}
