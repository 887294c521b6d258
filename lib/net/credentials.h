/* What a client says who it is, brought to authd. */
#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include "lib/base/slice.h"
#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"

#define CREDENTIALS_LINE	4096	/* of a login command, with CRLF */

/*
 * Set user and password.  0, or -1: empty, too long, a NUL, or a name
 * that is not UTF-8 or holds control octets, so nobody's.
 */
int	 credentials_set(struct auth_check *, struct slice user,
	    struct slice password);
/* Passwords travel in clear: only on this machine is that acceptable. */
bool	 credentials_safe(const struct listener_peer *);

#endif
