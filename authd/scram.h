/*
 * SCRAM (RFC 5802, RFC 7677).  authd makes the server's first message and
 * checks the proof; what clients write is parsed before it comes here.
 */
#ifndef AUTHD_SCRAM_H
#define AUTHD_SCRAM_H

#include "authd/authd.h"
#include "lib/net/proto_auth.h"

struct ipc_client;

/* For once_new(). */
void	 scram_drop(void *exchange);
/*
 * Begin an exchange and answer the client, alike whether there is such a user
 * or not.  -1: the service is none, or the nonce is.
 */
int	 scram_begin(struct authd *, struct ipc_client *, uint64_t id,
	    const struct auth_scram *);

#endif
