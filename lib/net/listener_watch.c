/* Contract in listener_watch.h. */
#include <sys/inotify.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/file_stamp.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/listener_watch.h"

static struct {
	const char	*path;
	struct stat	 known;
	void		(*changed)(void);
} w;

static void
look(void)
{
	struct stat	 st;

	if (stat(w.path, &st) == -1 || file_stamp_alike(&st, &w.known))
		return;
	w.changed();
}

static void
look_at_times(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	look();
}

/* Whatever happened in the directory, stat(2) tells. */
static void
look_now(int fd, short what, void *arg)
{
	char	 events[4096];

	(void)what;
	(void)arg;
	while (read(fd, events, sizeof(events)) > 0)
		;
	look();
}

/* -1: there is none, which only costs time. */
static int
watch_directory(const char *path)
{
	char	*dir = xstrdup(path), *slash = strrchr(dir, '/');
	int	 fd;

	if (slash != NULL)
		*slash = '\0';
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd == -1 || inotify_add_watch(fd, slash == NULL ? "." :
	    slash == dir ? "/" : dir, IN_MOVED_TO | IN_CLOSE_WRITE |
	    IN_ONLYDIR) == -1) {
		log_warn("event=no-inotify file=%s", log_esc(path));
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	free(dir);
	return fd;
}

int
listener_watch(struct event_base *base, const char *path,
    const struct stat *known, void (*changed)(void))
{
	struct timeval	 every = { .tv_sec = LISTENER_WATCH };
	struct event	*ev;
	int		 fd;

	w.path = path;
	w.changed = changed;
	if (known != NULL)
		w.known = *known;
	else if (stat(path, &w.known) == -1)
		memset(&w.known, 0, sizeof(w.known));
	ev = event_new(base, -1, EV_PERSIST, look_at_times, NULL);
	if (ev == NULL || event_add(ev, &every) == -1)
		return -1;
	if ((fd = watch_directory(path)) == -1)
		return 0;
	ev = event_new(base, fd, EV_READ | EV_PERSIST, look_now, NULL);
	if (ev == NULL || event_add(ev, NULL) == -1)
		return -1;
	/* It may have been replaced between its reading and now. */
	look();
	return 0;
}
