/* Contract in helpers.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/helpers.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"

#define RESTART_MS	1000	/* between two starts of one helper */
#define IDLE_MS		3600000
#define SEND_MS		60000

struct job {
	STAILQ_ENTRY(job)	 entry;		/* while it waits */
	struct helpers		*hs;
	struct helper		*helper;	/* that works on it, or NULL */
	struct event		*late;
	helpers_done_fn		*fn;
	void			*arg;
	uint64_t		 id;
	unsigned int		 queue;		/* it waits in */
	size_t			 len;
	char			*data;		/* the packet */
};

struct helper {
	struct helpers	*hs;
	struct event	*ev;
	struct job	*job;		/* being done, or NULL */
	pid_t		 pid;
	int		 fd;		/* -1: not running */
	int64_t		 started;	/* 0: never */
};

struct helpers {
	struct event_base		*base;
	struct event			*again;	/* a start that had to wait */
	struct helpers_kind		 kind;
	STAILQ_HEAD(, job)		 queue[2];	/* [1]: late ones */
	unsigned int			 queued[2];
	unsigned int			 given;
	struct helper			 helper[HELPERS_MAX];
};

static struct ipc_msg	 packet;		/* received */

static void
packet_wipe(void)
{
	explicit_bzero(packet.data, packet.len);
}

/* --- in the helper --- */

static noreturn void
helper_main(const struct helpers_kind *kind, int fd)
{
	int	 n;

	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (dup2(fd, 0) == -1)
		_exit(1);
	service_close_from(3);
	service_title("%s", kind->title);
	for (;;) {
		n = ipc_recv(0, &packet, IDLE_MS);
		if (n == -1 && errno == ETIMEDOUT)
			continue;
		if (n != 1)
			_exit(n == 0 ? 0 : 1);
		if (kind->work(&packet, kind->arg) == -1 ||
		    ipc_send(0, &packet, SEND_MS) == -1)
			_exit(1);
		packet_wipe();
	}
}

/* --- in the loop --- */

static void	 helpers_next(struct helpers *);

static void
job_free(struct job *job)
{
	event_free(job->late);
	explicit_bzero(job->data, job->len);
	free(job->data);
	free(job);
}

static void
job_limit(struct job *job)
{
	unsigned int	 ms = job->hs->kind.limit_ms;
	struct timeval	 limit = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };

	if (event_add(job->late, &limit) == -1)
		fatalx("event=out-of-memory");
}

/* answer NULL: there is none. */
static void
job_done(struct job *job, struct ipc_msg *answer)
{
	helpers_done_fn	*fn = job->fn;
	void		*arg = job->arg;

	if (job->helper != NULL)
		job->helper->job = NULL;
	else {
		STAILQ_REMOVE(&job->hs->queue[job->queue], job, job, entry);
		job->hs->queued[job->queue]--;
	}
	job_free(job);
	fn(answer, arg);
}

static void
helper_stop(struct helper *h)
{
	if (h->fd == -1)
		return;
	event_free(h->ev);
	io_close(h->fd);
	h->fd = -1;
	/* It holds nothing that a kill could spoil. */
	kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static void
helper_failed(struct helper *h, const char *why)
{
	struct job	*job = h->job;

	log_warnx("event=helper-replaced helper=%s pid=%ld reason=\"%s\"",
	    h->hs->kind.title, (long)h->pid, why);
	helper_stop(h);
	if (job != NULL)
		job_done(job, NULL);
}

static void
helper_read(evutil_socket_t fd, short what, void *arg)
{
	struct helper	*h = arg;
	struct helpers	*hs = h->hs;
	int		 n;

	(void)what;
	n = ipc_recv((int)fd, &packet, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n != 1)
		helper_failed(h, "it died");
	else if (h->job == NULL || h->job->id != packet.id)
		helper_failed(h, "it says what nobody asked");
	else {
		job_done(h->job, &packet);
		packet_wipe();
	}
	helpers_next(hs);
}

static void
job_late(evutil_socket_t fd, short what, void *arg)
{
	struct job	*job = arg;
	struct helpers	*hs = job->hs;

	(void)fd;
	(void)what;
	if (job->helper != NULL)
		helper_failed(job->helper, "it takes too long");
	else {
		log_warnx("event=helpers-busy helper=%s queued=%u",
		    hs->kind.title, hs->queued[0] + hs->queued[1]);
		job_done(job, NULL);
	}
	helpers_next(hs);
}

/* 0, or -1: not now, the timer will try again. */
static int
helper_start(struct helper *h)
{
	struct timeval	 pause = { .tv_sec = RESTART_MS / 1000 };
	int64_t		 now = io_monotonic_ms();
	int		 fds[2];

	if (h->started != 0 && now - h->started < RESTART_MS) {
		event_add(h->hs->again, &pause);	/* no spinning */
		return -1;
	}
	if (ipc_pair(fds) == -1)
		fatal("event=helper-failed");
	if ((h->pid = fork()) == -1)
		fatal("event=helper-failed");
	if (h->pid == 0)
		helper_main(&h->hs->kind, fds[1]);
	io_close(fds[1]);
	h->fd = fds[0];
	h->started = now;
	h->ev = event_new(h->hs->base, h->fd, EV_READ | EV_PERSIST,
	    helper_read, h);
	if (h->ev == NULL || event_add(h->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return 0;
}

/* One that runs and is free, else one that can be started. */
static struct helper *
helper_free(struct helpers *hs)
{
	struct helper	*h, *not_running = NULL;

	for (h = hs->helper; h < hs->helper + hs->kind.max; h++) {
		if (h->fd != -1 && h->job == NULL)
			return h;
		if (h->fd == -1 && (not_running == NULL ||
		    h->started < not_running->started))
			not_running = h;
	}
	if (not_running == NULL || helper_start(not_running) == -1)
		return NULL;
	return not_running;
}

/* Not in the packet that callbacks are reading. */
static int
helper_give(struct helper *h, const struct job *job)
{
	static struct ipc_msg	 out;
	int			 n;

	ipc_start(&out, "", job->id);
	memcpy(out.data, job->data, job->len);
	out.len = job->len;
	n = ipc_send(h->fd, &out, 0);
	explicit_bzero(out.data, out.len);
	return n;
}

/* Whose turn it is, if anybody's. */
static struct job *
helpers_turn(const struct helpers *hs)
{
	struct job	*first = STAILQ_FIRST(&hs->queue[0]);
	struct job	*late = STAILQ_FIRST(&hs->queue[1]);

	if (first == NULL || (late != NULL &&
	    hs->given % HELPERS_LATE == HELPERS_LATE - 1))
		return late;
	return first;
}

static void
helpers_next(struct helpers *hs)
{
	struct helper	*h;
	struct job	*job;

	while ((job = helpers_turn(hs)) != NULL &&
	    (h = helper_free(hs)) != NULL) {
		/* Its socket is about to tell when it has died. */
		if (helper_give(h, job) == -1)
			return;
		STAILQ_REMOVE_HEAD(&hs->queue[job->queue], entry);
		hs->queued[job->queue]--;
		hs->given++;
		job->helper = h;
		h->job = job;
		if (hs->kind.patient)
			job_limit(job);
	}
}

static void
helpers_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	helpers_next(arg);
}

struct helpers *
helpers_new(struct event_base *base, const struct helpers_kind *kind)
{
	struct helpers	*hs = xcalloc(1, sizeof(*hs));
	size_t		 i;

	hs->base = base;
	hs->kind = *kind;
	STAILQ_INIT(&hs->queue[0]);
	STAILQ_INIT(&hs->queue[1]);
	hs->again = event_new(base, -1, 0, helpers_again, hs);
	if (hs->again == NULL)
		fatalx("event=out-of-memory");
	for (i = 0; i < HELPERS_MAX; i++) {
		hs->helper[i].hs = hs;
		hs->helper[i].fd = -1;
	}
	return hs;
}

void
helpers_start(struct helpers *hs)
{
	struct helper	*h;

	for (h = hs->helper; h < hs->helper + hs->kind.max; h++)
		if (h->fd == -1)
			(void)helper_start(h);
}

void
helpers_free(struct helpers *hs)
{
	struct helper	*h;
	struct job	*job;

	if (hs == NULL)
		return;
	for (h = hs->helper; h < hs->helper + hs->kind.max; h++) {
		helper_stop(h);
		if (h->job != NULL)
			job_free(h->job);
	}
	while ((job = helpers_turn(hs)) != NULL) {
		STAILQ_REMOVE_HEAD(&hs->queue[job->queue], entry);
		job_free(job);
	}
	event_free(hs->again);
	free(hs);
}

int
helpers_ask(struct helpers *hs, const struct ipc_msg *question, bool late,
    helpers_done_fn *fn, void *arg)
{
	struct job	*job;

	if (question->bad || question->nfds > 0) {
		errno = EBADMSG;
		return -1;
	}
	if (hs->queued[late] >= hs->kind.queue) {
		errno = EAGAIN;
		return -1;
	}
	job = xcalloc(1, sizeof(*job));
	job->hs = hs;
	job->fn = fn;
	job->arg = arg;
	job->id = question->id;
	job->queue = late;
	job->len = question->len;
	job->data = xmalloc(job->len);
	memcpy(job->data, question->data, job->len);
	job->late = event_new(hs->base, -1, 0, job_late, job);
	if (job->late == NULL)
		fatalx("event=out-of-memory");
	if (!hs->kind.patient)
		job_limit(job);
	STAILQ_INSERT_TAIL(&hs->queue[late], job, entry);
	hs->queued[late]++;
	helpers_next(hs);
	return 0;
}
