/* Contract in scan.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/runner.h"
#include "queue-runner/scan.h"

#define SLICE_MS	3
#define SLICE_NAMES	32		/* between looks at the clock */
#define EVERY		30		/* seconds */
#define AGAIN		5		/* when a directory could not be read */
#define YOUNG		60		/* seconds: its bell may still ring */
#define XX		1024		/* directories of queue/ */

struct scan {
	struct runner	*q;
	struct event	*ev;
	DIR		*dir;		/* being read, or NULL */
	enum files_place place;
	bool		 leftovers;	/* the directory's second reading */
	unsigned int	 xx;		/* next of queue/ */
	size_t		 held;
	bool		 first;
	bool		 whole;		/* queue/ and hold/ too */
	bool		 failed;	/* in part */
	int64_t		 began;		/* monotonic ms */
};

bool
scan_first(const struct scan *s)
{
	return s->first;
}

/* smtpd may not have synced it yet: the bell rings after that. */
static bool
scan_young(const struct scan *s, const char *id)
{
	struct stat	 st;

	if (s->first)
		return false;
	return fstatat(dirfd(s->dir), id, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    st.st_ctim.tv_sec + YOUNG > runner_now();
}

static void
scan_queued(struct scan *s, const char *id)
{
	struct entry	*e;
	struct stat	 st;
	char		 name[SPOOL_ID_LEN + 3];

	memcpy(name, id, SPOOL_ID_LEN);
	memcpy(name + SPOOL_ID_LEN, ".s", 3);
	if (fstatat(dirfd(s->dir), name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		runner_add(s->q, id, true, true);
		return;
	}
	if ((e = schedule_add(s->q->schedule, id, true)) == NULL)
		return;
	e->again = true;
	e->tried = true;
	runner_wait(s->q, e, st.st_mtim.tv_sec);
}

/*
 * ID.s or ID.r alone, or a file that a crash left half written.  A look at the
 * message would read its inode from the disk, and most are known by now.
 */
static void
scan_rubbish(struct scan *s, const char *name)
{
	struct entry	*e;
	char		 id[SPOOL_ID_LEN + 1];
	bool		 dot = name[0] == '.';

	strlcpy(id, name + dot, sizeof(id));
	if (spool_id_valid(name) || !spool_id_valid(id))
		return;
	e = dot || s->place != PLACE_QUEUE ? NULL :
	    schedule_find(s->q->schedule, id);
	if (e != NULL && e->queued)
		return;
	if (!dot && faccessat(dirfd(s->dir), id, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (dot || errno == ENOENT)
		(void)unlinkat(dirfd(s->dir), name, 0);
}

static void
scan_name(struct scan *s, const char *name)
{
	if (s->leftovers) {
		scan_rubbish(s, name);
		return;
	}
	if (!spool_id_valid(name))
		return;
	if (s->place == PLACE_HOLD) {
		s->held++;
		return;
	}
	if (schedule_find(s->q->schedule, name) != NULL)
		return;
	if (s->place == PLACE_QUEUE)
		scan_queued(s, name);
	else if (!scan_young(s, name))
		runner_add(s->q, name, false, true);
}

static const char *
scan_place(const struct scan *s)
{
	switch (s->place) {
	case PLACE_NEW:
		return "new";
	case PLACE_QUEUE:
		return "queue";
	case PLACE_HOLD:
		break;
	}
	return "hold";
}

static void
scan_failed(struct scan *s, const char *where, const char *name)
{
	log_warn("event=scan-failed directory=%s%s", where, name);
	s->failed = true;
}

static void
scan_open(struct scan *s, int at, const char *where, const char *name)
{
	if ((s->dir = io_opendir(at, name, 0)) == NULL)
		scan_failed(s, where, name);
}

/* The next directory; false when all have been read. */
static bool
scan_next_dir(struct scan *s)
{
	static const char	 alphabet[] =
	    "0123456789abcdefghjkmnpqrstvwxyz";
	char			 xx[3] = "";

	if (s->whole && s->place == PLACE_QUEUE && s->xx < XX) {
		xx[0] = alphabet[s->xx / 32];
		xx[1] = alphabet[s->xx++ % 32];
		scan_open(s, s->q->files.queuefd, "queue/", xx);
		return true;
	}
	if (!s->whole || s->place == PLACE_HOLD)
		return false;
	s->place = s->place == PLACE_NEW ? PLACE_QUEUE : PLACE_HOLD;
	if (s->place == PLACE_HOLD)
		scan_open(s, s->q->files.spool.dirfd, "", "hold");
	return true;
}

/*
 * Messages are read first, then what may belong to none.  errno is readdir(3)'s
 * when it failed.
 */
static void
scan_end_dir(struct scan *s)
{
	if (errno != 0)
		scan_failed(s, scan_place(s), "");
	if (s->place != PLACE_NEW && !s->leftovers) {
		rewinddir(s->dir);
		s->leftovers = true;
		return;
	}
	s->leftovers = false;
	closedir(s->dir);
	s->dir = NULL;
}

static void
scan_later(struct scan *s, int seconds)
{
	struct timeval	 tv = { .tv_sec = seconds };

	if (event_add(s->ev, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
scan_over(struct scan *s)
{
	if (s->first)
		log_info("event=scanned messages=%zu hold=%zu ms=%lld",
		    schedule_total(s->q->schedule), s->held,
		    (long long)(io_monotonic_ms() - s->began));
	s->first = false;
	/* Nobody else looks into queue/. */
	s->whole = s->failed;
	scan_later(s, s->failed ? AGAIN : EVERY);
	s->failed = false;
}

static void
scan_begin(struct scan *s)
{
	s->began = io_monotonic_ms();
	s->place = PLACE_NEW;
	s->xx = 0;
	s->held = 0;
	scan_open(s, s->q->files.spool.dirfd, "", "new");
}

static void
scan_slice(int fd, short what, void *arg)
{
	struct scan	*s = arg;
	struct dirent	*de;
	int64_t		 until = io_monotonic_ms() + SLICE_MS;
	unsigned int	 n = 0;

	(void)fd;
	(void)what;
	if (s->began == 0)
		scan_begin(s);
	for (;;) {
		if (s->dir == NULL) {
			if (scan_next_dir(s))
				continue;
			scan_over(s);
			s->began = 0;
			break;
		}
		errno = 0;
		if ((de = readdir(s->dir)) == NULL)
			scan_end_dir(s);
		else if (de->d_type == DT_REG || de->d_type == DT_UNKNOWN)
			scan_name(s, de->d_name);
		if (++n % SLICE_NAMES == 0 && io_monotonic_ms() >= until) {
			scan_later(s, 0);
			break;
		}
	}
	runner_dispatch(s->q);
}

struct scan *
scan_new(struct runner *q)
{
	struct scan	*s;

	s = xcalloc(1, sizeof(*s));
	s->q = q;
	s->first = s->whole = true;
	s->ev = event_new(q->base, -1, 0, scan_slice, s);
	if (s->ev == NULL || event_priority_set(s->ev, 1) == -1)
		fatalx("event=out-of-memory");
	scan_later(s, 0);
	return s;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	if (s->dir != NULL)
		closedir(s->dir);
	event_free(s->ev);
	free(s);
}
