/*
 * Contract in server.h.  The parent parses nothing but packets from authd, which
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

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_auth.h"
#include "pop3-session/server.h"
#include "pop3-session/session.h"

struct child {
	LIST_ENTRY(child)	 entry;
	pid_t			 pid;
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
server_child_signal(int sig)
{
	(void)sig;
	stream_stop();
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
server_refuse(int fd)
{
	static const char	 text[] =
	    "-ERR [SYS/TEMP] Too many sessions, try again later\r\n";

	if (send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    -1)
		log_debug("event=pop3-refusal-lost");
}

static void
server_child(const struct config *conf, const struct auth_handed *who)
{
	struct sigaction	 sa = { .sa_handler = server_child_signal };

	sigaction(SIGTERM, &sa, NULL);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &server_waiting, NULL);
	/* The connection takes the place of authd's socket. */
	if (dup2(who->fd, STDIN_FILENO) == -1)
		fatal("event=dup-failed");
	if (who->fd != STDIN_FILENO)
		close(who->fd);
	service_title("%s", who->user);
	session_serve(conf, who, STDIN_FILENO, STDIN_FILENO);
	exit(EX_OK);
}

static void
server_start(const struct config *conf, const struct auth_handed *who)
{
	struct child	*c;
	pid_t		 pid;

	if (server_count >= conf->pop3d.net.max_connections) {
		log_warnx("event=pop3-sessions-full count=%u", server_count);
		server_refuse(who->fd);
		return;
	}
	switch (pid = fork()) {
	case -1:
		log_warn("event=fork-failed");
		server_refuse(who->fd);
		return;
	case 0:
		server_child(conf, who);
	}
	c = xcalloc(1, sizeof(*c));
	c->pid = pid;
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
server_reap(void)
{
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		server_forget(pid);
		if (WIFSIGNALED(status))
			log_warnx("event=pop3-session-killed pid=%ld "
			    "signal=%d", (long)pid, WTERMSIG(status));
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
server_receive(const struct config *conf, int ctl)
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
		server_start(conf, &who);
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
server_run(const struct config *conf, int ctl)
{
	int64_t	 deadline = 0;

	server_signals();
	while (ctl != -1 || server_count > 0) {
		if (ctl != -1 && (server_term || !server_receive(conf, ctl)))
			ctl = -1;
		if (server_term && deadline == 0) {
			deadline = io_monotonic_ms() +
			    (int64_t)conf->pop3d.net.drain_timeout * 1000;
			server_kill(SIGTERM);
		}
		if (deadline != 0 && io_monotonic_ms() >= deadline)
			server_kill(SIGKILL);
		server_reap();
		if (ctl == -1 && server_count == 0)
			break;
		server_wait(ctl, deadline);
	}
	return EX_OK;
}
