/* Contract in files.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "queue-runner/files.h"

#define NAME_MAX_	(SPOOL_ID_LEN + 4)

static const int	 dir_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

static void
files_name(const char *id, const char *suffix, char out[NAME_MAX_])
{
	snprintf(out, NAME_MAX_, "%s%s", id, suffix);
}

int
files_open_spool(struct files *f, const char *path)
{
	f->queuefd = f->holdfd = -1;
	if (spool_open(&f->spool, path) == -1 && (errno != ENOENT ||
	    spool_make(path) == -1 || spool_open(&f->spool, path) == -1))
		return -1;
	/* This is the reader of the bell, it never rings it. */
	io_close(f->spool.trigger);
	f->spool.trigger = -1;
	f->queuefd = openat(f->spool.dirfd, "queue", dir_flags);
	f->holdfd = openat(f->spool.dirfd, "hold", dir_flags);
	if (f->queuefd != -1 && f->holdfd != -1)
		return 0;
	files_close_spool(f);
	return -1;
}

void
files_close_spool(struct files *f)
{
	int	 saved = errno;

	io_close(f->queuefd);
	io_close(f->holdfd);
	spool_close(&f->spool);
	f->queuefd = f->holdfd = -1;
	errno = saved;
}

int
files_get_dir(const struct files *f, enum files_place place, const char *id)
{
	char	 xx[3];

	switch (place) {
	case PLACE_NEW:
		return f->spool.newfd;
	case PLACE_HOLD:
		return f->holdfd;
	case PLACE_QUEUE:
		break;
	}
	memcpy(xx, id + SPOOL_ID_LEN - 2, 2);
	xx[2] = '\0';
	return openat(f->queuefd, xx, dir_flags);
}

void
files_put_dir(const struct files *f, int dir)
{
	if (dir != f->spool.newfd && dir != f->holdfd)
		io_close(dir);
}

int
files_find(const struct files *f, const char *id, enum files_place *place)
{
	static const enum files_place	 places[] = { PLACE_NEW, PLACE_QUEUE,
	    PLACE_HOLD };
	size_t				 i;
	int				 dir, rc;

	for (i = 0; i < 3; i++) {
		dir = files_get_dir(f, places[i], id);
		if (dir == -1)
			continue;
		rc = faccessat(dir, id, F_OK, AT_SYMLINK_NOFOLLOW);
		files_put_dir(f, dir);
		if (rc == 0) {
			*place = places[i];
			return 0;
		}
	}
	errno = ENOENT;
	return -1;
}

bool
files_stands(const struct files *f, enum files_place place, const char *id)
{
	enum files_place	 is;
	int			 saved = errno;
	bool			 there;

	there = files_find(f, id, &is) == 0 && is == place;
	errno = saved;
	return there;
}

/* openat() in the place's directory, without opening that for queue/XX. */
static int
files_openat(const struct files *f, enum files_place place, const char *id,
    const char *suffix, int flags)
{
	char	 name[64];

	flags |= O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	if (place == PLACE_QUEUE) {
		snprintf(name, sizeof(name), "%s/%s%s",
		    id + SPOOL_ID_LEN - 2, id, suffix);
		return openat(f->queuefd, name, flags);
	}
	snprintf(name, sizeof(name), "%s%s", id, suffix);
	return openat(place == PLACE_NEW ? f->spool.newfd : f->holdfd, name,
	    flags);
}

int
files_open_message(const struct files *f, enum files_place place,
    const char *id)
{
	return files_openat(f, place, id, "", O_RDONLY);
}

int
files_open_state(const struct files *f, enum files_place place,
    const char *id, int flags)
{
	if (place == PLACE_NEW) {
		errno = ENOENT;
		return -1;
	}
	return files_openat(f, place, id, ".s", flags);
}

int
files_to_queue(const struct files *f, const char *id, bool sync)
{
	int	 dir, rc;

	if ((dir = files_get_dir(f, PLACE_QUEUE, id)) == -1)
		return -1;
	rc = renameat(f->spool.newfd, id, dir, id);
	if (rc == 0 && sync)
		rc = fsync(dir);
	files_put_dir(f, dir);
	return rc;
}

static int
files_unlink(int dir, const char *name)
{
	return unlinkat(dir, name, 0) == -1 && errno != ENOENT ? -1 : 0;
}

int
files_remove(const struct files *f, enum files_place place, const char *id)
{
	char	 s[NAME_MAX_], r[NAME_MAX_];
	int	 dir, rc;

	if ((dir = files_get_dir(f, place, id)) == -1)
		return -1;
	files_name(id, ".s", s);
	files_name(id, ".r", r);
	rc = files_unlink(dir, id);
	/* What is left alone is rubbish, found by the next start. */
	if (rc == 0 && place != PLACE_NEW)
		(void)files_unlink(dir, s);
	if (rc == 0 && place == PLACE_HOLD)
		(void)files_unlink(dir, r);
	files_put_dir(f, dir);
	return rc;
}

/*
 * Move id and its state.  The state gets its second name first: at any instant
 * the message stands beside a state, and one that stands alone is rubbish.
 */
static int
files_move(const char *id, int from, int to)
{
	char	 s[NAME_MAX_];
	int	 saved;

	files_name(id, ".s", s);
	/* Had it gone already, the state there would be its only one. */
	if (faccessat(from, id, F_OK, AT_SYMLINK_NOFOLLOW) == -1 ||
	    files_unlink(to, s) == -1 ||
	    (linkat(from, s, to, s, 0) == -1 && errno != ENOENT))
		return -1;
	if (renameat(from, id, to, id) == -1) {
		saved = errno;
		unlinkat(to, s, 0);
		errno = saved;
		return -1;
	}
	(void)files_unlink(from, s);
	if (fsync(to) == -1 || fsync(from) == -1)
		return -1;
	return 0;
}

static int
files_write_reason(const struct files *f, const char *id, const char *reason)
{
	char	 r[NAME_MAX_];
	int	 fd, rc;

	files_name(id, ".r", r);
	fd = openat(f->holdfd, r, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = io_write_all(fd, reason, strlen(reason));
	if (rc == 0)
		rc = io_write_all(fd, "\n", 1);
	io_close(fd);
	return rc;
}

int
files_hold(const struct files *f, enum files_place place, const char *id,
    const char *reason)
{
	int	 dir, rc;

	/* A reason that cannot be written must not keep it from going. */
	(void)files_write_reason(f, id, reason);
	if (place == PLACE_HOLD)
		return 0;
	if ((dir = files_get_dir(f, place, id)) == -1)
		return -1;
	rc = files_move(id, dir, f->holdfd);
	files_put_dir(f, dir);
	return rc;
}

int
files_release(const struct files *f, const char *id)
{
	char	 r[NAME_MAX_];
	int	 dir, rc;

	if ((dir = files_get_dir(f, PLACE_QUEUE, id)) == -1)
		return -1;
	rc = files_move(id, f->holdfd, dir);
	files_put_dir(f, dir);
	files_name(id, ".r", r);
	if (rc == 0)
		(void)files_unlink(f->holdfd, r);
	return rc;
}

size_t
files_count_held(const struct files *f)
{
	struct dirent	*de;
	size_t		 n = 0;
	DIR		*d;

	if ((d = io_opendir(f->spool.dirfd, "hold", 0)) == NULL)
		return 0;
	while ((de = readdir(d)) != NULL)
		n += spool_id_valid(de->d_name);
	closedir(d);
	return n;
}

void
files_reason(const struct files *f, const char *id, char *out, size_t size)
{
	ssize_t	 n = 0;
	int	 fd;

	if ((fd = files_openat(f, PLACE_HOLD, id, ".r", O_RDONLY)) != -1) {
		n = io_pread_full(fd, out, size - 1, 0);
		close(fd);
	}
	out[n < 0 ? 0 : n] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
}
