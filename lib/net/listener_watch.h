/*
 * In a listener's parent: notice that a file was replaced.  By inotify on its
 * directory where that is to be had, and by a look at it every
 * LISTENER_WATCH seconds in any case.
 */
#ifndef NET_LISTENER_WATCH_H
#define NET_LISTENER_WATCH_H

#include <sys/stat.h>

struct event_base;

#define LISTENER_WATCH	30

/*
 * known: what it was when it was read, NULL: what it is now.  changed() is
 * called at every look that shows another, not a file that is gone: what it
 * does about it ends with the process, and may not go well the first
 * time.  Lives as long as the process.  0, or -1 with errno.
 */
int	 listener_watch(struct event_base *, const char *path,
	    const struct stat *known, void (*changed)(void));

#endif
