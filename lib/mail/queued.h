/* What packets, listings and the queue itself call queued messages. */
#ifndef MAIL_QUEUED_H
#define MAIL_QUEUED_H

#include "lib/mail/address.h"

enum queue_where {
	QUEUE_NEW,		/* not tried yet */
	QUEUE_DEFERRED,		/* waits for its next try */
	QUEUE_ACTIVE,		/* being tried now: only queue-runner knows */
	QUEUE_HOLD		/* put aside */
};

/* Which messages. */
enum queue_by {
	BY_ALL,
	BY_ID,
	BY_RECIPIENT,		/* some unfinished recipient is value */
	BY_SENDER,		/* "" is the null sender */
	BY_DOMAIN		/* domain of the sender or of an unfinished
				 * recipient */
};

struct queue_selector {
	enum queue_by	 by;
	char		 value[ADDRESS_MAX + 1];	/* "" for BY_ALL */
};

#define QUEUE_REASON_MAX	512

#endif
