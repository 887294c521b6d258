/*
 * To which destination does a domain's mail go?  What the routes say, and the
 * resolver, whose answers are kept as long as they say.
 */
#ifndef QUEUE_RUNNER_FINDER_H
#define QUEUE_RUNNER_FINDER_H

#include <stdbool.h>

#include "queue-runner/remote.h"
#include "queue-runner/schedule.h"

struct event_base;
struct finder;

enum finding_status {
	FOUND,			/* dest is set */
	FOUND_NOT,		/* for certain: code is 5.x.x */
	FOUND_LATER,		/* code is 4.x.x */
	FOUND_OURS		/* the resolver is away */
};

struct finding {
	enum finding_status	 status;
	struct dest		*dest;		/* until the loop turns */
	const char		*code, *text;	/* borrowed */
};

/* Messages have become ready; from the loop. */
typedef void	 finder_ready_fn(void *arg);
typedef void	 finder_fn(const struct finding *, void *arg);

struct finder	*finder_new(struct event_base *, const struct routes *,
		    struct remotes *, struct dests *, struct schedule *,
		    const char *path, finder_ready_fn *, void *arg);
void		 finder_free(struct finder *);	/* no callbacks any more */

/* What is known of the domain (any form); false: it has to be asked. */
bool		 finder_known(struct finder *, const char *domain,
		    struct finding *);
/* Ask; fn is called once, from the loop, never from within this. */
void		 finder_ask(struct finder *, const char *domain, finder_fn *,
		    void *arg);
/* Ask, and make the active message ready when there is an answer. */
void		 finder_park(struct finder *, const char *domain,
		    struct entry *);
/* Forget what is known of the domain: an admin has mended something. */
void		 finder_forget(struct finder *, const char *domain);
bool		 finder_connected(const struct finder *);
/* Now and then. */
void		 finder_tick(struct finder *);

#endif
