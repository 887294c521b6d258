/*
 * The keys of TLS session tickets: one for new tickets, and for as long as it
 * is good the one before it.  After half a life a new one takes its place;
 * after a whole one a key is wiped, so whoever takes over a process or the
 * machine reads no connection older than that.  Never on disk, nor swapped out
 * where that can be had.
 */
#ifndef KEYD_TICKETS_H
#define KEYD_TICKETS_H

#include <stdint.h>

#include "lib/net/proto_key.h"

struct tickets;

/* life in seconds, 2 to KEY_TICKET_LIFE_MAX; now as of tickets_now(). */
struct tickets	*tickets_new(unsigned int life, int64_t now);
void	 tickets_free(struct tickets *);
/* Keys that exist keep at most what they had left. */
void	 tickets_set_life(struct tickets *, unsigned int life, int64_t now);
/* Make and wipe what it is time for.  Milliseconds until the next time. */
int64_t	 tickets_turn(struct tickets *, int64_t now);
/*
 * The key with the name, or, name NULL, the one for new tickets.  known is
 * false for one that is not here any more, or never was.
 */
void	 tickets_get(struct tickets *, const unsigned char *name,
	    int64_t now, struct key_ticket *out);
/* Milliseconds of a clock that goes on while the machine sleeps. */
int64_t	 tickets_now(void);

#endif
