/* Contract in watch.h. */
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap-session/watch.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/wake.h"

#define LOOK_MS		30000
#define AGAIN_MS	2500
#define EVENTS		4096	/* octets of inotify events at a time */

void
watch_init(struct watch *w)
{
	memset(w, 0, sizeof(*w));
	w->wake.fd = w->inotify = -1;
}

/* Tell when a name appears or goes in new/ or cur/. */
static bool
watch_directory(struct watch *w, const struct account *a, const char *sub)
{
	char	*path;
	int	 rc;

	xasprintf(&path, "%s/%s/%s", a->maildir, w->dir, sub);
	rc = inotify_add_watch(w->inotify, path, IN_CREATE | IN_DELETE |
	    IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR);
	free(path);
	return rc != -1;
}

static void
watch_inotify(struct watch *w, const struct account *a)
{
	if ((w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1)
		return;
	if (watch_directory(w, a, "new") && watch_directory(w, a, "cur"))
		return;
	close(w->inotify);
	w->inotify = -1;
}

void
watch_open(struct watch *w, const struct account *a, const char *dir)
{
	w->dir = xstrdup(dir);
	wake_listen(&w->wake, a->homefd, dir);
	if (strcmp(dir, "*") != 0)
		watch_inotify(w, a);
	w->look = io_monotonic_ms() + LOOK_MS;
}

/* Its look is due at once: what inotify has told was told to another. */
void
watch_adopt(struct watch *w, const struct account *a, const char *dir,
    int wake)
{
	w->dir = xstrdup(dir);
	w->wake.fd = wake;
	watch_inotify(w, a);
	w->look = io_monotonic_ms();
}

void
watch_close(struct watch *w, const struct account *a)
{
	wake_close(&w->wake, a->homefd);
	io_close(w->inotify);
	free(w->dir);
	watch_init(w);
}

bool
watch_is_local(const struct account *a)
{
	static const unsigned long	 local[] = {	/* and no other machine's */
		BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC,
		0x2fc12fc1 /* ZFS */
	};
	struct statfs	 fs;
	size_t		 i;

	if (fstatfs(a->maildirfd, &fs) == -1)
		return false;
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((unsigned long)fs.f_type == local[i])
			return true;
	return false;
}

void
watch_again(struct watch *w)
{
	w->look = io_monotonic_ms() + AGAIN_MS;
}

/* Take all events: what they say is found by looking. */
static void
watch_drain(struct watch *w)
{
	char	 events[EVENTS]
	    __attribute__((aligned(__alignof__(struct inotify_event))));

	if (w->wake.fd != -1)
		wake_take(&w->wake);
	if (w->inotify != -1)
		while (read(w->inotify, events, sizeof(events)) ==
		    (ssize_t)sizeof(events))
			;
}

static int64_t
watch_until(const struct watch *w, int64_t until)
{
	return w->dir != NULL && w->look < until ? w->look : until;
}

enum watch_event
watch_wait(struct watch *w, struct stream *s, int64_t until)
{
	struct pollfd	 pfd[4] = {
		{ .fd = s->rfd, .events = POLLIN },
		{ .fd = w->wake.fd, .events = POLLIN },
		{ .fd = w->inotify, .events = POLLIN },
		{ .fd = stream_stop_descriptor(), .events = POLLIN } };
	int64_t		 left;
	int		 i;

	for (;;) {
		if (stream_pending(s).len > 0 ||
		    (s->pending != NULL && stream_readable(s, 0)))
			return WATCH_CLIENT;
		if (stream_stopping())
			return WATCH_STOP;
		left = watch_until(w, until) - io_monotonic_ms();
		for (i = 0; i < 4; i++)
			pfd[i].revents = 0;
		/* What is there comes before what is due. */
		if (poll(pfd, 4, left > 0 ? (int)left : 0) == -1 &&
		    errno != EINTR)
			return WATCH_TIME;
		/* Of what is compressed it may be a part. */
		if (pfd[0].revents != 0 && s->pending == NULL)
			return WATCH_CLIENT;
		if (pfd[1].revents != 0 || pfd[2].revents != 0) {
			watch_drain(w);
			return WATCH_NEWS;
		}
		if (left > 0)
			continue;
		if (w->dir == NULL || w->look > until)
			return WATCH_TIME;
		w->look = io_monotonic_ms() + LOOK_MS;
		return WATCH_NEWS;
	}
}
