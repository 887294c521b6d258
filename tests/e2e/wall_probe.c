/*
 * Preloaded into a program by walls.py: on a signal it tries, from inside, what
 * somebody who has taken the process over would, and says on standard error how
 * each try ended: 0 or errno, "killed" or "hangs".
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTCOME(call)	((call) == -1 ? errno : 0)

static char	 file[512], fresh[600];
static int	 port;

static int
try_read(void)
{
	return OUTCOME(open(file, O_RDONLY | O_CLOEXEC));
}

static int
try_make(void)
{
	return OUTCOME(open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
try_exec(void)
{
	char	*argv[] = { "true", NULL };

	return OUTCOME(execv("/bin/true", argv));
}

static int
try_connect(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons((uint16_t)port) };
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? errno :
	    OUTCOME(connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static pid_t	 parent;

static int
try_signal(void)
{
	return OUTCOME(kill(parent, 0));
}

static const struct {
	const char	*name;
	int		(*fn)(void);
} tries[] = {
	{ "read", try_read },
	{ "make", try_make },
	{ "exec", try_exec },
	{ "connect", try_connect },
	{ "signal", try_signal },
};

/* Each in a process of its own, which has the walls of this one. */
static void
outcome(int (*fn)(void), char *out, size_t size)
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(fn());
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		snprintf(out, size, "lost");
	else if (WIFEXITED(status))
		snprintf(out, size, "%d", WEXITSTATUS(status));
	else
		snprintf(out, size, "%s", WTERMSIG(status) == SIGSYS ?
		    "killed" : WTERMSIG(status) == SIGALRM ? "hangs" : "died");
}

static void
report(int sig)
{
	char	 line[2000], one[16];
	size_t	 i, len;
	int	 saved = errno;
	ssize_t	 n;

	(void)sig;
	parent = getppid();
	len = (size_t)snprintf(line, sizeof(line), "event=probe pid=%d",
	    (int)getpid());
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		outcome(tries[i].fn, one, sizeof(one));
		len += (size_t)snprintf(line + len, sizeof(line) - len,
		    " %s=%s", tries[i].name, one);
	}
	line[len++] = '\n';
	n = write(STDERR_FILENO, line, len);
	(void)n;
	errno = saved;
}

__attribute__((constructor)) static void
probe_init(void)
{
	struct sigaction	 sa = { .sa_handler = report,
				    .sa_flags = SA_RESTART };
	const char		*dir = getenv("WALL_PROBE_DIR");
	const char		*number = getenv("WALL_PROBE_PORT");

	if (dir == NULL || number == NULL)
		return;
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(fresh, sizeof(fresh), "%s/fresh", dir);
	port = atoi(number);
	sigfillset(&sa.sa_mask);
	sigaction(SIGRTMIN + 1, &sa, NULL);
}
