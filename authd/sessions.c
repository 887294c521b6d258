/* Contract in sessions.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "authd/sessions.h"
#include "authd/spawn.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

#define SWEEP_SECONDS	10

struct session {
	STAILQ_ENTRY(session)	 entry;
	struct auth_handed	 handed;
	unsigned int		 tries;
	sessions_fn		*fn;
	void			*arg;
};

/*
 * A server is one of
 *	asked		spawner was asked, fd -1
 *	up		fd is its socket; queue empty but when its buffer is
 *			full
 * and in no list when neither.
 */
struct server {
	LIST_ENTRY(server)	 entry;
	STAILQ_HEAD(, session)	 queue;
	struct sessions		*all;
	struct spawn_server	 what;
	struct event		*read;
	struct event		*write;	/* also: stuck, by its timeout */
	int			 fd;
	bool			 asked;
	int64_t			 used;
};

struct sessions {
	LIST_HEAD(, server)	 servers;
	struct event_base	*base;
	struct event		*sweep;
	struct spawn		*spawn;
	int64_t			 idle_ms;
};

static void	 server_pump(struct server *);

static void
session_done(struct session *s, bool handed)
{
	sessions_fn	*fn = s->fn;
	void		*arg = s->arg;

	io_close(s->handed.fd);
	free(s);
	fn(handed, arg);
}

static void
server_close(struct server *v)
{
	if (v->read != NULL)
		event_free(v->read);
	if (v->write != NULL)
		event_free(v->write);
	v->read = v->write = NULL;
	io_close(v->fd);
	v->fd = -1;
}

/* Fail what waits and forget the server. */
static void
server_drop(struct server *v)
{
	struct session	*s;

	server_close(v);
	LIST_REMOVE(v, entry);
	while ((s = STAILQ_FIRST(&v->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&v->queue, entry);
		session_done(s, false);
	}
	free(v);
}

static void
server_died(struct server *v)
{
	log_info("event=server-gone kind=%s uid=%lu",
	    proto_spawn_kind(v->what.kind), (unsigned long)v->what.uid);
	server_close(v);
	if (STAILQ_EMPTY(&v->queue))
		server_drop(v);
	else
		server_pump(v);
}

static void
server_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	int			 n;

	(void)what;
	/* A server has nothing to say: whatever comes, it is over. */
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 1)
		ipc_drop(&m);
	server_died(arg);
}

static void
server_write(int fd, short what, void *arg)
{
	struct server	*v = arg;

	(void)fd;
	if (what & EV_TIMEOUT) {
		log_warnx("event=server-stuck kind=%s uid=%lu",
		    proto_spawn_kind(v->what.kind),
		    (unsigned long)v->what.uid);
		server_drop(v);
	} else
		server_pump(v);
}

static void
server_up(const struct spawn_answer *a, void *arg)
{
	struct server	*v = arg;

	v->asked = false;
	if (a->status != SPAWN_OK || a->fd == -1) {
		log_warnx("event=server-failed kind=%s uid=%lu reason=%s",
		    proto_spawn_kind(v->what.kind),
		    (unsigned long)v->what.uid, log_esc(a->text));
		server_drop(v);
		return;
	}
	v->fd = a->fd;
	v->read = event_new(v->all->base, v->fd, EV_READ | EV_PERSIST,
	    server_read, v);
	v->write = event_new(v->all->base, v->fd, EV_WRITE, server_write, v);
	if (v->read == NULL || v->write == NULL ||
	    event_add(v->read, NULL) == -1)
		fatalx("event=out-of-memory");
	server_pump(v);
}

/*
 * Hand over what waits, in order.  A server that died between two sessions
 * shows here by EPIPE: then a new one gets the packet, which the old one never
 * saw.
 */
static void
server_pump(struct server *v)
{
	static struct ipc_msg	 m;
	struct timeval		 stuck = { .tv_sec =
	    SESSIONS_STUCK_MS / 1000 };
	struct session		*s;

	while (v->fd != -1 && (s = STAILQ_FIRST(&v->queue)) != NULL) {
		proto_auth_put_handed(&m, 0, &s->handed);
		if (ipc_send(v->fd, &m, 0) == 0) {
			STAILQ_REMOVE_HEAD(&v->queue, entry);
			session_done(s, true);
		} else if (errno == EAGAIN || errno == ETOOMANYREFS) {
			event_add(v->write, &stuck);
			return;
		} else if (errno == EBADMSG || ++s->tries == SESSIONS_TRIES) {
			log_warn("event=hand-over-failed user=%s",
			    log_esc(s->handed.user));
			STAILQ_REMOVE_HEAD(&v->queue, entry);
			session_done(s, false);
		} else
			server_close(v);
	}
	if (v->fd == -1 && !v->asked) {
		v->asked = true;
		spawn_ask_server(v->all->spawn, &v->what, server_up, v);
	}
}

static struct server *
server_find(struct sessions *ss, const struct spawn_server *what)
{
	struct server	*v;

	LIST_FOREACH(v, &ss->servers, entry)
		if (v->what.kind == what->kind && v->what.uid == what->uid &&
		    v->what.gid == what->gid)
			return v;
	v = xcalloc(1, sizeof(*v));
	STAILQ_INIT(&v->queue);
	v->all = ss;
	v->what = *what;
	v->fd = -1;
	LIST_INSERT_HEAD(&ss->servers, v, entry);
	return v;
}

static void
sessions_sweep(int fd, short what, void *arg)
{
	struct sessions	*ss = arg;
	struct server	*v, *next;
	int64_t		 now = io_monotonic_ms();

	(void)fd;
	(void)what;
	for (v = LIST_FIRST(&ss->servers); v != NULL; v = next) {
		next = LIST_NEXT(v, entry);
		if (v->fd != -1 && STAILQ_EMPTY(&v->queue) &&
		    now - v->used > ss->idle_ms)
			server_drop(v);
	}
}

struct sessions *
sessions_new(struct event_base *base, struct spawn *spawn, unsigned int idle)
{
	struct timeval	 every = { .tv_sec = SWEEP_SECONDS };
	struct sessions	*ss = xcalloc(1, sizeof(*ss));

	LIST_INIT(&ss->servers);
	ss->base = base;
	ss->spawn = spawn;
	ss->idle_ms = (int64_t)idle * 1000;
	ss->sweep = event_new(base, -1, EV_PERSIST, sessions_sweep, ss);
	if (ss->sweep == NULL || event_add(ss->sweep, &every) == -1)
		fatalx("event=out-of-memory");
	return ss;
}

void
sessions_free(struct sessions *ss)
{
	if (ss == NULL)
		return;
	while (!LIST_EMPTY(&ss->servers))
		server_drop(LIST_FIRST(&ss->servers));
	event_free(ss->sweep);
	free(ss);
}

void
sessions_hand(struct sessions *ss, const struct spawn_server *what,
    const struct auth_handed *h, sessions_fn *fn, void *arg)
{
	struct session	*s = xcalloc(1, sizeof(*s));
	struct server	*v = server_find(ss, what);

	s->handed = *h;
	s->fn = fn;
	s->arg = arg;
	v->used = io_monotonic_ms();
	STAILQ_INSERT_TAIL(&v->queue, s, entry);
	server_pump(v);
}
