/* Contract in durable.h. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/durable.h"
#include "lib/store/journal.h"

int
durable_sync(int fd, int dirfd, const char *dir)
{
	int	 own = -1, r;

	if (fsync(fd) == -1)
		return -1;
	if (journal_is_ordered(fd))
		return 0;
	if (dirfd == -1) {
		own = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (own == -1)
			return -1;
		dirfd = own;
	}
	r = fsync(dirfd);
	io_close(own);
	return r;
}
