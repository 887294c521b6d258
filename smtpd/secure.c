/* Contract in secure.h. */
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/proto_key.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"

static struct tls_server *
server_for(const struct session *s)
{
	return s->role == ROLE_SUBMISSION ? s->server->tls_users :
	    s->server->tls;
}

void
secure_prepare(struct session *s)
{
	struct stream	*st = &s->stream;

	/* TLS wants one descriptor for both ways. */
	if (server_for(s) != NULL && st->rfd != st->wfd &&
	    io_same_socket(st->rfd, st->wfd))
		st->wfd = st->rfd;
}

/* The listener has it, and this connection can. */
static enum config_tls
kind(const struct session *s)
{
	if (server_for(s) == NULL || s->role == ROLE_SUBMIT ||
	    s->stream.rfd != s->stream.wfd)
		return TLS_OFF;
	return config_listen_tls(s->config, s->listen);
}

bool
secure_first(const struct session *s)
{
	return kind(s) == TLS_IMPLICIT;
}

bool
secure_known(const struct session *s)
{
	return kind(s) != TLS_OFF;
}

bool
secure_offered(const struct session *s)
{
	return kind(s) == TLS_STARTTLS && !tls_on(&s->stream);
}

bool
secure_ready(const struct session *s)
{
	if (key_client_reachable(s->server->key_path))
		return true;
	log_warn("event=keyd-unreachable client=%s", log_esc(s->client));
	return false;
}

static void
log_tls(const struct session *s, enum tls_server_status st)
{
	const struct tls_server_info	*t = &s->tls;

	if (t->injected > 0)
		log_warnx("event=tls-injected client=%s octets=%zu",
		    log_esc(s->client), t->injected);
	switch (st) {
	case TLS_SERVER_OK:
		log_debug("event=tls client=%s version=%s cipher=%s sni=%s "
		    "resumed=%d", log_esc(s->client), t->version, t->cipher,
		    log_esc(t->sni), t->resumed);
		break;
	case TLS_SERVER_LOCAL:
		log_warnx("event=tls-failed client=%s why=%s text=%s",
		    log_esc(s->client), tls_server_status_name(st),
		    log_esc(t->error));
		break;
	case TLS_SERVER_TIMEOUT:
	case TLS_SERVER_CLOSED:
	case TLS_SERVER_FAILED:
		log_info("event=tls-failed client=%s why=%s text=%s",
		    log_esc(s->client), tls_server_status_name(st),
		    log_esc(t->error));
		break;
	}
}

bool
secure_start(struct session *s)
{
	enum tls_server_status	 st;
	int			 ms = session_idle_ms(s);

	if (ms > TLS_SERVER_HANDSHAKE_MS)
		ms = TLS_SERVER_HANDSHAKE_MS;
	memset(&s->tls, 0, sizeof(s->tls));
	st = tls_server_start(server_for(s), &s->stream, ms, &s->tls);
	log_tls(s, st);
	session_forget(s);
	if (st == TLS_SERVER_OK)
		return true;
	s->closed = true;
	s->reason = "tls-failed";
	/* Nothing in clear may follow what was to be TLS. */
	s->stream.dead = true;
	buf_clear(&s->stream.out);
	return false;
}
