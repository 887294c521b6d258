/* Contract in lister.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
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

	/* What is known of it that stands in no file, as of the fork. */
	e = schedule_find(l->q->schedule, item->id);
	if (e != NULL && item->where != QUEUE_HOLD) {
		copy = *item;
		if (e->state == ENTRY_ACTIVE)
			copy.where = QUEUE_ACTIVE;
		else if (e->state == ENTRY_WAITING)
			copy.next = e->next;
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

/* How many of the deferred are known to be for each destination alone. */
static void
lister_count(struct entry *e, void *arg)
{
	uint32_t	*counts = arg;

	if (e->state == ENTRY_WAITING && e->dest != 0)
		counts[e->dest & (DESTS_MAX - 1)]++;
}

static int
lister_dest(struct listing *l, const struct dest *d, uint32_t deferred)
{
	static struct queue_dest	 out;
	struct remote_view		 v;

	remote_view(d, &v);
	if (v.state == WINDOW_OPEN && v.connections == 0 && v.waiting == 0 &&
	    deferred == 0)
		return 0;
	memset(&out, 0, sizeof(out));
	strlcpy(out.name, d->key, sizeof(out.name));
	out.state = v.state == WINDOW_OPEN ? QUEUE_DEST_OPEN :
	    v.state == WINDOW_PAUSED ? QUEUE_DEST_PAUSED : QUEUE_DEST_PROBE;
	out.connections = v.connections;
	out.allowed = v.window;
	out.waiting = v.waiting;
	out.deferred = deferred;
	if (v.state == WINDOW_PAUSED)
		out.next = runner_now() + v.pause_ms / 1000;
	strlcpy(out.code, v.code, sizeof(out.code));
	strlcpy(out.host, v.host, sizeof(out.host));
	strlcpy(out.reason, v.text, sizeof(out.reason));
	l->count++;
	if (queue_dest_format(&out, &l->out) == -1)
		return -1;
	return l->out.len >= FLUSH ? lister_flush(l) : 0;
}

static int
lister_work_dests(struct runner *q)
{
	struct listing	 l = { .q = q };
	const struct dest *d;
	uint32_t	*counts;

	counts = xcalloc(DESTS_MAX, sizeof(*counts));
	schedule_each(q->schedule, lister_count, counts);
	buf_init(&l.out, 2 * FLUSH);
	for (d = dests_next(q->dests, NULL); d != NULL;
	    d = dests_next(q->dests, d))
		if (remote_is(d) && lister_dest(&l, d,
		    counts[d->number & (DESTS_MAX - 1)]) == -1)
			return 1;
	if (buf_addf(&l.out, "end %llu\n", (unsigned long long)l.count) ==
	    -1)
		return 1;
	return lister_flush(&l) == -1;
}

/* which NULL: of destinations. */
static int
lister_fork(struct runner *q, const struct queue_selector *which, int fd)
{
	pid_t	 pid;
	int	 out, spool;

	log_flush();		/* or the child writes it, too */
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
	_exit(which == NULL ? lister_work_dests(q) : lister_work(q, which));
}

int
lister_start(struct runner *q, const struct queue_selector *which, int fd)
{
	return lister_fork(q, which, fd);
}

int
lister_start_dests(struct runner *q, int fd)
{
	return lister_fork(q, NULL, fd);
}
