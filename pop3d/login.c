/*
 * Contract in login.h.  Straight-line: a command, its answer, the next one.
 * After a successful login the session server writes the answer to PASS or
 * AUTH.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/net/login.h"
#include "lib/net/pop3.h"
#include "lib/net/tls_stream.h"
#include "pop3d/login.h"

#define CAPA_MAX	1024
#define MECHANISMS_MAX	512

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

/* No line came: why, and a word to who can still hear it. */
static enum login_next
pop3d_lost(struct pop3d *d, enum stream_status st)
{
	switch (st) {
	case STREAM_TIMEOUT:
		log_info("event=pop3-login-timeout ip=%s",
		    d->l.conn->peer.address);
		pop3d_answer(d, "-ERR [SYS/TEMP] Too slow, goodbye");
		break;
	case STREAM_STOP:
		pop3d_answer(d, "-ERR [SYS/TEMP] Shutting down");
		break;
	case STREAM_OK:
	case STREAM_TOOLONG:
	case STREAM_BARE:
	case STREAM_EOF:
	case STREAM_ERROR:
		break;
	}
	return LOGIN_CLOSE;
}

/* What a login came to (RFC 2449 8, RFC 3206 4). */
static enum login_next
pop3d_outcome(struct pop3d *d, enum login_outcome end,
    enum stream_status status)
{
	switch (end) {
	case LOGIN_OK:
		return LOGIN_HANDED;
	case LOGIN_WRONG:
		return pop3d_refused(d,
		    "-ERR [AUTH] Wrong user name or password");
	case LOGIN_DISABLED:
		return pop3d_refused(d,
		    "-ERR [AUTH] This account may not use POP3");
	case LOGIN_LATER:
		return pop3d_refused(d,
		    "-ERR [SYS/TEMP] Login is not possible now, try again "
		    "later");
	case LOGIN_FOREIGN:
		return pop3d_refused(d,
		    "-ERR [AUTH] Nobody may act for another user here");
	case LOGIN_UNSAFE:
		return pop3d_refused(d, login_offers_tls(&d->l) ?
		    "-ERR [AUTH] Passwords are accepted only with TLS: send "
		    "STLS first" :
		    "-ERR [AUTH] Passwords are accepted only from this "
		    "machine, as there is no encryption here");
	case LOGIN_UNKNOWN:
		return pop3d_error(d, "-ERR That mechanism is not offered");
	case LOGIN_CANCELLED:
		return pop3d_error(d, "-ERR Cancelled");
	case LOGIN_MALFORMED:
		return pop3d_error(d,
		    "-ERR The mechanism does not know such a message");
	case LOGIN_NO_SOCKET:
		pop3d_answer(d, "-ERR [SYS/PERM] A session needs a socket");
		return LOGIN_CLOSE;
	case LOGIN_LOST:
		break;
	}
	return pop3d_lost(d, status);
}

static enum login_next
pop3d_user(struct pop3d *d, const struct pop3_command *cmd)
{
	struct slice	 user = cmd->args;

	if (!d->l.safe)
		return pop3d_outcome(d, LOGIN_UNSAFE, STREAM_OK);
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
pop3d_pass(struct pop3d *d, const struct pop3_command *cmd)
{
	enum login_outcome	 end;

	if (!d->l.safe)
		return pop3d_outcome(d, LOGIN_UNSAFE, STREAM_OK);
	if (d->user[0] == '\0')
		return pop3d_error(d, "-ERR Send USER first");
	end = login_password(&d->l, slice_str(d->user), cmd->args);
	/* RFC 1939 7: after a failed PASS the client begins with USER again. */
	d->user[0] = '\0';
	return pop3d_outcome(d, end, STREAM_OK);
}

/* A lone AUTH, as older clients expect. */
static enum login_next
pop3d_auth_list(struct pop3d *d)
{
	struct buf	 list;
	const char	*name, *end;

	buf_init(&list, MECHANISMS_MAX);
	login_mechanisms(&d->l, &list);
	pop3d_answer(d, "+OK");
	for (name = buf_cstr(&list); *name != '\0'; name = end) {
		name += strspn(name, " ");
		end = name + strcspn(name, " ");
		stream_printf(&d->l.s, "%.*s\r\n", (int)(end - name), name);
	}
	buf_free(&list);
	return pop3d_answer(d, ".");
}

/* RFC 5034 4 */
static enum login_next
pop3d_auth(struct pop3d *d, const struct pop3_command *cmd)
{
	struct slice		 mechanism = text_trim(cmd->args), initial;
	enum stream_status	 st;
	enum login_outcome	 end;
	const char		*blank;

	if (mechanism.len == 0)
		return pop3d_auth_list(d);
	blank = memchr(mechanism.ptr, ' ', mechanism.len);
	if (blank != NULL) {
		initial.ptr = blank + 1;
		initial.len = mechanism.len -
		    (size_t)(initial.ptr - mechanism.ptr);
		mechanism.len = (size_t)(blank - mechanism.ptr);
	}
	end = login_sasl(&d->l, mechanism, blank != NULL ? &initial : NULL,
	    &st);
	return pop3d_outcome(d, end, st);
}

/* RFC 2595 4 */
static enum login_next
pop3d_stls(struct pop3d *d, const struct pop3_command *cmd)
{
	if (cmd->has_args)
		return pop3d_error(d, "-ERR STLS has no arguments");
	if (!login_offers_tls(&d->l))
		return pop3d_error(d, tls_on(&d->l.s) ?
		    "-ERR TLS is there already" : "-ERR STLS is not offered");
	if (!login_tls_ready(&d->l))
		return pop3d_error(d,
		    "-ERR [SYS/TEMP] TLS is not possible now");
	pop3d_answer(d, "+OK Begin TLS now");
	d->user[0] = '\0';
	return login_start_tls(&d->l) ? LOGIN_GO_ON : LOGIN_CLOSE;
}

static enum login_next
pop3d_capa(struct pop3d *d)
{
	struct buf		 list, names;
	struct pop3_offer	 offer = { .user = d->l.safe,
	    .stls = login_offers_tls(&d->l) };

	buf_init(&names, MECHANISMS_MAX);
	login_mechanisms(&d->l, &names);
	offer.sasl = buf_cstr(&names);
	buf_init(&list, CAPA_MAX);
	pop3d_answer(d, "+OK Capabilities follow");
	pop3_capabilities(d->l.conf, &offer, &list);
	stream_put(&d->l.s, buf_cstr(&list), list.len);
	buf_free(&list);
	buf_free(&names);
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
		return pop3d_stls(d, &cmd);
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
	struct slice		 line;
	enum stream_status	 st;
	enum login_next		 next;

	switch (st = stream_line(&d->l.s, login_line_max(&d->l), &line)) {
	case STREAM_OK:
		next = pop3d_command(d, line);
		stream_wipe(&d->l.s);
		return next;
	case STREAM_TOOLONG:
		return pop3d_error(d, "-ERR Line too long");
	case STREAM_BARE:
		return pop3d_error(d, "-ERR Carriage return inside a line");
	case STREAM_TIMEOUT:
	case STREAM_STOP:
	case STREAM_EOF:
	case STREAM_ERROR:
		break;
	}
	return pop3d_lost(d, st);
}

void
pop3d_serve(struct login_server *server, const struct listener_conn *conn)
{
	static struct pop3d	 d;	/* a process serves one connection */
	enum login_next		 next = LOGIN_CLOSE;

	if (login_begin(&d.l, server, conn)) {
		d.l.s.bare_lf_ok = true;
		stream_printf(&d.l.s, "+OK %s Merpati POP3 ready\r\n",
		    d.l.conf->hostname);
		do
			next = pop3d_step(&d);
		while (next == LOGIN_GO_ON);
		explicit_bzero(d.user, sizeof(d.user));
	}
	login_end(&d.l, next);
}
