/*
 * FNV-1a of 32 bits, for tables of our own.  Whoever chooses the octets can
 * make them meet, so the chain behind a slot must be bounded or harmless.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t
hash_octets(const void *data, size_t len)
{
	const unsigned char	*p = data;
	uint32_t		 h = 2166136261u;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static inline uint32_t
hash_str(const char *s)
{
	return hash_octets(s, strlen(s));
}

#endif
