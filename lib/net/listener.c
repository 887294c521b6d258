/*
 * Contract in listener.h.  A child is in one of these states:
 *
 *	idle	pool only: waits on its socket for a connection
 *	busy	serves one; its peer is counted in the limits
 *	gone	reaped: the entry is freed
 *
 * and tells the parent "done" when it goes from busy to idle.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/limits.h"
#include "lib/net/listener.h"
#include "lib/net/stream.h"

#define ACCEPT_BURST	16
#define IDLE_CHILD	60	/* seconds a pool process waits for work */
#define SWEEP		20	/* seconds between looks at the tables */
#define EXEC_AFTER	10	/* seconds between execs after crashes */
#define CHILD_WAIT_MS	(24 * 3600 * 1000)

struct child {
	LIST_ENTRY(child)	 entry;
	pid_t			 pid;
	int			 sock;		/* pool: to the child; or -1 */
	struct event		*ev;
	bool			 busy;
	bool			 counted;	/* in the limits */
	uint8_t			 key[16];
	bool			 v4;
	int64_t			 idle_since;	/* seconds */
};

struct door {
	const struct config_listen	*listen;
	struct event			*ev;
	int				 fd;
};

static struct {
	const struct listener_program	*prog;
	struct event_base		*base;
	struct door			*door;
	size_t				 ndoor;
	LIST_HEAD(, child)		 children;
	unsigned int			 busy;
	struct limits			*limits;
	struct event			*resume, *sweep, *drain, *anew;
	int64_t				 started;
	int64_t				 logged;	/* last refusal */
	unsigned int			 unlogged;
	bool				 draining;
} l;

/* Shared with the children: what listener_load() tells. */
static volatile unsigned int	*shared_load;

unsigned int
listener_load(void)
{
	return shared_load == NULL ? 0 : *shared_load;
}

static int64_t
now_s(void)
{
	return io_monotonic_ms() / 1000;
}

static void
listener_count(int change)
{
	l.busy += (unsigned int)change;
	*shared_load = l.busy * 100 / l.prog->net->max_connections;
}

static void
child_idle(struct child *c)
{
	if (!c->busy)
		return;
	c->busy = false;
	c->idle_since = now_s();
	listener_count(-1);
	if (c->counted)
		limits_leave(l.limits, c->key, c->v4, now_s());
	c->counted = false;
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
		return;
	}
	/* It leaves (or lies): SIGCHLD brings the rest. */
	child_close(c);
}

static void
stop_handler(int sig)
{
	(void)sig;
	stream_stop();
}

/* In a new child: forget what is the parent's. */
static void
child_begin(void)
{
	struct sigaction	 sa = { .sa_handler = stop_handler };
	struct child		*c;
	sigset_t		 none;
	size_t			 i;

	/* When the parent dies, however, the child finishes and leaves. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < l.ndoor; i++)
		close(l.door[i].fd);
	LIST_FOREACH(c, &l.children, entry)
		if (c->sock != -1)
			close(c->sock);
	if (l.prog->start != NULL)
		l.prog->start(l.prog->arg);
}

static void
child_serve(int fd, const struct config_listen *listen)
{
	struct listener_conn	 conn = { .rfd = fd, .wfd = fd,
	    .listen = listen };

	listener_peer_of(fd, false, &conn.peer);
	l.prog->serve(&conn, l.prog->arg);
	close(fd);
}

static void
child_pool_loop(int sock)
{
	static struct ipc_msg	 m;
	unsigned int		 uses;
	uint64_t		 door;
	int			 fd;

	for (uses = 0; uses < l.prog->max_uses && !stream_stopping(); uses++) {
		if (ipc_recv(sock, &m, CHILD_WAIT_MS) != 1)
			break;
		ipc_get_u64(&m, "door", l.ndoor - 1, &door);
		fd = ipc_take_fd(&m);
		if (ipc_end(&m) == -1)
			fatalx("event=listener-packet-bad");
		child_serve(fd, l.door[door].listen);
		ipc_start(&m, "done", uses);
		if (ipc_send(sock, &m, 1000) == -1)
			break;
	}
}

/* fd: the connection of a child that serves only one, else -1. */
static struct child *
child_fork(int fd, const struct config_listen *listen)
{
	struct child	*c;
	int		 pair[2] = { -1, -1 };
	pid_t		 pid;

	if (fd == -1 && ipc_pair(pair) == -1)
		return NULL;
	if ((pid = fork()) == -1) {
		io_close(pair[0]);
		io_close(pair[1]);
		return NULL;
	}
	if (pid == 0) {
		child_begin();
		io_close(pair[0]);
		if (fd != -1)
			child_serve(fd, listen);
		else
			child_pool_loop(pair[1]);
		/* No atexit work of the parent's. */
		_exit(0);
	}
	io_close(pair[1]);
	c = xcalloc(1, sizeof(*c));
	c->pid = pid;
	c->sock = pair[0];
	if (c->sock != -1) {
		c->ev = event_new(l.base, c->sock, EV_READ | EV_PERSIST,
		    child_said, c);
		if (c->ev == NULL || event_add(c->ev, NULL) == -1)
			fatalx("event=out-of-memory");
	}
	LIST_INSERT_HEAD(&l.children, c, entry);
	return c;
}

static void
pause_accepting(void)
{
	struct timeval	 second = { .tv_sec = 1 };
	size_t		 i;

	log_warn("event=accept-paused prog=%s", l.prog->name);
	for (i = 0; i < l.ndoor; i++)
		event_del(l.door[i].ev);
	event_add(l.resume, &second);
}

static void
resume_accepting(int fd, short what, void *arg)
{
	size_t	 i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < l.ndoor && !l.draining; i++)
		event_add(l.door[i].ev, NULL);
}

/* Give the connection to a child; false when none can be had. */
static bool
hand_over(int fd, size_t door, struct child **used)
{
	static struct ipc_msg	 m;
	struct child		*c;

	if (l.prog->max_uses == 1) {
		*used = child_fork(fd, l.door[door].listen);
		return *used != NULL;
	}
	ipc_start(&m, "serve", 0);
	ipc_put_u64(&m, "door", door);
	ipc_attach(&m, fd);
	LIST_FOREACH(c, &l.children, entry)
		if (!c->busy && c->sock != -1 &&
		    ipc_send(c->sock, &m, 0) == 0)
			break;
	if (c == NULL) {
		c = child_fork(-1, NULL);
		if (c != NULL && ipc_send(c->sock, &m, 0) == -1)
			c = NULL;
	}
	*used = c;
	return c != NULL;
}

static void
refuse(int fd, const struct listener_peer *peer, const char *why)
{
	ssize_t	 n;

	/* One line a second is enough to see a flood. */
	if (now_s() != l.logged) {
		log_warnx("event=connection-refused why=%s ip=%s busy=%u "
		    "unlogged=%u", why, log_esc(peer->address), l.busy,
		    l.unlogged);
		l.logged = now_s();
		l.unlogged = 0;
	} else
		l.unlogged++;
	n = send(fd, l.prog->full_text, strlen(l.prog->full_text),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n;	/* a courtesy */
	close(fd);
}

static void
admit(int fd, size_t door, const struct listener_peer *peer)
{
	enum limits_verdict	 v = LIMITS_OK;
	struct child		*c;
	uint8_t			 key[16];
	bool			 v4 = false, counted;

	if (l.busy >= l.prog->net->max_connections) {
		refuse(fd, peer, "max-connections");
		return;
	}
	counted = !l.door[door].listen->proxy &&
	    listener_peer_key(peer, key, &v4) && (l.prog->exempt == NULL ||
	    !listener_in_networks(peer, l.prog->exempt));
	if (counted)
		v = limits_enter(l.limits, l.prog->net, key, v4, now_s());
	if (v != LIMITS_OK) {
		refuse(fd, peer, limits_name(v));
		return;
	}
	if (!hand_over(fd, door, &c)) {
		if (counted)
			limits_leave(l.limits, key, v4, now_s());
		refuse(fd, peer, "no-process");
		pause_accepting();
		return;
	}
	close(fd);
	c->busy = true;
	listener_count(1);
	c->counted = counted;
	if (counted) {
		memcpy(c->key, key, sizeof(key));
		c->v4 = v4;
	}
}

static void
door_ready(int lfd, short what, void *arg)
{
	struct listener_peer	 peer;
	struct sockaddr_storage	 ss;
	struct door		*door = arg;
	socklen_t		 len;
	int			 fd, i;

	(void)what;
	for (i = 0; i < ACCEPT_BURST; i++) {
		len = sizeof(ss);
		fd = accept4(lfd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);
		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				pause_accepting();
			return;		/* EAGAIN, or the peer has gone */
		}
		memset(&peer, 0, sizeof(peer));
		listener_set_peer(&peer, (struct sockaddr *)&ss);
		admit(fd, (size_t)(door - l.door), &peer);
	}
}

static void
close_doors(void)
{
	size_t	 i;

	for (i = 0; i < l.ndoor; i++) {
		event_free(l.door[i].ev);
		close(l.door[i].fd);
	}
	l.ndoor = 0;
}

static void
begin_drain(int sig, short what, void *arg)
{
	struct timeval	 tv = { .tv_sec = l.prog->net->drain_timeout };
	struct child	*c;

	(void)sig;
	(void)what;
	(void)arg;
	if (l.draining) {
		event_base_loopbreak(l.base);
		return;
	}
	l.draining = true;
	log_info("event=draining busy=%u", l.busy);
	close_doors();
	LIST_FOREACH(c, &l.children, entry) {
		kill(c->pid, SIGTERM);
		if (!c->busy)
			child_close(c);
	}
	if (LIST_EMPTY(&l.children))
		event_base_loopbreak(l.base);
	event_add(l.drain, &tv);
}

static void
end_drain(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(l.base);
}

/* A new image with a new address layout, and the same sockets. */
static void
exec_anew(int fd, short what, void *arg)
{
	struct buf	 env;
	size_t		 i;

	(void)fd;
	(void)what;
	(void)arg;
	buf_init(&env, 65536);
	for (i = 0; i < l.ndoor; i++) {
		buf_addf(&env, "%s%d=%s", i == 0 ? "" : ",", l.door[i].fd,
		    l.door[i].listen->address);
		fcntl(l.door[i].fd, F_SETFD, 0);
	}
	if (setenv("MERPATI_LISTEN", buf_cstr(&env), 1) == -1)
		fatal("event=exec-failed");
	log_info("event=exec-anew");
	execv(strchr(l.prog->argv[0], '/') != NULL ? l.prog->argv[0] :
	    "/proc/self/exe", l.prog->argv);
	fatal("event=exec-failed path=%s", log_esc(l.prog->argv[0]));
}

static void
reload(int sig, short what, void *arg)
{
	struct timeval	 soon = { 0, 0 };
	struct config	 try;
	struct buf	 err;

	(void)sig;
	(void)what;
	(void)arg;
	buf_init(&err, 65536);
	if (l.draining)
		;
	else if (l.prog->config != NULL &&
	    config_load(l.prog->config, &try, &err) == -1)
		log_warnx("event=reload-refused config=%s",
		    log_esc(buf_cstr(&err)));
	else
		event_add(l.anew, &soon);
	buf_free(&err);
}

static void
child_ended(struct child *c, int status)
{
	struct timeval	 tv = { 0, 0 };
	int		 sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	int64_t		 up = now_s() - l.started;

	if (sig != 0 && !l.draining)
		log_warnx("event=child-killed pid=%ld signal=%d",
		    (long)c->pid, sig);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		log_warnx("event=child-failed pid=%ld status=%d",
		    (long)c->pid, WEXITSTATUS(status));
	child_free(c);
	if (sig == 0 || sig == SIGKILL || sig == SIGTERM || sig == SIGPIPE ||
	    l.draining || event_pending(l.anew, EV_TIMEOUT, NULL))
		return;
	if (up < EXEC_AFTER)
		tv.tv_sec = EXEC_AFTER - up;
	event_add(l.anew, &tv);
}

static void
reap(int sig, short what, void *arg)
{
	struct child	*c;
	pid_t		 pid;
	int		 status;

	(void)sig;
	(void)what;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		LIST_FOREACH(c, &l.children, entry)
			if (c->pid == pid)
				break;
		/* None: a child of the image before exec_anew(). */
		if (c != NULL)
			child_ended(c, status);
	}
	if (l.draining && LIST_EMPTY(&l.children))
		event_base_loopbreak(l.base);
}

static void
sweep(int fd, short what, void *arg)
{
	struct child	*c;

	(void)fd;
	(void)what;
	(void)arg;
	limits_sweep(l.limits, now_s());
	LIST_FOREACH(c, &l.children, entry)
		if (c->sock != -1 && !c->busy &&
		    now_s() - c->idle_since > IDLE_CHILD)
			child_close(c);		/* it sees that and leaves */
}

static void
open_door(const struct config_listen *listen)
{
	struct door	*d = &l.door[l.ndoor++];
	int		 fd;

	if ((fd = service_inherited(listen->address)) == -1 &&
	    (fd = service_bind(listen->address)) == -1)
		fatal("event=listen-failed address=%s",
		    log_esc(listen->address));
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    evutil_make_socket_nonblocking(fd) == -1)
		fatal("event=listen-failed address=%s",
		    log_esc(listen->address));
	d->listen = listen;
	d->fd = fd;
	d->ev = event_new(l.base, fd, EV_READ | EV_PERSIST, door_ready, d);
	if (d->ev == NULL || event_add(d->ev, NULL) == -1)
		fatalx("event=out-of-memory");
}

static struct event *
new_event(int fd, short what, event_callback_fn fn)
{
	struct event	*ev;

	if ((ev = event_new(l.base, fd, what, fn, NULL)) == NULL)
		fatalx("event=out-of-memory");
	return ev;
}

static void
listener_setup(const struct listener_program *prog)
{
	static const struct {
		int			 sig;
		event_callback_fn	 fn;
	} sigs[] = { { SIGTERM, begin_drain }, { SIGINT, begin_drain },
	    { SIGHUP, reload }, { SIGCHLD, reap } };
	struct timeval	 every = { .tv_sec = SWEEP };
	struct event	*ev;
	size_t		 i;

	signal(SIGPIPE, SIG_IGN);
	l.prog = prog;
	l.started = now_s();
	LIST_INIT(&l.children);
	shared_load = mmap(NULL, sizeof(*shared_load), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_load == MAP_FAILED || (l.base = event_base_new()) == NULL)
		fatal("event=out-of-memory");
	l.limits = limits_new();
	l.resume = new_event(-1, 0, resume_accepting);
	l.drain = new_event(-1, 0, end_drain);
	l.anew = new_event(-1, 0, exec_anew);
	l.sweep = new_event(-1, EV_PERSIST, sweep);
	event_add(l.sweep, &every);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		ev = new_event(sigs[i].sig, EV_SIGNAL | EV_PERSIST,
		    sigs[i].fn);
		event_add(ev, NULL);
	}
}

int
listener_run(const struct listener_program *prog,
    const struct config_listen *extra, size_t nextra)
{
	struct child	*c;
	size_t		 i;

	listener_setup(prog);
	l.door = xcalloc(prog->net->nlisten + nextra, sizeof(*l.door));
	for (i = 0; i < prog->net->nlisten; i++)
		open_door(&prog->net->listen[i]);
	for (i = 0; i < nextra; i++)
		open_door(&extra[i]);
	if (l.ndoor == 0) {
		log_warnx("event=no-listen prog=%s", prog->name);
		return EX_CONFIG;
	}
	log_info("event=started prog=%s listeners=%zu", prog->name, l.ndoor);
	service_ready();
	event_base_dispatch(l.base);
	LIST_FOREACH(c, &l.children, entry)
		kill(c->pid, SIGKILL);
	log_info("event=stopped prog=%s", prog->name);
	return 0;
}

int
listener_inetd(const struct listener_program *prog,
    const struct config_listen *listen)
{
	struct sigaction	 sa = { .sa_handler = stop_handler };
	struct listener_conn	 conn = { .rfd = STDIN_FILENO,
	    .wfd = STDOUT_FILENO, .listen = listen };

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	listener_peer_of(STDIN_FILENO, true, &conn.peer);
	if (prog->start != NULL)
		prog->start(prog->arg);
	prog->serve(&conn, prog->arg);
	return 0;
}
