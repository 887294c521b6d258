/* Contract in restore.h. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "mailbind/chain.h"
#include "mailbind/restore.h"

/*
 * The process that s6 supervises as the service; 0 unless it has been ready for
 * a second: one that starts now stores its sockets itself.
 */
static pid_t
restore_pid(const char *service_dir, const char *service)
{
	char		 line[64] = "";
	char		*cmd;
	FILE		*f;
	long		 pid = 0, ready_for = -1;

	/* Both are the administrator's; make-instance refuses quotes. */
	xasprintf(&cmd, "exec s6-svstat -o pid,ready,readyfor '%s/%s' "
	    "2>/dev/null", service_dir, service);
	if ((f = popen(cmd, "re")) != NULL) {
		if (fgets(line, sizeof(line), f) == NULL ||
		    sscanf(line, "%ld true %ld", &pid, &ready_for) != 2)
			pid = 0;
		pclose(f);
	}
	free(cmd);
	return pid > 1 && ready_for >= 1 ? (pid_t)pid : 0;
}

/*
 * The address of a listening socket, spelt as in the configuration; false when
 * it is no such socket.  An IPv6 address in an unusual spelling is not
 * recognised: then its socket is stored at the service's next start.
 */
static bool
restore_name(int fd, char *out, size_t size)
{
	union {
		struct sockaddr		 sa;
		struct sockaddr_in	 in;
		struct sockaddr_in6	 in6;
		struct sockaddr_un	 un;
	} a;
	char		 host[INET6_ADDRSTRLEN];
	socklen_t	 len = sizeof(int);
	int		 on;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == -1 || !on)
		return false;
	memset(&a, 0, sizeof(a));
	len = sizeof(a) - 1;
	if (getsockname(fd, &a.sa, &len) == -1)
		return false;
	switch (a.sa.sa_family) {
	case AF_UNIX:
		snprintf(out, size, "unix:%s", a.un.sun_path);
		return true;
	case AF_INET:
		inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%d", host, ntohs(a.in.sin_port));
		return true;
	case AF_INET6:
		inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%d", host, ntohs(a.in6.sin6_port));
		return true;
	}
	return false;
}

/* Descriptor n of the process, ours; stored if it is one that is missing. */
static void
restore_fd(struct sockets *s, int pidfd, int n)
{
	char	 name[256];
	size_t	 i;
	int	 fd;

	fd = (int)syscall(SYS_pidfd_getfd, pidfd, n, 0);
	if (fd == -1) {
		if (errno != EBADF)
			log_warn("event=socket-not-held service=%s fd=%d",
			    s->service, n);
		return;
	}
	if (restore_name(fd, name, sizeof(name)))
		for (i = 0; i < s->n; i++)
			if (s->fd[i] == -1 &&
			    strcmp(s->address[i], name) == 0) {
				s->fd[i] = fd;
				if (sockets_store(s, i) == 0)
					log_info("event=socket-restored "
					    "service=%s address=%s",
					    s->service, log_esc(name));
				return;
			}
	close(fd);
}

static void
restore_service(struct sockets *s, pid_t pid)
{
	struct dirent	*e;
	uint64_t	 n;
	char		*path;
	DIR		*d;
	int		 pidfd;

	if ((pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return;			/* gone: it stores when it starts */
	xasprintf(&path, "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) != NULL) {
		while ((e = readdir(d)) != NULL)
			if (text_u64(slice_str(e->d_name), 65535, &n) == 0)
				restore_fd(s, pidfd, (int)n);
		closedir(d);
	}
	free(path);
	close(pidfd);
}

void
restore_all(const struct config *cf, const char *holder)
{
	const struct chain_service	*service;
	pid_t				 pid;
	size_t				 i, k, missing;

	if (geteuid() != 0 || cf->service_dir == NULL)
		return;
	for (i = 0; (service = chain_nth(i)) != NULL; i++) {
		struct sockets	 s = { .service = service->name,
		    .holder = holder };

		chain_want(&s, cf);
		sockets_look(&s);
		for (k = 0, missing = 0; k < s.n; k++)
			missing += s.fd[k] == -1;
		if (missing == 0)
			continue;
		pid = restore_pid(cf->service_dir, service->name);
		if (pid != 0)
			restore_service(&s, pid);
	}
}
