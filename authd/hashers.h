/*
 * Helper processes (lib/base/helpers.h) that do the hashing, so that the loop
 * never waits for crypt(3).
 */
#ifndef AUTHD_HASHERS_H
#define AUTHD_HASHERS_H

#include <stdbool.h>

#include "lib/base/helpers.h"
#include "lib/store/scram_keys.h"

#define HASHERS_QUEUE	256	/* jobs waiting, and as many late ones */
#define HASHERS_JOB_MS	20000	/* a job that takes longer is given up and
				 * its helper replaced */

enum hash_result {
	HASH_FITS,
	HASH_DIFFERS,
	HASH_FAILED		/* the helper died or took too long */
};

/* Start n helpers, 1 at least; 0: one a processor, at most HELPERS_MAX. */
struct helpers	*hashers_new(struct event_base *, unsigned int n);

/*
 * Does the password fit the secret?  Both are copied.  0, or -1 with errno as
 * of helpers_ask(), and EMSGSIZE.
 */
int		 hashers_ask(struct helpers *, const char *secret,
		    const char *password, bool late, helpers_done_fn *,
		    void *arg);
/* Make the keys, of which hash, salt and iterations are given. */
int		 hashers_derive(struct helpers *, const struct scram_keys *,
		    const char *password, bool late, helpers_done_fn *,
		    void *arg);
/*
 * What the answer says.  keys: NULL, or, of hashers_derive(), where they go
 * with HASH_FITS.
 */
enum hash_result hashers_result(struct ipc_msg *answer, struct scram_keys *);

#endif
