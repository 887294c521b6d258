/* Contract in services.h. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/text.h"
#include "lib/net/smtp_submit.h"
#include "mailctl/run.h"
#include "mailctl/services.h"

#define GREETING_MS	3000
#define RESTART_MS	20000
#define LOOK_MS		20

static int
by_name(const void *a, const void *b)
{
	const struct service	*x = a, *y = b;

	return strcmp(x->name, y->name);
}

int
services_find(const struct config *cfg, struct service out[SERVICES_MAX])
{
	struct dirent	*e;
	struct service	 s;
	char		 run[600];
	DIR		*d;
	size_t		 n = 0;

	if (cfg->service_dir == NULL)
		return 0;
	if ((d = opendir(cfg->service_dir)) == NULL)
		return -1;
	while (n < SERVICES_MAX && (e = readdir(d)) != NULL) {
		memset(&s, 0, sizeof(s));
		if (e->d_name[0] == '.' || strlcpy(s.name, e->d_name,
		    sizeof(s.name)) >= sizeof(s.name) ||
		    snprintf(s.path, sizeof(s.path), "%s/%s",
		    cfg->service_dir, s.name) >= (int)sizeof(s.path))
			continue;
		snprintf(run, sizeof(run), "%s/run", s.path);
		if (access(run, F_OK) == 0)
			out[n++] = s;
	}
	closedir(d);
	qsort(out, n, sizeof(out[0]), by_name);
	return (int)n;
}

void
services_ask(struct service *s)
{
	const char	*argv[RUN_ARGS] = { "s6-svstat", "-o",
	    "up,ready,wantedup,pid,updownfor", s->path, NULL };
	char		 line[128], up[8], ready[8], wanted[8];
	long long	 pid, seconds;

	s->known = run_line(argv, line, sizeof(line)) == 0 &&
	    sscanf(line, "%7s %7s %7s %lld %lld", up, ready, wanted, &pid,
	    &seconds) == 5;
	if (!s->known)
		return;
	s->up = strcmp(up, "true") == 0;
	s->ready = strcmp(ready, "true") == 0;
	s->wanted = strcmp(wanted, "true") == 0;
	s->pid = pid > 0 ? (uint64_t)pid : 0;
	s->seconds = seconds > 0 ? (uint64_t)seconds : 0;
}

bool
services_is_current(const struct config *cfg, struct service *s)
{
	struct stat	 runs, there;
	char		 path[600];

	services_ask(s);
	if (!s->known || s->pid == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%llu/exe",
	    (unsigned long long)s->pid);
	if (stat(path, &runs) == -1)
		return false;
	snprintf(path, sizeof(path), "%s/%s", cfg->libexec_dir, s->name);
	return stat(path, &there) == 0 && runs.st_dev == there.st_dev &&
	    runs.st_ino == there.st_ino;
}

/*
 * s6-svc can wait by itself, but it looks when it is woken: a program that is ready
 * again within milliseconds was never seen down, and it waits on.
 */
int
services_restart(struct service *s)
{
	const char	*argv[RUN_ARGS] = { "s6-svc", "-r", s->path, NULL };
	const int64_t	 end = io_monotonic_ms() + RESTART_MS;
	char		 line[128];
	uint64_t	 before;

	services_ask(s);
	before = s->pid;
	if (!s->known || run_line(argv, line, sizeof(line)) != 0)
		return -1;
	while (io_monotonic_ms() < end) {
		services_ask(s);
		if (s->known && s->ready && s->pid != before)
			return 0;
		poll(NULL, 0, LOOK_MS);
	}
	return -1;
}

/* The first line, within the time that a person waits. */
static bool
read_greeting(int fd, char *line, size_t size)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	ssize_t		 n;

	line[0] = '\0';
	if (poll(&pfd, 1, GREETING_MS) != 1 ||
	    (n = read(fd, line, size - 1)) <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* "HOST:PORT" or "[V6]:PORT" as getaddrinfo(3) wants it. */
static struct addrinfo *
resolve(const char *address)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai = NULL;
	char		 host[128], *port;
	size_t		 len;

	if (strlcpy(host, address, sizeof(host)) >= sizeof(host) ||
	    (port = strrchr(host, ':')) == NULL)
		return NULL;
	*port++ = '\0';
	len = strlen(host);
	if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0)
		strlcpy(host, "127.0.0.1", sizeof(host));
	else if (strcmp(host, "::") == 0)
		strlcpy(host, "::1", sizeof(host));
	return getaddrinfo(host, port, &hints, &ai) == 0 ? ai : NULL;
}

/* A connected socket, or -1. */
static int
reach(const char *address)
{
	struct addrinfo	*ai = resolve(address);
	int		 fd = -1;

	if (ai == NULL)
		return -1;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		io_close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

bool
services_answers(const char *address, char *line, size_t size)
{
	bool	 good;
	int	 fd;

	line[0] = '\0';
	if (strncmp(address, "unix:", 5) == 0)
		return services_answers_unix(address + 5, line, size);
	fd = reach(address);
	good = fd != -1 && read_greeting(fd, line, size);
	io_close(fd);
	return good;
}

bool
services_listens(const char *address)
{
	int	 fd = strncmp(address, "unix:", 5) == 0 ?
	    smtp_submit_connect(address + 5) : reach(address);

	io_close(fd);
	return fd != -1;
}

bool
services_answers_unix(const char *path, char *line, size_t size)
{
	int	 fd = smtp_submit_connect(path);
	bool	 good = fd != -1 && read_greeting(fd, line, size);

	io_close(fd);
	return good;
}

bool
services_answers_packet(const char *path)
{
	int	 fd = ipc_connect(path);

	io_close(fd);
	/* What may not be opened is there nevertheless. */
	return fd != -1 || errno == EACCES;
}

bool
services_walls(const struct config *cfg)
{
	static const char *const	 dirs[] = { "authd", "queue",
	    "smtpd" };
	struct stat			 st;
	uid_t				 first = 0;
	char				 path[600];
	size_t				 i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", cfg->run_dir, dirs[i]);
		if (stat(path, &st) == -1)
			return false;
		if (i > 0 && st.st_uid != first)
			return true;
		first = st.st_uid;
	}
	return false;
}
