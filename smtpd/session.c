/* Contract in session.h: the loop, the table of commands. */
#include <sys/socket.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/net/sasl_server.h"
#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"
#include "smtpd/transaction.h"

#define BUSY_LOAD	80	/* per cent: then idle clients go sooner */
#define BUSY_MS		10000
#define LINGER_MS	200
#define LINGER_READS	64
#define LINGER_OCTETS	16384	/* a read */
#define TLS_STOP_MS	2000

/* What must be, or must not be, for a command to make sense. */
enum need {
	NEED_HELO = 1,
	NEED_MAIL = 2,
	NEED_NO_MAIL = 4,
	NEED_RCPT = 8,
	NEED_NO_BDAT = 16,
	NEED_NO_ARG = 32,
	NEED_TLS = 64		/* to be had, or the verb is not known */
};

enum roles {
	IN_SMTP = 1 << ROLE_MX | 1 << ROLE_SUBMISSION | 1 << ROLE_SUBMIT,
	IN_LMTP = 1 << ROLE_LMTP,
	IN_ALL = IN_SMTP | IN_LMTP,
	IN_SUBMISSION = 1 << ROLE_SUBMISSION,
	IN_NET = 1 << ROLE_MX | IN_SUBMISSION | IN_LMTP
};

static const struct command {
	const char	*verb;
	void		(*run)(struct session *, struct slice arg);
	int		 roles;
	int		 need;
} commands[] = {
	{ "RCPT", cmd_rcpt, IN_ALL, NEED_MAIL | NEED_NO_BDAT },
	{ "MAIL", cmd_mail, IN_ALL, NEED_HELO | NEED_NO_MAIL },
	{ "DATA", cmd_data, IN_ALL,
	    NEED_MAIL | NEED_RCPT | NEED_NO_BDAT | NEED_NO_ARG },
	{ "BDAT", cmd_bdat, IN_ALL, 0 },	/* looks itself */
	{ "EHLO", cmd_ehlo, IN_SMTP, 0 },
	{ "HELO", cmd_helo, IN_SMTP, 0 },
	{ "LHLO", cmd_ehlo, IN_LMTP, 0 },
	{ "RSET", cmd_rset, IN_ALL, NEED_NO_ARG },
	{ "NOOP", cmd_noop, IN_ALL, 0 },
	{ "QUIT", cmd_quit, IN_ALL, NEED_NO_ARG },
	{ "VRFY", cmd_vrfy, IN_ALL, 0 },
	{ "EXPN", cmd_expn, IN_ALL, 0 },
	{ "HELP", cmd_help, IN_ALL, 0 },
	{ "VERB", cmd_verb, IN_ALL, 0 },
	{ "STARTTLS", cmd_starttls, IN_NET, NEED_NO_ARG | NEED_TLS },
	{ "AUTH", cmd_auth, IN_SUBMISSION, NEED_HELO | NEED_NO_MAIL },
};

/* Known, but not offered here: RFC 5321 4.2.4 wants 502. */
static const char *const	 not_offered[] = {
	"STARTTLS", "AUTH", "ETRN", "ATRN", "TURN", "SEND", "SOML", "SAML",
	"BURL", "XCLIENT", "XFORWARD", "ONEX",
};

/* Somebody made a web browser talk to us. */
static const char *const	 foreign[] = {
	"GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS", "DELETE", "TRACE",
};

static bool
in_list(struct slice verb, const char *const *list, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (slice_is(verb, list[i]))
			return true;
	return false;
}

#define IN_LIST(verb, list)	\
	in_list(verb, list, sizeof(list) / sizeof(list[0]))

int
session_idle_ms(const struct session *s)
{
	int	 ms = (int)(s->config->smtpd.net.idle_timeout * 1000);

	return listener_load() >= BUSY_LOAD && ms > BUSY_MS ? BUSY_MS : ms;
}

/* Our own users' programs, as against other people's servers. */
static bool
is_ours(const struct session *s)
{
	return s->role == ROLE_SUBMISSION || s->role == ROLE_SUBMIT;
}

int
session_address_flags(const struct session *s)
{
	return is_ours(s) ? ADDRESS_LENIENT : 0;
}

bool
session_qualify(const struct session *s, struct address *a)
{
	char	 local[ADDRESS_LOCAL_MAX + 1];

	if (a->domain[0] != '\0')
		return true;
	memcpy(local, a->local, sizeof(local));
	return is_ours(s) && address_make(local, s->config->hostname, a) == 0;
}

unsigned int
session_max_recipients(const struct session *s)
{
	const struct config_smtpd	*c = &s->config->smtpd;

	if (!is_ours(s))
		return c->max_recipients;
	/*
	 * What an hour never has would be put off at DATA again and again: so
	 * the client hears where to divide the message, or that it must.
	 */
	if (s->role == ROLE_SUBMISSION && c->user_recipients > 0 &&
	    c->user_recipients < c->max_recipients_submission &&
	    (s->user[0] != '\0' || !s->trusted || !c->trusted_submission))
		return c->user_recipients;
	return c->max_recipients_submission;
}

bool
session_may_relay(const struct session *s)
{
	return s->trusted || s->user[0] != '\0';
}

void
session_forget(struct session *s)
{
	transaction_reset(s);
	s->helo[0] = '\0';
	s->esmtp = s->verbose = false;
	explicit_bzero(s->user, sizeof(s->user));
}

static bool
is_here(const struct session *s, const struct command *c)
{
	return (c->roles & 1 << s->role) &&
	    (!(c->need & NEED_TLS) || secure_known(s));
}

void
session_help(struct session *s)
{
	size_t	 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (is_here(s, &commands[i]))
			reply_more(s, 214, "2.0.0", "%s", commands[i].verb);
}

static void
close_with(struct session *s, const char *reason)
{
	s->closed = true;
	s->reason = reason;
}

void
session_lost(struct session *s, enum stream_status st)
{
	close_with(s, stream_status_name(st));
	switch (st) {
	case STREAM_TIMEOUT:
		reply(s, 421, "4.4.2", "%s waited too long, closing",
		    s->config->hostname);
		break;
	case STREAM_STOP:
		reply(s, 421, "4.3.2", "%s goes down, try again later",
		    s->config->hostname);
		break;
	case STREAM_ERROR:
		if (errno == EMSGSIZE)
			reply(s, 421, "4.5.2", "line without an end, closing");
		break;
	case STREAM_OK:
	case STREAM_EOF:
	case STREAM_TOOLONG:
	case STREAM_BARE:
		break;
	}
}

bool
session_improper(struct session *s, const char *verb)
{
	if (stream_pending(&s->stream).len == 0)
		return false;
	if (!s->pipelining_seen)
		log_info("event=improper-pipelining client=%s helo=%s "
		    "after=%s", log_esc(s->client), log_esc(s->helo), verb);
	s->pipelining_seen = true;
	if (s->role != ROLE_MX || s->trusted || s->peer.address[0] == '\0')
		return false;
	close_with(s, "improper-pipelining");
	reply(s, 554, "5.5.1", "you did not wait for the reply to %s", verb);
	return true;
}

/* NULL, or why the command cannot be now; *code with it. */
static const char *
out_of_order(const struct session *s, const struct command *c,
    struct slice arg, int *code)
{
	*code = 503;
	if ((c->need & (NEED_HELO | NEED_MAIL)) && s->helo[0] == '\0')
		return s->role == ROLE_LMTP ? "say LHLO first" :
		    "say EHLO first";
	if ((c->need & NEED_NO_MAIL) && s->tx.mail)
		return "MAIL was said already";
	if ((c->need & NEED_MAIL) && !s->tx.mail)
		return "say MAIL first";
	if ((c->need & NEED_NO_BDAT) && s->tx.bdat)
		return "only BDAT or RSET can follow BDAT";
	if ((c->need & NEED_RCPT) && transaction_rcpts(&s->tx) == 0) {
		/* RFC 2033 4.2 insists on 503. */
		if (s->tx.tried && s->role != ROLE_LMTP)
			*code = 554;
		return s->tx.tried ? "no valid recipients" :
		    "say RCPT first";
	}
	if ((c->need & NEED_NO_ARG) && arg.len > 0) {
		*code = 501;
		return "this command takes no argument";
	}
	return NULL;
}

static void
unknown(struct session *s, struct slice verb)
{
	if (IN_LIST(verb, foreign)) {
		close_with(s, "not-smtp");
		log_info("event=not-smtp client=%s verb=%s",
		    log_esc(s->client), log_esc_slice(verb));
		reply(s, 421, "4.7.0", "this is no web server");
	} else if (IN_LIST(verb, not_offered))
		reply(s, 502, "5.5.1", "this server does not offer that");
	else
		reply(s, 500, "5.5.2", "no such command");
}

static void
dispatch(struct session *s, struct slice line)
{
	const struct command	*c;
	struct slice		 verb, arg;
	const char		*why;
	size_t			 i;
	int			 code;

	s->commands++;
	command_split(line, &verb, &arg);
	if (s->shunned && !slice_is(verb, "QUIT")) {
		reply(s, 503, "5.7.1", "this server takes no mail from you");
		return;
	}
	if (line.len > 0 && memchr(line.ptr, '\0', line.len) != NULL) {
		reply(s, 500, "5.5.2", "NUL in a command");
		return;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		c = &commands[i];
		if (!slice_is(verb, c->verb) || !is_here(s, c))
			continue;
		if ((why = out_of_order(s, c, arg, &code)) != NULL)
			reply(s, code, code == 501 ? "5.5.4" : "5.5.1", "%s",
			    why);
		else
			c->run(s, arg);
		return;
	}
	unknown(s, verb);
}

/* RFC 4954 4: an AUTH command may hold a whole response, as long as a token. */
static size_t
line_max(const struct session *s)
{
	size_t	 max = s->config->smtpd.max_command;

	return s->role == ROLE_SUBMISSION && s->user[0] == '\0' &&
	    max < SASL_LINE_MAX ? SASL_LINE_MAX : max;
}

static bool
too_long(const struct session *s, struct slice line)
{
	struct slice	 verb, arg;

	if (line.len + 2 <= s->config->smtpd.max_command)
		return false;
	command_split(line, &verb, &arg);
	return !slice_is(verb, "AUTH");
}

static void
next_command(struct session *s)
{
	enum stream_status	 st;
	struct slice		 line;

	st = stream_line(&s->stream, line_max(s), &line);
	if (st == STREAM_OK && too_long(s, line))
		st = STREAM_TOOLONG;
	switch (st) {
	case STREAM_OK:
		dispatch(s, line);
		break;
	case STREAM_TOOLONG:
		reply(s, 500, "5.5.2", "line too long");
		break;
	case STREAM_BARE:
		reply(s, 500, "5.5.2", "a line ends in CRLF and has no other "
		    "CR or LF");
		break;
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
	case STREAM_STOP:
		session_lost(s, st);
		break;
	}
	/* A program of this machine may have many bad recipients at once. */
	if (!s->closed && s->role != ROLE_SUBMIT &&
	    s->errors >= s->config->smtpd.max_errors) {
		close_with(s, "errors");
		reply(s, 421, "4.7.0", "too many errors, closing");
	}
}

static void
log_end(const struct session *s)
{
	if (s->errors == 0 && (s->reason == NULL ||
	    (s->commands == 0 && strcmp(s->reason, "eof") == 0)))
		return;
	log_info("event=closed client=%s helo=%s reason=%s commands=%u "
	    "errors=%u messages=%u", log_esc(s->client), log_esc(s->helo),
	    s->reason == NULL ? "quit" : s->reason, s->commands, s->errors,
	    s->messages);
}

static const char *
role_name(enum config_role role)
{
	switch (role) {
	case ROLE_MX:		return "mx";
	case ROLE_SUBMISSION:	return "submission";
	case ROLE_LMTP:		return "lmtp";
	case ROLE_SUBMIT:	return "submit";
	case ROLE_POP3:
	case ROLE_IMAP:
		break;
	}
	return "?";
}

static void
session_init(struct session *s, struct listener_conn *conn,
    struct server *server)
{
	const struct config	*config = server->config;

	memset(s, 0, sizeof(*s));
	s->server = server;
	s->config = config;
	s->listen = conn->listen;
	s->peer = conn->peer;
	s->role = conn->listen->role;
	snprintf(s->local, sizeof(s->local), "local");
	if (s->peer.is_unix)
		snprintf(s->local, sizeof(s->local), "uid:%ld",
		    (long)s->peer.uid);
	s->client = s->peer.address[0] != '\0' ? s->peer.address : s->local;
	if (s->role == ROLE_SUBMIT && !s->peer.is_unix)
		s->peer.uid = getuid();	/* -i: who runs us speaks */
	stream_init(&s->stream, conn->rfd, conn->wfd, session_idle_ms(s),
	    (int64_t)config->smtpd.net.total_timeout * 1000);
	stream_block(&s->stream);
	secure_prepare(s);
	/* Our own users' programs may be careless, strangers may not. */
	s->stream.bare_lf_ok = is_ours(s);
	transaction_init(&s->tx);
}

/*
 * Closing a socket with octets unread resets the connection, and the client
 * may never see why.  So end our side first and read what it was saying; under
 * TLS too, where nobody decrypts it any more.
 */
static void
linger(int fd)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	char		 rest[LINGER_OCTETS];
	int		 i;

	if (shutdown(fd, SHUT_WR) == -1)
		return;
	for (i = 0; i < LINGER_READS; i++)
		if (poll(&pfd, 1, LINGER_MS) != 1 ||
		    recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			return;
}

static void
say_goodbye(struct session *s)
{
	bool	 whole;

	whole = stream_flush(&s->stream) == STREAM_OK;
	tls_stop(&s->stream, TLS_STOP_MS);
	if (whole && s->reason != NULL)
		linger(s->stream.wfd);
}

void
session_serve(struct listener_conn *conn, void *arg)
{
	static struct session	 s;

	session_init(&s, conn, arg);
	service_title("%s %s", role_name(s.role), s.client);
	if (session_greet(&s))
		while (!s.closed)
			next_command(&s);
	(void)stream_flush(&s.stream);
	log_end(&s);
	say_goodbye(&s);
	session_forget(&s);
	stream_free(&s.stream);
	service_title("%s", "idle");
}
