/* A directory of a test's own, and small helpers to look into it. */
#ifndef TESTS_TMPDIR_H
#define TESTS_TMPDIR_H

#include <sys/stat.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"

static char	 tmpdir_path[128];

static inline int
tmpdir_setup(void **state)
{
	const char	*top = getenv("TMPDIR");

	(void)state;
	snprintf(tmpdir_path, sizeof(tmpdir_path), "%s/merpati.XXXXXX",
	    top != NULL && strlen(top) < 64 ? top : "/tmp");
	return mkdtemp(tmpdir_path) == NULL ? -1 : 0;
}

static inline int
tmpdir_remove_one(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int
tmpdir_teardown(void **state)
{
	(void)state;
	return nftw(tmpdir_path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "TMPDIR/name", in one of four rotating buffers. */
static inline const char *
tmpdir_file(const char *name)
{
	static char	 path[4][1024];
	static int	 i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", tmpdir_path, name);
	return path[i];
}

static inline void
tmpdir_write(const char *name, const void *data, size_t len)
{
	int	 fd = open(tmpdir_file(name), O_WRONLY | O_CREAT | O_TRUNC,
		    0600);

	if (fd == -1 || io_write_all(fd, data, len) == -1)
		abort();
	close(fd);
}

static inline void
tmpdir_read(const char *name, struct buf *out)
{
	buf_clear(out);
	if (io_read_file(AT_FDCWD, tmpdir_file(name), out) == -1)
		abort();
}

/* How many names, dot-names too; the last one's in name. */
static inline int
tmpdir_count(const char *dir, char name[256])
{
	struct dirent	*de;
	DIR		*d = opendir(tmpdir_file(dir));
	int		 n = 0;

	if (d == NULL)
		return -1;
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (name != NULL)
			snprintf(name, 256, "%s", de->d_name);
		n++;
	}
	closedir(d);
	return n;
}

#endif
