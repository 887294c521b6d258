/*
 * Helper processes for a program whose loop must not wait: each takes one
 * question at a time, works on it in straight lines, and answers.  A helper
 * holds one end of a socketpair and what it opens itself.
 *
 * It is forked when it is first needed.  One that dies, answers nonsense or
 * takes too long is replaced.
 */
#ifndef BASE_HELPERS_H
#define BASE_HELPERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipc.h"

#define HELPERS_MAX	64	/* processes */
#define HELPERS_LATE	4	/* every so manieth question given is a late
				 * one while there are others */

struct event_base;
struct helpers;

/*
 * In the helper: the packet, a question, becomes its answer.  -1: it makes no
 * sense; the helper ends.
 */
typedef int	 helpers_work_fn(struct ipc_msg *, void *arg);
/*
 * In the loop, exactly once for each question that was accepted, never from
 * inside helpers_ask(): the answer, to be decoded; NULL when there is none, as
 * the helper died or time was up.  The packet is wiped afterwards.
 */
typedef void	 helpers_done_fn(struct ipc_msg *answer, void *arg);

struct helpers_kind {
	const char	*title;		/* of the processes, borrowed */
	unsigned int	 max;		/* processes, 1 to HELPERS_MAX */
	unsigned int	 queue;		/* questions that may wait for one, and
					 * as many late ones */
	unsigned int	 limit_ms;	/* from the asking on */
	bool		 patient;	/* no: from when a helper has it */
	helpers_work_fn	*work;
	void		*arg;		/* of work, as it is when forked */
};

struct helpers	*helpers_new(struct event_base *, const struct helpers_kind *);
/* Fork all of them now, when there is little they could inherit. */
void		 helpers_start(struct helpers *);
/* Ends the processes; questions without answer are forgotten. */
void		 helpers_free(struct helpers *);

/*
 * Ask; the packet is copied, and is the caller's to wipe.  Without descriptors.
 * late: others go first, but not all of them.  0, or -1 with errno: EAGAIN, the
 * queue is full; EBADMSG.
 */
int		 helpers_ask(struct helpers *, const struct ipc_msg *question,
		    bool late, helpers_done_fn *, void *arg);

#endif
