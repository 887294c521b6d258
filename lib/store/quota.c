/* Contract in quota.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/store/maildir.h"
#include "lib/store/quota.h"

#define FILE_NAME	"maildirsize"
#define FILE_MAX	5120
#define OLD_SECONDS	(15 * 60)
#define FLAGS		(O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

struct usage {
	int64_t	 octets, count;
	size_t	 lines;
};

/* "1000S,10C" LF; what has no limit is left out. */
static void
make_definition(const struct quota *q, char out[64])
{
	int	 n = 0;

	if (q->octets != 0 || q->count == 0)
		n = snprintf(out, 64, "%lluS", (unsigned long long)q->octets);
	if (q->count != 0)
		n += snprintf(out + n, (size_t)(64 - n), "%s%lluC",
		    n == 0 ? "" : ",", (unsigned long long)q->count);
	snprintf(out + n, (size_t)(64 - n), "\n");
}

/* A number, perhaps negative, and the blanks before it. */
static bool
take_number(struct slice *line, int64_t *sum)
{
	struct slice	 s = text_trim(*line);
	uint64_t	 n;
	bool		 minus = false;
	size_t		 len;

	if (s.len > 0 && *s.ptr == '-') {
		minus = true;
		s.ptr++;
		s.len--;
	}
	for (len = 0; len < s.len && text_is_digit(s.ptr[len]); len++)
		;
	line->ptr = s.ptr + len;
	line->len = s.len - len;
	s.len = len;
	/* Bounded so that the sum of a whole file cannot overflow. */
	if (text_u64(s, INT64_MAX / FILE_MAX, &n) == -1)
		return false;
	*sum += minus ? -(int64_t)n : (int64_t)n;
	return true;
}

/* Add up the lines after the first, which must be definition. */
static bool
add_up(struct slice text, const char *definition, struct usage *u)
{
	size_t		 len = strlen(definition);
	const char	*lf;
	struct slice	 line;

	memset(u, 0, sizeof(*u));
	if (text.len < len || memcmp(text.ptr, definition, len) != 0)
		return false;
	text.ptr += len;
	text.len -= len;
	while (text.len > 0) {
		if ((lf = memchr(text.ptr, '\n', text.len)) == NULL)
			return false;
		line.ptr = text.ptr;
		line.len = (size_t)(lf - text.ptr);
		text.ptr += line.len + 1;
		text.len -= line.len + 1;
		if (!take_number(&line, &u->octets) ||
		    !take_number(&line, &u->count) || text_trim(line).len != 0)
			return false;
		u->lines++;
	}
	return u->lines > 0 && u->octets >= 0 && u->count >= 0;
}

static bool
is_over(const struct quota *q, const struct usage *u)
{
	return (q->octets != 0 && (uint64_t)u->octets > q->octets) ||
	    (q->count != 0 && (uint64_t)u->count > q->count);
}

/* True when the file can be believed. */
static bool
read_file(int dirfd, const struct quota *q, const char *definition,
    struct usage *u)
{
	char		 text[FILE_MAX + 1];
	struct stat	 st;
	ssize_t		 n;
	int		 fd;

	if ((fd = openat(dirfd, FILE_NAME, O_RDONLY | FLAGS)) == -1)
		return false;
	n = io_pread_full(fd, text, sizeof(text), 0);
	if (n == -1 || n > FILE_MAX || fstat(fd, &st) == -1) {
		io_close(fd);
		return false;
	}
	io_close(fd);
	if (!add_up((struct slice){ text, (size_t)n }, definition, u))
		return false;
	return !is_over(q, u) || (u->lines == 1 &&
	    io_time_us() / 1000000 - st.st_mtime < OLD_SECONDS);
}

/* The messages of one directory; stat only for names without a size. */
static int
count_dir(int at, const char *path, struct usage *u)
{
	struct maildir_name	 m;
	struct dirent		*de;
	struct stat		 st;
	DIR			*dp;
	int			 r = 0;

	if ((dp = io_opendir(at, path, O_NOFOLLOW)) == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	for (errno = 0; (de = readdir(dp)) != NULL; errno = 0) {
		if (!maildir_name_parse(de->d_name, &m) ||
		    de->d_type == DT_DIR)
			continue;
		if (m.size == UINT64_MAX) {
			if (fstatat(dirfd(dp), de->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == -1)
				continue;
			m.size = (uint64_t)st.st_size;
		}
		if (m.size > (uint64_t)(INT64_MAX - u->octets))
			continue;
		u->octets += (int64_t)m.size;
		u->count++;
	}
	if (errno != 0)
		r = -1;
	closedir(dp);
	return r;
}

/* new/ and cur/ of the Maildir (folder "") or of a subfolder ("/.x"). */
static int
count_folder(int at, const char *folder, struct usage *u)
{
	char	 path[300];

	snprintf(path, sizeof(path), ".%s/new", folder);
	if (count_dir(at, path, u) == -1)
		return -1;
	snprintf(path, sizeof(path), ".%s/cur", folder);
	return count_dir(at, path, u);
}

static int
count_all(int at, struct usage *u)
{
	char		 folder[300];
	struct dirent	*de;
	DIR		*dp;
	int		 r;

	memset(u, 0, sizeof(*u));
	if ((dp = io_opendir(at, ".", 0)) == NULL)
		return -1;
	r = count_folder(at, "", u);
	while (r == 0) {
		errno = 0;
		if ((de = readdir(dp)) == NULL) {
			r = errno == 0 ? 0 : -1;
			break;
		}
		if (de->d_name[0] != '.' || strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(folder, sizeof(folder), "/%s", de->d_name);
		r = count_folder(at, folder, u);
	}
	closedir(dp);
	return r;
}

/*
 * Not fsynced: what a crash leaves is malformed and counted again.  That it
 * cannot be written (a full disk) is no failure either.
 */
static void
write_file(int at, const char *definition, const struct usage *u)
{
	char	 tmp[64], text[160];
	int	 fd, n;

	n = snprintf(text, sizeof(text), "%s%lld %lld\n", definition,
	    (long long)u->octets, (long long)u->count);
	snprintf(tmp, sizeof(tmp), "tmp/" FILE_NAME ".%ld", (long)getpid());
	fd = openat(at, tmp, O_WRONLY | O_CREAT | O_TRUNC | FLAGS, 0600);
	if (fd == -1)
		return;
	if (io_write_all(fd, text, (size_t)n) == -1 ||
	    renameat(at, tmp, at, FILE_NAME) == -1)
		unlinkat(at, tmp, 0);
	io_close(fd);
}

int
quota_usage(const char *dir, const struct quota *q, uint64_t *octets,
    uint64_t *count)
{
	struct usage	 u;
	char		 definition[64];
	int		 at, r = 0;

	*octets = *count = 0;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		return errno == ENOENT ? 0 : -1;
	make_definition(q, definition);
	if (!read_file(at, q, definition, &u)) {
		if ((r = count_all(at, &u)) == 0)
			write_file(at, definition, &u);
	}
	io_close(at);
	if (r == 0) {
		*octets = (uint64_t)u.octets;
		*count = (uint64_t)u.count;
	}
	return r;
}

int
quota_add(const char *dir, int64_t octets, int64_t count)
{
	char	 path[4096], line[64];
	int	 fd, n, r;

	n = snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
	if (n < 0 || n >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = open(path, O_WRONLY | O_APPEND | FLAGS)) == -1)
		return errno == ENOENT ? 0 : -1;
	n = snprintf(line, sizeof(line), "%lld %lld\n", (long long)octets,
	    (long long)count);
	r = io_write_all(fd, line, (size_t)n);
	io_close(fd);
	return r;
}
