/* Contract in sockets.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "mailbind/sockets.h"

#define DUMP_MAX	1024	/* descriptors the holder may have */
#define NAME_SIZE	256	/* s6 has one octet for a name's length */
#define STEP_MS		20
#define TOOL_TIMEOUT	"5000"	/* milliseconds */

static bool
sockets_connects(const char *holder)
{
	struct sockaddr_un	 sun;
	bool			 answers;
	int			 fd;

	if (io_unix_address(holder, &sun) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return false;
	answers = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	io_close(fd);
	return answers;
}

bool
sockets_holder_answers(const char *holder, int wait_ms)
{
	struct timespec	 pause = { 0, STEP_MS * 1000000L };

	while (!sockets_connects(holder)) {
		/* ENOENT: the socket is made when the holder starts. */
		if ((errno != ENOENT && errno != ECONNREFUSED) || wait_ms <= 0)
			return false;
		nanosleep(&pause, NULL);
		wait_ms -= STEP_MS;
	}
	return true;
}

bool
sockets_have_dump(void)
{
	return getenv("S6_FD#") != NULL;
}

void
sockets_get_dump(const struct sockets *s, char **argv)
{
	const char	**cmd;
	size_t		 n, i;

	for (n = 0; argv[n] != NULL; n++)
		;
	cmd = xcalloc(n + 5, sizeof(*cmd));
	cmd[0] = "s6-fdholder-getdump";
	cmd[1] = "-t";
	cmd[2] = TOOL_TIMEOUT;
	cmd[3] = s->holder;
	for (i = 0; i < n; i++)
		cmd[i + 4] = argv[i];
	execvp(cmd[0], (char *const *)(uintptr_t)cmd);
	fatal("event=exec-failed program=%s", cmd[0]);
}

int
sockets_want(struct sockets *s, const char *address)
{
	if (s->n == SOCKETS_MAX)
		return -1;
	s->address[s->n] = address;
	s->fd[s->n++] = -1;
	return 0;
}

/* Run one of s6's tools with descriptor 0 on fd.  0 when it says yes. */
static int
sockets_tool(int fd, const char *const argv[])
{
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		if (fd != -1 && dup2(fd, STDIN_FILENO) == -1)
			_exit(111);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
sockets_store(const struct sockets *s, size_t i)
{
	char		 name[NAME_SIZE];
	const char	*argv[] = { "s6-fdholder-store", "-t", TOOL_TIMEOUT,
	    s->holder, name, NULL };

	if ((size_t)snprintf(name, sizeof(name), "%s %s", s->service,
	    s->address[i]) < sizeof(name) &&
	    sockets_tool(s->fd[i], argv) == 0)
		return 0;
	log_warnx("event=socket-not-held service=%s address=%s", s->service,
	    log_esc(s->address[i]));
	return -1;
}

static void
sockets_forget(const struct sockets *s, const char *name)
{
	const char	*argv[] = { "s6-fdholder-delete", "-t", TOOL_TIMEOUT,
	    s->holder, name, NULL };

	if (sockets_tool(-1, argv) == -1)
		log_warnx("event=socket-not-released name=%s", log_esc(name));
	else
		log_info("event=socket-released name=%s", log_esc(name));
}

/* A listening socket, and for a path: is the path still there? */
static bool
sockets_usable(int fd, const char *address)
{
	struct stat	 st;
	socklen_t	 len = sizeof(int);
	int		 on;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == -1 || !on)
		return false;
	if (strncmp(address, "unix:", 5) != 0)
		return true;
	return lstat(address + 5, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* One entry of the dump: keep it if it is wanted, else forget it. */
static void
sockets_take(struct sockets *s, const char *name, int fd, bool forget)
{
	size_t	 len = strlen(s->service), i;

	if (strncmp(name, s->service, len) != 0 || name[len] != ' ')
		return;			/* another service's */
	for (i = 0; i < s->n; i++)
		if (strcmp(name + len + 1, s->address[i]) == 0 &&
		    s->fd[i] == -1 && sockets_usable(fd, s->address[i])) {
			s->fd[i] = fd;
			return;
		}
	if (forget)
		sockets_forget(s, name);
}

/* S6_FD_0=5 S6_FDID_0=name ... */
static void
sockets_read_dump(struct sockets *s, bool forget)
{
	char		 var[32];
	const char	*fdstr, *name;
	uint64_t	 fd;
	int		 i;

	for (i = 0; i < DUMP_MAX; i++) {
		snprintf(var, sizeof(var), "S6_FD_%d", i);
		fdstr = getenv(var);
		snprintf(var, sizeof(var), "S6_FDID_%d", i);
		name = getenv(var);
		if (fdstr == NULL || name == NULL)
			return;
		if (text_u64(slice_str(fdstr), 65535, &fd) == 0 && fd > 2)
			sockets_take(s, name, (int)fd, forget);
	}
}

void
sockets_look(struct sockets *s)
{
	sockets_read_dump(s, false);
}

void
sockets_open(struct sockets *s)
{
	size_t	 i;

	s->held = sockets_have_dump();
	if (s->held)
		sockets_read_dump(s, true);
	for (i = 0; i < s->n; i++) {
		if (s->fd[i] != -1)
			continue;
		if ((s->fd[i] = service_bind(s->address[i])) == -1)
			fatal("event=bind-failed service=%s address=%s",
			    s->service, log_esc(s->address[i]));
		log_info("event=bound service=%s address=%s", s->service,
		    log_esc(s->address[i]));
		if (s->held)
			sockets_store(s, i);
	}
}

int
sockets_format(const struct sockets *s, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < s->n; i++)
		if (buf_addf(out, "%s%d=%s", i == 0 ? "" : ",", s->fd[i],
		    s->address[i]) == -1)
			return -1;
	return 0;
}

static void
sockets_survive(int fd)
{
	if (fcntl(fd, F_SETFD, 0) == -1)
		fatal("event=descriptor fd=%d", fd);
}

void
sockets_only(const struct sockets *s, int keep)
{
	size_t	 i;

	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == -1)
		fatal("event=descriptors");
	if (keep != -1)
		sockets_survive(keep);
	for (i = 0; i < s->n; i++)
		sockets_survive(s->fd[i]);
}
