/* Contract in listener.h; the processes themselves are in pool.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/net/limits.h"
#include "lib/net/listener.h"
#include "lib/net/listener_watch.h"
#include "lib/net/pool.h"
#include "lib/net/stream.h"

#define SWEEP		20	/* seconds between looks at the tables */
#define EXEC_AFTER	10	/* seconds between execs after crashes */
#define SETTLE_MS	500	/* a watched file may change again soon */

static struct {
	const struct listener_program	*prog;
	struct event_base		*base;
	struct pool_door		*door;
	size_t				 ndoor;
	struct pool			*pool;
	struct limits			*limits;
	struct event			*sweep, *drain, *anew;
	int64_t				 started;
	bool				 refusing;	/* by ourselves */
	bool				 draining;
	size_t				 slot;	/* in a process: its own */
	bool				 open;	/* and the door's, to all */
} l;

static int64_t
now_s(void)
{
	return io_monotonic_ms() / 1000;
}

/* Also in the processes. */
static void
refuse(int fd, const struct listener_peer *peer, const char *why)
{
	unsigned int	 unlogged;
	ssize_t		 n;

	if (limits_may_log(l.limits, now_s(), &unlogged))
		log_warnx("event=connection-refused why=%s ip=%s busy=%u "
		    "unlogged=%u", why, log_esc(peer->address),
		    pool_busy(l.pool), unlogged);
	n = send(fd, l.prog->full_text, strlen(l.prog->full_text),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n;	/* a courtesy */
}

/* A program of this machine: in the form of an address that no peer has. */
static bool
uid_key(int fd, uint8_t key[16])
{
	uid_t	 uid;
	gid_t	 gid;
	pid_t	 pid;

	if (ipc_peer(fd, &uid, &gid, &pid) == -1 || uid == 0)
		return false;
	memset(key, 0, 16);
	memcpy(key, "\377uid", 4);	/* multicast */
	memcpy(key + 4, &uid, sizeof(uid));
	return true;
}

/* One uid may have half of all processes, so that mail still comes in. */
static enum limits_verdict
enter_uid(int fd, size_t slot)
{
	struct config_listeners	 half = *l.prog->net;
	uint8_t			 key[16];

	if (!uid_key(fd, key))
		return LIMITS_OK;
	half.max_per_address = (half.max_connections + 1) / 2;
	half.max_per_network = half.max_per_address;
	half.max_rate = 0;
	return limits_enter(l.limits, slot, &half, key, false, now_s());
}

/* A quarter is kept for those who log in, and for this machine. */
static unsigned int
open_share(void)
{
	return l.prog->net->max_connections - l.prog->net->max_connections / 4;
}

static enum limits_verdict
enter_address(const struct listener_peer *peer, size_t slot)
{
	enum limits_verdict	 v;
	uint8_t			 key[16];
	bool			 v4;

	if (!listener_peer_key(peer, key, &v4) || (l.prog->exempt != NULL &&
	    listener_in_networks(peer, l.prog->exempt)))
		return LIMITS_OK;
	v = limits_enter(l.limits, slot, l.prog->net, key, v4, now_s());
	if (v == LIMITS_OK && l.open)
		v = limits_enter_open(l.limits, slot, open_share());
	return v;
}

/* In a process. */
static bool
admit(int fd, size_t door, const struct listener_peer *peer, size_t slot)
{
	enum limits_verdict	 v;

	l.slot = slot;
	l.open = l.door[door].listen->role == ROLE_MX;
	/* A proxy is let in; its client, once named, by listener_admit(). */
	if (l.door[door].listen->proxy)
		return true;
	v = peer->is_unix ? enter_uid(fd, slot) : enter_address(peer, slot);
	if (v != LIMITS_OK)
		refuse(fd, peer, limits_name(v));
	return v == LIMITS_OK;
}

bool
listener_admit(int fd, const struct listener_peer *peer)
{
	enum limits_verdict	 v;

	if (l.limits == NULL)
		return true;
	limits_leave(l.limits, l.slot);
	if ((v = enter_address(peer, l.slot)) != LIMITS_OK)
		refuse(fd, peer, limits_name(v));
	return v == LIMITS_OK;
}

unsigned int
listener_load(void)
{
	unsigned int	 all = pool_load(), open;

	if (l.limits == NULL || !l.open)
		return all;
	open = limits_open(l.limits) * 100 / open_share();
	return open > all ? open : all;
}

void
listener_discharge(void)
{
	if (l.limits != NULL)
		limits_leave(l.limits, l.slot);
}

static void
ended(size_t slot)
{
	limits_leave(l.limits, slot);
}

static void
stop_refusing(void)
{
	size_t	 i;

	for (i = 0; i < l.ndoor; i++)
		event_del(l.door[i].ev);
	l.refusing = false;
}

/* All processes are busy: until one is not, the parent is at the doors. */
static void
start_refusing(void)
{
	size_t	 i;

	if (l.refusing || l.draining)
		return;
	for (i = 0; i < l.ndoor; i++)
		event_add(l.door[i].ev, NULL);
	l.refusing = true;
}

static void
door_ready(int lfd, short what, void *arg)
{
	struct listener_peer	 peer;
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	int			 fd;

	(void)what;
	(void)arg;
	if (!pool_full(l.pool)) {
		stop_refusing();
		pool_fill(l.pool);
		return;
	}
	fd = accept4(lfd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno != EAGAIN && errno != ECONNABORTED)
			stop_refusing();	/* until the next sweep */
		return;
	}
	memset(&peer, 0, sizeof(peer));
	listener_set_peer(&peer, (struct sockaddr *)&ss);
	refuse(fd, &peer, "max-connections");
	close(fd);
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
begin_drain(void)
{
	struct timeval	 tv = { .tv_sec = l.prog->net->drain_timeout };

	if (l.draining) {
		event_base_loopbreak(l.base);
		return;
	}
	l.draining = true;
	/* Or the end would be a new beginning. */
	event_del(l.anew);
	log_info("event=draining busy=%u", pool_busy(l.pool));
	close_doors();
	pool_signal(l.pool, SIGTERM);
	if (pool_empty(l.pool))
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

/* Could a new image begin with the configuration? */
static bool
config_good(void)
{
	struct config	 try;
	struct buf	 err;
	bool		 ok = true;

	if (l.prog->config == NULL)
		return true;
	buf_init(&err, 65536);
	if (config_load(l.prog->config, &try, &err) == 0)
		config_free(&try);
	else {
		log_warnx("event=reload-refused config=%s",
		    log_esc(buf_cstr(&err)));
		ok = false;
	}
	buf_free(&err);
	return ok;
}

/*
 * A new image with a new address layout, and the same sockets, for whatever
 * reason: only if it could begin, as better the old image than none.
 */
static void
exec_anew(int fd, short what, void *arg)
{
	struct buf	 env;
	size_t		 i;

	(void)fd;
	(void)what;
	(void)arg;
	if (!config_good())
		return;
	buf_init(&env, 65536);
	for (i = 0; i < l.ndoor; i++) {
		buf_addf(&env, "%s%d=%s", i == 0 ? "" : ",", l.door[i].fd,
		    l.door[i].listen->address);
		fcntl(l.door[i].fd, F_SETFD, 0);
	}
	if (setenv("MERPATI_LISTEN", buf_cstr(&env), 1) == -1)
		fatal("event=exec-failed");
	log_info("event=exec-anew");
	pool_retire(l.pool);
	execv(strchr(l.prog->argv[0], '/') != NULL ? l.prog->argv[0] :
	    "/proc/self/exe", l.prog->argv);
	fatal("event=exec-failed path=%s", log_esc(l.prog->argv[0]));
}

static void
begin_anew(struct timeval soon)
{
	if (!l.draining)
		event_add(l.anew, &soon);
}

static void
watched_changed(void)
{
	const struct timeval	 soon = { .tv_usec = SETTLE_MS * 1000 };

	if (event_pending(l.anew, EV_TIMEOUT, NULL))
		return;		/* it is on its way already */
	log_info("event=file-replaced file=%s", log_esc(l.prog->watch));
	begin_anew(soon);
}

static void
reap(void)
{
	struct timeval	 tv = { 0, 0 };
	int64_t		 up = now_s() - l.started;

	if (pool_reap(l.pool) && !l.draining &&
	    !event_pending(l.anew, EV_TIMEOUT, NULL)) {
		if (up < EXEC_AFTER)
			tv.tv_sec = EXEC_AFTER - up;
		event_add(l.anew, &tv);
	}
	if (l.draining && pool_empty(l.pool))
		event_base_loopbreak(l.base);
}

static void
signalled(int fd, short what, void *arg)
{
	const struct timeval	 now = { 0, 0 };
	struct signalfd_siginfo	 si;

	(void)what;
	(void)arg;
	while (read(fd, &si, sizeof(si)) == sizeof(si))
		if (si.ssi_signo == SIGHUP)
			begin_anew(now);
		else if (si.ssi_signo == SIGCHLD)
			reap();
		else
			begin_drain();
}

static void
sweep(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	pool_sweep(l.pool);
	pool_fill(l.pool);
}

static void
open_door(const struct config_listen *listen)
{
	struct pool_door	*d = &l.door[l.ndoor++];
	int			 fd;

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
	if (d->ev == NULL)
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

/*
 * They wait in the kernel until they are read, also from one image to the next:
 * a handler's note of a SIGTERM would be lost with the image it interrupted.
 */
static int
take_signals(void)
{
	sigset_t	 set;
	int		 fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		fatal("event=out-of-descriptors");
	return fd;
}

static void
listener_setup(const struct listener_program *prog)
{
	struct timeval	 every = { .tv_sec = SWEEP };

	signal(SIGPIPE, SIG_IGN);
	l.prog = prog;
	l.started = now_s();
	if ((l.base = event_base_new()) == NULL)
		fatal("event=out-of-memory");
	l.drain = new_event(-1, 0, end_drain);
	l.anew = new_event(-1, 0, exec_anew);
	l.sweep = new_event(-1, EV_PERSIST, sweep);
	event_add(l.sweep, &every);
	event_add(new_event(take_signals(), EV_READ | EV_PERSIST, signalled),
	    NULL);
}

int
listener_run(const struct listener_program *prog,
    const struct config_listen *extra, size_t nextra)
{
	static const struct pool_calls	 calls = { admit, ended,
	    start_refusing };
	size_t				 i;

	listener_setup(prog);
	l.door = xcalloc(prog->net->nlisten + nextra, sizeof(*l.door));
	l.limits = limits_new(prog->net->max_connections);
	l.pool = pool_new(l.base, prog, l.door, &l.ndoor, &calls);
	if (l.limits == NULL || l.pool == NULL)
		fatal("event=out-of-memory");
	for (i = 0; i < prog->net->nlisten; i++)
		open_door(&prog->net->listen[i]);
	for (i = 0; i < nextra; i++)
		open_door(&extra[i]);
	if (l.ndoor == 0) {
		log_warnx("event=no-listen prog=%s", prog->name);
		return EX_CONFIG;
	}
	if (prog->watch != NULL && listener_watch(l.base, prog->watch,
	    prog->watched, watched_changed) == -1)
		fatal("event=out-of-memory");
	log_info("event=started prog=%s listeners=%zu", prog->name, l.ndoor);
	if (prog->wall != NULL)
		wall_start(WALL_EXECUTE | WALL_INET);
	heap_settle();
	pool_fill(l.pool);
	service_ready();
	event_base_dispatch(l.base);
	pool_signal(l.pool, SIGKILL);
	log_info("event=stopped prog=%s", prog->name);
	return 0;
}

int
listener_inetd(const struct listener_program *prog,
    const struct config_listen *listen)
{
	struct listener_conn	 conn = { .rfd = STDIN_FILENO,
	    .wfd = STDOUT_FILENO, .listen = listen };

	signal(SIGPIPE, SIG_IGN);
	stream_stop_on(SIGTERM);
	listener_peer_of(STDIN_FILENO, true, &conn.peer);
	if (prog->start != NULL)
		prog->start(prog->arg);
	if (prog->wall != NULL && wall_raise(prog->wall) == -1)
		fatal("event=wall-failed");
	prog->serve(&conn, prog->arg);
	return 0;
}
