/* Contract in spawn.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "authd/spawn.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct spawn		*spawn;
	struct event		*late;
	uint64_t		 id;
	bool			 is_home;
	bool			 sent;
	union {
		struct spawn_server	 server;
		struct spawn_home	 home;
	}			 u;
	spawn_fn		*fn;
	void			*arg;
};

struct spawn {
	TAILQ_HEAD(, question)	 questions;
	struct event_base	*base;
	struct event		*read;		/* NULL: not connected */
	struct event		*retry;
	const char		*path;
	uint64_t		 last_id;
	int			 fd;
	bool			 told;	/* in the log, that it is down */
};

static void	 spawn_flush(struct spawn *);

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->spawn->questions, q, entry);
	event_free(q->late);
	free(q);
}

static void
question_done(struct question *q, const struct spawn_answer *a)
{
	spawn_fn	*fn = q->fn;
	void		*arg = q->arg;

	question_free(q);
	fn(a, arg);
}

static void
question_late(int fd, short what, void *arg)
{
	struct spawn_answer	 a = { SPAWN_LATER, "no answer", -1 };
	struct question		*q = arg;

	(void)fd;
	(void)what;
	log_warnx("event=spawner-silent");
	question_done(q, &a);
}

static void
spawn_disconnect(struct spawn *s)
{
	struct timeval	 soon = { .tv_usec = SPAWN_RETRY_MS * 1000 };
	struct question	*q;

	if (s->read != NULL)
		event_free(s->read);
	s->read = NULL;
	io_close(s->fd);
	s->fd = -1;
	TAILQ_FOREACH(q, &s->questions, entry)
		q->sent = false;
	if (!TAILQ_EMPTY(&s->questions))
		event_add(s->retry, &soon);
}

static void
spawn_answered(struct spawn *s, struct ipc_msg *m)
{
	struct spawn_answer	 a;
	struct question		*q;

	TAILQ_FOREACH(q, &s->questions, entry)
		if (q->id == m->id)
			break;
	/* One that was given up: its descriptor is closed by ipc_drop(). */
	if (q == NULL) {
		ipc_drop(m);
		return;
	}
	if (proto_spawn_get_answer(m, q->is_home ? "home" : "server", &a) ==
	    -1)
		/* It is more trusted than we are: nothing makes sense now. */
		fatalx("event=spawner-malformed");
	question_done(q, &a);
}

static void
spawn_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct spawn		*s = arg;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == 1)
		spawn_answered(s, &m);
	else if (n == 0 || errno != EAGAIN) {
		log_warnx("event=spawner-gone");
		spawn_disconnect(s);
	}
}

static bool
spawn_connect(struct spawn *s)
{
	if (s->fd != -1)
		return true;
	if ((s->fd = ipc_connect(s->path)) == -1) {
		if (!s->told)
			log_warn("event=spawner-down path=%s",
			    log_esc(s->path));
		s->told = true;
		return false;
	}
	s->told = false;
	s->read = event_new(s->base, s->fd, EV_READ | EV_PERSIST, spawn_read,
	    s);
	if (s->read == NULL || event_add(s->read, NULL) == -1)
		fatalx("event=out-of-memory");
	return true;
}

static void
spawn_flush(struct spawn *s)
{
	static struct ipc_msg	 m;
	struct question		*q;

	if (TAILQ_EMPTY(&s->questions))
		return;
	if (!spawn_connect(s)) {
		spawn_disconnect(s);
		return;
	}
	TAILQ_FOREACH(q, &s->questions, entry) {
		if (q->sent)
			continue;
		if (q->is_home)
			proto_spawn_put_home(&m, q->id, &q->u.home);
		else
			proto_spawn_put_server(&m, q->id, &q->u.server);
		if (ipc_send(s->fd, &m, 0) == -1) {
			spawn_disconnect(s);
			return;
		}
		q->sent = true;
	}
}

static void
spawn_retry(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	spawn_flush(arg);
}

struct spawn *
spawn_new(struct event_base *base, const char *path)
{
	struct spawn	*s = xcalloc(1, sizeof(*s));

	TAILQ_INIT(&s->questions);
	s->base = base;
	s->path = path;
	s->fd = -1;
	if ((s->retry = event_new(base, -1, 0, spawn_retry, s)) == NULL)
		fatalx("event=out-of-memory");
	return s;
}

void
spawn_free(struct spawn *s)
{
	if (s == NULL)
		return;
	while (!TAILQ_EMPTY(&s->questions))
		question_free(TAILQ_FIRST(&s->questions));
	spawn_disconnect(s);
	event_free(s->retry);
	free(s);
}

static struct question *
spawn_ask(struct spawn *s, spawn_fn *fn, void *arg)
{
	struct timeval	 limit = { .tv_sec = SPAWN_TIMEOUT_MS / 1000 };
	struct question	*q = xcalloc(1, sizeof(*q));

	q->spawn = s;
	q->id = ++s->last_id;
	q->fn = fn;
	q->arg = arg;
	q->late = event_new(s->base, -1, 0, question_late, q);
	if (q->late == NULL || event_add(q->late, &limit) == -1)
		fatalx("event=out-of-memory");
	TAILQ_INSERT_TAIL(&s->questions, q, entry);
	return q;
}

void
spawn_ask_server(struct spawn *s, const struct spawn_server *server,
    spawn_fn *fn, void *arg)
{
	struct question	*q = spawn_ask(s, fn, arg);

	q->u.server = *server;
	spawn_flush(s);
}

void
spawn_ask_home(struct spawn *s, const struct spawn_home *home, spawn_fn *fn,
    void *arg)
{
	struct question	*q = spawn_ask(s, fn, arg);

	q->is_home = true;
	q->u.home = *home;
	spawn_flush(s);
}
