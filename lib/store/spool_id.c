/*
 * Spool ids (spool.h).  Apart from spool.c so that what only looks at ids
 * pulls in nothing else.
 */
#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "lib/store/spool.h"

#define TIME_CHARS	7

/* Crockford's alphabet: no i, l, o, u. */
static const char	 alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* The lowest 5 * n bits of v, most significant first. */
static void
put_bits(char *out, size_t n, uint64_t v)
{
	while (n > 0) {
		out[--n] = alphabet[v & 31];
		v >>= 5;
	}
}

void
spool_id_from(char id[SPOOL_ID_LEN + 1], int64_t seconds,
    const unsigned char random[9])
{
	uint64_t	 low;

	memcpy(&low, random, sizeof(low));
	put_bits(id, TIME_CHARS, (uint64_t)seconds);
	put_bits(id + TIME_CHARS, 1, random[8]);
	put_bits(id + TIME_CHARS + 1, 12, low);
	id[SPOOL_ID_LEN] = '\0';
}

void
spool_id_new(char id[SPOOL_ID_LEN + 1], int64_t arrived_us)
{
	unsigned char	 random[9];

	arc4random_buf(random, sizeof(random));
	spool_id_from(id, arrived_us / 1000000, random);
}

bool
spool_id_valid(const char *id)
{
	return strspn(id, alphabet) == SPOOL_ID_LEN &&
	    id[SPOOL_ID_LEN] == '\0';
}

int64_t
spool_id_time(const char *id)
{
	int64_t		 t = 0;
	const char	*p;
	size_t		 i;

	for (i = 0; i < TIME_CHARS; i++) {
		if (id[i] == '\0' || (p = strchr(alphabet, id[i])) == NULL)
			return 0;
		t = t << 5 | (p - alphabet);
	}
	return t;
}

void
spool_queue_name(const char *id, char out[64])
{
	snprintf(out, 64, "queue/%s/%.*s", id + SPOOL_ID_LEN - 2,
	    SPOOL_ID_LEN, id);
}
