/*
 * Maildir++ quota: the maildirsize file, a first line "1000S,10C" (the
 * limits), then lines "octets count" that add up.  It is a cache: counted
 * again from the names when the limits changed, it is malformed, larger than
 * 5120 octets, or says that the quota is passed and is older than 15 minutes
 * or of several lines.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdint.h>

struct quota {
	uint64_t	 octets;	/* limits; 0: none */
	uint64_t	 count;
};

/*
 * Octets and messages used in the Maildir and its subfolders; a missing one
 * uses nothing.  0 or -1.  Who has no limits need not ask.
 */
int	 quota_usage(const char *dir, const struct quota *, uint64_t *octets,
	    uint64_t *count);
/*
 * Add to (or take from) the file by one O_APPEND write.  0, also when there
 * is no file: the next quota_usage() counts.  Or -1.
 */
int	 quota_add(const char *dir, int64_t octets, int64_t count);

#endif
