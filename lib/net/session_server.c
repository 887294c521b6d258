/*
 * Contract in session_server.h.  The parent parses nothing but packets from authd, which
 * is trusted more than it is; children serve clients.
 */
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/session_server.h"
#include "lib/net/stream.h"

#define REFUSAL_MAX	512

struct child {
	LIST_ENTRY(child)	 entry;
	pid_t			 pid;
	char			 user[];
};

static LIST_HEAD(, child)	 server_children;
static unsigned int		 server_count;
static volatile sig_atomic_t	 server_term;
static sigset_t			 server_waiting;	/* while polling */

static void
server_signal(int sig)
{
	/* SIGCHLD needs no more than to end the poll. */
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

static void
server_child(const struct session_server *s, const struct auth_handed *who)
{
	stream_stop_on(SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &server_waiting, NULL);
	/* The connection takes the place of authd's socket. */
	if (dup2(who->fd, STDIN_FILENO) == -1)
		fatal("event=dup-failed");
	if (who->fd != STDIN_FILENO)
		close(who->fd);
	service_title("%s", who->user);
	s->serve(who, STDIN_FILENO, s->arg);
	exit(EX_OK);
}

/* Is there room for one more?  Else the client has been told. */
static bool
server_room(const struct session_server *s, const struct auth_handed *who)
{
	struct child	*c;
	unsigned int	 n = 0;

	if (server_count >= s->max_sessions) {
		log_warnx("event=%s-sessions-full count=%u", s->name,
		    server_count);
		server_refuse(s, who, SESSION_REFUSAL_FULL);
		return false;
	}
	LIST_FOREACH(c, &server_children, entry)
		if (strcmp(c->user, who->user) == 0)
			n++;
	if (n < s->max_per_user)
		return true;
	log_info("event=%s-user-full user=%s ip=%s count=%u", s->name,
	    log_esc(who->user), log_esc(who->ip), n);
	server_refuse(s, who, SESSION_REFUSAL_USER);
	return false;
}

static void
server_start(const struct session_server *s, const struct auth_handed *who)
{
	struct child	*c;
	size_t		 len = strlen(who->user) + 1;
	pid_t		 pid;

	if (!server_room(s, who))
		return;
	switch (pid = fork()) {
	case -1:
		log_warn("event=fork-failed");
		server_refuse(s, who, SESSION_REFUSAL_FULL);
		return;
	case 0:
		server_child(s, who);
	}
	c = xcalloc(1, sizeof(*c) + len);
	c->pid = pid;
	memcpy(c->user, who->user, len);
	LIST_INSERT_HEAD(&server_children, c, entry);
	server_count++;
}

static void
server_forget(pid_t pid)
{
	struct child	*c;

	LIST_FOREACH(c, &server_children, entry) {
		if (c->pid != pid)
			continue;
		LIST_REMOVE(c, entry);
		free(c);
		server_count--;
		return;
	}
}

static void
server_reap(const struct session_server *s)
{
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		server_forget(pid);
		if (WIFSIGNALED(status))
			log_warnx("event=%s-session-killed pid=%ld "
			    "signal=%d", s->name, (long)pid,
			    WTERMSIG(status));
	}
}

static void
server_kill(int sig)
{
	struct child	*c;

	LIST_FOREACH(c, &server_children, entry)
		kill(c->pid, sig);
}

/* All that is waiting on the socket.  False when no more will come. */
static bool
server_receive(const struct session_server *s, int ctl)
{
	static struct ipc_msg		 m;
	static struct auth_handed	 who;
	int				 n;

	while ((n = ipc_recv(ctl, &m, 0)) == 1) {
		if (proto_auth_get_handed(&m, &who) == -1) {
			log_warn("event=ipc-bad-request verb=%s",
			    log_esc(m.verb));
			return false;
		}
		server_start(s, &who);
		io_close(who.fd);
	}
	if (n == -1 && errno == EAGAIN)
		return true;
	if (n == -1)
		log_warn("event=ipc-failed");
	return false;
}

/* Wait until something happens or the deadline (0: none) is there. */
static void
server_wait(int ctl, int64_t deadline)
{
	struct pollfd	 pfd = { .fd = ctl, .events = POLLIN };
	struct timespec	 ts, *limit = NULL;
	int64_t		 left;

	if (deadline != 0) {
		left = deadline - io_monotonic_ms();
		if (left < 0)
			left = 0;
		ts.tv_sec = left / 1000;
		ts.tv_nsec = left % 1000 * 1000000;
		limit = &ts;
	}
	ppoll(&pfd, 1, limit, &server_waiting);
}

int
session_server_run(const struct session_server *s, int ctl)
{
	int64_t	 deadline = 0;

	server_signals();
	heap_settle();
	while (ctl != -1 || server_count > 0) {
		/* First: who comes back at once is not to be counted twice. */
		server_reap(s);
		if (ctl != -1 && (server_term || !server_receive(s, ctl)))
			ctl = -1;
		if (server_term && deadline == 0) {
			deadline = io_monotonic_ms() +
			    (int64_t)s->drain_timeout * 1000;
			server_kill(SIGTERM);
		}
		if (deadline != 0 && io_monotonic_ms() >= deadline)
			server_kill(SIGKILL);
		if (ctl == -1 && server_count == 0)
			break;
		server_wait(ctl, deadline);
	}
	return EX_OK;
}
