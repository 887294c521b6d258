/* Contract in pool.h. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/net/pool.h"
#include "lib/net/stream.h"

#define IDLE_MS		60000	/* a process may wait for work, if another
				 * does too */

enum slot_state {
	SLOT_FREE,
	SLOT_IDLE,
	SLOT_BUSY
};

/* Shared by all. */
struct slot {
	atomic_int	 state;
	atomic_llong	 since;		/* idle, monotonic ms */
};

struct board {
	atomic_size_t	 used;		/* slots from here on never were */
	struct slot	 slot[];
};

struct child {
	LIST_ENTRY(child)	 entry;
	pid_t			 pid;
	size_t			 slot;
	bool			 retired;
};

struct pool {
	LIST_HEAD(, child)		 children;
	struct event_base		*base;
	const struct listener_program	*prog;
	const struct pool_door		*door;
	const size_t			*ndoor;
	struct pool_calls		 calls;
	struct board			*board;
	size_t				 slots;
	int				 bell;
	struct event			*rung;
	struct event			*again;
	bool				 stopping;
};

/* Of the one pool of this program, for pool_load(). */
static const struct pool	*the_pool;
/* In a process: it is to leave when it is idle. */
static volatile sig_atomic_t	 retire;
/* In a process: the connection that it serves is the last. */
static bool			 last;

static size_t
pool_count(const struct pool *p, enum slot_state state)
{
	size_t	 used = atomic_load(&p->board->used), i, n = 0;

	for (i = 0; i < used; i++)
		n += atomic_load(&p->board->slot[i].state) == (int)state;
	return n;
}

unsigned int
pool_load(void)
{
	if (the_pool == NULL)
		return 0;
	return (unsigned int)(pool_count(the_pool, SLOT_BUSY) * 100 /
	    the_pool->slots);
}

void
listener_last(void)
{
	last = true;
}

unsigned int
pool_busy(const struct pool *p)
{
	return (unsigned int)pool_count(p, SLOT_BUSY);
}

bool
pool_full(const struct pool *p)
{
	return pool_count(p, SLOT_BUSY) == p->slots;
}

bool
pool_empty(const struct pool *p)
{
	return LIST_EMPTY(&p->children);
}

/* --- in a process ------------------------------------------------------- */

static void
child_retire(int sig)
{
	(void)sig;
	retire = 1;
}

static void
child_wall(struct wall *wall)
{
	if (wall == NULL || wall_raise(wall) == 0)
		return;
	log_warn("event=wall-failed");
	sleep(1);		/* the next one is forked at once */
	_exit(EX_TEMPFAIL);
}

/*
 * Forget what is the parent's.  SIGUSR1 stays blocked but while the process
 * waits for a connection: so it never slips in between the look at the flag
 * and the wait.
 */
static void
child_begin(const struct pool *p, pid_t parent)
{
	struct sigaction	 sa;
	sigset_t		 usr1;

	/* When the parent dies the process finishes and leaves. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	stream_stop_on(SIGTERM);
	if (getppid() != parent)
		stream_stop();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = child_retire;
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	if (p->prog->start != NULL)
		p->prog->start(p->prog->arg);
	child_wall(p->prog->wall);
}

/* EPOLLEXCLUSIVE: a connection wakes one process, the longest there. */
static int
child_watch(const struct pool *p)
{
	struct epoll_event	 ev;
	size_t			 i;
	int			 ep;

	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		fatal("event=out-of-descriptors");
	memset(&ev, 0, sizeof(ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	for (i = 0; i < *p->ndoor; i++) {
		ev.data.u64 = i;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, p->door[i].fd, &ev) == -1)
			fatal("event=watch-failed");
	}
	ev.events = EPOLLIN;
	ev.data.u64 = *p->ndoor;
	if (stream_stop_descriptor() != -1 && epoll_ctl(ep, EPOLL_CTL_ADD,
	    stream_stop_descriptor(), &ev) == -1)
		fatal("event=watch-failed");
	return ep;
}

/* The next connection, or -1 when it is time to leave. */
static int
child_accept(const struct pool *p, int ep, struct sockaddr_storage *ss,
    size_t *door)
{
	struct epoll_event	 ev;
	sigset_t		 none;
	socklen_t		 len;
	int			 fd;

	sigemptyset(&none);
	while (!retire && !stream_stopping()) {
		if (epoll_pwait(ep, &ev, 1, -1, &none) != 1 ||
		    ev.data.u64 >= *p->ndoor)
			continue;
		len = sizeof(*ss);
		fd = accept4(p->door[ev.data.u64].fd, (struct sockaddr *)ss,
		    &len, SOCK_CLOEXEC);
		if (fd != -1) {
			*door = ev.data.u64;
			return fd;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("event=accept-paused prog=%s",
			    p->prog->name);
			sleep(1);
		}
	}
	return -1;
}

static void
child_serve(const struct pool *p, size_t slot, int fd, size_t door,
    const struct sockaddr_storage *ss)
{
	struct listener_conn	 conn = { .rfd = fd, .wfd = fd,
	    .listen = p->door[door].listen };
	const int		 on = 1;

	/*
	 * What is flushed is whole answers: the end of a long one must not
	 * wait until the client acknowledged the rest.  Not for AF_UNIX.
	 */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	listener_set_peer(&conn.peer, (const struct sockaddr *)ss);
	conn.peer.is_unix = ss->ss_family == AF_UNIX;
	if (!p->calls.admit(fd, door, &conn.peer, slot))
		return;
	listener_peer_of(fd, false, &conn.peer);
	/* Reset already: it must not pass for a local one, without address. */
	if (conn.peer.is_unix || conn.peer.sa.ss_family != AF_UNSPEC)
		p->prog->serve(&conn, p->prog->arg);
	p->calls.ended(slot);
}

static void
child_idle(struct slot *s)
{
	atomic_store(&s->since, io_monotonic_ms());
	atomic_store(&s->state, SLOT_IDLE);
}

static void
child_loop(const struct pool *p, size_t slot)
{
	const uint64_t		 one = 1;
	struct sockaddr_storage	 ss;
	unsigned int		 uses;
	size_t			 door;
	int			 ep = child_watch(p), fd;

	for (uses = 1; (fd = child_accept(p, ep, &ss, &door)) != -1; uses++) {
		/* First say it, then look: so the last one always rings. */
		atomic_store(&p->board->slot[slot].state, SLOT_BUSY);
		if (pool_count(p, SLOT_IDLE) == 0 &&
		    write(p->bell, &one, sizeof(one)) == -1)
			log_warn("event=bell-failed");
		child_serve(p, slot, fd, door, &ss);
		if (last || uses == p->prog->max_uses)
			break;
		/* Before the client sees the end: it may come again at once. */
		child_idle(&p->board->slot[slot]);
		close(fd);
	}
}

/* --- in the parent ------------------------------------------------------ */

static struct child *
child_fork(struct pool *p, size_t slot)
{
	struct child	*c;
	sigset_t	 all, before;
	pid_t		 pid, parent = getpid();

	if (p->prog->wall != NULL && wall_make(p->prog->wall) == -1) {
		log_warn("event=wall-failed");
		return NULL;
	}
	/* The handlers are the parent's: not one may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	child_idle(&p->board->slot[slot]);
	if (slot >= atomic_load(&p->board->used))
		atomic_store(&p->board->used, slot + 1);
	pid = fork();
	if (pid == 0) {
		child_begin(p, parent);
		child_loop(p, slot);
		/* No atexit work of the parent's. */
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid == -1) {
		atomic_store(&p->board->slot[slot].state, SLOT_FREE);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->pid = pid;
	c->slot = slot;
	LIST_INSERT_HEAD(&p->children, c, entry);
	return c;
}

void
pool_fill(struct pool *p)
{
	struct timeval	 second = { .tv_sec = 1 };
	size_t		 i;

	if (p->stopping || pool_count(p, SLOT_IDLE) > 0)
		return;
	for (i = 0; i < p->slots; i++)
		if (atomic_load(&p->board->slot[i].state) == SLOT_FREE)
			break;
	if (i == p->slots) {
		p->calls.full();
		return;
	}
	if (child_fork(p, i) == NULL) {
		log_warn("event=no-process prog=%s busy=%u", p->prog->name,
		    pool_busy(p));
		event_add(p->again, &second);
	}
}

static void
pool_rung(int fd, short what, void *arg)
{
	uint64_t	 n;

	(void)what;
	if (fd != -1 && read(fd, &n, sizeof(n)) == -1)
		return;			/* nothing there: another event */
	pool_fill(arg);
}

static struct event *
pool_event(struct pool *p, int fd, short what)
{
	struct event	*ev = event_new(p->base, fd, what, pool_rung, p);

	if (ev == NULL)
		fatalx("event=out-of-memory");
	return ev;
}

struct pool *
pool_new(struct event_base *base, const struct listener_program *prog,
    const struct pool_door *door, const size_t *ndoor,
    const struct pool_calls *calls)
{
	struct pool	*p = xcalloc(1, sizeof(*p));

	LIST_INIT(&p->children);
	p->base = base;
	p->prog = prog;
	p->door = door;
	p->ndoor = ndoor;
	p->calls = *calls;
	p->slots = prog->net->max_connections;
	p->board = mmap(NULL, sizeof(*p->board) + p->slots *
	    sizeof(p->board->slot[0]), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->board == MAP_FAILED || p->bell == -1) {
		free(p);
		return NULL;
	}
	p->rung = pool_event(p, p->bell, EV_READ | EV_PERSIST);
	p->again = pool_event(p, -1, 0);
	event_add(p->rung, NULL);
	the_pool = p;
	return p;
}

/* Did the program itself fail, so that its memory may have been misused? */
static bool
child_ended(struct pool *p, struct child *c, int status)
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
	p->calls.ended(c->slot);
	atomic_store(&p->board->slot[c->slot].state, SLOT_FREE);
	LIST_REMOVE(c, entry);
	free(c);
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
		if (c != NULL && child_ended(p, c, status))
			fault = true;
	}
	pool_fill(p);
	return fault;
}

static void
child_let_go(struct child *c)
{
	c->retired = true;
	kill(c->pid, SIGUSR1);
}

void
pool_sweep(struct pool *p)
{
	struct child	*c;
	struct slot	*s;
	int64_t		 before = io_monotonic_ms() - IDLE_MS;
	size_t		 idle = pool_count(p, SLOT_IDLE);

	/* The newest first: the oldest are those that are woken. */
	LIST_FOREACH(c, &p->children, entry) {
		s = &p->board->slot[c->slot];
		if (idle <= 1)
			break;
		if (atomic_load(&s->state) != SLOT_IDLE || c->retired ||
		    atomic_load(&s->since) > before)
			continue;
		child_let_go(c);
		idle--;
	}
}

void
pool_retire(struct pool *p)
{
	struct child	*c;

	LIST_FOREACH(c, &p->children, entry)
		child_let_go(c);
}

void
pool_signal(struct pool *p, int sig)
{
	struct child	*c;

	p->stopping = true;
	LIST_FOREACH(c, &p->children, entry)
		kill(c->pid, sig);
}
