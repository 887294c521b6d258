/*
 * Delivery workers (deliver -w), got from authd, and the jobs for them: the
 * channels of a destination that is the uid that owns mailboxes.
 */
#ifndef QUEUE_RUNNER_WORKER_H
#define QUEUE_RUNNER_WORKER_H

#include "lib/net/proto_deliver.h"
#include "queue-runner/channel.h"

struct workers;

struct workers_calls {
	/* Fill in the job; its descriptor is borrowed. */
	void	(*fill)(void *owner, unsigned int number,
		    struct deliver_job *);
	/*
	 * user: whose mailbox.  The result is NULL unless LOSS_NONE.  May come
	 * from within workers_submit() for jobs given earlier.
	 */
	void	(*done)(void *owner, unsigned int number, enum job_loss,
		    const char *user, const struct deliver_result *);
};

struct workers	*workers_new(struct event_base *, struct mailboxes *,
		    struct dests *, unsigned int max_per_uid,
		    const struct workers_calls *);
void		 workers_free(struct workers *);	/* after the dests */

/* Where mail for the mailbox goes; NULL: there are too many. */
struct dest	*workers_dest(struct workers *, const struct mailbox *);
/* Queue a job; exactly one done() follows. */
void		 workers_submit(struct dest *, struct mailbox *, void *owner,
		    const char *id, unsigned int number);
/* Connected workers. */
unsigned int	 workers_count(const struct workers *);

#endif
