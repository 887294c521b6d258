/* Contract in uidstate.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"

#define FILE_NAME	"uidvalidity"
#define FILE_MAX	512
#define MAGIC		"merpati-uid "

/* Wait for the lock by asking again: a stuck holder must not hang us. */
static int
lock(int fd, short type)
{
	struct flock	 fl = { .l_type = type, .l_whence = SEEK_SET };
	struct timespec	 ts = { 0, 1000000 };
	int64_t		 end = 0;

	while (fcntl(fd, F_OFD_SETLK, &fl) == -1) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (end == 0)
			end = io_monotonic_ms() + UIDLIST_WAIT_MS;
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

/* The value of the next line, which must be key's. */
static bool
take(struct slice *text, const char *key, uint64_t max, uint64_t *out)
{
	const char	*lf;
	struct slice	 v;
	size_t		 klen = strlen(key);

	lf = text->len == 0 ? NULL : memchr(text->ptr, '\n', text->len);
	if (lf == NULL || (size_t)(lf - text->ptr) < klen ||
	    memcmp(text->ptr, key, klen) != 0)
		return false;
	v.ptr = text->ptr + klen;
	v.len = (size_t)(lf - v.ptr);
	text->len -= (size_t)(lf + 1 - text->ptr);
	text->ptr = lf + 1;
	return text_u64(v, max, out) == 0;
}

static int
parse(struct slice text, struct uidstate *st)
{
	uint64_t	 version, validity, next;

	st->found = UIDSTATE_BROKEN;
	if (!take(&text, MAGIC, UINT64_MAX, &version))
		return 0;
	if (version != 1) {
		errno = ENOTSUP;	/* leave it to who knows it */
		return -1;
	}
	if (!take(&text, "validity ", UINT32_MAX, &validity) ||
	    !take(&text, "next ", UINT32_MAX, &next) ||
	    !take(&text, "modseq ", INT64_MAX, &st->modseq) ||
	    validity == 0 || next == 0)
		return 0;
	st->validity = (uint32_t)validity;
	st->next = (uint32_t)next;
	st->found = UIDSTATE_OK;
	return 0;
}

static int
open_file(int dirfd, struct uidstate *st)
{
	const int	 flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	st->writable = true;
	st->fd = openat(dirfd, FILE_NAME, O_RDWR | O_CREAT | flags, 0600);
	if (st->fd != -1)
		return 0;
	if (errno != EROFS && errno != EACCES && errno != EPERM &&
	    errno != ENOSPC && errno != EDQUOT)
		return -1;
	st->writable = false;
	st->fd = openat(dirfd, FILE_NAME, O_RDONLY | flags);
	return st->fd == -1 && errno != ENOENT ? -1 : 0;
}

int
uidstate_open(int dirfd, struct uidstate *st)
{
	char		 text[FILE_MAX];
	ssize_t		 n;

	memset(st, 0, sizeof(*st));
	if (open_file(dirfd, st) == -1)
		return -1;
	st->found = UIDSTATE_EMPTY;
	if (st->fd == -1)
		return 0;
	if (lock(st->fd, st->writable ? F_WRLCK : F_RDLCK) == 0 &&
	    (n = pread(st->fd, text, sizeof(text), 0)) != -1 && (n == 0 ||
	    parse((struct slice){ text, (size_t)n }, st) == 0))
		return 0;
	uidstate_close(st);
	return -1;
}

int
uidstate_write(const struct uidstate *st)
{
	char	 text[FILE_MAX];
	int	 n;

	n = snprintf(text, sizeof(text), MAGIC "1\nvalidity %010lu\n"
	    "next %010lu\nmodseq %020llu\n", (unsigned long)st->validity,
	    (unsigned long)st->next, (unsigned long long)st->modseq);
	return io_pwrite_all(st->fd, text, (size_t)n, 0);
}

void
uidstate_close(struct uidstate *st)
{
	io_close(st->fd);
	st->fd = -1;
}

int
uidlist_lock(const char *dir)
{
	int	 dirfd, fd;

	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return -1;
	fd = openat(dirfd, FILE_NAME,
	    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	io_close(dirfd);
	if (fd != -1 && lock(fd, F_WRLCK) == -1) {
		io_close(fd);
		fd = -1;
	}
	return fd;
}
