/*
 * What TLS a host must offer, and how it is had.
 *
 *	tls		DANE records	no records	lookup failed
 *	off		clear		clear		clear
 *	opportunistic	DANE or not	TLS or clear	not this host
 *	required	DANE or not	TLS or not	not this host
 *	verified	chain or not	chain or not	chain or not
 *
 * Records count only when DNSSEC vouches for them (RFC 7672 2.2); where their
 * lookup failed somebody may be hiding them (2.1.1).  An admin who demands a
 * checked chain has said what to trust.  A local socket is always clear.
 */
#ifndef REMOTE_SECURE_H
#define REMOTE_SECURE_H

#include <stdbool.h>

#include "lib/net/proto_remote.h"
#include "lib/net/tls_client.h"
#include "remote/session.h"

enum secure_need {
	SECURE_OFF,
	SECURE_MAY,		/* TLS if it can be had, else clear */
	SECURE_MUST
};

struct secure_policy {
	enum secure_need	 need;
	enum tls_client_check	 check;
};

/* host NULL: a local socket.  Pure. */
struct secure_policy	 secure_policy(const struct remote_open *,
			    const struct resolver_host *host);
/* Must the host not be used at all? */
bool	 secure_unusable(const struct remote_open *,
	    const struct resolver_host *);
/* TLS from the first octet, RFC 8314 3.3? */
bool	 secure_implicit(const struct remote_open *);

/*
 * Shake hands on the session's stream now.  0, and tls says how; -1 and *why,
 * and the connection is over.
 */
int	 secure_start(struct session *, const struct secure_policy *,
	    struct remote_outcome *why);

#endif
