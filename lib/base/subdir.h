/* Make a directory for another uid where others may write too. */
#ifndef BASE_SUBDIR_H
#define BASE_SUBDIR_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Does path lie below root, named without "//", "." and ".."?
 */
bool	 subdir_below(const char *path, const char *root);
/*
 * Make path, 0700 and the uid's and gid's, with its missing parents (0711,
 * ours) below its first root octets, which must be there.  No link is
 * followed below root, and every directory on the way must belong to us,
 * uid 0 or the uid and be writable by its owner only.  Everything made is
 * durable.  0, also when it was there and is the uid's; or -1 with
 * errno, EPERM for a directory in wrong hands.
 */
int	 subdir_make(const char *path, size_t root, uid_t uid, gid_t gid);

#endif
