/*
 * The session servers: one process a kind and uid, started by spawner when
 * first needed, kept while it is used, started again when it died.  Each
 * connection is one packet to it.
 */
#ifndef AUTHD_SESSIONS_H
#define AUTHD_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/proto_auth.h"
#include "lib/net/proto_spawn.h"

#define SESSIONS_TRIES		2	/* servers that may die under one
					 * session before it is given up */
#define SESSIONS_STUCK_MS	5000	/* a server that reads nothing */

struct event_base;
struct sessions;
struct spawn;

/* handed: the packet is with the server.  Called once, at once or later. */
typedef void	 sessions_fn(bool handed, void *arg);

/* idle: seconds after which a server without new sessions is let go. */
struct sessions	*sessions_new(struct event_base *, struct spawn *,
		    unsigned int idle);
void		 sessions_free(struct sessions *);

/*
 * Give the connection in *h to the server of kind and uid, after those that
 * came before.  *h is copied; its descriptor becomes ours and is closed.
 */
void		 sessions_hand(struct sessions *, const struct spawn_server *,
		    const struct auth_handed *h, sessions_fn *, void *arg);

#endif
