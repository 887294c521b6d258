/*
 * How long the answer to a wrong password waits: by client address (an IPv6
 * one's /64) and by user name, 0.5 s doubling up to 8 s, forgotten minutes
 * after the last failure.  The table is bounded: the oldest of a few
 * neighbours makes room.
 */
#ifndef AUTHD_DELAY_H
#define AUTHD_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#define DELAY_FIRST_MS	500
#define DELAY_MAX_MS	8000
#define DELAY_FORGET_MS	(5 * 60 * 1000)

struct delay;

struct delay	*delay_new(void);
void		 delay_free(struct delay *);

/*
 * Note a failure (at now, monotonic ms) and return the milliseconds its answer
 * waits: the longer of the two.  An empty ip or user does not count.
 */
int		 delay_failed(struct delay *, const char *ip,
		    const char *user, int64_t now);
/* A number for the address, the /64 of an IPv6 one; another with each table. */
uint64_t	 delay_client(const struct delay *, const char *ip);
/*
 * Has the address failed more than slips of a hand would?  Its passwords are
 * compared after those of others.
 */
bool		 delay_suspect(const struct delay *, const char *ip,
		    int64_t now);
/* The right password: the user's failures are forgotten, not the address's. */
void		 delay_passed(struct delay *, const char *user);

#endif
