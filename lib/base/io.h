/* Whole reads and writes, durable directories, clocks. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <sys/types.h>
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* Write all of it, EINTR and short writes retried.  0, or -1 with errno. */
int	 io_write_all(int fd, const void *data, size_t len);
int	 io_pwrite_all(int fd, const void *data, size_t len, off_t off);
/* Octets read, fewer than len only at end of file; -1 with errno. */
ssize_t	 io_pread_full(int fd, void *data, size_t len, off_t off);
/*
 * Append at most len octets from off on to out, fewer only at end of file.  0,
 * or -1 with errno, EMSGSIZE as buf_reserve(), and out as it was.
 */
int	 io_pread_buf(int fd, struct buf *out, size_t len, off_t off);
/*
 * Append the whole file to out.  0, or -1 with errno; EMSGSIZE when it
 * is larger than out's maximum.  at as in openat(2).
 */
int	 io_read_file(int at, const char *path, struct buf *out);
/*
 * Open a directory to read its names; flags, as O_NOFOLLOW, are added.  "."
 * gives a descriptor of its own: a dup of at would share at's offset.  NULL
 * with errno; closedir(3) frees it.
 */
DIR	*io_opendir(int at, const char *path, int flags);
/*
 * Replace path by data: temporary file beside it, fsync, rename, fsync of
 * the directory.  A reader sees the old file or the new, which keeps the old
 * one's owner and group as far as permitted.  0, or -1 with errno and the
 * old file untouched.
 */
int	 io_replace_file(const char *path, const void *data, size_t len,
	    mode_t mode);
/*
 * Rename without replacing, as renameat2(RENAME_NOREPLACE); by link and
 * unlink where the file system cannot.  0, or -1 with errno EEXIST, ...
 */
int	 io_rename_new(int fromdir, const char *from, int todir,
	    const char *to);
/* fsync a directory, path as in openat(2).  0, or -1 with errno. */
int	 io_fsync_dir(int at, const char *path);
/* The one that holds path. */
int	 io_fsync_parent(const char *path);

/* Milliseconds since some fixed point, not affected by clock changes. */
int64_t	 io_monotonic_ms(void);
/* Microseconds since 1970. */
int64_t	 io_time_us(void);

/* Are they two names of one socket, as 0 and 1 may be? */
bool	 io_same_socket(int a, int b);

struct sockaddr_un;

/* The address of a Unix socket.  0, or -1 with errno ENAMETOOLONG. */
int	 io_unix_address(const char *path, struct sockaddr_un *);

/*
 * A listening Unix socket of the type (with SOCK_CLOEXEC and the like) at path, an
 * old one replaced.  It has the mode from its first moment: with a chmod(2) after
 * it others would be refused in between.  The descriptor, or -1 with errno.
 */
int	 io_listen_unix(int type, const char *path, mode_t mode);

/* close(2), errno kept, -1 ignored. */
void	 io_close(int fd);

#endif
