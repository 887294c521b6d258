/* AUTH with a smarthost, RFC 4954. */
#ifndef REMOTE_AUTH_H
#define REMOTE_AUTH_H

#include "remote/session.h"

/*
 * With the open's user and the first line of its password file, by the best
 * mechanism that both have; one that sends the password only under TLS.  0, or
 * -1 with *why; the connection may be lost then.
 */
int	 auth_login(struct session *, struct remote_outcome *why);

#endif
