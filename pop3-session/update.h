/* What QUIT does to the mailbox (RFC 1939 6, UPDATE). */
#ifndef POP3_SESSION_UPDATE_H
#define POP3_SESSION_UPDATE_H

#include <time.h>

#include "pop3-session/mailbox.h"

struct update_result {
	size_t		 removed;	/* by us */
	size_t		 failed;	/* marked, but still there */
	uint64_t	 octets;	/* of the removed, as stored */
};

/*
 * Remove what is marked deleted and what expire (days, -1 never; RFC 2449
 * 6.7) allows: with 0 what was retrieved, else what is older than so many
 * days.  Mark the rest of what was retrieved as Seen.  Removals are durable
 * when it returns.  0, or -1 when something marked could not be removed.
 */
int	 update_commit(struct mailbox *, int expire, time_t now,
	    struct update_result *);

/* name with the flag S; to be freed, or NULL when it has it or is too long. */
char	*update_seen_name(const char *name);

#endif
