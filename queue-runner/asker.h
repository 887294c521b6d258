/*
 * queue-runner's questions to authd, asked from the event loop: one
 * connection, requests by id, answers to callbacks.  A mailbox's answer is kept
 * for a minute; nothing else is.
 */
#ifndef QUEUE_RUNNER_ASKER_H
#define QUEUE_RUNNER_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/proto_auth.h"

struct event_base;
struct asker;

/* Where a mailbox is; shared, counted. */
struct route {
	unsigned int	 refs;
	int64_t		 until;		/* monotonic ms */
	uint32_t	 uid;
	uint64_t	 quota_octets, quota_count;
	char		*address, *user, *home;
};

void	 route_ref(struct route *);
void	 route_unref(struct route *);	/* NULL is fine */

/*
 * Callbacks come from the event loop, never from within the asking call.
 * Each question has exactly one.
 */
/* kind AUTH_TEMP also when authd is away; route: AUTH_USER only, borrowed. */
typedef void	 asker_found_fn(enum auth_kind kind, struct route *route,
		    void *arg);
/*
 * status: "ok" with the results (borrowed), or none loop toomany temp.
 */
typedef void	 asker_expanded_fn(const char *status,
		    const struct auth_result *results, size_t n, void *arg);
/* fd: the callee's, or -1. */
typedef void	 asker_worker_fn(int fd, void *arg);

struct asker	*asker_new(struct event_base *, const char *path);
void		 asker_free(struct asker *);	/* no callbacks any more */

/* The kept answer, or NULL.  Borrowed until the next call. */
struct route	*asker_known(struct asker *, const char *address);
void		 asker_lookup(struct asker *, const char *address,
		    asker_found_fn *, void *arg);
void		 asker_expand(struct asker *, const char *address,
		    asker_expanded_fn *, void *arg);
void		 asker_worker(struct asker *, const char *user,
		    asker_worker_fn *, void *arg);
bool		 asker_connected(const struct asker *);
/* Called now and then: gives up on an authd that does not answer. */
void		 asker_tick(struct asker *);

#endif
