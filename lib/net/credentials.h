/* What a client says who it is, brought to authd. */
#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include "lib/base/slice.h"
#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"

#define CREDENTIALS_LINE	4096	/* of a login command, with CRLF */

enum credentials_status {
	CREDENTIALS_OK,
	CREDENTIALS_CANCELLED,	/* "*" */
	CREDENTIALS_MALFORMED,
	CREDENTIALS_FOREIGN	/* to act as somebody else: not allowed */
};

/*
 * Set user, as sasl_name.h prepares names, and password, as it is.  MALFORMED:
 * empty, too long, a NUL, or a name that is none.
 */
enum credentials_status	 credentials_set(struct auth_check *,
			    struct slice user, struct slice password);
/* The same from a line of SASL PLAIN: base 64, or "*". */
enum credentials_status	 credentials_plain(struct auth_check *,
			    struct slice line);
/* Passwords travel in clear: only on this machine is that acceptable. */
bool	 credentials_safe(const struct listener_peer *);

#endif
