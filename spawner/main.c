/* spawner: starts programs under mailboxes' uids on authd's word. */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "spawner/home.h"
#include "spawner/start.h"

#define STOP_SECONDS	5

enum { SIGNALS, LISTEN, CLIENT, FDS };

static struct ipc_msg	 msg;

/* The one uid that may ask. */
static uid_t
asker(void)
{
	const struct passwd	*pw;

	if (geteuid() != 0)
		return geteuid();
	if ((pw = getpwnam("merpati-auth")) == NULL)
		fatalx("event=no-such-user user=merpati-auth");
	return pw->pw_uid;
}

static int
open_socket(const struct config *conf, uid_t uid)
{
	char	*path;
	int	 fd;

	xasprintf(&path, "%s/spawner/spawner.sock", conf->run_dir);
	if ((fd = ipc_listen(path, 0600)) == -1 ||
	    chown(path, uid, (gid_t)-1) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	free(path);
	return fd;
}

static int
open_signals(void)
{
	sigset_t	 set;
	int		 fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		fatal("event=signalfd-failed");
	signal(SIGHUP, SIG_IGN);
	return fd;
}

/* True when it is time to stop. */
static bool
take_signals(int fd)
{
	struct signalfd_siginfo	 si;
	bool			 stop = false;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		stop = stop || si.ssi_signo != SIGCHLD;
	start_reap();
	return stop;
}

/* There is one authd: a new connection takes the place of the last. */
static void
take_client(struct pollfd *pfd, uid_t only)
{
	uid_t	 uid = (uid_t)-1;
	gid_t	 gid;
	pid_t	 pid;
	int	 fd;

	fd = accept4(pfd[LISTEN].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		poll(NULL, 0, 100);	/* no descriptors: do not spin */
		return;
	}
	if (ipc_peer(fd, &uid, &gid, &pid) == -1 || uid != only) {
		log_warnx("event=ipc-refused uid=%ld", (long)uid);
		close(fd);
		return;
	}
	io_close(pfd[CLIENT].fd);
	pfd[CLIENT].fd = fd;
}

/* One question, one answer.  -1: the client is gone, or should be. */
static int
answer(const struct config *conf, int fd)
{
	struct spawn_answer	 a = { .status = SPAWN_OK, .fd = -1 };
	struct spawn_server	 server;
	struct spawn_home	 home;
	uint64_t		 id;
	const char		*verb = "server";
	int			 n;

	n = ipc_recv(fd, &msg, 0);
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n == 0)
		return -1;
	id = msg.id;
	if (n == 1 && strcmp(msg.verb, "home") == 0 &&
	    proto_spawn_get_home(&msg, &home) == 0) {
		verb = "home";
		home_make(conf, &home, &a);
	} else if (n == 1 && strcmp(msg.verb, "server") == 0 &&
	    proto_spawn_get_server(&msg, &server) == 0) {
		start_server(conf, &server, &a);
	} else {
		ipc_drop(&msg);
		log_warnx("event=ipc-bad-request verb=%s", log_esc(msg.verb));
		return -1;
	}
	proto_spawn_put_answer(&msg, verb, id, &a);
	n = ipc_send(fd, &msg, 0);
	io_close(a.fd);
	return n;
}

/*
 * User root, where mailboxes belong to several uids, else theirs.  Descriptors:
 * the listening socket, authd's connection, signals.  Hostile: an authd
 * that was taken over; it gains every mailbox uid from min-uid up, and
 * nothing below.
 */
int
main(int argc, char **argv)
{
	const struct config	*conf;
	struct pollfd		 pfd[FDS] = { { .events = POLLIN },
	    { .events = POLLIN }, { .events = POLLIN } };
	uid_t			 only;

	service_title_init(argc, argv);
	log_init("spawner");
	conf = config_need(service_options(argc, argv, "spawner"));
	privilege_harden();
	only = asker();
	pfd[SIGNALS].fd = open_signals();
	pfd[LISTEN].fd = open_socket(conf, only);
	pfd[CLIENT].fd = -1;
	service_ready();
	log_info("event=ready uid=%ld", (long)geteuid());
	for (;;) {
		if (poll(pfd, FDS, -1) == -1 && errno != EINTR)
			fatal("event=poll-failed");
		if (pfd[SIGNALS].revents != 0 && take_signals(pfd[SIGNALS].fd))
			break;
		if (pfd[CLIENT].revents != 0 &&
		    answer(conf, pfd[CLIENT].fd) == -1) {
			io_close(pfd[CLIENT].fd);
			pfd[CLIENT].fd = -1;
		}
		if (pfd[LISTEN].revents != 0)
			take_client(pfd, only);
	}
	log_info("event=stopping");
	start_stop_all(STOP_SECONDS);
	return EX_OK;
}
