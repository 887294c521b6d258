/*
 * What serves once and not for long: exchanges of SCRAM, and passes.  The table
 * is bounded: a part of it for each of some groups of clients, where the oldest
 * makes room.  So whoever begins without end spoils it for few others.
 */
#ifndef AUTHD_ONCE_H
#define AUTHD_ONCE_H

#include <stdint.h>

#include "lib/net/proto_auth.h"

#define ONCE_GROUPS	64
#define ONCE_EACH	64
#define ONCE_MS		60000		/* so long it serves */

struct once;

/* drop: what becomes of things that nobody came for. */
struct once	*once_new(void (*drop)(void *));
void		 once_free(struct once *);

/*
 * The thing is the table's now, under a name that nobody guesses.  client: who
 * began it, as delay_client() has it.
 */
void		 once_put(struct once *, void *thing, uint64_t client,
		    int64_t now, char name[AUTH_PASS_LEN + 1]);
/* Borrowed; NULL when it is not there, was taken, or is too old. */
const void	*once_see(struct once *, const char *name, int64_t now);
/* The same, and it is the caller's: nobody gets it again. */
void		*once_take(struct once *, const char *name, int64_t now);

#endif
