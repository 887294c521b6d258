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

#include <bsd/stdlib.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/store/wake.h"

#define DIRECTORY	"wake"
#define EVERY		"all"		/* of dir "*" */

/*
 * What this process's sockets are told by.  Not its number: a socket outlives the
 * process whose session was parked, and the number is used again.
 */
static const char *
own_suffix(void)
{
	static char	 suffix[17];
	static pid_t	 of;

	if (of != getpid()) {
		of = getpid();
		snprintf(suffix, sizeof(suffix), "%08lx%08lx",
		    (unsigned long)arc4random(), (unsigned long)arc4random());
	}
	return suffix;
}

/* "FOLDER.": what the names of a folder's sockets start with. */
static void
make_prefix(const char *dir, char out[WAKE_NAME])
{
	if (strcmp(dir, "*") == 0)
		snprintf(out, WAKE_NAME, EVERY ".");
	else
		snprintf(out, WAKE_NAME, "%08lx.",
		    (unsigned long)hash_str(dir));
}

static void
make_name(const char *dir, char out[WAKE_NAME])
{
	size_t	 len;

	make_prefix(dir, out);
	len = strlen(out);
	snprintf(out + len, WAKE_NAME - len, "%s", own_suffix());
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
		r = bind(sock, (struct sockaddr *)&un,
		    make_address(fd, name, &un));
		io_close(fd);
		if (r == -1 && errno != ENOENT)
			return -1;
	}
	return r;
}

int
wake_listen(struct wake *w, int homefd, const char *dir)
{
	w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd == -1)
		return -1;
	make_name(dir, w->name);
	if (bind_in(homefd, w->fd, w->name) == 0)
		return 0;
	io_close(w->fd);
	w->fd = -1;
	return -1;
}

void
wake_close(struct wake *w, int homefd)
{
	int	 fd;

	if (w->fd == -1)
		return;
	io_close(w->fd);
	w->fd = -1;
	if ((fd = open_dir(homefd)) == -1)
		return;
	unlinkat(fd, w->name, 0);
	io_close(fd);
	/* Fails while others are in it. */
	unlinkat(homefd, DIRECTORY, AT_REMOVEDIR);
}

void
wake_leave(struct wake *w)
{
	io_close(w->fd);
	w->fd = -1;
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

void
wake_again(const struct wake *w, int homefd)
{
	int	 fd = open_dir(homefd);

	if (fd == -1)
		return;
	send_to(w->fd, fd, w->name);
	io_close(fd);
}

bool
wake_take(const struct wake *w)
{
	char	 octets[64];
	bool	 some = false;

	while (recv(w->fd, octets, sizeof(octets), MSG_DONTWAIT) != -1)
		some = true;
	return some;
}

static bool
is_ours(const char *name)
{
	const char	*dot = strchr(name, '.');

	return dot != NULL && strcmp(dot + 1, own_suffix()) == 0;
}

static void
send_in(DIR *dp, const char *dir)
{
	char		 prefix[WAKE_NAME];
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
