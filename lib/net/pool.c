/* Contract in pool.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/pool.h"
#include "lib/net/stream.h"

#define IDLE_CHILD	60	/* seconds a process waits for work */
#define CHILD_WAIT_MS	(24 * 3600 * 1000)

struct child {
	LIST_ENTRY(child)	 entry;
	struct pool		*pool;
	pid_t			 pid;
	int			 sock;		/* max_uses > 1; or -1 */
	struct event		*ev;
	bool			 busy;
	struct pool_ticket	 ticket;
	int64_t			 idle_since;	/* monotonic ms */
};

struct pool {
	LIST_HEAD(, child)		 children;
	struct event_base		*base;
	const struct listener_program	*prog;
	const struct pool_door		*door;
	const size_t			*ndoor;
	unsigned int			 busy;
	bool				 stopping;
	void				(*back)(const struct pool_ticket *);
};

/* Shared with the children: what listener_load() tells. */
static volatile unsigned int	*shared_load;

unsigned int
listener_load(void)
{
	return shared_load == NULL ? 0 : *shared_load;
}

static void
pool_count(struct pool *p, int change)
{
	p->busy += (unsigned int)change;
	*shared_load = p->busy * 100 / p->prog->net->max_connections;
}

static void
child_idle(struct child *c)
{
	if (!c->busy)
		return;
	c->busy = false;
	c->idle_since = io_monotonic_ms();
	pool_count(c->pool, -1);
	c->pool->back(&c->ticket);
}

static void
child_close(struct child *c)
{
	if (c->sock == -1)
		return;
	event_free(c->ev);
	close(c->sock);
	c->sock = -1;
}

static void
child_free(struct child *c)
{
	child_idle(c);
	child_close(c);
	LIST_REMOVE(c, entry);
	free(c);
}

static void
child_said(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct child		*c = arg;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 1 && strcmp(m.verb, "done") == 0 && ipc_end(&m) == 0) {
		child_idle(c);
		/* It may have looked for a signal just before one came. */
		if (c->pool->stopping)
			child_close(c);
		return;
	}
	/* A process on its way out holds no place that others could have. */
	if (n == 1 && strcmp(m.verb, "bye") == 0)
		child_idle(c);
	/* It leaves (or lies): SIGCHLD brings the rest. */
	child_close(c);
}

/* In a new child: forget what is the parent's. */
static void
child_begin(const struct pool *p)
{
	struct child		*c;
	sigset_t		 none;
	size_t			 i;

	/* When the parent dies, however, the child finishes and leaves. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	stream_stop_on(SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < *p->ndoor; i++)
		close(p->door[i].fd);
	LIST_FOREACH(c, &p->children, entry)
		if (c->sock != -1)
			close(c->sock);
	if (p->prog->start != NULL)
		p->prog->start(p->prog->arg);
}

static void
child_serve(const struct pool *p, int fd, const struct config_listen *listen)
{
	struct listener_conn	 conn = { .rfd = fd, .wfd = fd,
	    .listen = listen };

	listener_peer_of(fd, false, &conn.peer);
	p->prog->serve(&conn, p->prog->arg);
}

static void
child_loop(const struct pool *p, int sock)
{
	static struct ipc_msg	 m;
	unsigned int		 uses;
	uint64_t		 door;
	bool			 last;
	int			 fd;

	for (uses = 1; !stream_stopping(); uses++) {
		if (ipc_recv(sock, &m, CHILD_WAIT_MS) != 1)
			break;
		ipc_get_u64(&m, "door", *p->ndoor - 1, &door);
		fd = ipc_take_fd(&m);
		if (ipc_end(&m) == -1)
			fatalx("event=listener-packet-bad");
		child_serve(p, fd, p->door[door].listen);
		/*
		 * Said before the client sees the end: its next connection
		 * then finds us idle, and our memory still in the cache.
		 * "done" invites that one, so it is not for who leaves.
		 */
		last = uses == p->prog->max_uses || stream_stopping();
		ipc_start(&m, last ? "bye" : "done", uses);
		if (ipc_send(sock, &m, 1000) == -1 || last)
			break;
		close(fd);
	}
}

/*
 * fd: the connection for it.  A child that serves only one takes it as it is;
 * another gets it in a packet, and the copy that it was born with must not
 * keep the connection open.
 */
static struct child *
child_fork(struct pool *p, int fd, size_t door)
{
	struct child	*c;
	sigset_t	 all, before;
	int		 pair[2] = { -1, -1 };
	pid_t		 pid;

	if (p->prog->max_uses > 1 && ipc_pair(pair) == -1)
		return NULL;
	/* The handlers are the parent's: not one may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid == -1) {
		io_close(pair[0]);
		io_close(pair[1]);
		return NULL;
	}
	if (pid == 0) {
		child_begin(p);
		io_close(pair[0]);
		if (p->prog->max_uses == 1)
			child_serve(p, fd, p->door[door].listen);
		else {
			close(fd);
			child_loop(p, pair[1]);
		}
		/* No atexit work of the parent's. */
		_exit(0);
	}
	io_close(pair[1]);
	c = xcalloc(1, sizeof(*c));
	c->pool = p;
	c->pid = pid;
	c->sock = pair[0];
	if (c->sock != -1) {
		c->ev = event_new(p->base, c->sock, EV_READ | EV_PERSIST,
		    child_said, c);
		if (c->ev == NULL || event_add(c->ev, NULL) == -1)
			fatalx("event=out-of-memory");
	}
	LIST_INSERT_HEAD(&p->children, c, entry);
	return c;
}

static struct child *
pool_send(struct pool *p, int fd, size_t door)
{
	static struct ipc_msg	 m;
	struct child		*c;

	ipc_start(&m, "serve", 0);
	ipc_put_u64(&m, "door", door);
	ipc_attach(&m, fd);
	LIST_FOREACH(c, &p->children, entry)
		if (!c->busy && c->sock != -1 &&
		    ipc_send(c->sock, &m, 0) == 0)
			return c;
	if ((c = child_fork(p, fd, door)) != NULL &&
	    ipc_send(c->sock, &m, 0) == -1)
		return NULL;
	return c;
}

int
pool_give(struct pool *p, int fd, size_t door,
    const struct pool_ticket *ticket)
{
	struct child	*c;

	c = p->prog->max_uses == 1 ? child_fork(p, fd, door) :
	    pool_send(p, fd, door);
	if (c == NULL)
		return -1;
	c->busy = true;
	c->ticket = *ticket;
	pool_count(p, 1);
	return 0;
}

struct pool *
pool_new(struct event_base *base, const struct listener_program *prog,
    const struct pool_door *door, const size_t *ndoor,
    void (*back)(const struct pool_ticket *))
{
	struct pool	*p = xcalloc(1, sizeof(*p));

	LIST_INIT(&p->children);
	p->base = base;
	p->prog = prog;
	p->door = door;
	p->ndoor = ndoor;
	p->back = back;
	shared_load = mmap(NULL, sizeof(*shared_load), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_load == MAP_FAILED)
		fatal("event=out-of-memory");
	return p;
}

unsigned int
pool_busy(const struct pool *p)
{
	return p->busy;
}

bool
pool_empty(const struct pool *p)
{
	return LIST_EMPTY(&p->children);
}

/* Did the program itself fail, so that its memory may have been misused? */
static bool
child_ended(struct child *c, int status)
{
	int	 sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	bool	 fault;

	fault = sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS ||
	    sig == SIGSYS || sig == SIGILL || sig == SIGFPE;
	if (fault || sig == SIGKILL)
		log_warnx("event=child-killed pid=%ld signal=%d",
		    (long)c->pid, sig);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		log_warnx("event=child-failed pid=%ld status=%d",
		    (long)c->pid, WEXITSTATUS(status));
	child_free(c);
	return fault;
}

bool
pool_reap(struct pool *p)
{
	struct child	*c;
	pid_t		 pid;
	int		 status;
	bool		 fault = false;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		LIST_FOREACH(c, &p->children, entry)
			if (c->pid == pid)
				break;
		/* None: a child of the image before an exec. */
		if (c != NULL && child_ended(c, status))
			fault = true;
	}
	return fault;
}

void
pool_sweep(struct pool *p)
{
	struct child	*c;
	int64_t		 now = io_monotonic_ms();

	LIST_FOREACH(c, &p->children, entry)
		if (!c->busy && now - c->idle_since > IDLE_CHILD * 1000)
			child_close(c);		/* it sees that and leaves */
}

void
pool_signal(struct pool *p, int sig)
{
	struct child	*c;

	p->stopping = true;
	LIST_FOREACH(c, &p->children, entry) {
		kill(c->pid, sig);
		if (!c->busy)
			child_close(c);
	}
}
