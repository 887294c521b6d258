/* A user's mail home must be there before a program of its uid starts. */
#ifndef AUTHD_HOMES_H
#define AUTHD_HOMES_H

#include <stdint.h>

#include "lib/net/proto_spawn.h"

struct spawn;

typedef void	 homes_fn(enum spawn_status, void *arg);

/*
 * Call fn once home is there: at once, or after spawner has made it.  Else
 * SPAWN_REFUSED when it will never be made, SPAWN_LATER when it may be
 * (both are logged).
 */
void	 homes_ensure(struct spawn *, const char *home, uint32_t uid,
	    uint32_t gid, homes_fn *, void *arg);

#endif
