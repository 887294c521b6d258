/*
 * The processes behind a listener.  Each is in one of these states:
 *
 *	idle	max_uses > 1 only: waits on its socket for a connection
 *	busy	serves one; its ticket is out
 *	gone	reaped: forgotten
 *
 * and tells the parent "done" when it goes from busy to idle, "bye" when it
 * leaves instead.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/listener.h"

struct event;
struct event_base;

/* A listening socket of the parent. */
struct pool_door {
	const struct config_listen	*listen;
	struct event			*ev;
	int				 fd;
};

/* What the parent counts a connection by. */
struct pool_ticket {
	uint8_t	 key[16];
	bool	 v4;
	bool	 counted;
};

struct pool;

/*
 * back gets a connection's ticket when it has ended.  Doors are the
 * parent's: a child closes them.
 */
struct pool	*pool_new(struct event_base *, const struct listener_program *,
		    const struct pool_door *, const size_t *ndoor,
		    void (*back)(const struct pool_ticket *));
/*
 * Give fd, accepted at a door, to an idle or new process; fd stays the
 * caller's to close.  0, or -1 with errno when no process can be had.
 */
int	 pool_give(struct pool *, int fd, size_t door,
	    const struct pool_ticket *);
unsigned int	 pool_busy(const struct pool *);
bool	 pool_empty(const struct pool *);
/*
 * Reap what has ended.  True when a child died of a signal that means a fault
 * in the program.
 */
bool	 pool_reap(struct pool *);
/* Let go processes that were idle for long. */
void	 pool_sweep(struct pool *);
/* Send the signal to all; idle ones are let go too. */
void	 pool_signal(struct pool *, int sig);

#endif
