/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 *
 * After a successful login the session server writes the tagged answer.  What
 * the client sent behind the command goes to it with the connection; so that it
 * always fits, we never read more than READ_MAX octets at once.
 */
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "imapd/login.h"
#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "lib/net/hand_over.h"
#include "lib/net/imap_lex.h"
#include "lib/net/stream.h"

#define READ_MAX	(AUTH_AHEAD_MAX - CREDENTIALS_LINE)
#define LITERAL_MAX	1024	/* a name or a password */
#define ID_FIELDS	30	/* RFC 2971 3.3 */
#define BUSY_LOAD	80	/* per cent: time-outs shrink */
#define BUSY_TIMEOUT	10	/* seconds */

enum login_next {
	LOGIN_GO_ON,
	LOGIN_CLOSE,		/* flush, then close */
	LOGIN_HANDED		/* not ours any more: touch nothing */
};

struct login {
	const struct config		*conf;
	const struct listener_conn	*conn;
	struct stream			 s;
	struct imap_lex			 lex;
	struct auth_session		 session;
	bool				 safe;
	unsigned int			 failures, errors;
};

static ssize_t
login_read(struct stream *s, void *data, size_t len)
{
	return read(s->rfd, data, len < READ_MAX ? len : READ_MAX);
}

/* The tagged answer: how is OK, NO or BAD. */
static enum login_next
login_answer(struct login *l, const char *how, const char *text)
{
	stream_printf(&l->s, "%s %s %s\r\n", l->lex.tag, how, text);
	return LOGIN_GO_ON;
}

static enum login_next
login_bye(struct login *l, const char *text)
{
	stream_printf(&l->s, "* BYE %s\r\n", text);
	return LOGIN_CLOSE;
}

static enum login_next
login_error(struct login *l, const char *how, const char *text)
{
	login_answer(l, how, text);
	if (++l->errors < LOGIN_ERRORS)
		return LOGIN_GO_ON;
	log_info("event=imap-too-many-errors ip=%s", l->conn->peer.address);
	return login_bye(l, "Too many errors");
}

static enum login_next
login_refused(struct login *l, const char *text)
{
	login_answer(l, "NO", text);
	return ++l->failures < LOGIN_FAILURES ? LOGIN_GO_ON :
	    login_bye(l, "Too many failed logins");
}

/* The stream gave no command: why, and a word to who can still hear it. */
static enum login_next
login_lost(struct login *l)
{
	switch (l->lex.status) {
	case STREAM_TIMEOUT:
		log_info("event=imap-login-timeout ip=%s",
		    l->conn->peer.address);
		return login_bye(l, "Too slow, goodbye");
	case STREAM_STOP:
		return login_bye(l, "[UNAVAILABLE] Shutting down");
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
login_lex(struct login *l)
{
	if (l->lex.status != STREAM_OK)
		return login_lost(l);
	return login_error(l, l->lex.no ? "NO" : "BAD", l->lex.error);
}

static enum login_next
login_wrong(struct login *l)
{
	return login_refused(l, "[AUTHENTICATIONFAILED] Wrong user name or "
	    "password");
}

/* User and password are in the session; ask authd to take the connection. */
static enum login_next
login_hand_over(struct login *l)
{
	strlcpy(l->session.tag, l->lex.tag, sizeof(l->session.tag));
	switch (hand_over(l->conf, l->conn, &l->s, "imap", &l->session)) {
	case HAND_OVER_DONE:
		return LOGIN_HANDED;
	case HAND_OVER_BAD:
		return login_wrong(l);
	case HAND_OVER_DISABLED:
		return login_refused(l, "[CONTACTADMIN] This account may not "
		    "use IMAP");
	case HAND_OVER_LATER:
		return login_refused(l, "[UNAVAILABLE] Login is not possible "
		    "now, try again later");
	case HAND_OVER_NO_SOCKET:
		login_answer(l, "NO", "[CANNOT] A session needs a socket");
		return login_bye(l, "Goodbye");
	case HAND_OVER_GONE:
		break;
	}
	return LOGIN_CLOSE;
}

static enum login_next
login_try(struct login *l, enum credentials_status st)
{
	switch (st) {
	case CREDENTIALS_OK:
		return login_hand_over(l);
	case CREDENTIALS_CANCELLED:
		return login_error(l, "BAD", "Cancelled");
	case CREDENTIALS_MALFORMED:
		return login_error(l, "BAD",
		    "That is no user name and password");
	case CREDENTIALS_FOREIGN:
		break;
	}
	return login_refused(l, "[AUTHORIZATIONFAILED] Nobody may act for "
	    "another user here");
}

static enum login_next
login_unsafe(struct login *l)
{
	return login_refused(l, "[PRIVACYREQUIRED] Passwords are accepted "
	    "only from this machine, as there is no encryption here yet");
}

static void
login_put_capabilities(struct login *l)
{
	stream_printf(&l->s, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ "
	    "ID ENABLE %s", l->safe ? "AUTH=PLAIN" : "LOGINDISABLED");
}

static enum login_next
login_capability(struct login *l)
{
	if (!imap_lex_end(&l->lex))
		return login_lex(l);
	stream_put(&l->s, "* ", 2);
	login_put_capabilities(l);
	stream_put(&l->s, "\r\n", 2);
	return login_answer(l, "OK", "CAPABILITY completed");
}

static enum login_next
login_noop(struct login *l)
{
	return imap_lex_end(&l->lex) ?
	    login_answer(l, "OK", "NOOP completed") : login_lex(l);
}

static enum login_next
login_logout(struct login *l)
{
	if (!imap_lex_end(&l->lex))
		return login_lex(l);
	login_bye(l, "Goodbye");
	login_answer(l, "OK", "LOGOUT completed");
	return LOGIN_CLOSE;
}

/* RFC 2971 3.1: what a client says of itself is checked and forgotten. */
static bool
login_id_list(struct imap_lex *x)
{
	struct slice	 field, value;
	unsigned int	 n = 0;

	if (!imap_lex_expect(x, '('))
		return false;
	while (!imap_lex_accept(x, ')')) {
		if (n++ == ID_FIELDS)
			return imap_lex_fail(x, "Too many fields");
		if ((n > 1 && !imap_lex_space(x)) ||
		    !imap_lex_string(x, &field) || !imap_lex_space(x) ||
		    !imap_lex_nstring(x, &value))
			return false;
	}
	return true;
}

static enum login_next
login_id(struct login *l)
{
	struct imap_lex	*x = &l->lex;

	if (!imap_lex_space(x) || (!imap_lex_keyword(x, "NIL") &&
	    !login_id_list(x)) || !imap_lex_end(x))
		return login_lex(l);
	stream_printf(&l->s, "* ID (\"name\" \"Merpati\")\r\n");
	return login_answer(l, "OK", "ID completed");
}

static enum login_next
login_login(struct login *l)
{
	struct slice	 user, password;

	/* Before its words: a password that waits for "+" is not sent. */
	if (!l->safe)
		return login_unsafe(l);
	if (!imap_lex_space(&l->lex) || !imap_lex_astring(&l->lex, &user) ||
	    !imap_lex_space(&l->lex) ||
	    !imap_lex_astring(&l->lex, &password) || !imap_lex_end(&l->lex))
		return login_lex(l);
	/* A name that nobody has, a password that is none: just wrong. */
	if (credentials_set(&l->session.check, user, password) !=
	    CREDENTIALS_OK)
		return login_wrong(l);
	return login_hand_over(l);
}

/* What the client answers to "+" (RFC 9051 6.2.2). */
static enum login_next
login_authenticate_line(struct login *l)
{
	struct slice	 line;

	stream_put(&l->s, "+ \r\n", 4);
	l->lex.status = stream_line(&l->s, CREDENTIALS_LINE, &line);
	switch (l->lex.status) {
	case STREAM_OK:
		return login_try(l, credentials_plain(&l->session.check,
		    line));
	case STREAM_TOOLONG:
	case STREAM_BARE:
		l->lex.status = STREAM_OK;
		return login_try(l, CREDENTIALS_MALFORMED);
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
	case STREAM_STOP:
		break;
	}
	return login_lost(l);
}

static enum login_next
login_authenticate(struct login *l)
{
	struct imap_lex	*x = &l->lex;
	struct slice	 mechanism, initial = { NULL, 0 };

	if (!imap_lex_space(x) || !imap_lex_atom(x, &mechanism))
		return login_lex(l);
	if (!slice_is(mechanism, "PLAIN"))
		return login_error(l, "NO", "Only PLAIN is known here");
	if (!l->safe)
		return login_unsafe(l);
	/* "=" is an empty response (RFC 4959 3), which PLAIN has none of. */
	if ((!imap_lex_at_end(x) && (!imap_lex_space(x) ||
	    !imap_lex_atom(x, &initial))) || !imap_lex_end(x))
		return login_lex(l);
	return initial.ptr == NULL ? login_authenticate_line(l) :
	    login_try(l, credentials_plain(&l->session.check, initial));
}

static enum login_next
login_starttls(struct login *l)
{
	return login_error(l, "BAD", "STARTTLS is not offered");
}

static const struct {
	const char	*name;
	enum login_next	(*run)(struct login *);	/* NULL: after login */
} commands[] = {
	{ "LOGIN", login_login },
	{ "AUTHENTICATE", login_authenticate },
	{ "CAPABILITY", login_capability },
	{ "ID", login_id },
	{ "NOOP", login_noop },
	{ "LOGOUT", login_logout },
	{ "STARTTLS", login_starttls },
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
login_command(struct login *l, struct slice name)
{
	size_t	 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!slice_is(name, commands[i].name))
			continue;
		return commands[i].run != NULL ? commands[i].run(l) :
		    login_error(l, "BAD", "Log in first");
	}
	return login_error(l, "BAD", "Unknown command");
}

static enum login_next
login_step(struct login *l)
{
	struct slice	 name;
	enum login_next	 next;

	next = imap_lex_begin(&l->lex, &name) ? login_command(l, name) :
	    login_lex(l);
	if (next == LOGIN_GO_ON) {
		imap_lex_finish(&l->lex);
		if (l->lex.bye)
			next = login_bye(l, l->lex.error);
		else if (l->lex.status != STREAM_OK)
			next = login_lost(l);
	}
	imap_lex_wipe(&l->lex);
	return next;
}

static int
login_patience_ms(const struct config *conf)
{
	unsigned int	 s = conf->imapd.login_timeout;

	if (listener_load() >= BUSY_LOAD && s > BUSY_TIMEOUT)
		s = BUSY_TIMEOUT;
	return (int)s * 1000;
}

void
login_serve(const struct config *conf, const struct listener_conn *conn)
{
	static const struct imap_limits	 limit = { .line = CREDENTIALS_LINE,
	    .literal = LITERAL_MAX, .plus = true };
	static struct login		 l;	/* a process serves one */
	enum login_next			 next;
	int				 ms = login_patience_ms(conf);

	memset(&l, 0, sizeof(l));
	l.conf = conf;
	l.conn = conn;
	l.safe = credentials_safe(&conn->peer);
	stream_init(&l.s, conn->rfd, conn->wfd, ms, ms);
	l.s.read = login_read;
	imap_lex_init(&l.lex, &l.s, &limit);
	/* Clients write what people type, and they type more than ASCII. */
	l.lex.utf8 = true;
	stream_put(&l.s, "* OK [", 6);
	login_put_capabilities(&l);
	stream_printf(&l.s, "] %s Merpati ready\r\n", conf->hostname);
	do
		next = login_step(&l);
	while (next == LOGIN_GO_ON);
	if (next == LOGIN_CLOSE)
		stream_flush(&l.s);
	imap_lex_free(&l.lex);
	explicit_bzero(l.s.in, STREAM_IN);
	stream_free(&l.s);
	explicit_bzero(&l, sizeof(l));
}
