/* Contract in ipc_server.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

#define BURST	16	/* packets of one client before others get a turn */
#define READ_SECONDS	30	/* so long answers wait for a client to read */

/* An answer that the socket had no room for. */
struct waiting {
	STAILQ_ENTRY(waiting)	 entry;
	size_t			 len;
	char			 data[];
};

struct ipc_client {
	LIST_ENTRY(ipc_client)	 entry;
	struct ipc_server	*server;
	struct event		*ev;
	struct event		*write_ev;	/* while answers wait */
	STAILQ_HEAD(, waiting)	 waiting;
	int			 fd;		/* -1 when gone */
	uid_t			 uid;
	gid_t			 gid;
	pid_t			 pid;
	unsigned int		 refs;
};

struct ipc_server {
	LIST_HEAD(, ipc_client)	 clients;
	struct event_base	*base;
	struct event		*ev;
	struct event		*again;		/* accept pause on EMFILE */
	int			 fd;
	unsigned int		 count;
	unsigned int		 max;
	unsigned int		 share;		/* of one uid, or 0: all */
	ipc_allow_fn		*allow;
	ipc_request_fn		*request;
	void			*arg;
};

static void
ipc_client_close(struct ipc_client *c)
{
	struct waiting	*w;

	if (c->fd == -1)
		return;
	while ((w = STAILQ_FIRST(&c->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->waiting, entry);
		free(w);
	}
	if (c->write_ev != NULL)
		event_free(c->write_ev);
	c->write_ev = NULL;
	event_free(c->ev);
	c->ev = NULL;
	close(c->fd);
	c->fd = -1;
	LIST_REMOVE(c, entry);
	if (c->server->count-- == c->server->max)
		event_add(c->server->ev, NULL);
	c->server = NULL;
	ipc_client_unref(c);
}

static void
ipc_client_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 req;
	struct ipc_client	*c = arg;
	int			 i, n;

	(void)what;
	ipc_client_ref(c);
	for (i = 0; i < BURST && c->fd != -1 && STAILQ_EMPTY(&c->waiting);
	    i++) {
		n = ipc_recv(fd, &req, 0);
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == 1 && c->server->request(c, &req, c->server->arg) == 0)
			continue;
		if (n != 0)
			log_warnx("event=ipc-bad-request uid=%ld pid=%ld "
			    "verb=%s", (long)c->uid, (long)c->pid,
			    log_esc(req.verb));
		ipc_drop(&req);
		ipc_client_close(c);
	}
	ipc_client_unref(c);
}

static void
ipc_server_resume(int fd, short what, void *arg)
{
	struct ipc_server	*s = arg;

	(void)fd;
	(void)what;
	if (s->count < s->max)
		event_add(s->ev, NULL);
}

/* The clients are only counted when there are so many of any uid. */
static bool
ipc_server_crowded(const struct ipc_server *s, uid_t uid)
{
	return s->share != 0 && s->count >= s->share &&
	    ipc_server_count(s, uid) >= s->share;
}

/* A line in the log says why not. */
static bool
ipc_server_admits(const struct ipc_server *s, struct ipc_client *c)
{
	if (ipc_peer(c->fd, &c->uid, &c->gid, &c->pid) == -1 ||
	    (s->allow != NULL && !s->allow(c->uid, c->gid, s->arg))) {
		log_warnx("event=ipc-refused uid=%ld pid=%ld", (long)c->uid,
		    (long)c->pid);
		return false;
	}
	if (ipc_server_crowded(s, c->uid)) {
		log_warnx("event=ipc-crowded uid=%ld pid=%ld clients=%u",
		    (long)c->uid, (long)c->pid, ipc_server_count(s, c->uid));
		return false;
	}
	return true;
}

static void
ipc_server_accept(int fd, short what, void *arg)
{
	struct timeval		 second = { .tv_sec = 1 };
	struct ipc_server	*s = arg;
	struct ipc_client	*c;
	int			 sock;

	(void)what;
	sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("event=ipc-accept-failed");
			event_del(s->ev);
			event_add(s->again, &second);
		}
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->fd = sock;
	c->refs = 1;
	STAILQ_INIT(&c->waiting);
	if (!ipc_server_admits(s, c)) {
		close(sock);
		free(c);
		return;
	}
	c->server = s;
	c->ev = event_new(s->base, sock, EV_READ | EV_PERSIST,
	    ipc_client_read, c);
	if (c->ev == NULL || event_add(c->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	LIST_INSERT_HEAD(&s->clients, c, entry);
	if (++s->count == s->max)
		event_del(s->ev);
}

struct ipc_server *
ipc_server_new(struct event_base *base, int fd, unsigned int max_clients,
    ipc_allow_fn *allow, ipc_request_fn *request, void *arg)
{
	struct ipc_server	*s;

	s = xcalloc(1, sizeof(*s));
	LIST_INIT(&s->clients);
	s->base = base;
	s->fd = fd;
	s->max = max_clients;
	s->allow = allow;
	s->request = request;
	s->arg = arg;
	s->ev = event_new(base, fd, EV_READ | EV_PERSIST, ipc_server_accept,
	    s);
	s->again = event_new(base, -1, 0, ipc_server_resume, s);
	if (s->ev == NULL || s->again == NULL || event_add(s->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return s;
}

void
ipc_server_share(struct ipc_server *s)
{
	s->share = s->max - s->max / 4;
}

void
ipc_server_free(struct ipc_server *s)
{
	if (s == NULL)
		return;
	while (!LIST_EMPTY(&s->clients))
		ipc_client_close(LIST_FIRST(&s->clients));
	event_free(s->ev);
	event_free(s->again);
	close(s->fd);
	free(s);
}

static void
ipc_client_failed(struct ipc_client *c, const char *verb)
{
	log_warn("event=ipc-answer-failed uid=%ld pid=%ld verb=%s",
	    (long)c->uid, (long)c->pid, verb);
	ipc_client_close(c);
}

/* There is room again: what waits goes first, then requests are read. */
static void
ipc_client_write(int fd, short what, void *arg)
{
	static const struct timeval	 patience = { .tv_sec = READ_SECONDS };
	static struct ipc_msg		 m;
	struct ipc_client		*c = arg;
	struct waiting			*w;

	if (what & EV_TIMEOUT) {
		errno = ETIMEDOUT;
		ipc_client_failed(c, "-");
		return;
	}
	while ((w = STAILQ_FIRST(&c->waiting)) != NULL) {
		memcpy(m.data, w->data, w->len);
		m.len = w->len;
		if (ipc_send(fd, &m, 0) == -1) {
			if (errno != EAGAIN)
				ipc_client_failed(c, "-");
			else
				event_add(c->write_ev, &patience);
			return;
		}
		STAILQ_REMOVE_HEAD(&c->waiting, entry);
		free(w);
	}
	event_add(c->ev, NULL);
}

/*
 * Many answers may be ready in one moment, more than a socket takes.  While
 * any wait no request is read, so that no more wait than were asked for.
 */
static void
ipc_client_wait(struct ipc_client *c, const struct ipc_msg *ans)
{
	static const struct timeval	 patience = { .tv_sec = READ_SECONDS };
	struct waiting			*w;

	if (c->write_ev == NULL)
		c->write_ev = event_new(event_get_base(c->ev), c->fd,
		    EV_WRITE, ipc_client_write, c);
	if (c->write_ev == NULL)
		fatalx("event=out-of-memory");
	w = xmalloc(sizeof(*w) + ans->len);
	w->len = ans->len;
	memcpy(w->data, ans->data, ans->len);
	if (STAILQ_EMPTY(&c->waiting)) {
		event_del(c->ev);
		event_add(c->write_ev, &patience);
	}
	STAILQ_INSERT_TAIL(&c->waiting, w, entry);
}

void
ipc_client_answer(struct ipc_client *c, struct ipc_msg *ans)
{
	if (c->fd == -1)
		return;
	if (STAILQ_EMPTY(&c->waiting)) {
		if (ipc_send(c->fd, ans, 0) == 0)
			return;
	} else
		errno = EAGAIN;
	if (errno == EAGAIN && ans->nfds == 0 && !ans->bad)
		ipc_client_wait(c, ans);
	else
		ipc_client_failed(c, ans->verb);
}

unsigned int
ipc_server_count(const struct ipc_server *s, uid_t uid)
{
	const struct ipc_client	*c;
	unsigned int		 n = 0;

	LIST_FOREACH(c, &s->clients, entry)
		n += c->uid == uid;
	return n;
}

uid_t
ipc_client_uid(const struct ipc_client *c)
{
	return c->uid;
}

gid_t
ipc_client_gid(const struct ipc_client *c)
{
	return c->gid;
}

pid_t
ipc_client_pid(const struct ipc_client *c)
{
	return c->pid;
}

bool
ipc_client_gone(const struct ipc_client *c)
{
	return c->fd == -1;
}

void
ipc_client_ref(struct ipc_client *c)
{
	c->refs++;
}

void
ipc_client_unref(struct ipc_client *c)
{
	if (--c->refs == 0)
		free(c);
}
