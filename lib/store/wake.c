/* Contract in wake.h. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/store/wake.h"

#define DIRECTORY	"wake"
#define EVERY		"all"		/* of dir "*" */
#define NAME_SIZE	64

/* "FOLDER.": what the names of a folder's sockets start with. */
static void
make_prefix(const char *dir, char out[NAME_SIZE])
{
	if (strcmp(dir, "*") == 0)
		snprintf(out, NAME_SIZE, EVERY ".");
	else
		snprintf(out, NAME_SIZE, "%08lx.",
		    (unsigned long)hash_str(dir));
}

static void
make_name(const char *dir, char out[NAME_SIZE])
{
	size_t	 len;

	make_prefix(dir, out);
	len = strlen(out);
	snprintf(out + len, NAME_SIZE - len, "%ld", (long)getpid());
}

/* By the descriptor, whatever the length of the home's path. */
static socklen_t
make_address(int dirfd, const char *name, struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%.80s",
	    dirfd, name);
	return sizeof(*un);
}

static int
open_dir(int homefd)
{
	return openat(homefd, DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The last one who leaves removes the directory: try again then. */
static int
bind_in(int homefd, int sock, const char *name)
{
	struct sockaddr_un	 un;
	int			 fd, r = -1, tries;

	for (tries = 0; r == -1 && tries < 5; tries++) {
		if (mkdirat(homefd, DIRECTORY, 0700) == -1 &&
		    errno != EEXIST)
			return -1;
		if ((fd = open_dir(homefd)) == -1) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		/* Ours of an earlier life: the number was used again. */
		unlinkat(fd, name, 0);
		r = bind(sock, (struct sockaddr *)&un,
		    make_address(fd, name, &un));
		io_close(fd);
		if (r == -1 && errno != ENOENT)
			return -1;
	}
	return r;
}

int
wake_listen(int homefd, const char *dir)
{
	char	 name[NAME_SIZE];
	int	 sock;

	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock == -1)
		return -1;
	make_name(dir, name);
	if (bind_in(homefd, sock, name) == -1) {
		io_close(sock);
		return -1;
	}
	return sock;
}

void
wake_close(int homefd, const char *dir, int sock)
{
	char	 name[NAME_SIZE];
	int	 fd;

	if (sock == -1)
		return;
	io_close(sock);
	make_name(dir, name);
	if ((fd = open_dir(homefd)) == -1)
		return;
	unlinkat(fd, name, 0);
	io_close(fd);
	/* Fails while others are in it. */
	unlinkat(homefd, DIRECTORY, AT_REMOVEDIR);
}

bool
wake_take(int sock)
{
	char	 octets[64];
	bool	 some = false;

	while (recv(sock, octets, sizeof(octets), MSG_DONTWAIT) != -1)
		some = true;
	return some;
}

static void
send_to(int sock, int dirfd, const char *name)
{
	struct sockaddr_un	 un;
	socklen_t		 len = make_address(dirfd, name, &un);

	if (sendto(sock, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&un, len) == -1 && errno == ECONNREFUSED)
		unlinkat(dirfd, name, 0);
}

static bool
is_ours(const char *name)
{
	const char	*dot = strchr(name, '.');

	return dot != NULL && strtol(dot + 1, NULL, 10) == (long)getpid();
}

static void
send_in(DIR *dp, const char *dir)
{
	char		 prefix[NAME_SIZE];
	struct dirent	*d;
	int		 sock = -1;

	make_prefix(dir, prefix);
	while ((d = readdir(dp)) != NULL) {
		if ((strncmp(d->d_name, prefix, strlen(prefix)) != 0 &&
		    strncmp(d->d_name, EVERY ".", strlen(EVERY ".")) != 0) ||
		    is_ours(d->d_name))
			continue;
		if (sock == -1)
			sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (sock != -1)
			send_to(sock, dirfd(dp), d->d_name);
	}
	io_close(sock);
}

/* path: of the sockets' directory. */
static void
send_from(int at, const char *path, const char *dir)
{
	int	 saved = errno;
	DIR	*dp;

	if ((dp = io_opendir(at, path, O_NOFOLLOW)) != NULL) {
		send_in(dp, dir);
		closedir(dp);
	}
	errno = saved;
}

void
wake_send(int homefd, const char *dir)
{
	send_from(homefd, DIRECTORY, dir);
}

void
wake_send_home(const char *home, const char *dir)
{
	char	 path[4096];

	if (snprintf(path, sizeof(path), "%s/" DIRECTORY, home) <
	    (int)sizeof(path))
		send_from(AT_FDCWD, path, dir);
}
