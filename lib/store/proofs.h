/*
 * What the users' extra fields say about proofs: whose certificates are whose,
 * and what SCRAM keys look like here.  A part of users.c.
 */
#ifndef STORE_PROOFS_H
#define STORE_PROOFS_H

#include "lib/store/users.h"

struct proofs;

/* Of a table that does not move any more. */
struct proofs		*proofs_new(struct user *, size_t n);
void			 proofs_free(struct proofs *);
/*
 * A user with a certificate that another has as well, which then is nobody's
 * any more; NULL: there is none.
 */
const struct user	*proofs_twice(struct proofs *);
struct user		*proofs_certificate(const struct proofs *,
			    const char *hex);
bool			 proofs_typical(const struct proofs *,
			    enum scram_hash, uint32_t *iterations,
			    size_t *salt_len);

#endif
