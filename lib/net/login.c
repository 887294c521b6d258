/*
 * Contract in login.h.
 *
 * What the client sent behind the command that logs it in goes to the session
 * with the connection; so that it always fits, we never read more than
 * READ_MAX octets at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/credentials.h"
#include "lib/net/login.h"
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

void
login_begin(struct login *l, const struct login_program *prog,
    const struct config *conf, const struct listener_conn *conn)
{
	int	 ms;

	memset(l, 0, sizeof(*l));
	l->prog = prog;
	l->conf = conf;
	l->conn = conn;
	if (snprintf(l->authd_path, sizeof(l->authd_path),
	    "%s/authd/authd.sock", conf->run_dir) >=
	    (int)sizeof(l->authd_path)) {
		log_warnx("event=path-too-long path=%s",
		    log_esc(conf->run_dir));
		l->authd_path[0] = '\0';
	}
	auth_client_init(&l->authd, l->authd_path);
	l->session = xcalloc(1, sizeof(*l->session));
	l->pump = -1;
	l->safe = credentials_safe(&conn->peer);
	ms = login_patience_ms(l);
	stream_init(&l->s, conn->rfd, conn->wfd, ms, ms);
	l->s.read = login_read;
}

enum hand_over
login_hand_over(struct login *l)
{
	return hand_over(&l->authd, l->conn, &l->s, l->prog->service,
	    l->session, &l->pump);
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
