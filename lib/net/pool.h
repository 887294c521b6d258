/*
 * The processes behind a listener.  They accept connections by themselves:
 * the parent is not in a connection's way and wakes only when no process is
 * free.  Each has a slot in a shared table, in one of these states:
 *
 *	free	no process has it
 *	idle	waits for a connection
 *	busy	serves one; or leaves, until it is reaped
 *
 * A process writes idle and busy of its own slot, the parent free.  Who becomes
 * busy and sees nobody idle rings the parent, which forks one more, as
 * long as there are slots.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/net/listener.h"

struct event;
struct event_base;

/* A listening socket, non-blocking. */
struct pool_door {
	const struct config_listen	*listen;
	struct event			*ev;	/* the parent's, when full */
	int				 fd;
};

struct pool_calls {
	/* In a process: may the connection, accepted at a door, be served? */
	bool	(*admit)(int fd, size_t door, const struct listener_peer *,
		    size_t slot);
	/* In a process, or in the parent after its death: it has ended. */
	void	(*ended)(size_t slot);
	/* In the parent: no process is free and none may be added. */
	void	(*full)(void);
};

struct pool;

/* As many slots as prog->net->max_connections.  NULL with errno. */
struct pool	*pool_new(struct event_base *, const struct listener_program *,
		    const struct pool_door *, const size_t *ndoor,
		    const struct pool_calls *);
/* Have one process free, if there may be another; call it when doors stand. */
void		 pool_fill(struct pool *);
unsigned int	 pool_busy(const struct pool *);
/* In a process: the same of its own pool, per cent of all there may be. */
unsigned int	 pool_load(void);
/* Is every slot busy? */
bool		 pool_full(const struct pool *);
bool		 pool_empty(const struct pool *);
/*
 * Reap what has ended, and make up for it.  True when a process died of a
 * signal that means a fault in the program.
 */
bool		 pool_reap(struct pool *);
/* Let go processes that have been idle for long, all but one. */
void		 pool_sweep(struct pool *);
/* Idle ones leave now, busy ones after their connection. */
void		 pool_retire(struct pool *);
/* Send the signal to all; there will be no new ones. */
void		 pool_signal(struct pool *, int sig);

#endif
