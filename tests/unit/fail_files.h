/*
 * The system's calls on files, made to fail on demand with an errno.  It
 * defines them for the whole program: to be included once.
 */
#ifndef TESTS_FAIL_FILES_H
#define TESTS_FAIL_FILES_H

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int		 rename_error, link_error, fsync_error, pwrite_error;
static int		 open_error;	/* of O_CREAT */
static int		 rename_ok, link_ok;	/* so many go well before */
static int		 renames;	/* asked for */
static const char	*open_name;	/* only of files called so; or NULL */
static void		(*look_first)(const char *path);	/* or NULL */

static inline void
fail_nothing(void)
{
	rename_error = link_error = fsync_error = pwrite_error = 0;
	open_error = rename_ok = link_ok = renames = 0;
	open_name = NULL;
	look_first = NULL;
}

int
renameat2(int from, const char *old, int to, const char *new,
    unsigned int flags)
{
	renames++;
	if (rename_error != 0 && rename_ok-- <= 0) {
		errno = rename_error;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	if (link_error != 0 && link_ok-- <= 0) {
		errno = link_error;
		return -1;
	}
	return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int
fsync(int fd)
{
	if (fsync_error != 0) {
		errno = fsync_error;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t off)
{
	if (pwrite_error != 0) {
		errno = pwrite_error;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, off);
}

int
openat(int at, const char *path, int flags, ...)
{
	va_list	 ap;
	mode_t	 mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (open_error != 0 && (flags & O_CREAT) != 0 &&
	    (open_name == NULL || strstr(path, open_name) != NULL)) {
		errno = open_error;
		return -1;
	}
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

#if defined(SYS_newfstatat) && defined(__LP64__)
int
fstatat(int at, const char *path, struct stat *st, int flags)
{
	if (look_first != NULL)
		look_first(path);
	return (int)syscall(SYS_newfstatat, at, path, st, flags);
}
#endif

#endif
