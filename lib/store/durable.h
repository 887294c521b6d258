/*
 * Making files durable together with the names they were just given.
 *
 * POSIX wants two fsyncs: of the file and of its directory.  Where the file
 * system writes one journal in order, the commit that an fsync of the file
 * waits for holds the rename too, because the rename changed the inode's
 * ctime; the second fsync only makes the disk flush its cache once
 * more.  That is so with ext3 and ext4 (doc/decisions.md), tried by stopping
 * the file system at random moments (tests/e2e/suite_power.py); elsewhere both
 * are done.
 */
#ifndef STORE_DURABLE_H
#define STORE_DURABLE_H

#include <stddef.h>

/*
 * fd was created or renamed in the directory, on the same file system.  dirfd
 * is the directory, or -1: then dir is its path and is opened when
 * needed.  0, or -1 with errno: nobody knows what is on disk.
 */
int	 durable_sync(int fd, int dirfd, const char *dir);

struct durable {
	int		 fd;
	const char	*dir;		/* its path */
	int		 error;		/* set: 0, or an errno as above */
};

/* Several files of ours: with one commit for all where that is enough. */
void	 durable_sync_all(struct durable *, size_t n);

#endif
