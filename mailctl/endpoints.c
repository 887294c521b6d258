/* Contract in endpoints.h. */
#include <stdlib.h>
#include <string.h>

#include "mailctl/endpoints.h"

static const struct config_listeners *
endpoint_listeners(const struct config *c, enum endpoint_kind kind)
{
	switch (kind) {
	case ENDPOINT_SUBMISSION:
		break;
	case ENDPOINT_IMAP:
		return &c->imapd.net;
	case ENDPOINT_POP3:
		return &c->pop3d.net;
	}
	return &c->smtpd.net;
}

static bool
endpoint_is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 ||
	    strncmp(address, "[::1]", 5) == 0;
}

struct endpoint
endpoint_find(const struct config *c, enum endpoint_kind kind,
    enum config_tls tls)
{
	const struct config_listeners	*net = endpoint_listeners(c, kind);
	struct endpoint			 far = { 0, tls }, near = { 0, tls };
	struct endpoint			*e;
	const struct config_listen	*l;
	unsigned int			 port;

	for (l = net->listen; l < net->listen + net->nlisten; l++) {
		if (config_listen_tls(c, l) != tls ||
		    strncmp(l->address, "unix:", 5) == 0 ||
		    (kind == ENDPOINT_SUBMISSION &&
		    l->role != ROLE_SUBMISSION))
			continue;
		e = endpoint_is_loopback(l->address) ? &near : &far;
		/* config_is_endpoint() has seen that there is a number. */
		port = (unsigned int)strtoul(strrchr(l->address, ':') + 1,
		    NULL, 10);
		if (e->port == 0 || port < e->port)
			e->port = port;
	}
	return far.port != 0 ? far : near;
}

struct endpoint
endpoint_best(const struct config *c, enum endpoint_kind kind)
{
	static const enum config_tls	 order[] = { TLS_IMPLICIT,
	    TLS_STARTTLS, TLS_OFF };
	struct endpoint			 e = { 0, TLS_OFF };
	size_t				 i;

	for (i = 0; i < 3 && e.port == 0; i++)
		e = endpoint_find(c, kind, order[i]);
	return e;
}
