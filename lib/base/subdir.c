/* Contract in subdir.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/subdir.h"
#include "lib/base/xmalloc.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool
subdir_below(const char *path, const char *root)
{
	const char	*p;
	size_t		 len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (len < 2 || strncmp(path, root, len) != 0 || path[len] != '/')
		return false;
	for (p = path + len; *p == '/'; p += len + 1) {
		len = strcspn(p + 1, "/");
		if (len == 0 || (len == 1 && p[1] == '.') ||
		    (len == 2 && p[1] == '.' && p[2] == '.'))
			return false;
	}
	return true;
}

/*
 * A directory that a third uid owns, or many may write to, could be changed
 * under us.
 */
static int
subdir_check(int fd, uid_t uid, struct stat *st)
{
	if (fstat(fd, st) == -1)
		return -1;
	if ((st->st_uid == geteuid() || st->st_uid == 0 ||
	    st->st_uid == uid) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

/*
 * One step down, the directory made when it is missing: 0700 and ours, a mode
 * that none keeps, so that one left by a crash is known and finished.
 */
static int
subdir_step(int at, const char *name, uid_t uid, bool *unfinished)
{
	struct stat	 st;
	int		 fd;

	if (mkdirat(at, name, 0700) == 0) {
		if (fsync(at) == -1)
			return -1;
	} else if (errno != EEXIST)
		return -1;
	if ((fd = openat(at, name, DIR_FLAGS)) == -1)
		return -1;
	if (subdir_check(fd, uid, &st) == -1) {
		io_close(fd);
		return -1;
	}
	*unfinished = st.st_uid == geteuid() && (st.st_mode & 0777) == 0700;
	return fd;
}

/* The last one: the uid's own. */
static int
subdir_give(int fd, bool unfinished, uid_t uid, gid_t gid)
{
	struct stat	 st;

	if (unfinished && geteuid() == 0 && fchown(fd, uid, gid) == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_uid == uid)
		return 0;
	errno = EPERM;
	return -1;
}

static int
subdir_walk(char *path, size_t root, uid_t uid, gid_t gid)
{
	char		*name = path + root + 1, *slash;
	struct stat	 st;
	bool		 unfinished = false;
	int		 fd, next, r, saved;

	path[root] = '\0';
	/* The root is the admin's: links in its own path are meant. */
	if ((fd = open(path, DIR_FLAGS & ~O_NOFOLLOW)) == -1)
		return -1;
	for (r = subdir_check(fd, uid, &st); r == 0; name = slash + 1) {
		if ((slash = strchr(name, '/')) != NULL)
			*slash = '\0';
		next = subdir_step(fd, name, uid, &unfinished);
		io_close(fd);
		if ((fd = next) == -1)
			return -1;
		if (slash == NULL)
			break;
		if (unfinished)
			r = fchmod(fd, 0711);
	}
	if (r == 0)
		r = subdir_give(fd, unfinished, uid, gid);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
subdir_make(const char *path, size_t root, uid_t uid, gid_t gid)
{
	char	*copy = xstrdup(path);
	int	 r;

	while (root > 1 && copy[root - 1] == '/')
		root--;
	r = subdir_walk(copy, root, uid, gid);
	free(copy);
	return r;
}
