/* Contract in uidstate.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"
#include "lib/store/uidstate_parts.h"

#define FILE_MAX	512
#define MAGIC		"merpati-uid "
#define STEP		1000	/* UIDs for one fsync */

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

/*
 * "used N BOOT": what was given since the floor was raised.  It was not made
 * durable, so after another boot only the floor is sure.
 */
static void
take_used(struct slice *text, struct uidstate *st)
{
	struct slice	 rest = *text;
	const char	*boot = boot_id();
	size_t		 len = strlen("used ") + 10;
	uint64_t	 used;

	if (rest.len < len + 1 || memcmp(rest.ptr, "used ", 5) != 0 ||
	    text_u64((struct slice){ rest.ptr + 5, 10 }, UINT32_MAX,
	    &used) == -1)
		return;
	rest.ptr += len;
	rest.len -= len;
	if (boot[0] == '-' || rest.len < BOOT_ID_LEN + 2 ||
	    rest.ptr[0] != ' ' ||
	    memcmp(rest.ptr + 1, boot, BOOT_ID_LEN) != 0 ||
	    rest.ptr[BOOT_ID_LEN + 1] != '\n' || used == 0 || used > st->floor)
		return;
	st->next = (uint32_t)used;
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
	st->floor = st->next = (uint32_t)next;
	st->found = UIDSTATE_OK;
	/* Files of the first versions end here. */
	if (take(&text, "inode ", UINT64_MAX, &st->inode))
		take_used(&text, st);
	return 0;
}

static int
open_file(int dirfd, struct uidstate *st)
{
	const int	 flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	st->writable = true;
	st->fd = openat(dirfd, UIDSTATE_NAME, O_RDWR | O_CREAT | flags, 0600);
	if (st->fd != -1)
		return 0;
	if (errno != EROFS && errno != EACCES && errno != EPERM &&
	    errno != ENOSPC && errno != EDQUOT)
		return -1;
	st->writable = false;
	st->fd = openat(dirfd, UIDSTATE_NAME, O_RDONLY | flags);
	return st->fd == -1 && errno != ENOENT ? -1 : 0;
}

int
uidstate_read(int fd, struct uidstate *st)
{
	char	 text[FILE_MAX];
	ssize_t	 n;

	do
		n = pread(fd, text, sizeof(text), 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	st->found = UIDSTATE_EMPTY;
	return n == 0 ? 0 : parse((struct slice){ text, (size_t)n }, st);
}

int
uidstate_open(int dirfd, struct uidstate *st)
{
	memset(st, 0, sizeof(*st));
	if (open_file(dirfd, st) == -1)
		return -1;
	st->found = UIDSTATE_EMPTY;
	if (st->fd == -1)
		return 0;
	if (filelock_wait(st->fd, st->writable ? F_WRLCK : F_RDLCK,
	    UIDLIST_WAIT_MS) == 0 &&
	    uidstate_read(st->fd, st) == 0)
		return 0;
	uidstate_close(st);
	return -1;
}

int
uidstate_peek(int dirfd, struct uidstate *st)
{
	const int	 flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int		 fd, r;

	memset(st, 0, sizeof(*st));
	st->fd = -1;
	fd = openat(dirfd, UIDSTATE_NAME, O_RDWR | flags);
	st->writable = fd != -1;
	if (fd == -1 && (errno == EROFS || errno == EACCES || errno == EPERM))
		fd = openat(dirfd, UIDSTATE_NAME, O_RDONLY | flags);
	if (fd == -1)
		return -1;
	r = uidstate_read(fd, st);
	io_close(fd);
	return r;
}

int
uidstate_write(struct uidstate *st)
{
	const char	*boot = boot_id();
	char		 text[FILE_MAX];
	uint32_t	 floor = st->floor;
	int		 n;

	if (st->next > floor) {
		floor = st->next;
		/* None was given yet, or used lines are of no use here. */
		if (floor > 1 && boot[0] != '-')
			floor = floor > UINT32_MAX - STEP ? UINT32_MAX :
			    floor + STEP - 1;
	}
	n = snprintf(text, sizeof(text), MAGIC "1\nvalidity %010lu\n"
	    "next %010lu\nmodseq %020llu\ninode %020llu\nused %010lu %s\n",
	    (unsigned long)st->validity, (unsigned long)floor,
	    (unsigned long long)st->modseq, (unsigned long long)st->inode,
	    (unsigned long)st->next, boot);
	if (io_pwrite_all(st->fd, text, (size_t)n, 0) == -1)
		return -1;
	if (floor != st->floor && fsync(st->fd) == -1)
		return -1;
	st->floor = floor;
	return 0;
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
	fd = openat(dirfd, UIDSTATE_NAME,
	    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	io_close(dirfd);
	if (fd != -1 && filelock_wait(fd, F_WRLCK, UIDLIST_WAIT_MS) == -1) {
		io_close(fd);
		fd = -1;
	}
	return fd;
}
