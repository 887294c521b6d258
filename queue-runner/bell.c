/* Contract in bell.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/bell.h"
#include "queue-runner/runner.h"

#define LINE		(SPOOL_ID_LEN + 1)
#define BATCH		200		/* ids a turn of the loop */
#define ROOM		(1024 * 1024)	/* of the pipe: 50,000 ids */
#define OFTEN_MS	50		/* rings so close: gather them */
#define REST_US		20000		/* that long */

struct bell {
	struct runner	*q;
	struct event	*ev;		/* not pending while rest is */
	struct event	*rest;
	int		 fd;
	int64_t		 heard;		/* monotonic ms */
	char		 data[BATCH * LINE];
	size_t		 len;
};

/* Take the whole lines; what is no id is dropped. */
static void
bell_take(struct bell *b)
{
	size_t	 used = 0, n;
	char	*nl;

	while ((nl = memchr(b->data + used, '\n', b->len - used)) != NULL) {
		n = (size_t)(nl - (b->data + used));
		*nl = '\0';
		if (n == SPOOL_ID_LEN && spool_id_valid(b->data + used))
			runner_add(b->q, b->data + used, false, false);
		else
			log_warnx("event=bad-bell text=%s",
			    log_esc(b->data + used));
		used += n + 1;
	}
	b->len -= used;
	memmove(b->data, b->data + used, b->len);
	if (b->len >= LINE)
		b->len = 0;		/* rubbish without an end */
}

/*
 * Every ring is a wake-up of ours and of a worker.  When they come in quick
 * succession those of some milliseconds are taken together.
 */
static void
bell_rest(struct bell *b)
{
	struct timeval	 tv = { .tv_usec = REST_US };
	int64_t		 now = io_monotonic_ms();

	if (now - b->heard < OFTEN_MS && event_add(b->rest, &tv) == 0)
		event_del(b->ev);
	b->heard = now;
}

static void
bell_listen(int fd, short what, void *arg)
{
	struct bell	*b = arg;

	(void)fd;
	(void)what;
	if (event_add(b->ev, NULL) == -1)
		fatalx("event=out-of-memory");
}

static void
bell_read(int fd, short what, void *arg)
{
	struct bell	*b = arg;
	ssize_t		 n;

	(void)what;
	n = read(fd, b->data + b->len, sizeof(b->data) - b->len);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		log_warn("event=bell-read-failed");
	if (n <= 0)
		return;
	b->len += (size_t)n;
	bell_take(b);
	runner_dispatch(b->q);
	bell_rest(b);
}

struct bell *
bell_new(struct runner *q)
{
	struct bell	*b;
	struct stat	 st;
	int		 fd, dir = q->files.spool.dirfd;

	if (mkfifoat(dir, "trigger", 0620) == -1 && errno != EEXIST)
		log_warn("event=trigger-missing");
	/* Its own writer too, so that it never comes to an end. */
	fd = openat(dir, "trigger", O_RDWR | O_NONBLOCK | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode)) {
		io_close(fd);
		errno = EINVAL;
		return NULL;
	}
	(void)fcntl(fd, F_SETPIPE_SZ, ROOM);	/* or it stays at 64 KiB */
	b = xcalloc(1, sizeof(*b));
	b->q = q;
	b->fd = fd;
	b->ev = event_new(q->base, fd, EV_READ | EV_PERSIST, bell_read, b);
	b->rest = event_new(q->base, -1, 0, bell_listen, b);
	if (b->ev == NULL || b->rest == NULL || event_add(b->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return b;
}

void
bell_free(struct bell *b)
{
	if (b == NULL)
		return;
	event_free(b->ev);
	event_free(b->rest);
	close(b->fd);
	free(b);
}
