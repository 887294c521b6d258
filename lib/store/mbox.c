/*
 * Contract in mbox.h.  The locks in the order of Debian's policy: fcntl,
 * then the dot-lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/store/lf_reader.h"
#include "lib/store/mbox.h"

#define WAIT_MS		30000
#define PAUSE_MS	100
#define STALE_SECONDS	(15 * 60)
#define HEAD_MAX	16384

static const char	 from_[] = "From ";

/*
 * mboxrd: a line of any number of '>' and "From " gets one '>' more, which may
 * as well stand before the F.  So a piece can end anywhere.
 */
struct quoting {
	bool	 start;		/* only '>' so far in this line */
	size_t	 match;		/* octets of "From " seen and held back */
};

struct mbox {
	char	 path[PATH_MAX];
	char	 lock[PATH_MAX];
	bool	 dotted;	/* the dot-lock is ours */
	int	 fd;
	off_t	 size;		/* before us */
};

static int
pause_until(int64_t end)
{
	struct timespec	 ts = { 0, PAUSE_MS * 1000000 };

	if (io_monotonic_ms() >= end) {
		errno = EAGAIN;
		return -1;
	}
	nanosleep(&ts, NULL);
	return 0;
}

/* Remove a dot-lock that nobody can be holding. */
static void
break_stale(const char *path)
{
	struct buf	 text;
	struct stat	 st;
	uint64_t	 pid;
	bool		 gone = false;

	buf_init(&text, 64);
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		gone = io_time_us() / 1000000 - st.st_mtime > STALE_SECONDS;
		/* A process of this host, by the number it wrote. */
		if (!gone && io_read_file(AT_FDCWD, path, &text) == 0 &&
		    text.len > 0 && text.ptr[text.len - 1] == '\n' &&
		    text_u64((struct slice){ text.ptr, text.len - 1 },
		    INT32_MAX, &pid) == 0 && pid > 1)
			gone = kill((pid_t)pid, 0) == -1 && errno == ESRCH;
	}
	buf_free(&text);
	if (gone)
		unlink(path);
}

static int
lock_dot(struct mbox *m, int64_t end)
{
	char	 pid[32];
	int	 fd, n;

	for (;;) {
		fd = open(m->lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
		if (fd != -1)
			break;
		/* A spool directory we may not write in: fcntl must do. */
		if (errno == EACCES || errno == EPERM || errno == EROFS)
			return 0;
		if (errno != EEXIST)
			return -1;
		break_stale(m->lock);
		if (pause_until(end) == -1)
			return -1;
	}
	m->dotted = true;
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	(void)io_write_all(fd, pid, (size_t)n);
	io_close(fd);
	return 0;
}

static int
open_file(const char *path)
{
	const int	 flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC |
			    O_NOFOLLOW | O_NONBLOCK;
	int		 fd = open(path, flags, 0600);

	if (fd == -1 && errno == ENOENT && maildir_make_above(path) == 0)
		fd = open(path, flags, 0600);
	return fd;
}

/* Both locks, and the file that has the name now: 0, or -1 with errno. */
static int
lock_both(struct mbox *m, int64_t end)
{
	struct stat	 st, named;

	for (;;) {
		if ((m->fd = open_file(m->path)) == -1 ||
		    filelock_wait(m->fd, F_WRLCK,
		    (int)(end - io_monotonic_ms())) == -1 ||
		    lock_dot(m, end) == -1 || fstat(m->fd, &st) == -1)
			return -1;
		if (!S_ISREG(st.st_mode)) {
			errno = EINVAL;
			return -1;
		}
		m->size = st.st_size;
		if (lstat(m->path, &named) == 0 &&
		    named.st_ino == st.st_ino && named.st_dev == st.st_dev)
			return 0;
		/* Replaced while we waited. */
		if (m->dotted)
			unlink(m->lock);
		m->dotted = false;
		io_close(m->fd);
		m->fd = -1;
		if (pause_until(end) == -1)
			return -1;
	}
}

/* "From sender date" LF; no blank may be in the sender. */
static int
write_from(int fd, const char *sender, int64_t arrived)
{
	struct tm	 tm;
	time_t		 t = (time_t)(arrived / 1000000);
	char		 line[600], date[64];
	size_t		 i, n = sizeof(from_) - 1;

	memcpy(line, from_, n);
	if (*sender == '\0')
		sender = "MAILER-DAEMON";
	for (i = 0; sender[i] != '\0' && n < 500; i++)
		line[n++] = text_is_control(sender[i]) || sender[i] == ' ' ?
		    '_' : sender[i];
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(date, sizeof(date), " %a %b %e %H:%M:%S %Y\n", &tm) == 0) {
		errno = EINVAL;
		return -1;
	}
	memcpy(line + n, date, strlen(date));
	return io_write_all(fd, line, n + strlen(date));
}

/* Quote len octets into out, which has room for twice as many and ten. */
static size_t
quote(struct quoting *q, const char *in, size_t len, char *out)
{
	const char	*lf;
	size_t		 i, n = 0;

	for (i = 0; i < len;) {
		if (!q->start && q->match == 0) {
			lf = memchr(in + i, '\n', len - i);
			lf = lf == NULL ? in + len : lf + 1;
			memcpy(out + n, in + i, (size_t)(lf - in) - i);
			n += (size_t)(lf - in) - i;
			i = (size_t)(lf - in);
			q->start = lf[-1] == '\n';
		} else if (q->match == 0 && in[i] == '>') {
			out[n++] = in[i++];
		} else if (in[i] == from_[q->match]) {
			q->start = false;
			i++;
			if (++q->match == sizeof(from_) - 1) {
				out[n++] = '>';
				memcpy(out + n, from_, q->match);
				n += q->match;
				q->match = 0;
			}
		} else {
			/* Not "From " after all. */
			memcpy(out + n, from_, q->match);
			n += q->match;
			q->match = 0;
			q->start = false;
		}
	}
	return n;
}

static int
write_message(const struct maildir_delivery *d, int fd)
{
	static char		 in[HEAD_MAX + LF_READER_PIECE];
	static char		 out[2 * sizeof(in) + 10];
	struct lf_reader	 r;
	struct quoting		 q = { true, 0 };
	ssize_t			 len;
	size_t			 n;

	lf_reader_init(&r, d->head, d->fd, d->offset, d->len);
	do {
		if ((len = lf_reader_next(&r, in, sizeof(in))) == -1)
			return -1;
		n = quote(&q, in, (size_t)len, out);
		if (r.left == 0) {
			/* "Fro" at the end; a last line without LF; a blank. */
			memcpy(out + n, from_, q.match);
			n += q.match;
			if (r.stored > 0 && r.last != '\n')
				out[n++] = '\n';
			out[n++] = '\n';
		}
		if (io_write_all(fd, out, n) == -1)
			return -1;
	} while (r.left > 0);
	return 0;
}

/* A blank line before ours, whatever other software left at the end. */
static int
end_former(const struct mbox *m)
{
	char	 end[2];

	if (m->size < 2)
		return m->size == 0 ? 0 : io_write_all(m->fd, "\n\n", 2);
	if (io_pread_full(m->fd, end, 2, m->size - 2) != 2) {
		errno = EIO;
		return -1;
	}
	if (end[1] != '\n')
		return io_write_all(m->fd, "\n\n", 2);
	return end[0] == '\n' ? 0 : io_write_all(m->fd, "\n", 1);
}

/* Take our part away again, and make that durable as far as can be. */
static void
undo(struct mbox *m)
{
	int	 saved = errno;

	if (ftruncate(m->fd, m->size) == 0)
		(void)fsync(m->fd);
	errno = saved;
}

static int
append(struct mbox *m, const struct maildir_delivery *d, const char *sender,
    uint64_t *stored)
{
	struct stat	 st;

	if (end_former(m) == -1 ||
	    write_from(m->fd, sender, d->arrived) == -1 ||
	    write_message(d, m->fd) == -1 || fstat(m->fd, &st) == -1 ||
	    fsync(m->fd) == -1 ||
	    (m->size == 0 && io_fsync_parent(m->path) == -1)) {
		undo(m);
		return -1;
	}
	*stored = (uint64_t)(st.st_size - m->size);
	return 0;
}

int
mbox_deliver(const struct maildir_delivery *d, const char *sender,
    uint64_t *stored)
{
	struct mbox	 m = { .fd = -1 };
	int		 r = -1, saved;

	if (d->head.len > HEAD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (snprintf(m.path, sizeof(m.path), "%s", d->dir) >=
	    (int)sizeof(m.path) || snprintf(m.lock, sizeof(m.lock), "%s.lock",
	    d->dir) >= (int)sizeof(m.lock)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (lock_both(&m, io_monotonic_ms() + WAIT_MS) == 0)
		r = append(&m, d, sender, stored);
	saved = errno;
	if (m.dotted)
		unlink(m.lock);
	io_close(m.fd);
	errno = saved;
	return r;
}
