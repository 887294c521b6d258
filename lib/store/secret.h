/*
 * Stored secrets: {PLAIN}word, a crypt(3) hash bare or behind {CRYPT},
 * {SHA512-CRYPT}, {SHA256-CRYPT}, {BLF-CRYPT}, or the keys of SCRAM behind
 * {SCRAM-SHA-256}, {SCRAM-SHA-1} (scram_keys.h).  Pure but for the hashing,
 * which takes milliseconds: helpers do it (hashers.h), never the loop.
 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/store/scram_keys.h"

/*
 * The secret in its normal form, borrowed from field: "{PLAIN}word", keys with
 * their scheme, a bare hash, or "" for an empty or locked ("*", "!...") field
 * that no password fits.  NULL and *reason for an unknown scheme, or a hash
 * or keys that are none.
 */
const char	*secret_normal(const char *field, const char **reason);
/*
 * The length of the front part of a normal secret that tells its scheme and
 * cost: "$y$j9T$", "$6$rounds=9000$", "$2b$12$", "{SCRAM-SHA-256}10000,".
 */
size_t		 secret_class(const char *secret);
/*
 * Does the password fit?  Slow.  Comparisons take the same time wherever a
 * difference is.
 */
bool		 secret_verify(const char *secret, const char *password);
/* The word of {PLAIN}, borrowed; else NULL. */
const char	*secret_word(const char *secret);
/* The keys that the secret is; false when it is something else. */
bool		 secret_keys(const char *secret, enum scram_hash,
		    struct scram_keys *);
/* A hash of nothing, for tables without any: yescrypt. */
const char	*secret_dummy(void);

#endif
