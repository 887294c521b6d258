/*
 * How much each user may send in an hour: buckets that fill steadily and
 * hold an hour's worth.  The table is bounded; who sent longest ago makes
 * room.
 */
#ifndef AUTHD_BUCKETS_H
#define AUTHD_BUCKETS_H

#include <stdint.h>

struct buckets;

enum buckets_status {
	BUCKETS_OK,
	BUCKETS_MESSAGES,	/* too many messages */
	BUCKETS_RECIPIENTS	/* too many recipients */
};

/* What an hour may hold, 0: any. */
struct buckets		*buckets_new(unsigned int messages,
			    unsigned int recipients);
void			 buckets_free(struct buckets *);
/*
 * count 0: is there room for a message at all?  Else take one message with so
 * many recipients; nothing is taken unless BUCKETS_OK.  now: monotonic
 * milliseconds.
 */
enum buckets_status	 buckets_take(struct buckets *, const char *user,
			    uint64_t count, int64_t now);

#endif
