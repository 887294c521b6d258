/*
 * TLS on a client's connection: RFC 3207, and RFC 8314 3 where it is there from
 * the first octet.
 */
#ifndef SMTPD_SECURE_H
#define SMTPD_SECURE_H

#include <stdbool.h>

struct session;

/* First of all, before the stream has read anything. */
void	 secure_prepare(struct session *);
/* From the first octet? */
bool	 secure_first(const struct session *);
/* Is there STARTTLS at all, used already or not? */
bool	 secure_known(const struct session *);
/* Is it to be announced? */
bool	 secure_offered(const struct session *);
/* Would a handshake now find keyd? */
bool	 secure_ready(const struct session *);
/*
 * Shake hands.  True: TLS is on, and the session is as at its beginning.
 * False: the connection is lost, the session closed, and nothing can be said
 * any more.
 */
bool	 secure_start(struct session *);

#endif
