/* Contract in filelock.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"

int
filelock_wait(int fd, short type, int ms)
{
	struct flock	 fl = { .l_type = type, .l_whence = SEEK_SET };
	struct timespec	 ts = { 0, 1000000 };
	int64_t		 end = 0;

	while (fcntl(fd, F_OFD_SETLK, &fl) == -1) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (end == 0)
			end = io_monotonic_ms() + ms;
		if (io_monotonic_ms() >= end) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&ts, NULL);
		if (ts.tv_nsec < 50000000)
			ts.tv_nsec *= 2;
	}
	return 0;
}
