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

/* No home has this name: local parts and domains begin with no dot. */
#define FRESH		".merpati-new"
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
 * Make name, with its owner and mode, under another name first: a worker that
 * comes at this moment finds nothing or the finished directory, and so does
 * who comes after a crash.
 */
static int
subdir_fresh(int at, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	int	 fd, r;

	if ((unlinkat(at, FRESH, AT_REMOVEDIR) == -1 && errno != ENOENT) ||
	    mkdirat(at, FRESH, 0700) == -1)
		return -1;
	if ((fd = openat(at, FRESH, DIR_FLAGS)) == -1)
		return -1;
	r = fchmod(fd, mode);
	if (r == 0 && geteuid() == 0)
		r = fchown(fd, uid, gid);
	if (r == 0)
		r = io_rename_new(at, FRESH, at, name);
	io_close(fd);
	return r == 0 ? fsync(at) : -1;
}

/* One step down; the directory is made when it is missing. */
static int
subdir_step(int at, const char *name, bool last, uid_t uid, gid_t gid)
{
	struct stat	 st;
	int		 fd;

	fd = openat(at, name, DIR_FLAGS);
	if (fd == -1 && errno == ENOENT) {
		if ((last ? subdir_fresh(at, name, 0700, uid, gid) :
		    subdir_fresh(at, name, 0711, geteuid(), getegid())) ==
		    -1 && errno != EEXIST)
			return -1;
		fd = openat(at, name, DIR_FLAGS);
	}
	if (fd == -1)
		return -1;
	if (subdir_check(fd, uid, &st) == 0 && (!last || st.st_uid == uid))
		return fd;
	io_close(fd);
	errno = EPERM;
	return -1;
}

static int
subdir_walk(char *path, size_t root, uid_t uid, gid_t gid)
{
	char		*name = path + root + 1, *slash;
	struct stat	 st;
	int		 fd, next;

	path[root] = '\0';
	/* The root is the admin's: links in its own path are meant. */
	if ((fd = open(path, DIR_FLAGS & ~O_NOFOLLOW)) == -1)
		return -1;
	if (subdir_check(fd, uid, &st) == -1) {
		io_close(fd);
		return -1;
	}
	for (;; name = slash + 1) {
		if ((slash = strchr(name, '/')) != NULL)
			*slash = '\0';
		next = subdir_step(fd, name, slash == NULL, uid, gid);
		io_close(fd);
		if ((fd = next) == -1)
			return -1;
		if (slash == NULL)
			break;
	}
	close(fd);
	return 0;
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
