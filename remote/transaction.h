/* One message over one connection: the envelope, the content, the verdicts. */
#ifndef REMOTE_TRANSACTION_H
#define REMOTE_TRANSACTION_H

#include "remote/session.h"

/* A job and what became of its recipients so far. */
struct work {
	const struct remote_job	*job;
	struct remote_result	*res;
	bool			 settled[REMOTE_RCPTS];
	size_t			 left;		/* not settled */
	int			 code;		/* of the last verdict, for
						 * the log */
};

enum transaction_status {
	TRANSACTION_DONE,	/* the connection may serve further ones */
	TRANSACTION_LOST,	/* everybody is settled, it may not */
	/*
	 * The host hung up or said 421 before anything was accepted: nobody
	 * was settled, *why is what happened.
	 */
	TRANSACTION_AGAIN
};

/*
 * Try those who are not settled.  Some may be left over with TRANSACTION_DONE,
 * when the host takes fewer recipients at a time; then at least one was
 * settled.
 */
enum transaction_status	 transaction_run(struct session *, struct work *,
			    struct remote_outcome *why);
/* Settle the recipient, or everybody who is left. */
void	 work_settle(struct work *, size_t i, const struct remote_outcome *);
void	 work_settle_all(struct work *, const struct remote_outcome *);

#endif
