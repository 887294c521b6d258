/* The spool directory itself: layout, bell, room.  Contract in spool.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/spool.h"

static int
open_trigger(const struct spool *sp)
{
	return openat(sp->dirfd, "trigger",
	    O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

int
spool_open(struct spool *sp, const char *path)
{
	const int	 flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	sp->path = NULL;
	sp->dirfd = sp->tmpfd = sp->newfd = sp->trigger = -1;
	if ((sp->dirfd = open(path, flags)) == -1 ||
	    (sp->tmpfd = openat(sp->dirfd, "tmp", flags)) == -1 ||
	    (sp->newfd = openat(sp->dirfd, "new", flags)) == -1) {
		spool_close(sp);
		return -1;
	}
	sp->path = xstrdup(path);
	sp->trigger = open_trigger(sp);
	/*
	 * A message's group is the queue's, by the directory's setgid bit.
	 * Here and not by a chmod of each message: that is a call a letter.
	 */
	umask(umask(077) & (mode_t)~0040);
	return 0;
}

void
spool_close(struct spool *sp)
{
	io_close(sp->trigger);
	io_close(sp->newfd);
	io_close(sp->tmpfd);
	io_close(sp->dirfd);
	free(sp->path);
	sp->path = NULL;
	sp->dirfd = sp->tmpfd = sp->newfd = sp->trigger = -1;
}

static int
make_dir(int at, const char *name)
{
	return mkdirat(at, name, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

/* queue/ with its 1024 directories, one for each end of an id. */
static int
make_queue(int dirfd)
{
	static const char	 alphabet[] =
	    "0123456789abcdefghjkmnpqrstvwxyz";
	char			 name[3] = "";
	int			 fd, i, r = 0;

	if (make_dir(dirfd, "queue") == -1 || (fd = openat(dirfd, "queue",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	for (i = 0; i < 1024 && r == 0; i++) {
		name[0] = alphabet[i / 32];
		name[1] = alphabet[i % 32];
		r = make_dir(fd, name);
	}
	if (r == 0)
		r = fsync(fd);
	io_close(fd);
	return r;
}

int
spool_make(const char *path)
{
	int	 fd, r = -1;

	if (make_dir(AT_FDCWD, path) == -1 ||
	    (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if (make_dir(fd, "tmp") == 0 && make_dir(fd, "new") == 0 &&
	    make_dir(fd, "hold") == 0 && make_queue(fd) == 0 &&
	    (mkfifoat(fd, "trigger", 0600) == 0 || errno == EEXIST))
		r = fsync(fd);
	io_close(fd);
	return r;
}

/* In new/ only what is empty: the rest is for queue-runner to judge. */
static int
sweep_dir(const char *path, const char *sub, int64_t before)
{
	char		 name[PATH_MAX];
	struct dirent	*de;
	struct stat	 st;
	DIR		*dir;
	bool		 tmp = strcmp(sub, "tmp") == 0;
	int		 n = 0;

	if (snprintf(name, sizeof(name), "%s/%s", path, sub) >=
	    (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((dir = opendir(name)) == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		if (!spool_id_valid(de->d_name) || fstatat(dirfd(dir),
		    de->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if ((int64_t)st.st_mtime <= before &&
		    (tmp || st.st_size == 0) &&
		    unlinkat(dirfd(dir), de->d_name, 0) == 0)
			n++;
	}
	closedir(dir);
	return n;
}

int
spool_sweep(const char *path, int64_t seconds)
{
	int64_t	 before = io_time_us() / 1000000 - seconds;
	int	 tmp, new;

	tmp = sweep_dir(path, "tmp", before);
	new = sweep_dir(path, "new", before);
	return tmp == -1 || new == -1 ? -1 : tmp + new;
}

int
spool_ring(struct spool *sp, const char *id)
{
	char	 line[SPOOL_ID_LEN + 1];
	int	 again;

	memcpy(line, id, SPOOL_ID_LEN);
	line[SPOOL_ID_LEN] = '\n';
	for (again = 0; again < 2; again++) {
		if (sp->trigger == -1 && (sp->trigger = open_trigger(sp)) == -1)
			return -1;	/* ENXIO: nobody listens */
		/* Within PIPE_BUF: whole or not at all. */
		if (write(sp->trigger, line, sizeof(line)) != -1)
			return 0;
		if (errno != EPIPE)
			return -1;
		/* queue-runner went away; perhaps it is back. */
		io_close(sp->trigger);
		sp->trigger = -1;
	}
	errno = EPIPE;
	return -1;
}

int
spool_free(const struct spool *sp, uint64_t *octets, uint64_t *inodes)
{
	struct statvfs	 v;

	if (fstatvfs(sp->newfd, &v) == -1)
		return -1;
	*octets = (uint64_t)v.f_bavail * v.f_frsize;
	/* No count at all: a file system that makes inodes as needed. */
	*inodes = v.f_files == 0 ? UINT64_MAX : v.f_favail;
	return 0;
}
