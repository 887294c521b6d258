/*
 * A session whose client is silent leaves a note with its server and ends its process
 * (lib/net/session_park.h): what the client knows, so that another one goes on
 * where it stopped.  What lives in memory alone (NOTIFY, COMPRESS, a private index)
 * keeps its process.
 */
#ifndef IMAP_SESSION_PARK_H
#define IMAP_SESSION_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "imap-session/session.h"
#include "imap-session/watch.h"
#include "lib/net/session_park.h"

/* IDLE, while it waits. */
struct park_idle {
	struct watch	*w;
	int64_t		 still;		/* ms: when to say so; 0: no IDLE */
};

/*
 * When to park, unless something happens before: monotonic ms, INT64_MAX: not.
 * idle: NULL between commands.
 */
int64_t	 park_time(const struct session *, const struct park_idle *);
/*
 * Park.  True: s->end says so, and the client must hear nothing more.  False: not
 * now; park_time() is later.
 */
bool	 park_session(struct session *, const struct park_idle *);
/*
 * Take what the note says and open the account.  True with idle's watch and time, 0
 * unless it was in IDLE (watch has no dir when there was no mailbox).  False:
 * s->end is set, the client is told.
 */
bool	 park_resume(struct session *, const struct session_parked *,
	    struct park_idle *idle);

#endif
