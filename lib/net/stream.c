/* Contract in stream.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/net/stream.h"

#define SKIP_MAX	(1024 * 1024)	/* of a line without an end */

static volatile sig_atomic_t	 stream_stop_flag;

/*
 * The signal handler writes here, so that a wait ends however late the signal
 * comes after the flag was looked at.  A process has its own: a forked one
 * must not wake its parent.  -1 (no descriptor left) only means that a stop is
 * noticed later.
 */
static int			 stream_stop_fd = -1;
static pid_t			 stream_stop_pid;

static void
stream_stop_prepare(void)
{
	if (stream_stop_pid == getpid())
		return;
	io_close(stream_stop_fd);
	stream_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stream_stop_pid = getpid();
}

static ssize_t
stream_fd_read(struct stream *s, void *data, size_t len)
{
	return read(s->rfd, data, len);
}

static ssize_t
stream_fd_write(struct stream *s, const void *data, size_t len)
{
	struct pollfd	 pfd = { .fd = s->wfd, .events = POLLOUT };
	ssize_t		 n;

	n = send(s->wfd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n != -1 || errno != ENOTSOCK)
		return n;
	/* A pipe: PIPE_BUF octets fit without blocking when poll says so. */
	if (poll(&pfd, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(s->wfd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

void
stream_init(struct stream *s, int rfd, int wfd, int idle_ms, int64_t total_ms)
{
	stream_stop_prepare();
	memset(s, 0, sizeof(*s));
	s->rfd = rfd;
	s->wfd = wfd;
	s->read = stream_fd_read;
	s->write = stream_fd_write;
	s->in = xmalloc(STREAM_IN);
	buf_init(&s->out, STREAM_OUT);
	s->idle_ms = idle_ms;
	s->total = total_ms == 0 ? 0 : io_monotonic_ms() + total_ms;
}

void
stream_free(struct stream *s)
{
	free(s->in);
	s->in = NULL;
	buf_free(&s->out);
}

void
stream_rest(struct stream *s)
{
	if (s->in_pos == s->in_len) {
		free(s->in);
		s->in = NULL;
		s->in_pos = s->in_len = 0;
	}
	if (s->out.len == 0)
		buf_free(&s->out);
}

void
stream_wipe(struct stream *s)
{
	if (s->in == NULL)
		return;
	explicit_bzero(s->in, s->in_pos);
	explicit_bzero(s->in + s->in_len, STREAM_IN - s->in_len);
}

static int64_t
stream_deadline(const struct stream *s)
{
	int64_t	 d = io_monotonic_ms() + s->idle_ms;

	return s->total != 0 && s->total < d ? s->total : d;
}

/* may_stop: between commands, a stop ends the wait. */
static enum stream_status
stream_wait(int fd, short events, int64_t deadline, bool may_stop)
{
	struct pollfd	 pfd[2] = { { .fd = fd, .events = events },
	    { .fd = stream_stop_fd, .events = POLLIN } };
	int64_t		 left;

	for (;;) {
		if (may_stop && stream_stop_flag)
			return STREAM_STOP;
		left = deadline - io_monotonic_ms();
		if (left <= 0)
			return STREAM_TIMEOUT;
		if (poll(pfd, may_stop ? 2 : 1, (int)left) == -1 &&
		    errno != EINTR)
			return STREAM_ERROR;
		if (pfd[0].revents != 0)
			return STREAM_OK;
	}
}

enum stream_status
stream_flush(struct stream *s)
{
	enum stream_status	 st;
	int64_t			 deadline = stream_deadline(s);
	size_t			 done = 0;
	ssize_t			 n;

	if (s->dead) {
		errno = EPIPE;
		return STREAM_ERROR;
	}
	while (done < s->out.len) {
		s->wants = 0;
		n = s->write(s, s->out.ptr + done, s->out.len - done);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		st = STREAM_ERROR;
		if (errno != EAGAIN || (st = stream_wait(s->wfd,
		    s->wants != 0 ? s->wants : POLLOUT, deadline, false)) !=
		    STREAM_OK) {
			s->dead = true;
			buf_clear(&s->out);
			return st;
		}
	}
	buf_clear(&s->out);
	return STREAM_OK;
}

static void
stream_make_room(struct stream *s)
{
	if (s->in == NULL)
		s->in = xmalloc(STREAM_IN);
	if (s->in_pos > 0) {
		memmove(s->in, s->in + s->in_pos, s->in_len - s->in_pos);
		s->in_len -= s->in_pos;
		s->in_pos = 0;
	}
}

/*
 * Most of what is waited for comes soon: wait in the read, for a while.  False:
 * it did not come, and the wait goes on as usual.
 */
static bool
stream_read_blocking(struct stream *s, int64_t deadline, bool may_stop,
    enum stream_status *st)
{
	ssize_t	 n;

	if (!s->blocks || (s->pending != NULL && s->pending(s)) ||
	    (may_stop && stream_stop_flag) ||
	    deadline - io_monotonic_ms() < STREAM_BLOCK_MS)
		return false;
	s->may_wait = true;
	n = s->read(s, s->in + s->in_len, STREAM_IN - s->in_len);
	s->may_wait = false;
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n > 0)
		s->in_len += (size_t)n;
	*st = n > 0 ? STREAM_OK : n == 0 || errno == ECONNRESET ? STREAM_EOF :
	    STREAM_ERROR;
	return true;
}

/* Read once more behind what the buffer holds. */
static enum stream_status
stream_fill(struct stream *s, bool may_stop)
{
	enum stream_status	 st;
	int64_t			 deadline;
	ssize_t			 n;
	bool			 ready;

	if ((st = stream_flush(s)) != STREAM_OK)
		return st;
	stream_make_room(s);
	deadline = stream_deadline(s);
	s->wants = 0;
	if (stream_read_blocking(s, deadline, may_stop, &st))
		return st;
	ready = s->pending != NULL && s->pending(s);
	for (;;) {
		st = ready ? STREAM_OK : stream_wait(s->rfd,
		    s->wants != 0 ? s->wants : POLLIN, deadline, may_stop);
		if (st != STREAM_OK)
			return st;
		ready = false;
		s->wants = 0;
		n = s->read(s, s->in + s->in_len, STREAM_IN - s->in_len);
		if (n > 0) {
			s->in_len += (size_t)n;
			return STREAM_OK;
		}
		if (n == 0)
			return STREAM_EOF;
		if (errno == ECONNRESET)
			return STREAM_EOF;
		if (errno != EINTR && errno != EAGAIN)
			return STREAM_ERROR;
	}
}

/* Throw away up to and with the next LF. */
static enum stream_status
stream_skip_line(struct stream *s)
{
	enum stream_status	 st;
	size_t			 skipped = 0;
	char			*nl;

	for (;;) {
		nl = memchr(s->in + s->in_pos, '\n', s->in_len - s->in_pos);
		if (nl != NULL) {
			s->in_pos = (size_t)(nl - s->in) + 1;
			return STREAM_OK;
		}
		skipped += s->in_len - s->in_pos;
		s->in_pos = s->in_len = 0;
		if (skipped > SKIP_MAX) {
			errno = EMSGSIZE;
			return STREAM_ERROR;
		}
		if ((st = stream_fill(s, false)) != STREAM_OK)
			return st;
	}
}

static enum stream_status
stream_refuse_line(struct stream *s, enum stream_status why)
{
	enum stream_status	 st;

	st = stream_skip_line(s);
	return st == STREAM_OK ? why : st;
}

enum stream_status
stream_line(struct stream *s, size_t max, struct slice *line)
{
	enum stream_status	 st;
	const char		*p, *nl;
	size_t			 have, len, seen = 0;
	bool			 crlf;

	for (;;) {
		p = s->in + s->in_pos;
		have = s->in_len - s->in_pos;
		nl = have > seen ? memchr(p + seen, '\n', have - seen) : NULL;
		if (nl != NULL)
			break;
		if (have >= max)
			return stream_refuse_line(s, STREAM_TOOLONG);
		seen = have;
		if ((st = stream_fill(s, have == 0)) != STREAM_OK)
			return st;
	}
	len = (size_t)(nl - p);
	if (len >= max)
		return stream_refuse_line(s, STREAM_TOOLONG);
	crlf = len > 0 && p[len - 1] == '\r';
	if (crlf)
		len--;
	s->in_pos = (size_t)(nl - s->in) + 1;
	if ((!crlf && !s->bare_lf_ok) || memchr(p, '\r', len) != NULL)
		return STREAM_BARE;
	line->ptr = p;
	line->len = len;
	return STREAM_OK;
}

struct slice
stream_pending(const struct stream *s)
{
	struct slice	 d = { s->in + s->in_pos, s->in_len - s->in_pos };

	return d;
}

enum stream_status
stream_more(struct stream *s, struct slice *data)
{
	enum stream_status	 st;

	if (s->in_pos == 0 && s->in_len == STREAM_IN) {
		errno = EMSGSIZE;
		return STREAM_ERROR;
	}
	if ((st = stream_fill(s, false)) != STREAM_OK)
		return st;
	*data = stream_pending(s);
	return STREAM_OK;
}

enum stream_status
stream_peek(struct stream *s, struct slice *data)
{
	if (s->in_pos == s->in_len)
		return stream_more(s, data);
	*data = stream_pending(s);
	return STREAM_OK;
}

enum stream_status
stream_begin(struct stream *s, struct slice *data)
{
	enum stream_status	 st;

	if (s->in_pos == s->in_len &&
	    (st = stream_fill(s, true)) != STREAM_OK)
		return st;
	*data = stream_pending(s);
	return STREAM_OK;
}

void
stream_consume(struct stream *s, size_t len)
{
	s->in_pos += len;
}

/*
 * What arrives may be the transport's own business: only reading tells, so the
 * octets go into the buffer.
 */
static bool
stream_readable_layered(struct stream *s, int wait_ms)
{
	struct pollfd	 pfd = { .fd = s->rfd, .events = POLLIN };
	int64_t		 deadline = io_monotonic_ms() + wait_ms, left;
	ssize_t		 n;

	stream_make_room(s);
	for (;;) {
		left = deadline - io_monotonic_ms();
		if (!s->pending(s) &&
		    poll(&pfd, 1, left > 0 ? (int)left : 0) != 1)
			return false;
		n = s->read(s, s->in, STREAM_IN);
		if (n > 0)
			s->in_len = (size_t)n;
		/* An end or an error is something to read as well. */
		if (n != -1 || (errno != EAGAIN && errno != EINTR))
			return true;
		if (left <= 0)
			return false;
	}
}

bool
stream_readable(struct stream *s, int wait_ms)
{
	struct pollfd	 pfd = { .fd = s->rfd, .events = POLLIN };

	if (s->in_pos < s->in_len)
		return true;
	if (s->pending != NULL)
		return stream_readable_layered(s, wait_ms);
	return poll(&pfd, 1, wait_ms) == 1;
}

void
stream_put(struct stream *s, const void *data, size_t len)
{
	const char	*p = data;
	size_t		 n;

	while (len > 0 && !s->dead) {
		n = s->out.max - s->out.len;
		if (n > len)
			n = len;
		if (buf_add(&s->out, p, n) == -1)
			s->dead = true;
		p += n;
		len -= n;
		if (s->out.len == s->out.max)
			stream_flush(s);
	}
}

void
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list	 ap;
	char	*text;
	int	 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1) {
		s->dead = true;
		return;
	}
	stream_put(s, text, (size_t)n);
	free(text);
}

void
stream_block(struct stream *s)
{
	const struct timeval	 tv = { .tv_usec = STREAM_BLOCK_MS * 1000 };

	s->blocks = setsockopt(s->rfd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)) == 0;
}

void
stream_set_idle(struct stream *s, int idle_ms)
{
	s->idle_ms = idle_ms;
}

void
stream_stop(void)
{
	static const uint64_t	 one = 1;
	int			 saved = errno;

	stream_stop_flag = 1;
	if (stream_stop_fd != -1 &&
	    write(stream_stop_fd, &one, sizeof(one)) == -1)
		errno = EAGAIN;		/* full: it was written before */
	errno = saved;
}

static void
stream_handler(int sig)
{
	(void)sig;
	stream_stop();
}

void
stream_stop_on(int sig)
{
	struct sigaction	 sa = { .sa_handler = stream_handler };

	sigaction(sig, &sa, NULL);
}

int
stream_stop_descriptor(void)
{
	stream_stop_prepare();
	return stream_stop_fd;
}

bool
stream_stopping(void)
{
	return stream_stop_flag != 0;
}

const char *
stream_status_name(enum stream_status st)
{
	switch (st) {
	case STREAM_OK:		return "ok";
	case STREAM_EOF:	return "eof";
	case STREAM_TIMEOUT:	return "timeout";
	case STREAM_TOOLONG:	return "too-long";
	case STREAM_BARE:	return "bare-line-end";
	case STREAM_ERROR:	return "error";
	case STREAM_STOP:	return "stop";
	}
	return "?";
}
