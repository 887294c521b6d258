/*
 * A libunbound context on our event loop: whom it asks, what it believes, how
 * much it keeps.  Nobody else sees libunbound's options.
 */
#ifndef RESOLVER_UPSTREAM_H
#define RESOLVER_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"

struct event_base;
struct ub_ctx;

/* The answer to one DNS question; see unbound-event.h. */
typedef void	 upstream_fn(void *arg, int rcode, void *packet, int len,
		    int secure, char *why, int limited);

struct upstream {
	struct ub_ctx	*ctx;
	unsigned int	 sent;		/* questions without an answer yet */
	bool		 probe;		/* by dnssec = "auto": does what we
					 * forward to pass DNSSEC on? */
};

/*
 * believe: with the trust anchors of the configuration.  sockets: UDP
 * questions at once.  Exits with EX_CONFIG when the configuration cannot be
 * used at start; later (again) NULL, and it is logged.
 */
struct upstream	*upstream_new(struct event_base *,
		    const struct config_resolver *, bool believe,
		    unsigned int sockets, bool again);
void		 upstream_free(struct upstream *);
/* 0, or -1: the name or the state of things is no good. */
int		 upstream_send(struct upstream *, const char *name,
		    uint16_t type, upstream_fn *, void *arg);

#endif
