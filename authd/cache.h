/*
 * Passwords that were verified a short while ago, as HMAC-SHA256 with a key
 * made at start.  The stored secret is part of what is authenticated, so a
 * changed password forgets the old one by itself.
 */
#ifndef AUTHD_CACHE_H
#define AUTHD_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define CACHE_CODE	32

struct cache;

/* ttl: seconds an entry counts; 0: nothing is remembered. */
struct cache	*cache_new(unsigned int ttl);
void		 cache_free(struct cache *);

/* now: monotonic milliseconds. */
bool		 cache_has(struct cache *, const char *user,
		    const char *secret, const char *password, int64_t now);
void		 cache_add(struct cache *, const char *user,
		    const char *secret, const char *password, int64_t now);

/*
 * The code of three strings, with the key of this run: where else something
 * is remembered.  False when nothing shall be.
 */
bool		 cache_code(const struct cache *, const char *user,
		    const char *secret, const char *what,
		    unsigned char code[CACHE_CODE]);

#endif
