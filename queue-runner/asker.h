/*
 * Questions to another program, asked from the event loop: one connection,
 * requests by id, answers to callbacks.
 */
#ifndef QUEUE_RUNNER_ASKER_H
#define QUEUE_RUNNER_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipc.h"

struct event_base;
struct asker;

struct asker_peer {
	const char	*name;		/* in the log: NAME-unreachable */
	const char	*path;		/* of its socket; borrowed, as name */
	unsigned int	 outstanding;	/* questions on the wire, at most */
	int64_t		 patience;	/* ms until an answer */
};

/* Begin the packet of a question about what. */
typedef void	 asker_put_fn(struct ipc_msg *, uint64_t id, const char *what);
/*
 * The answer, to be decoded to its end.  0; -1 when it is malformed: the
 * connection is given up, and lost called.
 */
typedef int	 asker_got_fn(struct ipc_msg *, const char *what, void *arg);
/* There is none: the program is away. */
typedef void	 asker_lost_fn(const char *what, void *arg);

struct asker	*asker_new(struct event_base *, const struct asker_peer *);
void		 asker_free(struct asker *);	/* no callbacks any more */
/*
 * Ask about what, which is copied.  Either got or lost is called once, from
 * the event loop, never from within this.  arg is on the heap, the callee's
 * then; asker_free() frees it when neither was called.
 */
void		 asker_ask(struct asker *, asker_put_fn *, const char *what,
		    asker_got_fn *, asker_lost_fn *, void *arg);
bool		 asker_connected(const struct asker *);
/* Called now and then: gives up on a program that does not answer. */
void		 asker_tick(struct asker *);

#endif
