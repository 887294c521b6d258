/*
 * Contract in login.h.
 *
 * What the client sent behind the command that logs it in goes to the session
 * with the connection; so that it always fits, without TLS we never read more
 * than READ_MAX octets at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/credentials.h"
#include "lib/net/hand_over.h"
#include "lib/net/login.h"
#include "lib/net/login_parts.h"
#include "lib/net/tls_pump.h"
#include "lib/net/tls_stream.h"

#define READ_MAX	(AUTH_AHEAD_MAX - CREDENTIALS_LINE)
#define BUSY_LOAD	80	/* per cent: time-outs shrink */
#define BUSY_TIMEOUT	10	/* seconds */
#define STOP_MS		2000	/* for close_notify */

static ssize_t
login_read(struct stream *s, void *data, size_t len)
{
	return read(s->rfd, data, len < READ_MAX ? len : READ_MAX);
}

static int
login_patience_ms(const struct login *l)
{
	unsigned int	 s = login_program_timeout(l->conf, l->prog->role);

	if (listener_load() >= BUSY_LOAD && s > BUSY_TIMEOUT)
		s = BUSY_TIMEOUT;
	return (int)s * 1000;
}

static void
login_find_authd(struct login *l)
{
	if (snprintf(l->authd_path, sizeof(l->authd_path),
	    "%s/authd/authd.sock", l->conf->run_dir) >=
	    (int)sizeof(l->authd_path)) {
		log_warnx("event=path-too-long path=%s",
		    log_esc(l->conf->run_dir));
		l->authd_path[0] = '\0';	/* is not to be reached */
	}
	auth_client_init(&l->authd, l->authd_path);
}

bool
login_begin(struct login *l, struct login_server *server,
    const struct listener_conn *conn)
{
	int	 ms;

	memset(l, 0, sizeof(*l));
	l->server = server;
	l->prog = server->prog;
	l->conf = server->conf;
	l->conn = conn;
	l->pump = -1;
	l->safe = credentials_safe(&conn->peer);
	l->session = xcalloc(1, sizeof(*l->session));
	login_find_authd(l);
	ms = login_patience_ms(l);
	stream_init(&l->s, conn->rfd, conn->wfd, ms, ms);
	l->s.read = login_read;
	return login_tls_kind(l) != TLS_IMPLICIT || login_start_tls(l);
}

size_t
login_line_max(const struct login *l)
{
	return tls_on(&l->s) ? SASL_LINE_MAX : CREDENTIALS_LINE;
}

static enum login_outcome
login_outcome(enum hand_over end)
{
	switch (end) {
	case HAND_OVER_DONE:
	case HAND_OVER_PUMP:
		return LOGIN_OK;
	case HAND_OVER_BAD:
		return LOGIN_WRONG;
	case HAND_OVER_DISABLED:
		return LOGIN_DISABLED;
	case HAND_OVER_LATER:
		return LOGIN_LATER;
	case HAND_OVER_NO_SOCKET:
		return LOGIN_NO_SOCKET;
	case HAND_OVER_GONE:
		break;
	}
	return LOGIN_LOST;
}

enum login_outcome
login_hand_over(struct login *l)
{
	return login_outcome(hand_over(&l->authd, l->conn, &l->s,
	    l->prog->service, l->session, &l->pump));
}

enum login_outcome
login_password(struct login *l, struct slice user, struct slice password)
{
	if (!l->safe)
		return LOGIN_UNSAFE;
	/* A name that nobody has, a password that is none: just wrong. */
	if (credentials_set(&l->session->check, user, password) == -1)
		return LOGIN_WRONG;
	l->session->check.method = AUTH_PASSWORD;
	return login_hand_over(l);
}

bool
login_error(struct login *l)
{
	if (++l->errors < LOGIN_ERRORS)
		return true;
	log_info("event=%s-too-many-errors ip=%s", l->prog->service,
	    l->conn->peer.address);
	return false;
}

bool
login_failure(struct login *l)
{
	return ++l->failures < LOGIN_FAILURES;
}

/* What is left is small: it may be there for days. */
static void
login_pump(struct login *l)
{
	int	 ms;

	ms = (int)login_program_net(l->conf, l->prog->role)->idle_timeout *
	    1000;
	l->s.total = 0;
	/* Logged in, it is one of its user's connections. */
	listener_discharge();
	service_title("%s tls", l->conn->peer.address);
	if (tls_pump(&l->s, l->pump, ms) == TLS_PUMP_DONE)
		tls_stop(&l->s, STOP_MS);
	close(l->pump);
}

void
login_end(struct login *l, enum login_next next)
{
	auth_client_close(&l->authd);
	explicit_bzero(l->session, sizeof(*l->session));
	free(l->session);
	if (l->pump != -1)
		login_pump(l);
	else if (next == LOGIN_CLOSE) {
		stream_flush(&l->s);
		tls_stop(&l->s, STOP_MS);
	}
	tls_drop(&l->s);
	if (l->s.in != NULL)
		explicit_bzero(l->s.in, STREAM_IN);
	stream_free(&l->s);
	explicit_bzero(l, sizeof(*l));
}
