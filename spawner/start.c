/* Contract in start.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "spawner/start.h"

#define FILES_MAX	65536	/* parked sessions have two each */

/* The only programs there are, with what tells them to serve descriptor 0. */
static struct {
	char	 name[16];
	char	 flag[4];
} programs[SPAWN_KINDS] = {
	[SPAWN_DELIVER] = { "deliver", "-w" },
	[SPAWN_POP3] = { "pop3-session", "-S" },
	[SPAWN_IMAP] = { "imap-session", "-S" },
};

static struct child {
	pid_t		 pid;		/* 0: free */
	uid_t		 uid;
	enum spawn_kind	 kind;
} children[START_MAX];
static size_t	 running;

static const char *
refusal(const struct config *conf, const struct spawn_server *s)
{
	if (geteuid() != 0)
		return s->uid == geteuid() ? NULL :
		    "without root only our own uid";
	if (s->uid == 0 || s->uid < conf->spawner.min_uid)
		return "uid below min-uid";
	if (s->gid == 0)
		return "gid 0";
	return NULL;
}

/*
 * In the child, from here with nothing but descriptor 0 and the log.  The
 * log of a failure is the exit status: spawner tells it.
 */
static void
become(const struct config *conf, const struct spawn_server *s, int sock,
    const char *path)
{
	struct rlimit	 files = { FILES_MAX, FILES_MAX };
	char		 dash_c[] = "-c", *env[2] = { NULL, NULL };
	char		*file = realpath(conf->file, NULL);
	char		*argv[] = { programs[s->kind].name,
	    programs[s->kind].flag, dash_c, file, NULL };
	sigset_t	 none;
	int		 sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	if (file == NULL || sigprocmask(SIG_SETMASK, &none, NULL) == -1 ||
	    dup2(sock, 0) == -1 || close(1) == -1 ||
	    open("/dev/null", O_WRONLY) != 1)
		_exit(126);
	service_close_from(3);
	privilege_drop_ids(s->uid, s->gid);
	privilege_harden();
	/* Fewer when our own limit is lower: no reason to fail. */
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (chdir("/") == -1)
		_exit(126);
	xasprintf(&env[0], "MERPATI_CONF=%s", file);
	execve(path, argv, env);
	log_warn("event=exec-failed path=%s", log_esc(path));
	_exit(127);
}

static struct child *
free_place(void)
{
	size_t	 i;

	for (i = 0; i < START_MAX; i++)
		if (children[i].pid == 0)
			return &children[i];
	return NULL;
}

static pid_t
launch(const struct config *conf, const struct spawn_server *s, int fds[2],
    const char *path)
{
	pid_t	 pid = fork();

	if (pid == 0)
		become(conf, s, fds[1], path);
	io_close(fds[1]);
	if (pid == -1)
		io_close(fds[0]);
	return pid;
}

void
start_server(const struct config *conf, const struct spawn_server *s,
    struct spawn_answer *a)
{
	struct child	*c = free_place();
	const char	*why = refusal(conf, s);
	char		*path;
	int		 fds[2];

	a->status = why != NULL ? SPAWN_REFUSED : SPAWN_LATER;
	xasprintf(&path, "%s/%s", conf->libexec_dir, programs[s->kind].name);
	if (why == NULL && c == NULL)
		why = "too many programs";
	if (why == NULL && (access(path, X_OK) == -1 || ipc_pair(fds) == -1 ||
	    (c->pid = launch(conf, s, fds, path)) == -1)) {
		c->pid = 0;
		why = strerror(errno);
	}
	free(path);
	if (why != NULL) {
		snprintf(a->text, sizeof(a->text), "%s", why);
		log_warnx("event=server-refused kind=%s uid=%lu gid=%lu "
		    "reason=%s", proto_spawn_kind(s->kind),
		    (unsigned long)s->uid, (unsigned long)s->gid,
		    log_esc(why));
		return;
	}
	running++;
	c->uid = s->uid;
	c->kind = s->kind;
	a->status = SPAWN_OK;
	a->fd = fds[0];
	log_debug("event=server-started kind=%s uid=%lu pid=%ld",
	    proto_spawn_kind(s->kind), (unsigned long)s->uid, (long)c->pid);
}

static void
ended(const struct child *c, int status)
{
	bool	 sig = WIFSIGNALED(status);

	if (status != 0)
		log_warnx("event=server-died kind=%s uid=%lu pid=%ld %s=%d",
		    proto_spawn_kind(c->kind), (unsigned long)c->uid,
		    (long)c->pid, sig ? "signal" : "status",
		    sig ? WTERMSIG(status) : WEXITSTATUS(status));
}

void
start_reap(void)
{
	size_t	 i;
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < START_MAX; i++)
			if (children[i].pid == pid) {
				ended(&children[i], status);
				children[i].pid = 0;
				running--;
			}
}

void
start_stop_all(unsigned int seconds)
{
	int64_t	 end = io_monotonic_ms() + 1000 * (int64_t)seconds;
	size_t	 i;

	for (i = 0; i < START_MAX; i++)
		if (children[i].pid > 0)
			kill(children[i].pid, SIGTERM);
	for (; running > 0 && io_monotonic_ms() < end; poll(NULL, 0, 20))
		start_reap();
	if (running > 0)
		log_warnx("event=servers-left n=%zu", running);
}
