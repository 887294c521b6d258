/*
 * Tokens that were good a moment ago, by their SHA-256: a client that opens
 * many connections costs one question.  Bounded: the one that ends first of a
 * few neighbours makes room.
 */
#ifndef TOKEND_CACHE_H
#define TOKEND_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/proto_token.h"

#define CACHE_DIGEST	32

struct cache;

struct cache	*cache_new(void);
void		 cache_free(struct cache *);

void		 cache_digest(const char *token,
		    unsigned char digest[CACHE_DIGEST]);
/* now: monotonic milliseconds.  seconds in *a are those that are left. */
bool		 cache_has(const struct cache *,
		    const unsigned char digest[CACHE_DIGEST], int64_t now,
		    struct token_answer *a);
/* An active answer; nothing happens when it may not be believed later. */
void		 cache_add(struct cache *,
		    const unsigned char digest[CACHE_DIGEST], int64_t now,
		    const struct token_answer *a);

#endif
