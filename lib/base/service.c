/* Contract in service.h. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define UNIX_PREFIX	"unix:"

extern char	**environ;

static char	*title_area;
static size_t	 title_size;
static char	*title_prog;

/* The descriptor that the variable names, or -1. */
static int
service_env_fd(const char *name)
{
	const char	*v = getenv(name);
	uint64_t	 n;

	if (v == NULL || text_u64(slice_str(v), 65535, &n) == -1)
		return -1;
	return (int)n;
}

void
service_ready(void)
{
	int	 fd = service_env_fd("NOTIFY_FD");

	if (fd == -1)
		return;
	/* The supervisor may have gone: nothing depends on this write. */
	if (io_write_all(fd, "\n", 1) == 0 || errno != EBADF)
		close(fd);
	unsetenv("NOTIFY_FD");
}

int
service_inherited(const char *address)
{
	const char	*p = getenv("MERPATI_LISTEN"), *eq, *end;
	uint64_t	 fd;

	while (p != NULL && *p != '\0') {
		if ((eq = strchr(p, '=')) == NULL)
			return -1;
		end = strchrnul(eq, ',');
		if ((size_t)(end - eq - 1) == strlen(address) &&
		    memcmp(eq + 1, address, strlen(address)) == 0 &&
		    text_u64((struct slice){ p, (size_t)(eq - p) }, 65535,
		    &fd) == 0)
			return (int)fd;
		p = *end == ',' ? end + 1 : end;
	}
	return -1;
}

/* Split "HOST:PORT" or "[V6]:PORT"; false when it is neither. */
static bool
service_split(const char *address, char host[256], char port[8])
{
	const char	*colon = strrchr(address, ':');
	size_t		 len;

	if (colon == NULL || colon == address ||
	    strlcpy(port, colon + 1, 8) >= 8 || port[0] == '\0')
		return false;
	len = (size_t)(colon - address);
	if (address[0] == '[') {
		if (address[len - 1] != ']')
			return false;
		address++;
		len -= 2;
	}
	if (len == 0 || len >= 256)
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	return true;
}

int
service_bind(const char *address)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo	*ai;
	char		 host[256], port[8];
	int		 fd, one = 1;

	if (strncmp(address, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0)
		return io_listen_unix(SOCK_STREAM | SOCK_CLOEXEC,
		    address + sizeof(UNIX_PREFIX) - 1, 0666);
	if (!service_split(address, host, port) ||
	    getaddrinfo(host, port, &hints, &ai) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		goto out;
	/* [::]:25 beside 0.0.0.0:25 must be possible. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ==
	    -1 || (ai->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &one, sizeof(one)) == -1) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		io_close(fd);
		fd = -1;
	}
out:
	freeaddrinfo(ai);
	return fd;
}

void
service_title_init(int argc, char **argv)
{
	char	*end, *slash, **copy;
	int	 i;

	/*
	 * ps shows the memory where argv and the environment stand; the
	 * environment moves away so that the title has room.
	 */
	end = argv[0] + strlen(argv[0]) + 1;
	for (i = 1; i < argc; i++)
		if (argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	for (i = 0; environ[i] != NULL; i++)
		if (environ[i] == end)
			end = environ[i] + strlen(environ[i]) + 1;
	copy = xcalloc((size_t)i + 1, sizeof(*copy));
	for (i = 0; environ[i] != NULL; i++)
		copy[i] = xstrdup(environ[i]);
	slash = strrchr(argv[0], '/');
	title_prog = xstrdup(slash == NULL ? argv[0] : slash + 1);
	for (i = 1; i < argc; i++)
		argv[i] = xstrdup(argv[i]);
	environ = copy;
	title_area = argv[0];
	title_size = (size_t)(end - argv[0]);
	argv[0] = xstrdup(argv[0]);
}

void
service_title(const char *fmt, ...)
{
	char	 text[256];
	va_list	 ap;

	if (title_area == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memset(title_area, 0, title_size);
	snprintf(title_area, title_size, "%s: %s", title_prog, text);
}

static noreturn void
service_usage(const char *prog, FILE *f, int code)
{
	fprintf(f, "usage: %s [-c file]\n", prog);
	exit(code);
}

const char *
service_options(int argc, char **argv, const char *prog)
{
	const char	*file = NULL;
	int		 c;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		service_usage(prog, stdout, EX_OK);
	while ((c = getopt(argc, argv, "c:h")) != -1)
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'h':
			service_usage(prog, stdout, EX_OK);
		default:
			service_usage(prog, stderr, EX_USAGE);
		}
	if (optind != argc)
		service_usage(prog, stderr, EX_USAGE);
	return file;
}

unsigned int
service_descriptors(unsigned int most)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("event=getrlimit-failed");
	if (rl.rlim_cur < most) {
		rl.rlim_cur = rl.rlim_max < most ? rl.rlim_max : most;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			fatal("event=setrlimit-failed");
	}
	return rl.rlim_cur > UINT_MAX ? UINT_MAX : (unsigned int)rl.rlim_cur;
}

void
service_close_from(int first)
{
	closefrom(first);
}
