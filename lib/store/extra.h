/* The last field of a users line: blank separated words, name or name=value. */
#ifndef STORE_EXTRA_H
#define STORE_EXTRA_H

#include "lib/store/users.h"

/*
 * Read the words into the user.  NULL, or what is wrong (static text).  Words
 * that only another program needs are skipped; those that would let
 * fewer people in than we would are errors.
 */
const char	*extra_parse(const char *words, struct user *);

#endif
