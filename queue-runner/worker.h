/*
 * Delivery workers (deliver -w), got from authd, and the jobs for them.  A
 * destination is the uid that owns the mailboxes; it has several workers, each
 * with a small window of jobs that are answered in order.
 */
#ifndef QUEUE_RUNNER_WORKER_H
#define QUEUE_RUNNER_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/net/proto_deliver.h"
#include "queue-runner/asker.h"
#include "queue-runner/schedule.h"

struct event_base;
struct workers;
struct dest;

enum worker_loss {
	LOSS_NONE,		/* there is a result */
	LOSS_OURS,		/* no worker to be had, or it went away */
	LOSS_SUSPECT		/* the worker died of this very job, it seems */
};

struct workers_calls {
	/* Fill in the job; its descriptor is borrowed. */
	void	(*fill)(void *owner, unsigned int number,
		    struct deliver_job *);
	/*
	 * user: whose mailbox.  The result is NULL unless LOSS_NONE.  May come
	 * from within workers_submit() for jobs given earlier.
	 */
	void	(*done)(void *owner, unsigned int number, enum worker_loss,
		    const char *user, const struct deliver_result *);
	/* The owner's message id, SPOOL_ID_LEN octets. */
	const char *(*id)(void *owner);
};

struct workers	*workers_new(struct event_base *, struct asker *,
		    unsigned int max_per_uid, const struct workers_calls *);
void		 workers_free(struct workers *);	/* no calls any more */

struct dest	*workers_dest(struct workers *, uint32_t uid);
/* Queue a job; exactly one done() follows. */
void		 workers_submit(struct workers *, struct dest *,
		    struct route *, void *owner, unsigned int number);

/*
 * A destination that holds its share of what is in flight: messages for it
 * are better parked until workers_unpark() returns them.
 */
bool		 workers_full(const struct dest *);
void		 workers_park(struct workers *, struct schedule *,
		    struct dest *, struct entry *);
/*
 * A parked message whose destination is not full (or any, when any), the
 * destinations in turn; NULL when there is none.
 */
struct entry	*workers_unpark(struct workers *, struct schedule *, bool any);

/* Connected workers. */
unsigned int	 workers_count(const struct workers *);
/* Now and then: close the idle, give up on the hung. */
void		 workers_tick(struct workers *);

#endif
