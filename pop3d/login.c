/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 *
 * After a successful login the session server writes the answer to PASS or
 * AUTH.  What the client sent behind that command (RFC 2449 6.6, pipelining)
 * goes to it with the connection; so that it always fits, we never read
 * more than READ_MAX octets at once.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "lib/net/hand_over.h"
#include "lib/net/pop3.h"
#include "lib/net/stream.h"
#include "pop3d/login.h"

#define READ_MAX	(AUTH_AHEAD_MAX - CREDENTIALS_LINE)
#define CAPA_MAX	1024
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
	struct auth_session		 session;
	char				 user[AUTH_USER_MAX + 1];
	bool				 safe;
	unsigned int			 failures, errors;
};

static ssize_t
login_read(struct stream *s, void *data, size_t len)
{
	return read(s->rfd, data, len < READ_MAX ? len : READ_MAX);
}

static enum login_next
login_answer(struct login *l, const char *text)
{
	stream_put(&l->s, text, strlen(text));
	stream_put(&l->s, "\r\n", 2);
	return LOGIN_GO_ON;
}

static enum login_next
login_error(struct login *l, const char *text)
{
	login_answer(l, text);
	if (++l->errors < LOGIN_ERRORS)
		return LOGIN_GO_ON;
	log_info("event=pop3-too-many-errors ip=%s", l->conn->peer.address);
	return LOGIN_CLOSE;
}

static enum login_next
login_refused(struct login *l, const char *text)
{
	login_answer(l, text);
	return ++l->failures < LOGIN_FAILURES ? LOGIN_GO_ON : LOGIN_CLOSE;
}

/* User and password are in the session; ask authd to take the connection. */
static enum login_next
login_hand_over(struct login *l)
{
	switch (hand_over(l->conf, l->conn, &l->s, "pop3", &l->session)) {
	case HAND_OVER_DONE:
		return LOGIN_HANDED;
	case HAND_OVER_BAD:
		return login_refused(l,
		    "-ERR [AUTH] Wrong user name or password");
	case HAND_OVER_DISABLED:
		return login_refused(l,
		    "-ERR [AUTH] This account may not use POP3");
	case HAND_OVER_LATER:
		return login_refused(l,
		    "-ERR [SYS/TEMP] Login is not possible now, try again "
		    "later");
	case HAND_OVER_NO_SOCKET:
		login_answer(l, "-ERR [SYS/PERM] A session needs a socket");
		return LOGIN_CLOSE;
	case HAND_OVER_GONE:
		break;
	}
	return LOGIN_CLOSE;
}

static enum login_next
login_unsafe(struct login *l)
{
	return login_refused(l, "-ERR [AUTH] Passwords are accepted only from "
	    "this machine, as there is no encryption here yet");
}

static enum login_next
login_user(struct login *l, const struct pop3_command *cmd)
{
	struct slice	 user = cmd->args;

	if (!l->safe)
		return login_unsafe(l);
	while (user.len > 0 && user.ptr[user.len - 1] == ' ')
		user.len--;
	if (user.len == 0 || user.len > AUTH_USER_MAX ||
	    memchr(user.ptr, '\0', user.len) != NULL)
		return login_error(l, "-ERR USER needs a name");
	memcpy(l->user, user.ptr, user.len);
	l->user[user.len] = '\0';
	/* The same for names that exist and names that do not. */
	return login_answer(l, "+OK Now the password");
}

static enum login_next
login_try(struct login *l, enum credentials_status st)
{
	switch (st) {
	case CREDENTIALS_OK:
		return login_hand_over(l);
	case CREDENTIALS_CANCELLED:
		return login_error(l, "-ERR Cancelled");
	case CREDENTIALS_MALFORMED:
		return login_error(l,
		    "-ERR That is no user name and password");
	case CREDENTIALS_FOREIGN:
		break;
	}
	return login_refused(l,
	    "-ERR [AUTH] Nobody may act for another user here");
}

static enum login_next
login_pass(struct login *l, const struct pop3_command *cmd)
{
	enum credentials_status	 st;

	if (!l->safe)
		return login_unsafe(l);
	if (l->user[0] == '\0')
		return login_error(l, "-ERR Send USER first");
	st = credentials_set(&l->session.check, slice_str(l->user), cmd->args);
	/* RFC 1939 7: after a failed PASS the client begins with USER again. */
	l->user[0] = '\0';
	return login_try(l, st);
}

/* RFC 5034 4.  A lone AUTH lists the mechanisms, as older clients expect. */
static enum login_next
login_auth(struct login *l, const struct pop3_command *cmd)
{
	enum stream_status	 st;
	struct slice		 args = cmd->args, line;

	while (args.len > 0 && args.ptr[args.len - 1] == ' ')
		args.len--;
	if (args.len == 0)
		return login_answer(l, l->safe ? "+OK\r\nPLAIN\r\n." :
		    "+OK\r\n.");
	if (args.len < 5 || !slice_is((struct slice){ args.ptr, 5 }, "PLAIN") ||
	    (args.len > 5 && args.ptr[5] != ' '))
		return login_error(l, "-ERR Only PLAIN is known here");
	if (!l->safe)
		return login_unsafe(l);
	if (args.len > 6)
		return login_try(l, credentials_plain(&l->session.check,
		    (struct slice){ args.ptr + 6, args.len - 6 }));
	login_answer(l, "+ ");
	if ((st = stream_line(&l->s, CREDENTIALS_LINE, &line)) == STREAM_OK)
		return login_try(l, credentials_plain(&l->session.check,
		    line));
	if (st == STREAM_TOOLONG || st == STREAM_BARE)
		return login_try(l, CREDENTIALS_MALFORMED);
	return LOGIN_CLOSE;
}

static enum login_next
login_capa(struct login *l)
{
	struct buf	 list;

	buf_init(&list, CAPA_MAX);
	login_answer(l, "+OK Capabilities follow");
	pop3_capabilities(l->conf, l->safe, &list);
	stream_put(&l->s, buf_cstr(&list), list.len);
	buf_free(&list);
	return LOGIN_GO_ON;
}

static enum login_next
login_command(struct login *l, struct slice line)
{
	struct pop3_command	 cmd;

	pop3_parse(line, &cmd);
	if (line.len + 2 > POP3_LINE && cmd.verb != POP3_AUTH &&
	    cmd.verb != POP3_PASS && cmd.verb != POP3_USER)
		return login_error(l, "-ERR Line too long");
	switch (cmd.verb) {
	case POP3_USER:
		return login_user(l, &cmd);
	case POP3_PASS:
		return login_pass(l, &cmd);
	case POP3_AUTH:
		return login_auth(l, &cmd);
	case POP3_CAPA:
		return login_capa(l);
	case POP3_UTF8:
		/* Nothing to remember: see "UTF-8" in pop3-session(8). */
		return login_answer(l, "+OK UTF-8 is welcome");
	case POP3_QUIT:
		login_answer(l, "+OK Goodbye");
		return LOGIN_CLOSE;
	case POP3_APOP:
		return login_error(l, "-ERR APOP is not offered");
	case POP3_STLS:
		return login_error(l, "-ERR STLS is not offered");
	case POP3_DELE:
	case POP3_LIST:
	case POP3_NOOP:
	case POP3_RETR:
	case POP3_RSET:
	case POP3_STAT:
	case POP3_TOP:
	case POP3_UIDL:
		return login_error(l, "-ERR Log in first");
	case POP3_UNKNOWN:
		break;
	}
	return login_error(l, "-ERR Unknown command");
}

static enum login_next
login_step(struct login *l)
{
	struct slice	 line;

	switch (stream_line(&l->s, CREDENTIALS_LINE, &line)) {
	case STREAM_OK:
		return login_command(l, line);
	case STREAM_TOOLONG:
		return login_error(l, "-ERR Line too long");
	case STREAM_BARE:
		return login_error(l, "-ERR Carriage return inside a line");
	case STREAM_TIMEOUT:
		log_info("event=pop3-login-timeout ip=%s",
		    l->conn->peer.address);
		login_answer(l, "-ERR [SYS/TEMP] Too slow, goodbye");
		return LOGIN_CLOSE;
	case STREAM_STOP:
		login_answer(l, "-ERR [SYS/TEMP] Shutting down");
		return LOGIN_CLOSE;
	case STREAM_EOF:
	case STREAM_ERROR:
		break;
	}
	return LOGIN_CLOSE;
}

static int
login_patience_ms(const struct config *conf)
{
	unsigned int	 s = conf->pop3d.login_timeout;

	if (listener_load() >= BUSY_LOAD && s > BUSY_TIMEOUT)
		s = BUSY_TIMEOUT;
	return (int)s * 1000;
}

void
login_serve(const struct config *conf, const struct listener_conn *conn)
{
	static struct login	 l;	/* a process serves one connection */
	enum login_next		 next;
	int			 ms = login_patience_ms(conf);

	memset(&l, 0, sizeof(l));
	l.conf = conf;
	l.conn = conn;
	l.safe = credentials_safe(&conn->peer);
	stream_init(&l.s, conn->rfd, conn->wfd, ms, ms);
	l.s.read = login_read;
	l.s.bare_lf_ok = true;
	stream_printf(&l.s, "+OK %s Merpati POP3 ready\r\n", conf->hostname);
	do
		next = login_step(&l);
	while (next == LOGIN_GO_ON);
	if (next == LOGIN_CLOSE)
		stream_flush(&l.s);
	explicit_bzero(l.s.in, STREAM_IN);
	stream_free(&l.s);
	explicit_bzero(&l, sizeof(l));
}
