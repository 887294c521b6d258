/* Contract in asks.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "authd/asks.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct asks		*asks;
	struct event		*late;
	uint64_t		 id;
	asks_fn			*fn;
	void			*arg;
};

struct asks {
	TAILQ_HEAD(, question)	 questions;
	struct event_base	*base;
	struct event		*read;		/* NULL: not connected */
	const char		*name;
	char			*path;
	uint64_t		 last_id;
	unsigned int		 n;
	int			 fd;
	bool			 told;	/* in the log, that it is down */
};

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->asks->questions, q, entry);
	q->asks->n--;
	event_free(q->late);
	free(q);
}

static int
question_done(struct question *q, struct ipc_msg *answer)
{
	asks_fn	*fn = q->fn;
	void	*arg = q->arg;

	question_free(q);
	return fn(answer, arg);
}

static void
question_late(int fd, short what, void *arg)
{
	struct question	*q = arg;

	(void)fd;
	(void)what;
	log_warnx("event=%s-silent", q->asks->name);
	(void)question_done(q, NULL);
}

/* Whoever asked over this connection gets no answer any more. */
static void
asks_disconnect(struct asks *a)
{
	struct question	*q;
	uint64_t	 last = a->last_id;

	if (a->read != NULL)
		event_free(a->read);
	a->read = NULL;
	io_close(a->fd);
	a->fd = -1;
	while ((q = TAILQ_FIRST(&a->questions)) != NULL && q->id <= last)
		(void)question_done(q, NULL);
}

/* It works on what strangers say: no more trusted than they are. */
static void
asks_answered(struct asks *a, struct ipc_msg *m)
{
	struct question	*q;

	TAILQ_FOREACH(q, &a->questions, entry)
		if (q->id == m->id)
			break;
	/* One that was given up. */
	if (q == NULL) {
		ipc_drop(m);
		return;
	}
	if (question_done(q, m) == -1) {
		log_warnx("event=%s-malformed", a->name);
		asks_disconnect(a);
	}
}

static void
asks_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct asks		*a = arg;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == 1)
		asks_answered(a, &m);
	else if (n == 0 || errno != EAGAIN) {
		log_warnx("event=%s-gone", a->name);
		asks_disconnect(a);
	}
}

static bool
asks_connect(struct asks *a)
{
	if (a->fd != -1)
		return true;
	if ((a->fd = ipc_connect_now(a->path)) == -1) {
		if (!a->told)
			log_warn("event=%s-down path=%s", a->name,
			    log_esc(a->path));
		a->told = true;
		return false;
	}
	a->told = false;
	a->read = event_new(a->base, a->fd, EV_READ | EV_PERSIST, asks_read,
	    a);
	if (a->read == NULL || event_add(a->read, NULL) == -1)
		fatalx("event=out-of-memory");
	return true;
}

struct asks *
asks_new(struct event_base *base, const char *run_dir, const char *name)
{
	struct asks	*a = xcalloc(1, sizeof(*a));

	TAILQ_INIT(&a->questions);
	a->base = base;
	a->name = name;
	xasprintf(&a->path, "%s/%s/%s.sock", run_dir, name, name);
	a->fd = -1;
	return a;
}

void
asks_free(struct asks *a)
{
	if (a == NULL)
		return;
	while (!TAILQ_EMPTY(&a->questions))
		question_free(TAILQ_FIRST(&a->questions));
	asks_disconnect(a);
	free(a->path);
	free(a);
}

uint64_t
asks_id(const struct asks *a)
{
	return a->last_id + 1;
}

/* One that was started again meanwhile is worth a second try. */
static int
asks_put(struct asks *a, struct ipc_msg *question)
{
	if (!asks_connect(a))
		return -1;
	if (ipc_send(a->fd, question, 0) == 0)
		return 0;
	if (errno != EPIPE && errno != ECONNRESET)
		return -1;
	asks_disconnect(a);
	return asks_connect(a) ? ipc_send(a->fd, question, 0) : -1;
}

int
asks_send(struct asks *a, struct ipc_msg *question, asks_fn *fn, void *arg)
{
	struct timeval	 limit = { .tv_sec = ASKS_MS / 1000 };
	struct question	*q;
	int		 r = -1;

	if (a->n == ASKS_MAX)
		errno = EAGAIN;
	else
		r = asks_put(a, question);
	explicit_bzero(question->data, question->len);
	if (r == -1)
		return -1;
	q = xcalloc(1, sizeof(*q));
	q->asks = a;
	q->id = ++a->last_id;
	q->fn = fn;
	q->arg = arg;
	q->late = event_new(a->base, -1, 0, question_late, q);
	if (q->late == NULL || event_add(q->late, &limit) == -1)
		fatalx("event=out-of-memory");
	TAILQ_INSERT_TAIL(&a->questions, q, entry);
	a->n++;
	return 0;
}
