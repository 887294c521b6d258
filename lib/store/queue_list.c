/* Walking the spool: contract in queue_list.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/store/queue_list.h"
#include "lib/store/spool.h"
#include "lib/store/state.h"

struct walk {
	const struct queue_selector	*which;
	queue_list_fn			*fn;
	void				*arg;
	struct queue_item		 item;	/* the one being described */
	bool				 match;
};

static bool
queue_in_domain(const char *address, const char *domain)
{
	const char	*at = strrchr(address, '@');

	return at != NULL && strcasecmp(at + 1, domain) == 0;
}

static void
queue_see_sender(struct walk *w, const char *from)
{
	strlcpy(w->item.from, from, sizeof(w->item.from));
	if ((w->which->by == BY_SENDER &&
	    strcasecmp(from, w->which->value) == 0) ||
	    (w->which->by == BY_DOMAIN &&
	    queue_in_domain(from, w->which->value)))
		w->match = true;
}

static void
queue_see_pending(struct walk *w, const char *address)
{
	if (w->item.pending++ == 0)
		strlcpy(w->item.to, address, sizeof(w->item.to));
	if ((w->which->by == BY_RECIPIENT &&
	    strcasecmp(address, w->which->value) == 0) ||
	    (w->which->by == BY_DOMAIN &&
	    queue_in_domain(address, w->which->value)))
		w->match = true;
}

static void
queue_see_state(struct walk *w, const struct state *s, int64_t next)
{
	const struct state_rcpt	*r, *last = NULL;
	size_t			 i;

	w->item.size = s->size;
	w->item.arrived = s->arrived;
	w->item.next = w->item.where == QUEUE_HOLD ? 0 : next;
	w->item.rcpts = s->nrcpts;
	queue_see_sender(w, s->from);
	for (i = 0; i < s->nrcpts; i++) {
		r = &s->rcpts[i];
		if (r->letter == STATE_DONE || r->letter == STATE_FAILED)
			continue;
		queue_see_pending(w, r->address);
		if (r->tries > w->item.tries)
			w->item.tries = r->tries;
		if (r->text != NULL && (last == NULL || r->when > last->when))
			last = r;
	}
	if (last == NULL)
		return;
	strlcpy(w->item.code, last->code, sizeof(w->item.code));
	strlcpy(w->item.reason, last->text, sizeof(w->item.reason));
}

/* True when the state told all there is to tell. */
static bool
queue_read_state(struct walk *w, int dir)
{
	enum state_status	 status;
	struct state		 s;
	struct stat		 st;
	const char		*why;
	char			 name[SPOOL_ID_LEN + 3];
	int			 fd;

	snprintf(name, sizeof(name), "%s.s", w->item.id);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	status = state_read(fd, &s, &why);
	if (status == STATE_OK && fstat(fd, &st) == 0)
		queue_see_state(w, &s, (int64_t)st.st_mtim.tv_sec);
	else if (status == STATE_CORRUPT)
		snprintf(w->item.reason, sizeof(w->item.reason),
		    "damaged state: %s", why);
	state_free(&s);
	close(fd);
	return status == STATE_OK;
}

/* False when there is no such message (any more). */
static bool
queue_read_message(struct walk *w, int dir)
{
	struct envelope	 env;
	const char	*why = "";
	size_t		 i;
	int		 fd;

	fd = openat(dir, w->item.id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return errno != ENOENT;
	switch (envelope_read(fd, &env, &why)) {
	case ENVELOPE_OK:
		w->item.size = env.size;
		w->item.arrived = env.arrived / 1000000;
		w->item.rcpts = env.nrcpts;
		queue_see_sender(w, env.from);
		for (i = 0; i < env.nrcpts; i++)
			queue_see_pending(w, env.rcpts[i].address);
		envelope_free(&env);
		break;
	case ENVELOPE_CORRUPT:
		snprintf(w->item.reason, sizeof(w->item.reason),
		    "damaged message: %s", why);
		break;
	case ENVELOPE_PARTIAL:
		strlcpy(w->item.reason, "not whole", sizeof(w->item.reason));
		break;
	case ENVELOPE_ERROR:
		break;
	}
	close(fd);
	return true;
}

static void
queue_read_reason(struct walk *w, int dir)
{
	char	 name[SPOOL_ID_LEN + 3];
	ssize_t	 n;
	int	 fd;

	snprintf(name, sizeof(name), "%s.r", w->item.id);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	n = io_pread_full(fd, w->item.reason, sizeof(w->item.reason) - 1, 0);
	w->item.reason[n < 0 ? 0 : n] = '\0';
	w->item.reason[strcspn(w->item.reason, "\n")] = '\0';
	close(fd);
}

/* One message of a directory; what fn said. */
static int
queue_one(struct walk *w, int dir, enum queue_where where, const char *id)
{
	struct stat	 st;

	memset(&w->item, 0, sizeof(w->item));
	strlcpy(w->item.id, id, sizeof(w->item.id));
	w->item.where = where;
	w->item.arrived = spool_id_time(id);
	w->match = w->which->by == BY_ALL || (w->which->by == BY_ID &&
	    strcmp(w->which->value, id) == 0);
	/* A state alone is rubbish: the message itself must be there. */
	if (where != QUEUE_NEW && queue_read_state(w, dir)) {
		if (fstatat(dir, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return 0;
	} else if (!queue_read_message(w, dir))
		return 0;
	if (!w->match)
		return 0;
	if (where == QUEUE_HOLD)
		queue_read_reason(w, dir);
	return w->fn(&w->item, w->arg);
}

static int
queue_walk_dir(struct walk *w, int at, const char *name,
    enum queue_where where)
{
	struct dirent	*de;
	DIR		*d;
	int		 rc = 0;

	if ((d = io_opendir(at, name, 0)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (spool_id_valid(de->d_name))
			rc = queue_one(w, dirfd(d), where, de->d_name);
	closedir(d);
	return rc;
}

static int
queue_walk_queue(struct walk *w, int spool)
{
	struct dirent	*de;
	DIR		*d;
	int		 rc = 0;

	if ((d = io_opendir(spool, "queue", 0)) == NULL)
		return -1;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strlen(de->d_name) == 2 && de->d_name[0] != '.')
			rc = queue_walk_dir(w, dirfd(d), de->d_name,
			    QUEUE_DEFERRED);
	closedir(d);
	return rc;
}

/* An id says where to look. */
static int
queue_find(struct walk *w, int spool)
{
	static const char *const	 places[] = { "new", NULL, "hold" };
	static const enum queue_where	 where[] = { QUEUE_NEW,
	    QUEUE_DEFERRED, QUEUE_HOLD };
	const char			*id = w->which->value;
	char				 xx[16];
	int				 fd, i, rc = 0;

	if (!spool_id_valid(id))
		return 0;
	snprintf(xx, sizeof(xx), "queue/%s", id + SPOOL_ID_LEN - 2);
	for (i = 0; i < 3 && rc == 0; i++) {
		fd = openat(spool, places[i] == NULL ? xx : places[i],
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			continue;
		if (faccessat(fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			rc = queue_one(w, fd, where[i], id);
		close(fd);
	}
	return rc;
}

int
queue_list(int spool, const struct queue_selector *which, queue_list_fn *fn,
    void *arg)
{
	struct walk	 w = { .which = which, .fn = fn, .arg = arg };
	int		 rc;

	if (which->by == BY_ID)
		return queue_find(&w, spool);
	rc = queue_walk_dir(&w, spool, "new", QUEUE_NEW);
	if (rc == 0)
		rc = queue_walk_queue(&w, spool);
	if (rc == 0)
		rc = queue_walk_dir(&w, spool, "hold", QUEUE_HOLD);
	return rc;
}
