/* Contract in io.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"

int
io_write_all(int fd, const void *data, size_t len)
{
	const char	*p = data;
	ssize_t		 n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
io_pwrite_all(int fd, const void *data, size_t len, off_t off)
{
	const char	*p = data;
	ssize_t		 n;

	while (len > 0) {
		n = pwrite(fd, p, len, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
io_pread_full(int fd, void *data, size_t len, off_t off)
{
	size_t	 got = 0;
	ssize_t	 n;

	while (got < len) {
		n = pread(fd, (char *)data + got, len - got,
		    off + (off_t)got);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int
io_pread_buf(int fd, struct buf *out, size_t len, off_t off)
{
	char	*p = buf_reserve(out, len);
	ssize_t	 n;

	if (p == NULL)
		return -1;
	if ((n = io_pread_full(fd, p, len, off)) > 0)
		out->len += (size_t)n;
	out->ptr[out->len] = '\0';
	return n == -1 ? -1 : 0;
}

int
io_read_file(int at, const char *path, struct buf *out)
{
	char	 chunk[65536];
	ssize_t	 n;
	int	 fd;

	if ((fd = openat(at, path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || buf_add(out, chunk, (size_t)n) == -1) {
			io_close(fd);
			return -1;
		}
	}
	io_close(fd);
	return 0;
}

DIR *
io_opendir(int at, const char *path, int flags)
{
	DIR	*dp;
	int	 fd;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	if (fd == -1)
		return NULL;
	if ((dp = fdopendir(fd)) == NULL)
		io_close(fd);
	return dp;
}

int
io_rename_new(int fromdir, const char *from, int todir, const char *to)
{
	if (renameat2(fromdir, from, todir, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* NFS and some FUSE file systems know no flags. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(fromdir, from, todir, to, 0) == -1)
		return -1;
	unlinkat(fromdir, from, 0);
	return 0;
}

int
io_fsync_dir(int at, const char *path)
{
	int	 fd, r;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = fsync(fd);
	io_close(fd);
	return r;
}

int
io_fsync_parent(const char *path)
{
	char	 dir[PATH_MAX];
	char	*slash;

	if (strlen(path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(dir, path);
	if ((slash = strrchr(dir, '/')) == NULL)
		strcpy(dir, ".");
	else if (slash == dir)
		dir[1] = '\0';
	else
		*slash = '\0';
	return io_fsync_dir(AT_FDCWD, dir);
}

int
io_replace_file(const char *path, const void *data, size_t len, mode_t mode)
{
	char		 tmp[PATH_MAX];
	struct stat	 st;
	int		 fd, saved;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld.tmp", path, (long)getpid()) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    mode);
	if (fd == -1)
		return -1;
	/* Whoever reads the old one can read the new one. */
	if (stat(path, &st) == 0 &&
	    fchown(fd, st.st_uid, st.st_gid) == -1 &&
	    fchown(fd, (uid_t)-1, st.st_gid) == -1 && errno != EPERM)
		goto undo;
	if (fchmod(fd, mode) == -1 || io_write_all(fd, data, len) == -1 ||
	    fsync(fd) == -1 || rename(tmp, path) == -1)
		goto undo;
	io_close(fd);
	return io_fsync_parent(path);
undo:
	saved = errno;
	unlink(tmp);
	io_close(fd);
	errno = saved;
	return -1;
}

int64_t
io_monotonic_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
io_time_us(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

bool
io_same_socket(int a, int b)
{
	struct stat	 sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    S_ISSOCK(sa.st_mode) && sa.st_dev == sb.st_dev &&
	    sa.st_ino == sb.st_ino;
}

void
io_close(int fd)
{
	int	 saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

int
io_unix_address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlcpy(sun->sun_path, path, sizeof(sun->sun_path)) >=
	    sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* The mask is the process's: nothing else happens meanwhile. */
static int
io_bind_unix(int fd, const struct sockaddr_un *sun, mode_t mode)
{
	mode_t	 before = umask(~mode & 0777);
	int	 r = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));

	umask(before);
	return r;
}

int
io_listen_unix(int type, const char *path, mode_t mode)
{
	struct sockaddr_un	 sun;
	int			 fd;

	if (io_unix_address(path, &sun) == -1 ||
	    (fd = socket(AF_UNIX, type, 0)) == -1)
		return -1;
	if ((unlink(path) == -1 && errno != ENOENT) ||
	    io_bind_unix(fd, &sun, mode) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		io_close(fd);
		return -1;
	}
	return fd;
}
