/* Contract in filelock.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"

/* Most are held for a moment only: ask again soon at first. */
#define FIRST_NS	50000
#define LAST_NS		5000000

static int
lock(int fd, struct flock *fl, int ms)
{
	struct timespec	 ts = { 0, FIRST_NS };
	int64_t		 end = 0;

	while (fcntl(fd, F_OFD_SETLK, fl) == -1) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (end == 0)
			end = io_monotonic_ms() + ms;
		if (io_monotonic_ms() >= end) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&ts, NULL);
		if (ts.tv_nsec < LAST_NS)
			ts.tv_nsec *= 2;
	}
	return 0;
}

int
filelock_wait(int fd, short type, int ms)
{
	struct flock	 fl = { .l_type = type, .l_whence = SEEK_SET };

	return lock(fd, &fl, ms);
}

int
filelock_octet(int fd, off_t octet, short type, int ms)
{
	struct flock	 fl = { .l_type = type, .l_whence = SEEK_SET,
			    .l_start = octet, .l_len = 1 };

	return lock(fd, &fl, ms);
}

void
filelock_free(int fd, off_t octet)
{
	(void)filelock_octet(fd, octet, F_UNLCK, 0);
}
