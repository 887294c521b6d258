/* From replies to what becomes of recipients.  Pure. */
#ifndef REMOTE_OUTCOME_H
#define REMOTE_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/net/proto_remote.h"
#include "lib/net/smtp_reply.h"

/*
 * A reply's verdict, code and words ("550 5.1.1 no such user").  What is
 * neither good nor a refusal makes no sense where a verdict is wanted: later.
 */
void	 outcome_of_reply(struct remote_outcome *, const struct smtp_reply *);
/* In our own words; code is an RFC 3463 one, its class the verdict. */
void	 outcome_set(struct remote_outcome *, const char *code,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for another recipient: all but the number. */
void	 outcome_copy(struct remote_outcome *, const struct remote_outcome *);
/*
 * Does the refusal of a recipient mean only that the message has enough of
 * them by now?  RFC 5321 4.5.3.1.10: 452, and 552 by old hosts.
 */
bool	 outcome_too_many(const struct smtp_reply *);

#endif
