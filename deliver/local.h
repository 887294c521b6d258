/* One letter into one mailbox, or on to where the user's forward file says. */
#ifndef DELIVER_LOCAL_H
#define DELIVER_LOCAL_H

#include "deliver/worker.h"

/* Always fills *result.  Never exits: the next letter may do better. */
void	 local_deliver(struct worker *, const struct deliver_job *,
	    struct deliver_result *result);

/* Set a verdict; code by RFC 3463. */
void	 local_verdict(struct deliver_result *, enum mail_verdict,
	    const char *code, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

#endif
