/*
 * A question to pamd, at RUN/pamd/pamd.sock: is this the password of that
 * account?  Encode and decode beside each other.  Fields in doc/protocols.md.
 *
 *	password user password ip	what does PAM say?
 *
 * Only authd and admins may ask.
 */
#ifndef NET_PROTO_PAM_H
#define NET_PROTO_PAM_H

#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/net/proto_auth.h"

#define PAM_NAME_MAX	32

enum pam_verdict {
	PAM_VERDICT_OK,
	PAM_VERDICT_BAD,	/* wrong, or an account that may not log in */
	PAM_VERDICT_LATER	/* PAM cannot say now */
};

struct pam_question {
	char	 user[PAM_NAME_MAX + 1];	/* of the account */
	char	 password[AUTH_PASSWORD_MAX + 1];
	char	 ip[64];			/* of the client, or "" */
};

/*
 * Encoders begin the packet; decoders return 0, or -1 with errno EBADMSG.
 * Decoding the question wipes the packet; the caller wipes the struct, and the
 * packet that it sent.
 */
void	 proto_pam_put_ask(struct ipc_msg *, uint64_t id,
	    const struct pam_question *);
int	 proto_pam_get_ask(struct ipc_msg *, struct pam_question *);
void	 proto_pam_put_answer(struct ipc_msg *, uint64_t id,
	    enum pam_verdict);
int	 proto_pam_get_answer(struct ipc_msg *, enum pam_verdict *);

#endif
