/* The trace field that smtpd adds, RFC 5321 4.4. */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include <stdbool.h>
#include <time.h>

#include "lib/base/buf.h"

struct received {
	const char	*helo;		/* as said by the client, or "" */
	const char	*client_name;	/* confirmed by DNS, or "" */
	const char	*client_address; /* "192.0.2.1", "2001:db8::1", or "" */
	const char	*by;		/* our hostname */
	const char	*with;		/* RFC 3848: ESMTP, ESMTPSA, LMTP ... */
	const char	*tls;		/* "TLSv1.3 TLS_AES_128_GCM_SHA256",
					 * without TLS NULL */
	const char	*id;		/* spool id */
	const char	*recipient;	/* only when there is one, else NULL */
	const char	*envelope_from;	/* shown when not NULL */
	long		 uid;		/* local submission, else -1 */
	bool		 hide_client;	/* submission: no client address */
	time_t		 when;
};

/* Append "Received: ... CRLF", folded.  0, or -1 with errno EMSGSIZE. */
int	 received_add(struct buf *out, const struct received *);

#endif
