/*
 * Destinations: where jobs go.  One is the uid that owns mailboxes, or the
 * set of hosts that takes a domain's mail.  Here is what both have: jobs that
 * wait for a channel (channel.h), and messages parked because it has no room
 * for more, fairly by sender.  No I/O.
 */
#ifndef QUEUE_RUNNER_DEST_H
#define QUEUE_RUNNER_DEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "queue-runner/mailbox.h"
#include "queue-runner/schedule.h"

#define DESTS_MAX	16384	/* a power of 2 */

struct channel_kind;
struct dests;

enum job_loss {
	LOSS_NONE,		/* there is a result */
	LOSS_OURS,		/* no channel to be had, or it went away */
	LOSS_SUSPECT,		/* its other end died of this very job, it
				 * seems */
	LOSS_PAUSED		/* the destination is not tried just now */
};

/* Recipients of one message to one destination. */
struct job {
	TAILQ_ENTRY(job)	 entry;
	void			*owner;
	const char		*id;		/* of the message; borrowed */
	struct mailbox		*mailbox;	/* local ones, else NULL */
	uint64_t		 ipc_id;
	unsigned int		 handed_on;	/* from channel to channel */
	size_t			 n;
	unsigned int		 number[];	/* of the owner's recipients */
};

TAILQ_HEAD(job_list, job);

struct parking;

struct dest {
	LIST_ENTRY(dest)	 chain;		/* by key */
	TAILQ_ENTRY(dest)	 used;		/* longest unused first */
	TAILQ_ENTRY(dest)	 turn;		/* parked, and there is room */
	bool			 in_turn;
	TAILQ_ENTRY(dest)	 stirred;	/* dests_pump() has work here */
	bool			 is_stirred;
	struct dests		*all;
	const struct channel_kind *kind;
	void			*more;		/* the kind's own */
	char			*key;
	uint32_t		 number;	/* never 0, never used again */
	int64_t			 used_at;	/* asked for last: monotonic
						 * ms */
	struct job_list		 waiting;
	unsigned int		 load;		/* jobs waiting and given */
	unsigned int		 given;
	struct parking		*parking;	/* NULL: never needed */
	LIST_HEAD(, channel)	 channels;
	unsigned int		 nchannels;
	bool			 asking;	/* for one more */
	unsigned int		 held;		/* others point here */
	/* Of the last channel that was lost, with no result since. */
	char			 killer[SPOOL_ID_LEN];
};

/* ready(arg): dests_unpark() may have something that it had not before. */
struct dests	*dests_new(struct schedule *, void (*ready)(void *),
		    void *arg);
void		 dests_free(struct dests *);

/* The one of that key, made when it is new; NULL when there are too many. */
struct dest	*dests_get(struct dests *, const struct channel_kind *,
		    const char *key, bool *made);
/* NULL when it has been forgotten, or number is 0. */
struct dest	*dests_find(const struct dests *, uint32_t number);
/* The ones that exist, in no order; NULL first and last. */
struct dest	*dests_next(const struct dests *, const struct dest *);

/* Now and then: forget those that were not used for long. */
void		 dests_tick(struct dests *);

struct job	*job_new(void *owner, const char *id, size_t n);
void		 job_free(struct job *);

/*
 * Park an active message; sender is any number that its sender always has.
 * dests_unpark() has it again when there is room: destinations take turns,
 * within one first tries go before retries, and senders take turns.
 */
void		 dest_park(struct dest *, struct entry *);
/* NULL when there is none; local ones only, if remote is false. */
struct entry	*dests_unpark(struct dests *, bool remote);
/* The next parked message whatever the room, ENTRY_ACTIVE, or NULL. */
struct entry	*dest_unpark(struct dest *);
unsigned int	 dest_parked(const struct dest *);
/*
 * Its jobs are given out by dests_pump(): one destination each time, so that
 * results are read between them.  True: there are more.
 */
void		 dest_stir(struct dest *);
bool		 dests_pump(struct dests *);
/* There may be room again. */
void		 dest_wake(struct dest *);

#endif
