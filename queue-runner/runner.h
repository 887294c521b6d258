/*
 * queue-runner's loop: what all its parts share, and what is tried when.
 */
#ifndef QUEUE_RUNNER_RUNNER_H
#define QUEUE_RUNNER_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "lib/base/config.h"
#include "queue-runner/dest.h"
#include "queue-runner/files.h"
#include "queue-runner/finder.h"
#include "queue-runner/mailbox.h"
#include "queue-runner/poison.h"
#include "queue-runner/schedule.h"
#include "queue-runner/worker.h"

/* After a failure of our own: authd away, a worker lost, no descriptors. */
#define RUNNER_OURS	10

struct event;
struct message;

struct runner {
	const struct config	*cfg;
	struct event_base	*base;
	struct files		 files;
	struct schedule		*schedule;
	struct poison		*poison;
	struct mailboxes	*mailboxes;
	struct dests		*dests;
	struct workers		*workers;
	struct routes		*routes;
	struct remotes		*remotes;
	struct finder		*finder;
	struct scan		*scan;
	struct bell		*bell;
	struct control		*control;
	struct event		*due;		/* the next try's timer */
	struct event		*tick;
	struct event		*more;		/* to be started */
	struct event		*stop;		/* SIGTERM's deadline */
	struct event		*log;		/* lines that wait */
	struct event		*signals[3];
	int64_t			 armed;		/* what due is set to, or 0 */
	LIST_HEAD(, message)	 messages;	/* being tried */
	unsigned int		 active;
	unsigned int		 remote_active;	/* of them, to other hosts */
	unsigned int		 most_active;
	size_t			 many;		/* recipients of those that
						 * have many */
	unsigned int		 turn;
	bool			 dispatching, again;
	bool			 stopping;
	int64_t			 started;	/* seconds since 1970 */
	uint64_t		 delivered, bounced;	/* recipients */
};

/* Run until SIGTERM; the exit code. */
int	 runner_main(const struct config *);

/* A message to try soon; nothing when it is known.  id: SPOOL_ID_LEN octets. */
void	 runner_add(struct runner *, const char *id, bool queued, bool again);
/* Try it again at the time, seconds since 1970. */
void	 runner_wait(struct runner *, struct entry *, int64_t when);
/* Try it now, if it is not being tried. */
void	 runner_retry(struct runner *, struct entry *);
/* Start what may be started: now, or when the loop turns. */
void	 runner_dispatch(struct runner *);
void	 runner_dispatch_soon(struct runner *);
/* When a failure of our own is made good: seconds since 1970. */
int64_t	 runner_ours(const struct runner *);
int64_t	 runner_now(void);
/* Is all in flight that may be, with a quarter kept for local mail? */
bool	 runner_remote_full(const struct runner *);

#endif
