/*
 * What a user's mail program connects to, found from the listeners of
 * merpati.conf: for `dns' and `client-config'.
 */
#ifndef MAILCTL_ENDPOINTS_H
#define MAILCTL_ENDPOINTS_H

#include <stdbool.h>

#include "lib/base/config.h"

enum endpoint_kind {
	ENDPOINT_SUBMISSION,
	ENDPOINT_IMAP,
	ENDPOINT_POP3
};
#define ENDPOINT_KINDS	3

struct endpoint {
	unsigned int	 port;		/* 0: there is none */
	enum config_tls	 tls;		/* never TLS_AUTO */
};

/*
 * The port of a kind with this TLS: the lowest one that other hosts can reach,
 * else the lowest of those on loopback, for an instance to try out.
 */
struct endpoint	 endpoint_find(const struct config *, enum endpoint_kind,
		    enum config_tls);
/* The best of a kind: implicit TLS (RFC 8314 3), STARTTLS, in clear. */
struct endpoint	 endpoint_best(const struct config *, enum endpoint_kind);

#endif
