/* Contract in change.h. */
#include <sys/file.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "mailctl/change.h"
#include "mailctl/mailctl.h"

#define FILE_MAX	((size_t)1 << 30)
#define PATH_LEN	4096
#define LOCK_TRIES	100		/* of 0.1 s */

static int
take_lock(struct change *c)
{
	char	 path[PATH_LEN];
	int	 i;

	if (snprintf(path, sizeof(path), "%s.lock", c->path) >=
	    (int)sizeof(path))
		return complain(EX_CONFIG, "%s: the path is too long", c->path);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
		    "%s: %s", path, strerror(errno));
	for (i = 0; flock(c->lock, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return complain(EX_OSERR, "%s: %s", path,
			    strerror(errno));
		if (i == LOCK_TRIES)
			return complain(EX_TEMPFAIL,
			    "%s is locked by another mailctl", c->path);
		usleep(100000);
	}
	return EX_OK;
}

int
change_begin(struct change *c, const struct config *cfg, const char *path,
    change_good_fn *good)
{
	struct stat	 st;
	int		 code;

	c->cfg = cfg;
	c->path = path;
	c->good = good;
	c->lock = -1;
	buf_init(&c->old, FILE_MAX);
	buf_init(&c->new, FILE_MAX);
	if ((code = take_lock(c)) != EX_OK)
		return code;
	/* A new file is for root and the directory's group. */
	c->mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0640;
	if (io_read_file(AT_FDCWD, path, &c->old) == -1 && errno != ENOENT)
		return complain(EX_NOINPUT, "%s: %s", path, strerror(errno));
	return EX_OK;
}

/*
 * authd lets nobody in by a line with an error: what would break a good file (a
 * quota that is none) is not written.  One that is broken already may be
 * changed, whatever else is wrong in it.
 */
int
change_write(struct change *c)
{
	struct buf	 err;
	bool		 worse;

	buf_init(&err, 65536);
	worse = !c->good(c->cfg, buf_slice(&c->new), &err);
	if (worse)
		fputs(buf_cstr(&err), stderr);
	buf_clear(&err);
	worse = worse && c->good(c->cfg, buf_slice(&c->old), &err);
	buf_free(&err);
	if (worse)
		return complain(EX_DATAERR, "nothing was changed");
	if (io_replace_file(c->path, c->new.ptr, c->new.len, c->mode) == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
		    "%s: %s; nothing was changed", c->path, strerror(errno));
	return EX_OK;
}

static void
wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->len);
	buf_free(b);
}

void
change_end(struct change *c)
{
	wipe(&c->old);
	wipe(&c->new);
	io_close(c->lock);
}
