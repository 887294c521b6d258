/* Contract in file_stamp.h. */
#include <sys/stat.h>
#include <errno.h>
#include <stdint.h>
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
	s.ctime = st.st_ctim;
	s.size = st.st_size;
	s.ino = st.st_ino;
	s.dev = st.st_dev;
	return s;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
file_stamp_changed(struct file_stamp *s, const char *path)
{
	struct file_stamp	 old = *s;

	*s = file_stamp_of(path);
	return !same_time(&old.mtime, &s->mtime) ||
	    !same_time(&old.ctime, &s->ctime) || old.size != s->size ||
	    old.ino != s->ino || old.dev != s->dev || old.error != s->error;
}

/* Who sets the clock back waits for nothing. */
static bool
file_stamp_fresh(const struct file_stamp *s)
{
	struct timespec	 now;
	int64_t		 ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (int64_t)(now.tv_sec - s->mtime.tv_sec) * 1000 +
	    (now.tv_nsec - s->mtime.tv_nsec) / 1000000;
	return s->error == 0 && ms >= 0 && ms < FILE_STAMP_REST_MS;
}

bool
file_stamp_rested(struct file_stamp s[], const char *const path[], size_t n)
{
	struct file_stamp	 now;
	bool			 other = false, wait = false, gone, changed;
	size_t			 i;

	for (i = 0; i < n; i++) {
		now = s[i];
		changed = file_stamp_changed(&now, path[i]);
		gone = changed && now.error == ENOENT;
		other = other || changed;
		wait = wait || (changed && file_stamp_fresh(&now)) ||
		    (gone && !s[i].gone);
		s[i].gone = gone;
	}
	return other && !wait;
}

bool
file_stamp_alike(const struct stat *a, const struct stat *b)
{
	return same_time(&a->st_mtim, &b->st_mtim) &&
	    same_time(&a->st_ctim, &b->st_ctim) && a->st_size == b->st_size &&
	    a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}
