/*
 * How many connections an address and its network hold, and how many came in
 * the last minute.  The table is shared by the processes of a listener: each
 * has a slot, which it alone writes and all read, so nobody waits for a lock
 * and who dies leaves nothing half done.  Counting is a look at every slot:
 * 500 cost less than a microsecond.
 */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"

#define LIMITS_HITS	65536	/* connections remembered for max-rate */

struct limits;

enum limits_verdict {
	LIMITS_OK,
	LIMITS_ADDRESS,		/* max-per-address */
	LIMITS_NETWORK,		/* max-per-network: /24 or /64 */
	LIMITS_RATE,		/* max-rate */
	LIMITS_OPEN		/* a door that is open to everybody */
};

/* Before the processes are forked.  NULL with errno. */
struct limits	*limits_new(size_t slots);
void		 limits_free(struct limits *);
/*
 * Count the slot's connection of the 16-octet address (IPv4 mapped) in;
 * unless LIMITS_OK nothing was counted but the try itself.  now is in
 * seconds.  Two that come at the same instant may both find the other there
 * and both be refused; never are both let in beyond a limit.
 */
enum limits_verdict	 limits_enter(struct limits *, size_t slot,
			    const struct config_listeners *,
			    const uint8_t key[16], bool v4, int64_t now);
/*
 * The slot's connection came to a door that is open to everybody, who may have
 * no more than max connections together: LIMITS_OK, or LIMITS_OPEN, and
 * nothing is counted any more.
 */
enum limits_verdict	 limits_enter_open(struct limits *, size_t slot,
			    unsigned int max);
/* How many those are. */
unsigned int	 limits_open(const struct limits *);
/* It has ended, or its process has.  Harmless when nothing was counted. */
void		 limits_leave(struct limits *, size_t slot);
/*
 * A refusal is to be logged: once a second is enough to see a flood.
 * *unlogged: how many were not since the last that was.
 */
bool		 limits_may_log(struct limits *, int64_t now,
		    unsigned int *unlogged);
const char	*limits_name(enum limits_verdict);

#endif
