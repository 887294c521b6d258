/* Passwords for users: asked for, made up, hashed. */
#ifndef MAILCTL_PASSWORD_H
#define MAILCTL_PASSWORD_H

#include <stddef.h>

#include "lib/net/proto_auth.h"

enum password_source {
	PASSWORD_ASK,		/* twice, on the terminal, without echo */
	PASSWORD_STDIN,		/* the first line of standard input */
	PASSWORD_GENERATE	/* made here, for the caller to print */
};

/*
 * Get a password: at least one octet, no control octets.  0, or an exit code
 * with the reason printed.  The caller wipes it.
 */
int	 password_get(enum password_source,
	    char out[AUTH_PASSWORD_MAX + 1]);
/*
 * The secret field of a users line: "{CRYPT}$y$..." by scheme (yescrypt
 * sha512-crypt bcrypt).  0, or -1 with errno.
 */
int	 password_hash(const char *scheme, const char *password, char *out,
	    size_t size);

#endif
