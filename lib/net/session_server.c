/*
 * Contract in session_server.h.  The parent parses nothing but packets from authd, which
 * is trusted more than it is, and of sessions that want to be parked a time and two
 * paths; children serve clients.
 */
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/session_parts.h"
#include "lib/net/session_server.h"
#include "lib/net/stream.h"

#define REFUSAL_MAX	512
#define EVENTS		64	/* taken at a time */
#define AGAIN_MS	1000	/* after a fork that failed */

/* A session: in a process, or parked. */
struct served {
	LIST_ENTRY(served)	 entry;
	struct parked		*parked;	/* NULL: in a process */
	pid_t			 pid;		/* unless parked */
	uint64_t		 quota_octets, quota_count;
	const char		*home, *ip;	/* behind user */
	char			 user[];
};

static LIST_HEAD(, served)	 server_sessions;
static unsigned int		 server_count;
static int			 server_events = -1;	/* epoll */
static volatile sig_atomic_t	 server_term;
static sigset_t			 server_waiting;	/* while polling */
static struct auth_handed	 server_who;		/* large */

static void
server_signal(int sig)
{
	/* SIGCHLD needs no more than to end the wait. */
	if (sig == SIGTERM)
		server_term = 1;
}

static void
server_signals(void)
{
	struct sigaction	 sa = { .sa_handler = server_signal };
	sigset_t		 block;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &server_waiting);
	sigdelset(&server_waiting, SIGTERM);
	sigdelset(&server_waiting, SIGCHLD);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGCHLD, &sa, NULL);
}

/* --- what is waited for --------------------------------------------------- */

static int
server_watch(int fd, struct served *v)
{
	struct epoll_event	 ev = { .events = EPOLLIN, .data.ptr = v };

	return fd == -1 ? 0 : epoll_ctl(server_events, EPOLL_CTL_ADD, fd,
	    &ev);
}

/* A child may have the descriptor too: closing it here is not enough. */
static void
server_unwatch(int fd)
{
	if (fd != -1)
		(void)epoll_ctl(server_events, EPOLL_CTL_DEL, fd, NULL);
}

/*
 * At the start, before the sessions have used up the uid's instances; if others'
 * had, again when it is needed.
 */
static int
server_inotify(void)
{
	return park_inotify_open() ? server_watch(park_inotify(), NULL) : 0;
}

static int
server_watch_parked(struct served *v)
{
	if (server_inotify() == -1 || park_watch(v->parked) == -1 ||
	    server_watch(v->parked->fd, v) == -1)
		return -1;
	return server_watch(v->parked->wake, v);
}

static bool
server_has_watch(const struct parked *p, int watch)
{
	return p != NULL && (p->watch[0] == watch || p->watch[1] == watch);
}

/* p is no session's any more; others may watch its directories too. */
static void
server_unwatch_parked(const struct parked *p)
{
	struct served	*v;
	int		 i;

	server_unwatch(p->fd);
	server_unwatch(p->wake);
	for (i = 0; i < PARK_DIRS; i++) {
		if (p->watch[i] == -1)
			continue;
		LIST_FOREACH(v, &server_sessions, entry)
			if (v->parked != p &&
			    server_has_watch(v->parked, p->watch[i]))
				break;
		if (v == NULL)
			park_unwatch(p->watch[i]);
	}
}

/* --- processes ------------------------------------------------------------ */

/* Without waiting: a client's slowness must not be everybody's. */
static void
server_refuse(const struct session_server *s, const struct auth_handed *who,
    enum session_refusal why)
{
	struct buf	 text;

	buf_init(&text, REFUSAL_MAX);
	s->refuse(who, why, &text);
	if (send(who->fd, buf_cstr(&text), text.len, MSG_DONTWAIT |
	    MSG_NOSIGNAL) == -1)
		log_debug("event=%s-refusal-lost", s->name);
	buf_free(&text);
}

/* Descriptors above one and below the other. */
static void
server_close_between(int above, int below)
{
	int	 fd;

	if (below - above < 2 || close_range((unsigned int)above + 1,
	    (unsigned int)below - 1, 0) == 0)
		return;
	/* A kernel before 5.9. */
	if (below > (int)sysconf(_SC_OPEN_MAX))
		below = (int)sysconf(_SC_OPEN_MAX);
	for (fd = above + 1; fd < below; fd++)
		io_close(fd);
}

/*
 * A session has its connection (0), where its server's errors go (1, 2), the way to
 * park and its wake socket: no other session's, and nothing of the server's.
 */
static void
server_keep(int one, int other)
{
	int	 low = one < other ? one : other;
	int	 high = one < other ? other : one;

	if (low < STDERR_FILENO)	/* -1: there is none */
		low = STDERR_FILENO;
	if (high < STDERR_FILENO)
		high = STDERR_FILENO;
	server_close_between(STDERR_FILENO, low);
	server_close_between(low, high);
	server_close_between(high, INT_MAX);
}

static void
server_child(const struct session_server *s, const struct parked *p)
{
	struct session_parked	 parked;

	stream_stop_on(SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &server_waiting, NULL);
	/* The connection takes the place of authd's socket. */
	if (dup2(server_who.fd, STDIN_FILENO) == -1)
		fatal("event=dup-failed");
	server_keep(park_child(), p == NULL ? -1 : p->wake);
	service_title("%s", server_who.user);
	if (p != NULL)
		park_adopt(p, &parked);
	s->serve(&server_who, STDIN_FILENO, p == NULL ? NULL : &parked,
	    s->arg);
	exit(EX_OK);
}

/* Is there room for one more?  Else the client has been told. */
static bool
server_room(const struct session_server *s)
{
	const struct auth_handed	*who = &server_who;
	struct served			*v;
	unsigned int			 n = 0;

	if (server_count >= s->max_sessions) {
		log_warnx("event=%s-sessions-full count=%u", s->name,
		    server_count);
		server_refuse(s, who, SESSION_REFUSAL_FULL);
		return false;
	}
	LIST_FOREACH(v, &server_sessions, entry)
		if (strcmp(v->user, who->user) == 0)
			n++;
	if (n < s->max_per_user)
		return true;
	log_info("event=%s-user-full user=%s ip=%s count=%u", s->name,
	    log_esc(who->user), log_esc(who->ip), n);
	server_refuse(s, who, SESSION_REFUSAL_USER);
	return false;
}

static void
server_remember(pid_t pid)
{
	const struct auth_handed	*who = &server_who;
	size_t				 user = strlen(who->user) + 1;
	size_t				 home = strlen(who->home) + 1;
	size_t				 ip = strlen(who->ip) + 1;
	struct served			*v;

	v = xcalloc(1, sizeof(*v) + user + home + ip);
	v->pid = pid;
	v->quota_octets = who->quota_octets;
	v->quota_count = who->quota_count;
	memcpy(v->user, who->user, user);
	v->home = memcpy(v->user + user, who->home, home);
	v->ip = memcpy(v->user + user + home, who->ip, ip);
	LIST_INSERT_HEAD(&server_sessions, v, entry);
	server_count++;
}

static void
server_start(const struct session_server *s)
{
	pid_t	 pid;

	if (!server_room(s))
		return;
	switch (pid = fork()) {
	case -1:
		log_warn("event=fork-failed");
		server_refuse(s, &server_who, SESSION_REFUSAL_FULL);
		return;
	case 0:
		server_child(s, NULL);
	}
	server_remember(pid);
}

static struct served *
server_find(pid_t pid)
{
	struct served	*v;

	LIST_FOREACH(v, &server_sessions, entry)
		if (v->parked == NULL && v->pid == pid)
			break;
	return v;
}

static void
server_forget(struct served *v)
{
	if (v == NULL)
		return;
	LIST_REMOVE(v, entry);
	free(v);
	server_count--;
}

/* --- parked sessions ------------------------------------------------------ */

/* False: it stays with its process, which was told to end if we were. */
static bool
server_take(struct served *v, struct parked *p)
{
	if (v == NULL || server_term)
		return false;
	v->parked = p;
	if (server_watch_parked(v) == 0)
		return true;
	log_warn("event=park-failed");
	v->parked = NULL;
	return false;
}

/* Whoever asked to be parked has its packet here before it ends. */
static void
server_park(void)
{
	struct parked	*p;
	pid_t		 pid;
	bool		 taken;
	int		 ask;

	while (park_receive(&p, &pid, &ask) == 1) {
		taken = server_take(server_find(pid), p);
		park_answer(ask, taken);
		if (taken)
			continue;
		server_unwatch_parked(p);
		park_free(p);
	}
}

/* The session goes on, in a new process. */
static void
server_resume(const struct session_server *s, struct served *v)
{
	struct parked		*p = v->parked;
	struct auth_handed	*who = &server_who;
	pid_t			 pid;

	server_unwatch_parked(p);
	strlcpy(who->user, v->user, sizeof(who->user));
	strlcpy(who->home, v->home, sizeof(who->home));
	strlcpy(who->ip, v->ip, sizeof(who->ip));
	who->tag[0] = '\0';
	who->ahead_len = 0;
	who->quota_octets = v->quota_octets;
	who->quota_count = v->quota_count;
	who->fd = p->fd;
	switch (pid = fork()) {
	case -1:
		log_warn("event=fork-failed");
		p->until = io_monotonic_ms() + AGAIN_MS;
		return;
	case 0:
		server_child(s, p);
	}
	v->pid = pid;
	v->parked = NULL;
	park_free(p);
	if (server_term)
		kill(pid, SIGTERM);
}

/* Those whose directories have news.  -1: events were lost, so it may be anyone. */
static void
server_resume_news(const struct session_server *s)
{
	struct served	*v;
	int		 watch;

	while (park_inotify() != -1 && park_news(&watch) == 1)
		LIST_FOREACH(v, &server_sessions, entry)
			if (v->parked != NULL && (watch == -1 ||
			    server_has_watch(v->parked, watch)))
				server_resume(s, v);
}

/* Those whose time has come, or all.  Returns when the next one's will: 0 never. */
static int64_t
server_resume_due(const struct session_server *s, bool all)
{
	struct served	*v;
	int64_t		 now = io_monotonic_ms(), next = 0;

	LIST_FOREACH(v, &server_sessions, entry) {
		if (v->parked == NULL)
			continue;
		if (all || v->parked->until <= now)
			server_resume(s, v);
		if (v->parked != NULL &&
		    (next == 0 || v->parked->until < next))
			next = v->parked->until;
	}
	return next;
}

/* --- the loop ------------------------------------------------------------- */

static void
server_reap(const struct session_server *s)
{
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		server_park();
		server_forget(server_find(pid));
		if (WIFSIGNALED(status))
			log_warnx("event=%s-session-killed pid=%ld "
			    "signal=%d", s->name, (long)pid,
			    WTERMSIG(status));
	}
}

static void
server_stop(void)
{
	struct served	*v;

	LIST_FOREACH(v, &server_sessions, entry)
		if (v->parked == NULL)
			kill(v->pid, SIGTERM);
}

/* Who has no process still, because none was to be had, just goes. */
static void
server_kill(void)
{
	struct served	*v, *next;

	for (v = LIST_FIRST(&server_sessions); v != NULL; v = next) {
		next = LIST_NEXT(v, entry);
		if (v->parked == NULL) {
			kill(v->pid, SIGKILL);
			continue;
		}
		park_free(v->parked);
		server_forget(v);
	}
}

/* All that is waiting on the socket.  False when no more will come. */
static bool
server_receive(const struct session_server *s, int ctl)
{
	static struct ipc_msg	 m;
	int			 n;

	while ((n = ipc_recv(ctl, &m, 0)) == 1) {
		if (proto_auth_get_handed(&m, &server_who) == -1) {
			log_warn("event=ipc-bad-request verb=%s",
			    log_esc(m.verb));
			return false;
		}
		server_start(s);
		io_close(server_who.fd);
	}
	if (n == -1 && errno == EAGAIN)
		return true;
	if (n == -1)
		log_warn("event=ipc-failed");
	return false;
}

/* Wait until something happens or the time (0: none) is there. */
static void
server_wait(const struct session_server *s, int64_t until)
{
	struct epoll_event	 ev[EVENTS];
	struct served		*v;
	int64_t			 left = -1;
	int			 i, n;

	if (until != 0) {
		left = until - io_monotonic_ms();
		left = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
	}
	n = epoll_pwait(server_events, ev, EVENTS, (int)left,
	    &server_waiting);
	for (i = 0; i < n; i++)
		if ((v = ev[i].data.ptr) != NULL && v->parked != NULL)
			server_resume(s, v);
}

static int
server_open(int ctl)
{
	server_signals();
	(void)service_descriptors(UINT_MAX);	/* two for each parked */
	park_open();
	if ((server_events = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    server_watch(ctl, NULL) == -1 ||
	    server_watch(park_socket(), NULL) == -1 ||
	    server_inotify() == -1)
		return -1;
	heap_settle();
	return 0;
}

/* What ps shows: a parked session is nowhere else to be seen. */
static void
server_title(void)
{
	static unsigned int	 told, told_parked;
	unsigned int		 parked = 0;
	struct served		*v;

	LIST_FOREACH(v, &server_sessions, entry)
		parked += v->parked != NULL;
	if (server_count == told && parked == told_parked)
		return;
	told = server_count;
	told_parked = parked;
	if (parked == 0)
		service_title("%u sessions", told);
	else
		service_title("%u sessions, %u parked", told, parked);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int
session_server_run(const struct session_server *s, int ctl)
{
	int64_t	 deadline = 0, next;

	if (server_open(ctl) == -1) {
		log_warn("event=%s-sessions-failed", s->name);
		return EX_OSERR;
	}
	for (;;) {
		/* First: who comes back at once is not to be counted twice. */
		server_reap(s);
		server_park();
		if (ctl != -1 && (server_term || !server_receive(s, ctl))) {
			server_unwatch(ctl);
			ctl = -1;
		}
		if (server_term && deadline == 0) {
			deadline = io_monotonic_ms() +
			    (int64_t)s->drain_timeout * 1000;
			server_stop();
		}
		server_resume_news(s);
		/* Those who are parked are told as well. */
		next = server_resume_due(s, server_term);
		if (deadline != 0 && io_monotonic_ms() >= deadline)
			server_kill();
		if (ctl == -1 && server_count == 0)
			break;
		server_title();
		server_wait(s, sooner(next, deadline));
	}
	return EX_OK;
}
