/* What is known of the file system under a descriptor. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>

/*
 * Does an fsync of a file, on this file system, make the name durable that it
 * was created or renamed to before?  Only what is known to: ext3 and ext4, by
 * /proc/self/mountinfo.  False when in doubt.
 */
bool	 journal_is_ordered(int fd);

#endif
