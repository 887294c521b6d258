/*
 * Salts for users without keys of their own, known here or not: the same for
 * the same name each time, or an answer to SCRAM would tell who exists.
 * Their key is kept, so that a restart does not show either.
 */
#ifndef AUTHD_SALTS_H
#define AUTHD_SALTS_H

#include <stddef.h>

struct salts;

/*
 * The key is STATE/salt-key, made when it is missing; where that is impossible
 * it lasts until authd ends, and the log says so.
 */
struct salts	*salts_new(const char *state);
void		 salts_free(struct salts *);
/* len: at most 32. */
void		 salts_make(const struct salts *, const char *hash,
		    const char *user, unsigned char *salt, size_t len);

#endif
