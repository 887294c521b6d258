/* Contract in lister.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/service.h"
#include "queue-runner/lister.h"
#include "queue-runner/runner.h"

#define SECONDS		60
#define FLUSH		65536
#define FD_OUT		3		/* in the child */
#define FD_SPOOL	4

struct listing {
	const struct runner	*q;
	struct buf		 out;
	uint64_t		 count;
};

/* The descriptor is the client's, and may be non-blocking. */
static int
lister_flush(struct listing *l)
{
	struct pollfd	 pfd = { .fd = FD_OUT, .events = POLLOUT };
	size_t		 done = 0;
	ssize_t		 n;

	while (done < l->out.len) {
		n = write(FD_OUT, l->out.ptr + done, l->out.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			(void)poll(&pfd, 1, 1000);
		else if (errno != EINTR)
			return -1;
	}
	buf_clear(&l->out);
	return 0;
}

static int
lister_item(const struct queue_item *item, void *arg)
{
	const struct entry	*e;
	struct listing		*l = arg;
	struct queue_item	 copy;

	/* What was being tried when this child was forked. */
	e = schedule_find(l->q->schedule, item->id);
	if (e != NULL && e->state == ENTRY_ACTIVE &&
	    item->where != QUEUE_HOLD) {
		copy = *item;
		copy.where = QUEUE_ACTIVE;
		item = &copy;
	}
	if (queue_item_format(item, &l->out) == -1)
		return -1;
	l->count++;
	return l->out.len >= FLUSH ? lister_flush(l) : 0;
}

static int
lister_work(struct runner *q, const struct queue_selector *which)
{
	struct listing	 l = { .q = q };

	buf_init(&l.out, 2 * FLUSH);
	if (queue_list(FD_SPOOL, which, lister_item, &l) != 0 ||
	    buf_addf(&l.out, "end %llu\n", (unsigned long long)l.count) == -1)
		return 1;
	return lister_flush(&l) == -1;
}

int
lister_start(struct runner *q, const struct queue_selector *which, int fd)
{
	pid_t	 pid;
	int	 out, spool;

	if ((pid = fork()) != 0)
		return pid == -1 ? -1 : 0;
	/*
	 * Keep nothing of the loop's: a worker whose socket is held open here
	 * would outlive its parent.
	 */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	alarm(SECONDS);
	out = fcntl(fd, F_DUPFD_CLOEXEC, 64);
	spool = fcntl(q->files.spool.dirfd, F_DUPFD_CLOEXEC, 64);
	if (out == -1 || spool == -1 || dup2(out, FD_OUT) == -1 ||
	    dup2(spool, FD_SPOOL) == -1)
		_exit(1);
	service_close_from(FD_SPOOL + 1);
	_exit(lister_work(q, which));
}
