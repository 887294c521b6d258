/*
 * SCRAM keys of users whose secret is {PLAIN}: computed by a helper, then
 * kept a while as verified passwords are.  A changed secret is another
 * entry.
 */
#ifndef AUTHD_DERIVED_H
#define AUTHD_DERIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/scram_keys.h"

struct cache;
struct derived;

/* ttl: seconds, 0: nothing is kept.  The cache gives the codes. */
struct derived	*derived_new(const struct cache *, unsigned int ttl);
void		 derived_free(struct derived *);

/* keys: its hash, salt and iterations are what is asked for. */
bool		 derived_get(const struct derived *, const char *user,
		    const char *secret, struct scram_keys *, int64_t now);
void		 derived_put(struct derived *, const char *user,
		    const char *secret, const struct scram_keys *,
		    int64_t now);

#endif
