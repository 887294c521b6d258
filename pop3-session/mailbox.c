/* Contract in mailbox.h. */
#include <sys/file.h>
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/maildir.h"
#include "pop3-session/mailbox.h"

#define LOCK_NAME	"pop3.lock"
#define LOOK_MS		1000	/* between two readings of cur/ */

/*
 * Open the lock file.  *fresh: it did not exist, so its mtime tells nothing
 * of an earlier login.
 */
static int
mailbox_lock_open(int dir, bool *fresh)
{
	int	 flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, fd;

	*fresh = false;
	if ((fd = openat(dir, LOCK_NAME, flags)) != -1 || errno != ENOENT)
		return fd;
	*fresh = true;
	fd = openat(dir, LOCK_NAME, flags | O_CREAT | O_EXCL, 0600);
	if (fd != -1)
		return fd;
	if (errno != EEXIST)
		return -1;
	*fresh = false;		/* another session was faster */
	return openat(dir, LOCK_NAME, flags);
}

/* No room for a lock file: lock the directory itself. */
static enum mailbox_status
mailbox_lock_dir(struct mailbox *mb, int dir)
{
	mb->lock = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mb->lock == -1)
		return MAILBOX_ERROR;
	if (flock(mb->lock, LOCK_EX | LOCK_NB) == 0)
		return MAILBOX_OK;
	return errno == EWOULDBLOCK ? MAILBOX_IN_USE : MAILBOX_ERROR;
}

static enum mailbox_status
mailbox_lock_failed(struct mailbox *mb, int dir)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
		return mailbox_lock_dir(mb, dir);
	case EACCES:
	case ELOOP:
		return MAILBOX_DENIED;
	default:
		return MAILBOX_ERROR;
	}
}

/* Seconds since the last login; a clock that went back counts as long ago. */
static bool
mailbox_too_soon(const struct stat *st, unsigned int delay)
{
	time_t	 now = time(NULL);

	return st->st_mtime <= now && now - st->st_mtime < (time_t)delay;
}

static enum mailbox_status
mailbox_lock(struct mailbox *mb, int dir, unsigned int delay)
{
	struct stat	 st;
	bool		 fresh;

	if ((mb->lock = mailbox_lock_open(dir, &fresh)) == -1)
		return mailbox_lock_failed(mb, dir);
	if (filelock_wait(mb->lock, F_WRLCK, 0) == -1)
		return errno == EAGAIN ? MAILBOX_IN_USE : MAILBOX_ERROR;
	if (delay == 0)
		return MAILBOX_OK;
	if (fstat(mb->lock, &st) == -1)
		return MAILBOX_ERROR;
	if (!fresh && mailbox_too_soon(&st, delay))
		return MAILBOX_TOO_SOON;
	return futimens(mb->lock, NULL) == -1 ? MAILBOX_ERROR : MAILBOX_OK;
}

static int
mailbox_directory(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum mailbox_status
mailbox_open_dir(struct mailbox *mb, unsigned int delay)
{
	enum mailbox_status	 st;
	int			 dir;

	dir = mailbox_directory(AT_FDCWD, mb->dir);
	if (dir == -1 && errno == ENOENT && maildir_make(mb->dir) == 0)
		dir = mailbox_directory(AT_FDCWD, mb->dir);
	if (dir == -1)
		return errno == EACCES ? MAILBOX_DENIED : MAILBOX_ERROR;
	st = mailbox_lock(mb, dir, delay);
	if (st == MAILBOX_OK && uidlist_open(mb->dir, &mb->list) == -1)
		st = errno == EACCES ? MAILBOX_DENIED : MAILBOX_ERROR;
	if (st == MAILBOX_OK && ((mb->cur = mailbox_directory(dir,
	    "cur")) == -1 || (mb->new = mailbox_directory(dir, "new")) == -1))
		st = MAILBOX_ERROR;
	io_close(dir);
	return st;
}

enum mailbox_status
mailbox_open(struct mailbox *mb, const char *home, unsigned int login_delay)
{
	enum mailbox_status	 st;
	int			 saved;

	memset(mb, 0, sizeof(*mb));
	mb->cur = mb->new = mb->lock = -1;
	xasprintf(&mb->dir, "%s/Maildir", home);
	st = mailbox_open_dir(mb, login_delay);
	if (st == MAILBOX_OK) {
		mb->mark = xcalloc(mb->list.n, 1);
		return st;
	}
	saved = errno;
	mailbox_close(mb);
	errno = saved;
	return st;
}

void
mailbox_unlock(struct mailbox *mb)
{
	io_close(mb->lock);
	mb->lock = -1;
}

void
mailbox_close(struct mailbox *mb)
{
	size_t	 i;

	if (mb->renamed != NULL)
		for (i = 0; i < mb->list.n; i++)
			free(mb->renamed[i]);
	free(mb->renamed);
	uidlist_free(&mb->list);
	free(mb->mark);
	free(mb->dir);
	io_close(mb->cur);
	io_close(mb->new);
	io_close(mb->lock);
	memset(mb, 0, sizeof(*mb));
	mb->cur = mb->new = mb->lock = -1;
}

int
mailbox_folder(const struct mailbox *mb, size_t i)
{
	return mb->list.entry[i].in_new ? mb->new : mb->cur;
}

void
mailbox_renamed(struct mailbox *mb, size_t i, char *name)
{
	if (mb->renamed == NULL)
		mb->renamed = xcalloc(mb->list.n, sizeof(*mb->renamed));
	free(mb->renamed[i]);
	mb->renamed[i] = name;
	mb->list.entry[i].name = name;
}

static int
mailbox_by_uid(const void *key, const void *entry)
{
	uint32_t	 uid = *(const uint32_t *)key;
	uint32_t	 other = ((const struct uidlist_entry *)entry)->uid;

	return uid < other ? -1 : uid > other;
}

/* A name in cur/ as it is now: give it to the message it belongs to. */
static void
mailbox_seen(struct mailbox *mb, const char *name)
{
	struct uidlist_entry	*e;
	struct maildir_name	 n;
	size_t			 i;

	if (mb->list.n == 0 || !maildir_name_parse(name, &n) ||
	    n.validity != mb->list.validity)
		return;
	e = bsearch(&n.uid, mb->list.entry, mb->list.n,
	    sizeof(*mb->list.entry), mailbox_by_uid);
	if (e == NULL || !e->kept)
		return;
	i = (size_t)(e - mb->list.entry);
	mb->mark[i] &= (unsigned char)~MAILBOX_MISSING;
	e->in_new = false;
	if (strcmp(e->name, name) != 0)
		mailbox_renamed(mb, i, xstrdup(name));
}

static int
mailbox_look(struct mailbox *mb)
{
	struct dirent	*d;
	size_t		 i;
	DIR		*dir;

	if ((dir = io_opendir(mb->cur, ".", 0)) == NULL)
		return -1;
	for (i = 0; i < mb->list.n; i++)
		mb->mark[i] |= MAILBOX_MISSING;
	while ((d = readdir(dir)) != NULL)
		mailbox_seen(mb, d->d_name);
	closedir(dir);
	mb->looked = io_monotonic_ms();
	return 0;
}

bool
mailbox_find(struct mailbox *mb, size_t i)
{
	bool	 recent = mb->looked != 0 &&
		    io_monotonic_ms() - mb->looked < LOOK_MS;

	/* A reading of a second ago that missed it is not repeated. */
	if (recent && (mb->mark[i] & MAILBOX_MISSING))
		return false;
	if (mailbox_look(mb) == -1)
		return false;
	return !(mb->mark[i] & MAILBOX_MISSING);
}

int
mailbox_message(struct mailbox *mb, size_t i, off_t *size)
{
	const int	 flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat	 st;
	int		 fd;

	fd = openat(mailbox_folder(mb, i), mb->list.entry[i].name, flags);
	if (fd == -1 && errno == ENOENT) {
		if (!mailbox_find(mb, i)) {
			errno = ENOENT;
			return -1;
		}
		fd = openat(mailbox_folder(mb, i), mb->list.entry[i].name,
		    flags);
	}
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		io_close(fd);
		errno = EIO;
		return -1;
	}
	*size = st.st_size;
	return fd;
}
