/*
 * A question to tokend, at RUN/tokend/tokend.sock: whose is this bearer token?
 * Encode and decode beside each other.  Fields in doc/protocols.md.
 *
 *	token    token			whose is it, and is it good for mail?
 *
 * Only authd and admins may ask.
 */
#ifndef NET_PROTO_TOKEN_H
#define NET_PROTO_TOKEN_H

#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/net/proto_auth.h"

#define TOKEN_MAX	AUTH_SECRET_MAX

enum token_status {
	TOKEN_ACTIVE,		/* user and seconds are set */
	TOKEN_INACTIVE,		/* unknown, expired, revoked, or without the
				 * scope that is wanted */
	TOKEN_LATER		/* its server cannot be asked now, or answered
				 * nonsense */
};

struct token_answer {
	enum token_status	 status;
	char			 user[AUTH_USER_MAX + 1];	/* as the
						 * server names him; "" unless
						 * active; UTF-8 without control
						 * octets */
	unsigned int		 seconds;	/* that the answer may be
						 * believed, 0: only now */
};

/*
 * Encoders begin the packet; decoders return 0, or -1 with errno EBADMSG.
 * Decoding the question wipes the packet; the caller wipes the token, and the
 * packet that it sent.
 */
void	 proto_token_put_ask(struct ipc_msg *, uint64_t id,
	    const char *token);
int	 proto_token_get_ask(struct ipc_msg *, char token[TOKEN_MAX + 1]);
void	 proto_token_put_answer(struct ipc_msg *, uint64_t id,
	    const struct token_answer *);
int	 proto_token_get_answer(struct ipc_msg *, struct token_answer *);

#endif
