/*
 * A proof of who somebody is, from its question to its verdict:
 *
 *	remembered	right at once
 *	hashing		a helper compares; unknown users cost the same
 *	asking		tokend says whose a token is, pamd whether it is the
 *			password of an account of this machine
 *	wrong		a timer holds the answer back
 *	right		for session: the home is there, the connection is with
 *			the session server; then the verdict
 *
 * The methods have files of their own: passwords.c, accounts_check.c, scram.c,
 * passes.c, tokens.c.
 */
#ifndef AUTHD_CHECK_H
#define AUTHD_CHECK_H

#include "authd/authd.h"
#include "lib/net/proto_auth.h"

#define CHECKS_MAX	4096	/* at work; then AUTH_LATER */
#define CHECKS_HELD	4096	/* wrong ones held back; then the oldest is
				 * let go early, so that they keep nobody out */

struct ipc_client;

/*
 * Answer the client in time with a verdict.  The secret in *c is wiped before
 * the return.  -1 when the service is none of smtp, pop3, imap.
 */
int	 check_start(struct authd *, struct ipc_client *, uint64_t id,
	    struct auth_check *c);
/* The same for pop3 and imap; takes s->fd also when it fails. */
int	 check_start_session(struct authd *, struct ipc_client *, uint64_t id,
	    struct auth_session *s);

#endif
