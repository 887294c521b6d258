/*
 * A message that is being tried: loaded when its time has come, freed when the
 * try is over.  The parts of a try, in this order:
 *
 *	message.c	open and read it
 *	expand.c	a first try: aliases become recipients
 *	attempt.c	each pending recipient: where, and a job for its worker
 *	relay.c		those for other hosts: batches, jobs for remote
 *	relay_job.c	what such a job says, and what came of it
 *	outcome.c	what became of it: state, reports, next try or end
 */
#ifndef QUEUE_RUNNER_MESSAGE_H
#define QUEUE_RUNNER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "lib/net/proto_deliver.h"
#include "lib/store/envelope.h"
#include "lib/store/state.h"
#include "queue-runner/runner.h"

/* What this try brought for a recipient. */
enum run {
	RUN_NONE,
	RUN_BUSY,
	RUN_RELAYING,		/* in a batch for another host: relay.c */
	RUN_OK,
	RUN_RELAYED,		/* to a host that makes no reports */
	RUN_TEMP,
	RUN_PAUSED,		/* as TEMP, but its destination rests */
	RUN_PERM,
	RUN_OURS		/* not tried: we failed */
};

struct message {
	LIST_ENTRY(message)	 entry;
	struct runner		*q;
	struct entry		*e;
	char			 id[SPOOL_ID_LEN + 1];
	int			 fd;
	int			 sfd;		/* of the state, -1: none */
	struct envelope		 env;
	struct state		 st;		/* nrcpts 0: not expanded */
	uint8_t			*run;		/* enum run, a recipient each */
	size_t			 next;		/* recipient to look at */
	size_t			 planned;	/* recipients at first */
	size_t			 busy;		/* questions and jobs out */
	struct relay		*relay;		/* or NULL */
	size_t			 relaying;	/* recipients in it */
	uint32_t		 only;		/* destination of all that is
						 * for other hosts, or 0 */
	bool			 mixed;		/* there is no such one */
	bool			 remote;	/* counts as remote_active */
	int64_t			 pause_ms;	/* of those RUN_PAUSED */
	bool			 stepping;
	bool			 killed;	/* a worker, in this try */
	bool			 expanded;	/* an alias was */
	size_t			 many;		/* its share of q->many */
	bool			 begun;		/* something was decided */
	int64_t			 started;	/* monotonic ms */
	/* What an admin asked for meanwhile, done at the end of the try. */
	struct control_request	*later;
};

enum message_next {
	NEXT_WAIT,		/* until when */
	NEXT_FORGET		/* it is gone, or none of ours */
};

/* Begin a try of an ENTRY_ACTIVE entry. */
void	 message_start(struct runner *, struct entry *);
/* End it; m is freed. */
void	 message_end(struct message *, enum message_next, int64_t when);
/* End it for a failure of our own. */
void	 message_end_ours(struct message *);
/* Park it at its destination for later; m is freed. */
void	 message_park(struct message *, struct dest *);
/* The same while the resolver is asked about the domain. */
void	 message_park_asking(struct message *, const char *domain);
/* Put it aside and tell postmaster; m is freed. */
void	 message_hold(struct message *, const char *reason);
/* At the end of the program: nothing is decided. */
void	 message_drop(struct message *);
/* The one being tried with the entry, or NULL. */
struct message	*message_find(struct runner *, const struct entry *);

/* queue/ID and a state on disk, if it has none; 0 or -1 with errno. */
int	 message_persist(struct message *, bool sync);
/* In memory and, when there is a state, on disk. */
void	 message_set_letter(struct message *, size_t i, enum state_letter,
	    unsigned int batch);
/* Seconds since it arrived. */
int64_t	 message_age(const struct message *);
/* Whom a report on recipient i goes to; "" is nobody. */
const char	*message_sender(const struct message *, size_t i);

void	 expand_start(struct message *);
/* One of an alias's results joins the recipients. */
void	 expand_add(struct state *, const struct auth_result *, const char *orcpt,
	    int notify);
/*
 * ORCPT of what a recipient becomes who came without: RFC 3461 4.2, RFC 6533 3.
 * To be freed.
 */
char	*expand_orcpt(const char *orcpt, const char *address);
void	 attempt_start(struct message *);
/* Go on; m may be freed. */
void	 attempt_step(struct message *);
/*
 * A recipient's part of this try is over.  code NULL: nothing is learnt;
 * host: who said text, NULL for our own words.
 */
void	 attempt_settle(struct message *, size_t i, enum run, const char *code,
	    const char *host, const char *text);
/* The same for good, unless failures are to be soft. */
void	 attempt_fail(struct message *, size_t i, const char *code,
	    const char *host, const char *text);
void	 outcome(struct message *);
/* Nothing is left to do: remove it, or try that again later. */
void	 outcome_end(struct message *);

/* Is the address one that authd need not be asked about? */
bool	 relay_takes(const struct runner *, const char *address);
/* Find where a recipient goes; false when m has been parked, and is no more. */
bool	 relay_add(struct message *, size_t i);
/* Give out what is ready; false when m is no more. */
bool	 relay_go(struct message *);
void	 relay_free(struct message *);
/*
 * An active entry whose destination is known to be paused, or full: put where
 * it waits for that, without a look at the message.  False: try it.
 */
bool	 relay_holds(struct runner *, struct entry *);

/* See worker.h and remote.h. */
extern const struct workers_calls	 attempt_calls;
extern const struct remotes_calls	 relay_calls;

#endif
