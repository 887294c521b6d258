/* TLS of login.h. */
#include <stdio.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/login_parts.h"
#include "lib/net/proto_key.h"
#include "lib/net/tls_server.h"

enum config_tls
login_tls_kind(const struct login *l)
{
	if (l->conn->listen != NULL)
		return config_listen_tls(l->conf, l->conn->listen);
	/* With -i no port says what it is for. */
	return l->conf->ncertificate > 0 ? TLS_STARTTLS : TLS_OFF;
}

bool
login_offers_tls(const struct login *l)
{
	return !tls_on(&l->s) && login_tls_kind(l) == TLS_STARTTLS &&
	    (l->server->tls != NULL || l->server->inetd) &&
	    io_same_socket(l->conn->rfd, l->conn->wfd);
}

bool
login_tls_ready(struct login *l)
{
	char	 error[TLS_TEXT], path[108];

	/* With -i only who wants TLS pays for it. */
	if (l->server->tls == NULL)
		l->server->tls = tls_server_new(l->conf, l->prog->role,
		    error);
	if (l->server->tls == NULL) {
		log_warnx("event=tls-unavailable text=%s", log_esc(error));
		return false;
	}
	/* What is too long for it, the parent has refused. */
	snprintf(path, sizeof(path), "%s/keyd/keyd.sock", l->conf->run_dir);
	if (key_client_reachable(path))
		return true;
	log_warn("event=keyd-unreachable ip=%s", l->conn->peer.address);
	return false;
}

static void
login_tls_log(const struct login *l, enum tls_server_status st,
    const struct tls_server_info *info)
{
	const char	*ip = l->conn->peer.address;

	if (info->injected > 0)
		log_warnx("event=tls-injected ip=%s octets=%zu", ip,
		    info->injected);
	switch (st) {
	case TLS_SERVER_OK:
		log_debug("event=tls ip=%s version=%s cipher=%s resumed=%s "
		    "sni=%s", ip, info->version, info->cipher,
		    info->resumed ? "yes" : "no", log_esc(info->sni));
		break;
	case TLS_SERVER_CLOSED:
		/* Whoever only looks whether we are there. */
		log_debug("event=tls-failed ip=%s why=%s text=%s", ip,
		    tls_server_status_name(st), log_esc(info->error));
		break;
	case TLS_SERVER_TIMEOUT:
	case TLS_SERVER_FAILED:
		log_info("event=tls-failed ip=%s why=%s text=%s", ip,
		    tls_server_status_name(st), log_esc(info->error));
		break;
	case TLS_SERVER_LOCAL:
		log_warnx("event=tls-failed ip=%s why=%s text=%s", ip,
		    tls_server_status_name(st), log_esc(info->error));
		break;
	}
}

bool
login_start_tls(struct login *l)
{
	static struct tls_server_info	 info;	/* as large as a page */
	enum tls_server_status		 st;

	if (stream_flush(&l->s) != STREAM_OK)
		return false;
	l->s.wfd = l->s.rfd;	/* one socket, known by two numbers with -i */
	st = tls_server_start(l->server->tls, &l->s, TLS_SERVER_HANDSHAKE_MS,
	    &info);
	login_tls_log(l, st, &info);
	if (st != TLS_SERVER_OK)
		return false;
	strlcpy(l->certificate, info.client, sizeof(l->certificate));
	explicit_bzero(l->session, sizeof(*l->session));
	l->safe = true;
	return true;
}
