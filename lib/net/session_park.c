/* Contracts in session_park.h and session_parts.h. */
#include <sys/inotify.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/session_parts.h"

#define PARK_WAIT_MS	10000
#define EVENTS		4096	/* octets of inotify's, read at a time */

/* The sessions' end is theirs by fork; a packet says itself whose it is. */
static int	 park_server = -1, park_sessions = -1;
static int	 park_watches = -1;		/* inotify */

/* --- a session's side ----------------------------------------------------- */

bool
session_may_park(void)
{
	return park_sessions != -1;
}

void
session_park_start(struct ipc_msg *m, int64_t until,
    const char *const dirs[PARK_DIRS])
{
	int	 i;

	ipc_start(m, "park", 0);
	ipc_put_u64(m, "until", (uint64_t)until);
	for (i = 0; i < PARK_DIRS; i++)
		if (dirs[i] != NULL)
			ipc_put_text(m, "watch", dirs[i]);
}

/*
 * Did the server take it?  It never waits, so an end without a word is a refusal,
 * or a server that died and holds nothing.  One that says nothing at all may
 * still come to it: then the connection is no longer ours.
 */
static bool
park_taken(int ask)
{
	int	 n = ipc_recv(ask, &ipc_answer, PARK_WAIT_MS);

	ipc_drop(&ipc_answer);
	return n != 0;
}

bool
session_park(struct ipc_msg *m, int fd, int wake)
{
	int	 ask[2];
	bool	 taken = false;

	if (park_sessions == -1 || ipc_pair(ask) == -1)
		return false;
	ipc_attach(m, ask[1]);
	ipc_attach(m, fd);
	if (wake != -1)
		ipc_attach(m, wake);
	if (ipc_send(park_sessions, m, 0) == 0) {
		io_close(ask[1]);
		taken = park_taken(ask[0]);
	} else
		io_close(ask[1]);
	io_close(ask[0]);
	return taken;
}

/* --- the server's --------------------------------------------------------- */

void
park_open(void)
{
	int	 ends[2];

	if (ipc_pair(ends) == -1) {
		log_warn("event=park-failed");
		return;
	}
	park_server = ends[0];
	park_sessions = ends[1];
}

int
park_socket(void)
{
	return park_server;
}

int
park_inotify(void)
{
	return park_watches;
}

/* The uid's instances may all be in use, by sessions that are not parked yet. */
bool
park_inotify_open(void)
{
	if (park_watches != -1)
		return false;
	park_watches = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return park_watches != -1;
}

/* A directory that several sessions have is watched once. */
int
park_watch(struct parked *p)
{
	static struct ipc_msg	 m;
	char			 path[PATH_MAX];
	int			 i;

	ipc_load(&m, (struct slice){ p->fields, p->len });
	for (i = 0; i < PARK_DIRS && ipc_next_is(&m, "watch"); i++) {
		ipc_get_text(&m, "watch", path, sizeof(path));
		p->watch[i] = inotify_add_watch(park_watches, path,
		    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		    IN_ONLYDIR);
		if (p->watch[i] == -1)
			return -1;
	}
	p->note = m.pos;
	return 0;
}

void
park_unwatch(int watch)
{
	(void)inotify_rm_watch(park_watches, watch);
}

int
park_news(int *watch)
{
	static char	 events[EVENTS]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	static ssize_t	 len, pos;
	const struct inotify_event	*e;

	if (pos >= len) {
		pos = 0;
		len = read(park_watches, events, sizeof(events));
		if (len <= 0)
			return 0;
	}
	e = (const struct inotify_event *)(const void *)(events + pos);
	pos += (ssize_t)sizeof(*e) + e->len;
	*watch = e->wd;			/* -1: events were lost */
	return 1;
}

static struct parked *
park_read(struct ipc_msg *m, int *ask)
{
	struct parked	*p;
	struct slice	 fields;
	uint64_t	 until;

	ipc_expect(m, "park");
	ipc_get_u64(m, "until", INT64_MAX, &until);
	fields = ipc_rest(m);
	p = xcalloc(1, sizeof(*p) + fields.len);
	p->until = (int64_t)until;
	p->watch[0] = p->watch[1] = -1;
	p->len = fields.len;
	memcpy(p->fields, fields.ptr, fields.len);
	*ask = ipc_take_fd(m);
	p->fd = ipc_take_fd(m);
	p->wake = m->taken < m->nfds ? ipc_take_fd(m) : -1;
	if (ipc_end(m) == 0)
		return p;
	io_close(*ask);
	park_free(p);
	return NULL;
}

int
park_receive(struct parked **p, pid_t *pid, int *ask)
{
	static struct ipc_msg	 m;
	uid_t			 uid;
	gid_t			 gid;
	int			 n;

	while (park_server != -1) {
		n = ipc_recv(park_server, &m, 0);
		if (n == 0 || (n == -1 && errno != EBADMSG))
			return 0;
		/* Descriptors that found no room: the session keeps its own. */
		if (n == -1 || (*p = park_read(&m, ask)) == NULL) {
			log_warn("event=park-failed");
			continue;
		}
		/* Whose process made the pair: that cannot be pretended. */
		if (ipc_peer(*ask, &uid, &gid, pid) == 0)
			return 1;
		io_close(*ask);
		park_free(*p);
	}
	return 0;
}

void
park_answer(int ask, bool taken)
{
	static struct ipc_msg	 m;

	ipc_start(&m, "parked", 0);
	/* Nobody there any more?  The session lives on in its note. */
	if (taken)
		(void)ipc_send(ask, &m, 0);
	io_close(ask);
}

void
park_free(struct parked *p)
{
	io_close(p->fd);
	io_close(p->wake);
	free(p);
}

int
park_child(void)
{
	park_server = park_watches = -1;
	return park_sessions;
}

void
park_adopt(const struct parked *p, struct session_parked *out)
{
	out->note = (struct slice){ p->fields + p->note, p->len - p->note };
	out->wake = p->wake;
}
