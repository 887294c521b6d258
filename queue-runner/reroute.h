/* Giving a queued message other recipients, for an admin. */
#ifndef QUEUE_RUNNER_REROUTE_H
#define QUEUE_RUNNER_REROUTE_H

#include "lib/net/proto_control.h"
#include "queue-runner/runner.h"

/* Is the text an address that mail can go to?  0 or -1. */
int	 reroute_check(const char *address);
/*
 * The pending recipients that the request selects (all of them, unless it is
 * by recipient or by a recipient's domain) become its address; the message is
 * due now, unless it is held.  e may be NULL.  0, or -1 with errno.
 */
int	 reroute(struct runner *, struct entry *e, enum files_place,
	    const char *id, const struct control_request *);

#endif
