/* Contract in run.h. */
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "mailctl/run.h"

static void
become(const char *const argv[RUN_ARGS], int out)
{
	union {
		const char *const	*in;
		char *const		*out;
	} u = { .in = argv };
	int	 null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 0) == -1 || dup2(out, 1) == -1 ||
	    dup2(null, 2) == -1)
		_exit(127);
	execvp(u.in[0], u.out);
	_exit(127);
}

static void
read_line(int fd, char *out, size_t size)
{
	char	 block[512], *nl;
	size_t	 len = 0, want;
	ssize_t	 n;

	for (;;) {
		n = read(fd, block, sizeof(block));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		want = size - 1 - len < (size_t)n ? size - 1 - len :
		    (size_t)n;
		memcpy(out + len, block, want);
		len += want;
	}
	out[len] = '\0';
	if ((nl = strchr(out, '\n')) != NULL)
		*nl = '\0';
}

int
run_line(const char *const argv[RUN_ARGS], char *out, size_t size)
{
	int	 fds[2], status;
	pid_t	 pid;

	out[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0)
		become(argv, fds[1]);
	close(fds[1]);
	if (pid > 0)
		read_line(fds[0], out, size);
	close(fds[0]);
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) != 127 ?
	    WEXITSTATUS(status) : -1;
}
