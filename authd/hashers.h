/*
 * Helper processes that do the hashing, so that the loop never waits for
 * crypt(3).  A helper holds one end of a socketpair and nothing else;
 * it takes one job at a time.
 */
#ifndef AUTHD_HASHERS_H
#define AUTHD_HASHERS_H

#include <stdbool.h>

#include "lib/store/scram_keys.h"

#define HASHERS_QUEUE	256	/* jobs waiting, and as many late ones */
#define HASHERS_LATE	4	/* every so manieth job is a late one while
				 * there are others */
#define HASHERS_JOB_MS	20000	/* a job that takes longer is given up and
				 * its helper replaced */

enum hash_result {
	HASH_FITS,
	HASH_DIFFERS,
	HASH_FAILED		/* the helper died or took too long */
};

struct event_base;
struct hashers;

/*
 * Called from the loop, exactly once for each job that was accepted.  keys:
 * those that were asked for, only with HASH_FITS; else NULL.
 */
typedef void	 hash_fn(enum hash_result, const struct scram_keys *keys,
		    void *arg);

/* Start n helpers, 1 at least; 0: one a processor, at most 64. */
struct hashers	*hashers_new(struct event_base *, unsigned int n);
/* Ends the helpers; jobs not done are forgotten without a call. */
void		 hashers_free(struct hashers *);

/*
 * Does the password fit the secret?  Both are copied.  late: others go first,
 * but not all of them.  0, or -1 with errno EAGAIN when the queue is full.
 */
int		 hashers_ask(struct hashers *, const char *secret,
		    const char *password, bool late, hash_fn *, void *arg);
/* Make the keys, of which hash, salt and iterations are given. */
int		 hashers_derive(struct hashers *, const struct scram_keys *,
		    const char *password, bool late, hash_fn *, void *arg);

#endif
