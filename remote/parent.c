/* Contract in parent.h. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "remote/parent.h"
#include "remote/serve.h"

#define QUEUE_USER	"merpati-queue"
#define DRAIN_MS	10000	/* children finish their jobs */
#define PAUSE_MS	1000	/* when there are no descriptors, no memory */

struct parent {
	const struct config	*cfg;
	struct tls_client_ctx	*tls;
	struct wall		 wall;		/* around each child */
	int			 listener;
	pid_t			*child;
	size_t			 n, max;
	sigset_t		 unblocked;
	int64_t			 paused;	/* no accept before, 0: none */
};

static volatile sig_atomic_t	 stopping;

static void
on_signal(int sig)
{
	if (sig == SIGTERM || sig == SIGINT)
		stopping = 1;
}

/* They are let in only while we wait, so that none is missed. */
static void
take_signals(struct parent *p)
{
	static const int	 sigs[] = { SIGTERM, SIGINT, SIGCHLD };
	struct sigaction	 sa = { .sa_handler = on_signal };
	sigset_t		 set;
	size_t			 i;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		sigaction(sigs[i], &sa, NULL);
		sigaddset(&set, sigs[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &p->unblocked);
}

static void
forget(struct parent *p, pid_t pid)
{
	size_t	 i;

	for (i = 0; i < p->n; i++)
		if (p->child[i] == pid) {
			p->child[i] = p->child[--p->n];
			return;
		}
}

static void
reap(struct parent *p)
{
	pid_t	 pid;
	int	 st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		forget(p, pid);
		if (WIFSIGNALED(st))
			log_warnx("event=child-crashed pid=%ld signal=%d",
			    (long)pid, WTERMSIG(st));
		else if (WEXITSTATUS(st) != EX_OK)
			log_warnx("event=child-failed pid=%ld code=%d",
			    (long)pid, WEXITSTATUS(st));
	}
}

static bool
allowed(int sock)
{
	uid_t	 uid;
	gid_t	 gid;
	pid_t	 pid;

	if (ipc_peer(sock, &uid, &gid, &pid) == -1)
		return false;
	if (privilege_is_service(uid, QUEUE_USER))
		return true;
	log_warnx("event=refused uid=%ld pid=%ld", (long)uid, (long)pid);
	return false;
}

static void
child_main(struct parent *p, int sock)
{
	close(p->listener);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (wall_raise(&p->wall) == -1) {
		log_warn("event=wall-failed");
		_exit(EX_TEMPFAIL);
	}
	service_title("new");
	/* exit() would free, and so copy, what OpenSSL shares with us. */
	_exit(serve(p->cfg, p->tls, sock));
}

static void
take(struct parent *p)
{
	pid_t	 pid;
	int	 sock;

	sock = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock == -1) {
		if (errno != EAGAIN && errno != EINTR &&
		    errno != ECONNABORTED) {
			log_warn("event=accept-failed");
			p->paused = io_monotonic_ms() + PAUSE_MS;
		}
		return;
	}
	if (!allowed(sock)) {
		close(sock);
		return;
	}
	if (wall_make(&p->wall) == -1) {
		log_warn("event=wall-failed");
		pid = -1;
	} else if ((pid = fork()) == 0)
		child_main(p, sock);
	else if (pid == -1)
		log_warn("event=fork-failed");
	if (pid == -1) {
		p->paused = io_monotonic_ms() + PAUSE_MS;
	} else
		p->child[p->n++] = pid;
	close(sock);
}

static void
wait_once(struct parent *p)
{
	struct pollfd	 pfd = { .fd = p->listener, .events = POLLIN };
	struct timespec	 ts = { .tv_nsec = PAUSE_MS / 4 * 1000000L };
	bool		 open;

	if (p->paused != 0 && io_monotonic_ms() >= p->paused)
		p->paused = 0;
	open = p->n < p->max && p->paused == 0;
	(void)ppoll(&pfd, open ? 1 : 0, p->paused != 0 ? &ts : NULL,
	    &p->unblocked);
	reap(p);
	if (open && !stopping && (pfd.revents & POLLIN))
		take(p);
}

/* Jobs are finished, idle ones go at once; who takes long is killed. */
static void
drain(struct parent *p)
{
	struct timespec	 ts = { .tv_nsec = 100000000L };
	int64_t		 until = io_monotonic_ms() + DRAIN_MS;
	size_t		 i;

	for (i = 0; i < p->n; i++)
		(void)kill(p->child[i], SIGTERM);
	for (reap(p); p->n > 0 && io_monotonic_ms() < until; reap(p))
		(void)ppoll(NULL, 0, &ts, &p->unblocked);
	if (p->n > 0)
		log_warnx("event=children-killed count=%zu", p->n);
	for (i = 0; i < p->n; i++)
		(void)kill(p->child[i], SIGKILL);
}

/*
 * What every child would do again is done before there are any.  The CA file
 * is large: it is read here only where certificates are checked as a rule.
 */
static struct tls_client_ctx *
warm_up(const struct config *cfg)
{
	struct tls_client_ctx	*tls;
	char			 error[TLS_TEXT];
	bool			 ca = strcmp(cfg->remote.tls, "verified") == 0;
	size_t			 i;

	for (i = 0; i < cfg->nroute; i++)
		if (cfg->route[i].tls != NULL &&
		    strcmp(cfg->route[i].tls, "verified") == 0)
			ca = true;

	if ((tls = tls_client_ctx_new(cfg->remote.ca_file, error)) == NULL)
		fatalx("event=tls-failed reason=%s", log_esc(error));
	if (tls_client_ctx_warm(tls, ca, error) == -1)
		log_warnx("event=ca-file-unusable file=%s reason=%s",
		    log_esc(cfg->remote.ca_file), log_esc(error));
	return tls;
}

/* A directory of authorities is one of links. */
static void
plan_wall(struct parent *p)
{
	const struct config	*c = p->cfg;
	struct stat		 st;
	size_t			 i;

	p->wall.tcp = true;
	wall_let_file(&p->wall, c->remote.ca_file);
	if (stat(c->remote.ca_file, &st) == 0 && S_ISDIR(st.st_mode)) {
		wall_let(&p->wall, c->remote.ca_file, WALL_READ);
		wall_let_names(&p->wall);
	}
	for (i = 0; i < c->nroute; i++)
		if (c->route[i].password_file != NULL)
			wall_let_file(&p->wall, c->route[i].password_file);
}

int
parent_run(const struct config *cfg)
{
	struct parent	 p = { .cfg = cfg };
	char		*path;

	/*
	 * Some more than queue-runner will use at a time: the place of one
	 * that says QUIT is wanted again before it has gone.
	 */
	p.max = cfg->remote.max_connections +
	    cfg->remote.max_connections / 4 + 8;
	p.child = xcalloc(p.max, sizeof(*p.child));
	xasprintf(&path, "%s/remote/remote.sock", cfg->run_dir);
	p.tls = warm_up(cfg);
	plan_wall(&p);
	take_signals(&p);
	if ((p.listener = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	wall_start(WALL_INET);
	while (!stopping)
		wait_once(&p);
	log_info("event=stopping children=%zu", p.n);
	close(p.listener);
	drain(&p);
	tls_client_ctx_free(p.tls);
	wall_free(&p.wall);
	free(path);
	free(p.child);
	return EX_OK;
}
