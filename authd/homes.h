/* A user's mail home must be there before a program of its uid starts. */
#ifndef AUTHD_HOMES_H
#define AUTHD_HOMES_H

#include <stdbool.h>
#include <stdint.h>

struct spawn;

typedef void	 homes_fn(bool ready, void *arg);

/*
 * Call fn once home is there: at once, or after spawner has made it.  ready is
 * false when it cannot be made (logged).
 */
void	 homes_ensure(struct spawn *, const char *home, uint32_t uid,
	    uint32_t gid, homes_fn *, void *arg);

#endif
