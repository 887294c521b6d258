/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 * After a successful login the session server writes the answer to PASS or
 * AUTH.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "lib/net/login.h"
#include "lib/net/pop3.h"
#include "pop3d/login.h"

#define CAPA_MAX	1024

struct pop3d {
	struct login	 l;
	char		 user[AUTH_USER_MAX + 1];
};

static enum login_next
pop3d_answer(struct pop3d *d, const char *text)
{
	stream_put(&d->l.s, text, strlen(text));
	stream_put(&d->l.s, "\r\n", 2);
	return LOGIN_GO_ON;
}

static enum login_next
pop3d_error(struct pop3d *d, const char *text)
{
	pop3d_answer(d, text);
	return login_error(&d->l) ? LOGIN_GO_ON : LOGIN_CLOSE;
}

static enum login_next
pop3d_refused(struct pop3d *d, const char *text)
{
	pop3d_answer(d, text);
	return login_failure(&d->l) ? LOGIN_GO_ON : LOGIN_CLOSE;
}

/* User and password are in the session; ask authd to take the connection. */
static enum login_next
pop3d_hand_over(struct pop3d *d)
{
	switch (login_hand_over(&d->l)) {
	case HAND_OVER_DONE:
	case HAND_OVER_PUMP:
		return LOGIN_HANDED;
	case HAND_OVER_BAD:
		return pop3d_refused(d,
		    "-ERR [AUTH] Wrong user name or password");
	case HAND_OVER_DISABLED:
		return pop3d_refused(d,
		    "-ERR [AUTH] This account may not use POP3");
	case HAND_OVER_LATER:
		return pop3d_refused(d,
		    "-ERR [SYS/TEMP] Login is not possible now, try again "
		    "later");
	case HAND_OVER_NO_SOCKET:
		pop3d_answer(d, "-ERR [SYS/PERM] A session needs a socket");
		return LOGIN_CLOSE;
	case HAND_OVER_GONE:
		break;
	}
	return LOGIN_CLOSE;
}

static enum login_next
pop3d_unsafe(struct pop3d *d)
{
	return pop3d_refused(d, "-ERR [AUTH] Passwords are accepted only from "
	    "this machine, as there is no encryption here yet");
}

static enum login_next
pop3d_user(struct pop3d *d, const struct pop3_command *cmd)
{
	struct slice	 user = cmd->args;

	if (!d->l.safe)
		return pop3d_unsafe(d);
	while (user.len > 0 && user.ptr[user.len - 1] == ' ')
		user.len--;
	if (user.len == 0 || user.len > AUTH_USER_MAX ||
	    memchr(user.ptr, '\0', user.len) != NULL)
		return pop3d_error(d, "-ERR USER needs a name");
	memcpy(d->user, user.ptr, user.len);
	d->user[user.len] = '\0';
	/* The same for names that exist and names that do not. */
	return pop3d_answer(d, "+OK Now the password");
}

static enum login_next
pop3d_try(struct pop3d *d, enum credentials_status st)
{
	switch (st) {
	case CREDENTIALS_OK:
		return pop3d_hand_over(d);
	case CREDENTIALS_CANCELLED:
		return pop3d_error(d, "-ERR Cancelled");
	case CREDENTIALS_MALFORMED:
		return pop3d_error(d,
		    "-ERR That is no user name and password");
	case CREDENTIALS_FOREIGN:
		break;
	}
	return pop3d_refused(d,
	    "-ERR [AUTH] Nobody may act for another user here");
}

static enum login_next
pop3d_pass(struct pop3d *d, const struct pop3_command *cmd)
{
	enum credentials_status	 st;

	if (!d->l.safe)
		return pop3d_unsafe(d);
	if (d->user[0] == '\0')
		return pop3d_error(d, "-ERR Send USER first");
	st = credentials_set(&d->l.session->check, slice_str(d->user), cmd->args);
	/* RFC 1939 7: after a failed PASS the client begins with USER again. */
	d->user[0] = '\0';
	return pop3d_try(d, st);
}

/* RFC 5034 4.  A lone AUTH lists the mechanisms, as older clients expect. */
static enum login_next
pop3d_auth(struct pop3d *d, const struct pop3_command *cmd)
{
	enum stream_status	 st;
	struct slice		 args = cmd->args, line;

	while (args.len > 0 && args.ptr[args.len - 1] == ' ')
		args.len--;
	if (args.len == 0)
		return pop3d_answer(d, d->l.safe ? "+OK\r\nPLAIN\r\n." :
		    "+OK\r\n.");
	if (args.len < 5 || !slice_is((struct slice){ args.ptr, 5 }, "PLAIN") ||
	    (args.len > 5 && args.ptr[5] != ' '))
		return pop3d_error(d, "-ERR Only PLAIN is known here");
	if (!d->l.safe)
		return pop3d_unsafe(d);
	if (args.len > 6)
		return pop3d_try(d, credentials_plain(&d->l.session->check,
		    (struct slice){ args.ptr + 6, args.len - 6 }));
	pop3d_answer(d, "+ ");
	if ((st = stream_line(&d->l.s, CREDENTIALS_LINE, &line)) == STREAM_OK)
		return pop3d_try(d, credentials_plain(&d->l.session->check,
		    line));
	if (st == STREAM_TOOLONG || st == STREAM_BARE)
		return pop3d_try(d, CREDENTIALS_MALFORMED);
	return LOGIN_CLOSE;
}

static enum login_next
pop3d_capa(struct pop3d *d)
{
	struct buf	 list;

	buf_init(&list, CAPA_MAX);
	pop3d_answer(d, "+OK Capabilities follow");
	pop3_capabilities(d->l.conf, d->l.safe, &list);
	stream_put(&d->l.s, buf_cstr(&list), list.len);
	buf_free(&list);
	return LOGIN_GO_ON;
}

static enum login_next
pop3d_command(struct pop3d *d, struct slice line)
{
	struct pop3_command	 cmd;

	pop3_parse(line, &cmd);
	if (line.len + 2 > POP3_LINE && cmd.verb != POP3_AUTH &&
	    cmd.verb != POP3_PASS && cmd.verb != POP3_USER)
		return pop3d_error(d, "-ERR Line too long");
	switch (cmd.verb) {
	case POP3_USER:
		return pop3d_user(d, &cmd);
	case POP3_PASS:
		return pop3d_pass(d, &cmd);
	case POP3_AUTH:
		return pop3d_auth(d, &cmd);
	case POP3_CAPA:
		return pop3d_capa(d);
	case POP3_UTF8:
		/* Nothing to remember: see "UTF-8" in pop3-session(8). */
		return pop3d_answer(d, "+OK UTF-8 is welcome");
	case POP3_QUIT:
		pop3d_answer(d, "+OK Goodbye");
		return LOGIN_CLOSE;
	case POP3_APOP:
		return pop3d_error(d, "-ERR APOP is not offered");
	case POP3_STLS:
		return pop3d_error(d, "-ERR STLS is not offered");
	case POP3_DELE:
	case POP3_LIST:
	case POP3_NOOP:
	case POP3_RETR:
	case POP3_RSET:
	case POP3_STAT:
	case POP3_TOP:
	case POP3_UIDL:
		return pop3d_error(d, "-ERR Log in first");
	case POP3_UNKNOWN:
		break;
	}
	return pop3d_error(d, "-ERR Unknown command");
}

static enum login_next
pop3d_step(struct pop3d *d)
{
	struct slice	 line;

	switch (stream_line(&d->l.s, CREDENTIALS_LINE, &line)) {
	case STREAM_OK:
		return pop3d_command(d, line);
	case STREAM_TOOLONG:
		return pop3d_error(d, "-ERR Line too long");
	case STREAM_BARE:
		return pop3d_error(d, "-ERR Carriage return inside a line");
	case STREAM_TIMEOUT:
		log_info("event=pop3-login-timeout ip=%s",
		    d->l.conn->peer.address);
		pop3d_answer(d, "-ERR [SYS/TEMP] Too slow, goodbye");
		return LOGIN_CLOSE;
	case STREAM_STOP:
		pop3d_answer(d, "-ERR [SYS/TEMP] Shutting down");
		return LOGIN_CLOSE;
	case STREAM_EOF:
	case STREAM_ERROR:
		break;
	}
	return LOGIN_CLOSE;
}

void
pop3d_serve(const struct login_program *prog, const struct config *conf,
    const struct listener_conn *conn)
{
	static struct pop3d	 d;	/* a process serves one connection */
	enum login_next		 next;

	login_begin(&d.l, prog, conf, conn);
	d.l.s.bare_lf_ok = true;
	stream_printf(&d.l.s, "+OK %s Merpati POP3 ready\r\n",
	    conf->hostname);
	do
		next = pop3d_step(&d);
	while (next == LOGIN_GO_ON);
	explicit_bzero(d.user, sizeof(d.user));
	login_end(&d.l, next);
}
