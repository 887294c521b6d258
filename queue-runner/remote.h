/*
 * Connections to other hosts: each is a process of remote(8), and a channel
 * of a destination that is a set of hosts with a port and a way to speak.
 */
#ifndef QUEUE_RUNNER_REMOTE_H
#define QUEUE_RUNNER_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/net/proto_remote.h"
#include "queue-runner/channel.h"
#include "queue-runner/routes.h"
#include "queue-runner/window.h"

struct remotes;

struct remotes_calls {
	/* Fill in all but the recipients; the descriptor is borrowed. */
	void	(*fill)(const struct job *, struct remote_job *);
	/* Strings in it are borrowed. */
	void	(*rcpt)(const struct job *, size_t i, struct remote_rcpt *);
	/* The result is NULL unless LOSS_NONE. */
	void	(*done)(const struct job *, struct dest *, enum job_loss,
		    const struct remote_result *);
	/*
	 * A message, active, whose destination is not tried before ms have
	 * gone.
	 */
	void	(*later)(struct entry *, int64_t ms, void *arg);
	void	*arg;
};

/* How a destination of hosts is, for others to see. */
struct remote_view {
	enum window_state	 state;
	unsigned int		 connections;
	unsigned int		 window;	/* jobs at once */
	unsigned int		 waiting;	/* jobs, messages parked */
	int64_t			 pause_ms;	/* until the pause is over */
	/* The last failure of the destination itself, "" when none. */
	const char		*code, *host, *text;
};

struct remotes	*remotes_new(struct event_base *, struct dests *,
		    const struct config *, const char *path,
		    const struct remotes_calls *);
void		 remotes_free(struct remotes *);	/* after the dests */

/*
 * The destination of a route that leads to the hosts, which are no more than
 * REMOTE_HOSTS (none for a socket).  NULL: there are too many.
 */
struct dest	*remotes_dest(struct remotes *, const struct route *,
		    struct resolver_host *, size_t nhost);
/* Connections. */
unsigned int	 remotes_count(const struct remotes *);
/* Is remote(8) there, as far as is known? */
bool		 remotes_reachable(const struct remotes *);

bool		 remote_is(const struct dest *);
enum window_state	 remote_state(const struct dest *);
/* All of it: counts what is parked, so not for every recipient. */
void		 remote_view(const struct dest *, struct remote_view *);
/* An admin wants it tried now. */
void		 remote_lift(struct dest *);

#endif
