/*
 * How many connections an address and its network hold, and how many came in
 * the running minute.  Memory is bounded: an entry lives while something is
 * counted, and at most LIMITS_ENTRIES of them.
 */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"

#define LIMITS_ENTRIES	65536

struct limits;

enum limits_verdict {
	LIMITS_OK,
	LIMITS_ADDRESS,		/* max-per-address */
	LIMITS_NETWORK,		/* max-per-network: /24 or /64 */
	LIMITS_RATE		/* max-rate */
};

struct limits	*limits_new(void);
void		 limits_free(struct limits *);
/*
 * Count one connection of the 16-octet address (IPv4 mapped) in; unless
 * LIMITS_OK nothing was counted but the try itself.  now is in seconds.
 */
enum limits_verdict	 limits_enter(struct limits *,
			    const struct config_listeners *,
			    const uint8_t key[16], bool v4, int64_t now);
/* It has ended. */
void		 limits_leave(struct limits *, const uint8_t key[16],
		    bool v4, int64_t now);
/* Forget what counts nothing any more; call every minute or so. */
void		 limits_sweep(struct limits *, int64_t now);
const char	*limits_name(enum limits_verdict);

#endif
