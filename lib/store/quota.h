/*
 * Maildir++ quota: the maildirsize file (a first line "1000S,10C", then
 * "octets count" lines that add up; recounted when over quota and old, or
 * larger than 5120 octets).
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdint.h>

struct quota {
	uint64_t	 octets;	/* limits; 0: none */
	uint64_t	 count;
};

/* Octets and messages used; recounts by names when it must.  0 or -1. */
int	 quota_usage(const char *dir, const struct quota *, uint64_t *octets,
	    uint64_t *count);
/* Add to (or take from) the file by one O_APPEND write.  0 or -1. */
int	 quota_add(const char *dir, int64_t octets, int64_t count);

#endif
