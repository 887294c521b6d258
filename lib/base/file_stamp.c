/* Contract in file_stamp.h. */
#include <sys/stat.h>
#include <errno.h>
#include <string.h>

#include "lib/base/file_stamp.h"

static struct file_stamp
file_stamp_of(const char *path)
{
	struct file_stamp	 s;
	struct stat		 st;

	memset(&s, 0, sizeof(s));
	if (path == NULL)
		return s;
	if (stat(path, &st) == -1) {
		s.error = errno;
		return s;
	}
	s.mtime = st.st_mtim;
	s.size = st.st_size;
	s.ino = st.st_ino;
	s.dev = st.st_dev;
	return s;
}

bool
file_stamp_changed(struct file_stamp *s, const char *path)
{
	struct file_stamp	 old = *s;

	*s = file_stamp_of(path);
	return old.mtime.tv_sec != s->mtime.tv_sec ||
	    old.mtime.tv_nsec != s->mtime.tv_nsec || old.size != s->size ||
	    old.ino != s->ino || old.dev != s->dev || old.error != s->error;
}

bool
file_stamp_alike(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_size == b->st_size && a->st_ino == b->st_ino &&
	    a->st_dev == b->st_dev;
}
