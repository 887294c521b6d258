/*
 * A channel: the socket to somebody who does jobs for a destination, and what
 * workers and remote have in common: jobs given in order, results, blame.
 */
#ifndef QUEUE_RUNNER_CHANNEL_H
#define QUEUE_RUNNER_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "queue-runner/dest.h"

struct event_base;

/*
 * Priorities of events.  What hosts said is read and noted before anything
 * new is begun: if we die, what they took and we did not note goes out twice.
 */
enum channel_priority {
	CHANNEL_FIRST,
	CHANNEL_USUAL,		/* of every event, by default */
	CHANNEL_PRIORITIES
};

struct channel {
	LIST_ENTRY(channel)	 entry;
	struct dest		*dest;
	struct event		*ev;
	int			 sock;
	struct job_list		 jobs;		/* given to it, in order */
	unsigned int		 njobs;
	unsigned int		 done;		/* jobs, so far */
	int64_t			 since;		/* of the first job, or idle */
	TAILQ_ENTRY(channel)	 idle;		/* the kind's own */
	bool			 is_idle;
};

struct channel_kind {
	const char	*name;		/* "worker", "remote": in the log */
	bool		 remote;
	unsigned int	 depth;		/* jobs a channel holds */
	int64_t		 idle_ms;	/* it is closed then */
	int64_t		 hung_ms;	/* one job may take */
	/* Has the destination room for another message? */
	bool		(*room)(const struct dest *);
	/* Jobs that may be under way at once. */
	unsigned int	(*limit)(const struct dest *);
	/* Jobs wait: get another channel, if that is allowed. */
	void		(*want)(struct dest *);
	/*
	 * Begin and fill the packet of a job; job->n may become less, then
	 * *rest has the others.
	 */
	void		(*put)(struct channel *, struct job *,
			    struct ipc_msg *, struct job **rest);
	/*
	 * Decode a result of the channel's first job; then channel_took(),
	 * report it, free the job.  -1 when it is malformed, nothing done.
	 */
	int		(*got)(struct channel *, struct job *,
			    struct ipc_msg *);
	/* Report a job that has left every list, and free it. */
	void		(*lost)(struct dest *, struct job *, enum job_loss);
	/* A channel has been closed, before it is freed; may be NULL. */
	void		(*closed)(struct channel *);
	void		(*free)(struct dest *);		/* of more; or NULL */
};

/* Make one of a connected socket; sock is its own from now on. */
struct channel	*channel_new(struct event_base *, struct dest *, int sock);
/* Close an idle one. */
void		 channel_close(struct channel *);
/* The first job leaves the channel. */
void		 channel_took(struct channel *, struct job *);
/* The channel is no more; its jobs are reported lost. */
void		 channel_lost(struct channel *, const char *why, bool blame);

/* Queue a job; it is reported once, perhaps from within this. */
void		 dest_submit(struct dest *, struct job *);
/* Give out what waits. */
void		 dest_pump(struct dest *);
/* Report all that waits. */
void		 dest_fail_waiting(struct dest *, enum job_loss);
/* Now and then: close the idle, give up on the hung. */
void		 dest_tick(struct dest *);
/* At the end: close all, report nothing. */
void		 dest_drop(struct dest *);

#endif
