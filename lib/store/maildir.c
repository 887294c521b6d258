/*
 * Making a Maildir and delivering into it.  Contract in maildir.h; the order
 * of steps and what each crash leaves in doc/queue.md.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/durable.h"
#include "lib/store/lf_reader.h"
#include "lib/store/maildir.h"

#define HEAD_MAX	16384
#define HOST_MAX	100	/* keeps the longest name below NAME_MAX */
#define PARENTS		2

/* One delivery's names: all below the Maildir, all of them paths. */
struct names {
	char	 base[200];		/* unique part */
	char	 tmp[PATH_MAX];
	char	 new[PATH_MAX];		/* when the sizes are known */
	char	 dir[PATH_MAX];		/* DIR/new */
};

static int
make_dir(const char *path, int parents)
{
	char	 up[PATH_MAX], *slash;

	if (mkdir(path, 0700) == 0)
		return io_fsync_parent(path);
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT || parents == 0 || strlen(path) >= sizeof(up))
		return -1;
	strcpy(up, path);
	if ((slash = strrchr(up, '/')) == NULL || slash == up)
		return -1;
	*slash = '\0';
	if (make_dir(up, parents - 1) == -1)
		return -1;
	return make_dir(path, 0);
}

int
maildir_fill(int dirfd)
{
	static const char	*const sub[] = { "tmp", "new", "cur" };
	size_t			 i;

	for (i = 0; i < 3; i++)
		if (mkdirat(dirfd, sub[i], 0700) == -1 && errno != EEXIST)
			return -1;
	return fsync(dirfd);
}

int
maildir_make(const char *path)
{
	int	 fd, r;

	if (make_dir(path, PARENTS) == -1 ||
	    (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	r = maildir_fill(fd);
	io_close(fd);
	return r;
}

int
maildir_make_above(const char *path)
{
	char	 up[PATH_MAX], *slash;

	if (strlen(path) >= sizeof(up)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(up, path);
	if ((slash = strrchr(up, '/')) == NULL || slash == up)
		return 0;
	*slash = '\0';
	return make_dir(up, PARENTS - 1);
}

static int
make_path(char out[PATH_MAX], const char *dir, const char *sub,
    const char *name, const char *end)
{
	int	 n = snprintf(out, PATH_MAX, "%s/%s%s%s", dir, sub, name, end);

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/*
 * The name in tmp/ has our process in it: were an older worker still at the
 * same delivery, one of us would rename the other's half of a file.
 */
static int
make_names(const struct maildir_delivery *d, struct names *n)
{
	char	 host[HOST_MAX + 1], end[32];
	size_t	 i;

	for (i = 0; i < HOST_MAX && d->host[i] != '\0'; i++)
		host[i] = text_is_alnum(d->host[i]) ||
		    strchr(".-_", d->host[i]) != NULL ? d->host[i] : '_';
	host[i] = '\0';
	snprintf(n->base, sizeof(n->base), "%lld.M%06lldQ%.20s-%u.%s",
	    (long long)(d->arrived / 1000000),
	    (long long)(d->arrived % 1000000), d->id, d->number, host);
	snprintf(end, sizeof(end), "~%ld", (long)getpid());
	if (make_path(n->tmp, d->dir, "tmp/", n->base, end) == -1)
		return -1;
	return make_path(n->dir, d->dir, "new", "", "");
}

static int
open_tmp(const struct maildir_delivery *d, const struct names *n)
{
	const int	 flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int		 fd = open(n->tmp, flags, 0600);

	if (fd == -1 && errno == ENOENT) {
		if (maildir_make(d->dir) == -1)
			return -1;
		fd = open(n->tmp, flags, 0600);
	} else if (fd == -1 && errno == EEXIST) {
		/* A dead process had our number. */
		if (unlink(n->tmp) == -1)
			return -1;
		fd = open(n->tmp, flags, 0600);
	}
	return fd;
}

/*
 * Write the message to *fd, opened after the first piece was read.  A small
 * letter is one pread and one write.
 */
static int
write_message(const struct maildir_delivery *d, const struct names *n,
    struct lf_reader *r, int *fd)
{
	static char	 piece[HEAD_MAX + LF_READER_PIECE];
	ssize_t		 len;

	lf_reader_init(r, d->head, d->fd, d->offset, d->len);
	do {
		if ((len = lf_reader_next(r, piece, sizeof(piece))) == -1)
			return -1;
		if (*fd == -1 && (*fd = open_tmp(d, n)) == -1)
			return -1;
		if (io_write_all(*fd, piece, (size_t)len) == -1)
			return -1;
	} while (r->left > 0);
	return 0;
}

/*
 * Does fd, of size octets, hold what this delivery writes?  1, 0 when not, -1
 * with errno.  The size alone does not tell: a loss of power may leave a file
 * of its whole length with zeroes, where blocks were allocated but not yet
 * written.
 */
static int
has_content(const struct maildir_delivery *d, int fd, uint64_t size)
{
	static char		 want[HEAD_MAX + LF_READER_PIECE];
	static char		 have[sizeof(want)];
	struct lf_reader	 r;
	off_t			 at = 0;
	ssize_t			 len, got;

	lf_reader_init(&r, d->head, d->fd, d->offset, d->len);
	do {
		if ((len = lf_reader_next(&r, want, sizeof(want))) == -1 ||
		    (got = io_pread_full(fd, have, (size_t)len, at)) == -1)
			return -1;
		if (got != len || memcmp(want, have, (size_t)len) != 0)
			return 0;
		at += len;
	} while (r.left > 0);
	return (uint64_t)at == size;
}

/*
 * Is what stands at path this message, whole?  Then make it durable.  1 with
 * *stored; 0 when it is torn or gone; -1 with errno.
 */
static int
check_done(const struct maildir_delivery *d, const char *path,
    const char *dir, uint64_t *stored)
{
	struct maildir_name	 name;
	struct stat		 st;
	int			 fd, r = 0;

	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == -1)
		r = -1;
	else if (S_ISREG(st.st_mode) &&
	    maildir_name_parse(strrchr(path, '/') + 1, &name) &&
	    (uint64_t)st.st_size == name.size &&
	    (r = has_content(d, fd, name.size)) == 1) {
		*stored = name.size;
		r = fsync(fd) == -1 || io_fsync_dir(AT_FDCWD, dir) == -1 ?
		    -1 : 1;
	}
	io_close(fd);
	return r;
}

static bool
begins(const char *name, const char *base, const char *after)
{
	size_t	 len = strlen(base);

	return strncmp(name, base, len) == 0 &&
	    (name[len] == '\0' || strchr(after, name[len]) != NULL);
}

/*
 * Look through DIR/sub for this delivery's names.  A whole message: 1.  What
 * is torn, or in tmp/, is removed.  0 when there is nothing; -1 with errno.
 */
static int
find_in(const struct maildir_delivery *d, const char *base, const char *sub,
    bool tmp, uint64_t *stored)
{
	char		 dir[PATH_MAX], path[PATH_MAX];
	struct dirent	*de;
	DIR		*dp;
	int		 r = 0;

	if (make_path(dir, d->dir, sub, "", "") == -1)
		return -1;
	if ((dp = opendir(dir)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while (r == 0) {
		errno = 0;
		if ((de = readdir(dp)) == NULL) {
			r = errno == 0 ? 0 : -1;
			break;
		}
		if (!begins(de->d_name, base, tmp ? "~" : ",:"))
			continue;
		if (make_path(path, dir, "", de->d_name, "") == -1)
			r = -1;
		else if (!tmp)
			r = check_done(d, path, dir, stored);
		if (r == 0 && unlink(path) == -1 && errno != ENOENT)
			r = -1;
	}
	closedir(dp);
	return r;
}

static int
find_earlier(const struct maildir_delivery *d, const char *base,
    uint64_t *stored)
{
	int	 r = find_in(d, base, "tmp", true, stored);

	if (r == 0)
		r = find_in(d, base, "new", false, stored);
	return r == 0 ? find_in(d, base, "cur", false, stored) : r;
}

/* tmp/ to new/.  1 when a whole one is there already. */
static int
move_to_new(const struct maildir_delivery *d, const struct names *n,
    uint64_t *stored)
{
	int	 r;

	r = io_rename_new(AT_FDCWD, n->tmp, AT_FDCWD, n->new);
	if (r == -1 && errno == ENOENT && maildir_make(d->dir) == 0)
		r = io_rename_new(AT_FDCWD, n->tmp, AT_FDCWD, n->new);
	if (r == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if ((r = check_done(d, n->new, n->dir, stored)) == 0)
		r = rename(n->tmp, n->new);	/* torn by a crash */
	return r;
}

int
maildir_begin(const struct maildir_delivery *d, uint64_t *stored,
    struct maildir_pending *p)
{
	struct lf_reader	 r;
	struct names		 n;
	char			 sizes[64];
	int			 fd = -1, done, saved;

	p->fd = -1;
	p->path = NULL;
	if (d->head.len > HEAD_MAX || d->arrived < 0) {
		errno = EINVAL;
		return -1;
	}
	if (make_names(d, &n) == -1)
		return -1;
	if (d->again && (done = find_earlier(d, n.base, stored)) != 0)
		return done == 1 ? 0 : -1;
	if (write_message(d, &n, &r, &fd) == -1)
		goto undo;
	*stored = r.stored;
	maildir_name_sizes(r.stored, r.wire, sizes);
	if (make_path(n.new, n.dir, "", n.base, sizes) == -1 ||
	    (done = move_to_new(d, &n, stored)) == -1)
		goto undo;
	if (done == 1) {
		unlink(n.tmp);
		io_close(fd);
		return 0;
	}
	p->fd = fd;
	p->path = xstrdup(n.new);
	return 0;
undo:
	saved = errno;
	if (fd != -1)
		unlink(n.tmp);
	io_close(fd);
	errno = saved;
	return -1;
}

static void
pending_end(struct maildir_pending *p, bool failed)
{
	if (failed)
		unlink(p->path);
	io_close(p->fd);
	p->fd = -1;
	free(p->path);
	p->path = NULL;
}

void
maildir_finish(struct maildir_pending *const p[], int error[], size_t n)
{
	static char	 dir[MAILDIR_PENDING][PATH_MAX];
	struct durable	 d[MAILDIR_PENDING] = { { .fd = -1 } };
	size_t		 i, k = 0;

	assert(n <= MAILDIR_PENDING);
	for (i = 0; i < n; i++) {
		error[i] = 0;
		if (p[i]->fd == -1)
			continue;
		strlcpy(dir[k], p[i]->path, sizeof(dir[k]));
		*strrchr(dir[k], '/') = '\0';
		d[k].fd = p[i]->fd;
		d[k].dir = dir[k];
		k++;
	}
	/* They have their names already: a commit holds these, too. */
	durable_sync_all(d, k);
	for (i = 0, k = 0; i < n; i++) {
		if (p[i]->fd == -1)
			continue;
		error[i] = d[k++].error;
		pending_end(p[i], error[i] != 0);
	}
}

int
maildir_deliver(const struct maildir_delivery *d, uint64_t *stored)
{
	struct maildir_pending	 p, *const one[] = { &p };
	int			 error;

	if (maildir_begin(d, stored, &p) == -1)
		return -1;
	maildir_finish(one, &error, 1);
	errno = error;
	return error == 0 ? 0 : -1;
}
