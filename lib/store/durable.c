/* Contract in durable.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/durable.h"
#include "lib/store/journal.h"

int
durable_sync(int fd, int dirfd, const char *dir)
{
	if (fsync(fd) == -1)
		return -1;
	if (journal_is_ordered(fd))
		return 0;
	return dirfd == -1 ? io_fsync_dir(AT_FDCWD, dir) : fsync(dirfd);
}

/* One journal for all of them? */
static bool
durable_share(const struct durable *d, size_t n)
{
	struct stat	 st;
	dev_t		 dev = 0;
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (fstat(d[i].fd, &st) == -1 || (i > 0 && st.st_dev != dev))
			return false;
		dev = st.st_dev;
	}
	return n > 1 && journal_is_ordered(d[0].fd);
}

/*
 * Commit all that was changed so far.  An fsync waits for the transaction
 * that changed its own inode last, so that one is changed now: then it is
 * the newest transaction, and older ones are committed before it.
 */
static int
durable_commit(int fd)
{
	struct stat	 st;

	if (fstat(fd, &st) == -1 || fchmod(fd, st.st_mode & 07777) == -1)
		return -1;
	return fsync(fd);
}

/*
 * fsync of each would commit for each, because blocks are allocated when the
 * octets are written out.  So first write all of them out.
 */
static void
durable_together(struct durable *d, size_t n)
{
	const unsigned int	 whole = SYNC_FILE_RANGE_WAIT_BEFORE |
				    SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER;
	size_t			 i;
	int			 error;

	for (i = 0; i < n; i++)
		(void)sync_file_range(d[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	for (i = 0; i < n; i++)
		d[i].error = sync_file_range(d[i].fd, 0, 0, whole) == -1 ?
		    errno : 0;
	if (durable_commit(d[0].fd) == 0)
		return;
	error = errno;
	for (i = 0; i < n; i++)
		d[i].error = error;
}

void
durable_sync_all(struct durable *d, size_t n)
{
	size_t	 i;

	if (durable_share(d, n)) {
		durable_together(d, n);
		return;
	}
	for (i = 0; i < n; i++)
		d[i].error = durable_sync(d[i].fd, -1, d[i].dir) == -1 ?
		    errno : 0;
}
