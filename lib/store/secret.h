/*
 * Stored secrets: {PLAIN}word, or a crypt(3) hash bare or behind {CRYPT},
 * {SHA512-CRYPT}, {SHA256-CRYPT}, {BLF-CRYPT}.  Pure but for the hashing,
 * which takes milliseconds: helpers do it (hashers.h), never the loop.
 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The secret in its normal form, borrowed from field: "{PLAIN}word", a bare
 * hash, or "" for an empty or locked ("*", "!...") field with which nobody
 * logs in.  NULL and *reason for an unknown scheme, or a hash that is none.
 */
const char	*secret_normal(const char *field, const char **reason);
/*
 * The length of the front part of a normal secret that tells its scheme and
 * cost: "$y$j9T$", "$6$rounds=9000$", "$2b$12$".
 */
size_t		 secret_class(const char *secret);
/*
 * Does the password fit?  Slow.  Comparisons take the same time wherever a
 * difference is.
 */
bool		 secret_verify(const char *secret, const char *password);
/* A hash of nothing, for tables without any: yescrypt. */
const char	*secret_dummy(void);

#endif
