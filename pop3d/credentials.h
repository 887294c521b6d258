/* What a client says who it is, brought to authd. */
#ifndef POP3D_CREDENTIALS_H
#define POP3D_CREDENTIALS_H

#include "lib/base/slice.h"
#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"

enum credentials_status {
	CREDENTIALS_OK,
	CREDENTIALS_CANCELLED,	/* "*" */
	CREDENTIALS_MALFORMED,
	CREDENTIALS_FOREIGN	/* to act as somebody else: not allowed */
};

/*
 * Set user and password.  MALFORMED: empty, too long, a NUL, or a
 * name that is not UTF-8 or holds control octets.
 */
enum credentials_status	 credentials_set(struct auth_check *,
			    struct slice user, struct slice password);
/* The same from a line of AUTH PLAIN: base 64, "*", or "=" (RFC 5034 4). */
enum credentials_status	 credentials_plain(struct auth_check *,
			    struct slice line);
/* Passwords travel in clear: only on this machine is that acceptable. */
bool	 credentials_safe(const struct listener_peer *);

#endif
