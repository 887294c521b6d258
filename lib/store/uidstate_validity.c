/*
 * Which UIDVALIDITY an account's next mailbox gets.  Contract in uidstate.h.
 *
 * A mailbox is known by its UIDVALIDITY, in the index and as MAILBOXID, so no
 * two of an account may ever have the same.  HOME/Maildir/validity holds the
 * last one, ten digits and LF, and is the lock; when it is missing or broken
 * the mailboxes are asked.
 */
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"
#include "lib/store/uidstate_parts.h"

#define FILE_NAME	"validity"
#define DIGITS		10
#define RESERVE		100000000

/* The validity of the mailbox in dir; 0 when it has none. */
static uint32_t
validity_of(int rootfd, const char *dir)
{
	char		 path[300];
	struct uidstate	 st;
	int		 fd;

	snprintf(path, sizeof(path), "%s/" UIDSTATE_NAME, dir);
	fd = openat(rootfd, path,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return 0;
	memset(&st, 0, sizeof(st));
	if (uidstate_read(fd, &st) == -1 || st.found != UIDSTATE_OK)
		st.validity = 0;
	io_close(fd);
	return st.validity;
}

/*
 * Call fn for INBOX and each subfolder until it returns true.  A directory
 * that cannot be read has no mailboxes.
 */
static bool
each_mailbox(int rootfd, bool (*fn)(int rootfd, const char *dir, void *),
    void *arg)
{
	struct dirent	*de;
	bool		 r;
	DIR		*dp;

	if ((dp = io_opendir(rootfd, ".", 0)) == NULL)
		return false;
	r = fn(rootfd, ".", arg);
	while (!r && (de = readdir(dp)) != NULL)
		if (de->d_name[0] == '.' && strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			r = fn(rootfd, de->d_name, arg);
	closedir(dp);
	return r;
}

static bool
note_highest(int rootfd, const char *dir, void *arg)
{
	uint32_t	*highest = arg, v = validity_of(rootfd, dir);

	if (v > *highest)
		*highest = v;
	return false;
}

/*
 * Dovecot's counter: eight hexadecimal digits, the last one given.  It may run
 * ahead of the time when many mailboxes are made at once.
 */
static void
note_dovecot(int rootfd, uint32_t *highest)
{
	char		 text[9] = "";
	unsigned long	 v;
	int		 fd;

	fd = openat(rootfd, "dovecot-uidvalidity",
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return;
	if (io_pread_full(fd, text, 8, 0) == 8 &&
	    strspn(text, "0123456789abcdef") == 8) {
		v = strtoul(text, NULL, 16);
		if (v > *highest && v < UINT32_MAX - RESERVE)
			*highest = (uint32_t)v;
	}
	io_close(fd);
}

/* The counter, locked; -1 with errno. */
static int
open_counter(int rootfd, uint32_t *last)
{
	char		 text[DIGITS + 1];
	uint64_t	 n;
	int		 fd;

	fd = openat(rootfd, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd == -1)
		return -1;
	if (filelock_wait(fd, F_WRLCK, UIDLIST_WAIT_MS) == -1) {
		io_close(fd);
		return -1;
	}
	*last = 0;
	if (io_pread_full(fd, text, sizeof(text), 0) == DIGITS + 1 &&
	    text[DIGITS] == '\n' &&
	    text_u64((struct slice){ text, DIGITS }, UINT32_MAX, &n) == 0)
		*last = (uint32_t)n;
	else {
		each_mailbox(rootfd, note_highest, last);
		note_dovecot(rootfd, last);
	}
	return fd;
}

static int
write_counter(int fd, uint32_t last)
{
	char	 text[DIGITS + 2];

	snprintf(text, sizeof(text), "%010lu\n", (unsigned long)last);
	if (io_pwrite_all(fd, text, DIGITS + 1, 0) == -1)
		return -1;
	return fsync(fd);
}

int
uidstate_new_validity(int rootfd, uint32_t above, uint32_t *out)
{
	uint64_t	 v = (uint64_t)io_time_us() / 1000000;
	uint32_t	 last;
	int		 fd, r = 0;

	if ((fd = open_counter(rootfd, &last)) == -1)
		return -1;
	/* A name that claims the end of the range shall not bring it. */
	if (above > last && above < UINT32_MAX - RESERVE)
		last = above;
	if (v <= last)
		v = (uint64_t)last + 1;
	if (v > UINT32_MAX) {
		/* In the year 2106, or after somebody's mischief. */
		errno = EOVERFLOW;
		r = -1;
	} else if ((r = write_counter(fd, (uint32_t)v)) == 0)
		*out = (uint32_t)v;
	io_close(fd);
	return r;
}

int
uidstate_had_validity(int rootfd, uint32_t validity)
{
	uint32_t	 last;
	int		 fd, r = 0;

	if ((fd = open_counter(rootfd, &last)) == -1)
		return -1;
	if (validity > last)
		r = write_counter(fd, validity);
	io_close(fd);
	return r;
}

struct taken {
	struct stat	 self;
	uint32_t	 validity;
};

static bool
is_same(int rootfd, const char *dir, void *arg)
{
	const struct taken	*t = arg;
	struct stat		 st;

	return validity_of(rootfd, dir) == t->validity &&
	    fstatat(rootfd, dir, &st, 0) == 0 &&
	    (st.st_ino != t->self.st_ino || st.st_dev != t->self.st_dev);
}

bool
uidstate_is_taken(int rootfd, int dirfd, uint32_t validity)
{
	struct taken	 t = { .validity = validity };

	return fstat(dirfd, &t.self) == 0 && each_mailbox(rootfd, is_same, &t);
}

bool
uidstate_is_copy(int rootfd, int dirfd, struct uidstate *st)
{
	uint64_t	 was = st->inode;
	struct stat	 sb;

	if (fstat(dirfd, &sb) == -1 || sb.st_ino == was)
		return false;
	st->inode = sb.st_ino;
	return st->found == UIDSTATE_OK &&
	    uidstate_is_taken(rootfd, dirfd, st->validity);
}

int
uidstate_create(int rootfd, int dirfd)
{
	struct uidstate	 st;
	struct stat	 sb;
	int		 r = -1, saved;

	if (uidstate_open(dirfd, &st) == -1)
		return -1;
	if (st.found != UIDSTATE_EMPTY)
		errno = EEXIST;
	else if (!st.writable)
		errno = EROFS;
	else if (fstat(dirfd, &sb) == 0 &&
	    uidstate_new_validity(rootfd, 0, &st.validity) == 0) {
		st.next = 1;
		st.inode = sb.st_ino;
		if (uidstate_write(&st) == 0)
			r = fsync(dirfd);
	}
	saved = errno;
	uidstate_close(&st);
	errno = saved;
	return r;
}
