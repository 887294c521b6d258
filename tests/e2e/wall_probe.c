/*
 * Preloaded into a program by walls.py: on a signal it tries, from inside, what
 * somebody who has taken the process over would, and says on standard error how
 * each try ended: 0 or errno, "killed" or "hangs".
 */
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
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

static int
try_trace(void)
{
	return OUTCOME(syscall(SYS_ptrace, 16, parent, 0, 0));	/* attach */
}

static int
try_mount(void)
{
	return OUTCOME(syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, ""));
}

static int
try_bpf(void)
{
	return OUTCOME(syscall(SYS_bpf, 9999, 0, 0));
}

static int
try_unshare(void)
{
	return OUTCOME(syscall(SYS_unshare, 0x10000000));	/* users */
}

static int
try_namespace(void)
{
	long	 pid = syscall(SYS_clone, 0x10000000 | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return OUTCOME(pid);
}

static int
try_packet(void)
{
	return OUTCOME(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
try_interfaces(void)
{
	return OUTCOME(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_datagram(void)
{
	return OUTCOME(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int
try_unix(void)
{
	return OUTCOME(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_setuid(void)
{
	return OUTCOME(fchmod(STDERR_FILENO, 04600));
}

static int
try_abort(void)
{
	struct rlimit	 none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	abort();
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
	{ "trace", try_trace },
	{ "mount", try_mount },
	{ "bpf", try_bpf },
	{ "unshare", try_unshare },
	{ "namespace", try_namespace },
	{ "packet", try_packet },
	{ "interfaces", try_interfaces },
	{ "datagram", try_datagram },
	{ "unix", try_unix },
	{ "setuid", try_setuid },
	{ "abort", try_abort },
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
		    "killed" : WTERMSIG(status) == SIGALRM ? "hangs" :
		    WTERMSIG(status) == SIGABRT ? "aborted" : "died");
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

/* Not in a process of its own. */
static void
misbehave(int sig)
{
	(void)sig;
	(void)try_bpf();
}

/* As an old kernel, or a container: 444 and on are Landlock's. */
static void
refuse_walls(int also)
{
	struct sock_filter	 code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)also, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog	 program = {
		sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
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
	sa.sa_handler = misbehave;
	sigaction(SIGRTMIN + 2, &sa, NULL);
	if (getenv("WALL_PROBE_NO_WALLS") != NULL)
		refuse_walls(SYS_seccomp);
	if (getenv("WALL_PROBE_NO_LANDLOCK") != NULL)
		refuse_walls(444);
}
