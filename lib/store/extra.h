/* The last field of a users line: blank separated words, name or name=value. */
#ifndef STORE_EXTRA_H
#define STORE_EXTRA_H

#include "lib/base/slice.h"
#include "lib/store/users.h"

/*
 * Read the words into the user.  NULL, or what is wrong (static text).  Words
 * that only another program needs are skipped; those that would let
 * fewer people in than we would are errors.
 */
const char	*extra_parse(const char *words, struct user *);

/*
 * The next value of "key=value" in *words, which moves past it; false when
 * there is none.  The words are those of a user that was parsed.
 */
bool		 extra_next(const char **words, const char *key,
		    struct slice *value);

#endif
