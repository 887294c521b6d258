/*
 * Contract in uidlist.h.  The order of steps: lock; scan; claims in names;
 * import; write next; rename; fsync.  A crash between any two leaves names
 * whose UIDs count or do not, never two messages with one UID.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/dovecot_keywords.h"
#include "lib/store/dovecot_uidlist.h"
#include "lib/store/maildir.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"

#define PROVISIONAL	UINT32_C(0x80000000)
#define NAMES_PIECE	65536
#define KEYWORDS_MAX	65536

/* Names live in pieces: 100,000 of them are no 100,000 allocations. */
struct uidlist_names {
	struct uidlist_names	*next;
	size_t			 used;
	char			 data[NAMES_PIECE];
};

struct work {
	int		 rootfd, dirfd;
	struct uidstate	 st;
	struct uidlist	*l;
	size_t		 room;
	uint32_t	 highest;	/* validity seen in a name */
	bool		 moved;		/* to be written: the inode */
	bool		 map;		/* keywords are by this: */
	struct dovecot_keywords keywords;
};

static char *
keep_name(struct uidlist *l, const char *name, size_t len)
{
	struct uidlist_names	*p = l->names;
	char			*s;

	if (p == NULL || sizeof(p->data) - p->used <= len) {
		p = xmalloc(sizeof(*p));
		p->next = l->names;
		p->used = 0;
		l->names = p;
	}
	s = p->data + p->used;
	memcpy(s, name, len);
	s[len] = '\0';
	p->used += len + 1;
	return s;
}

static void
add_message(struct work *w, const char *name, bool in_new)
{
	struct maildir_name	 m;
	struct uidlist_entry	*e;

	if (!maildir_name_parse(name, &m))
		return;
	if (w->l->n == w->room) {
		w->room = w->room == 0 ? 64 : w->room * 2;
		w->l->entry = xreallocarray(w->l->entry, w->room, sizeof(*e));
	}
	e = &w->l->entry[w->l->n++];
	memset(e, 0, sizeof(*e));
	e->in_new = in_new;
	e->size = m.size;
	e->wire = m.wire;
	e->name = keep_name(w->l, name, strlen(name));
	if (m.validity > w->highest)
		w->highest = m.validity;
	if (w->st.found == UIDSTATE_OK && m.validity == w->st.validity &&
	    m.uid < w->st.floor) {
		e->uid = m.uid;
		e->kept = true;
		/* Only after a loss of what this boot wrote. */
		if (m.uid >= w->st.next)
			w->st.next = m.uid + 1;
	}
}

static int
scan(struct work *w, const char *sub, bool in_new)
{
	struct dirent	*de;
	DIR		*dp;
	int		 r = 0;

	dp = io_opendir(w->dirfd, sub, 0);
	if (dp == NULL && errno == ENOENT && maildir_fill(w->dirfd) == 0)
		dp = io_opendir(w->dirfd, sub, 0);
	if (dp == NULL)
		return -1;
	for (;;) {
		errno = 0;
		if ((de = readdir(dp)) == NULL) {
			r = errno == 0 ? 0 : -1;
			break;
		}
		if (de->d_type == DT_REG || de->d_type == DT_UNKNOWN)
			add_message(w, de->d_name, in_new);
	}
	closedir(dp);
	return r;
}

/* Those with a UID by it, then those without from the oldest on. */
static int
compare(const void *va, const void *vb)
{
	const struct uidlist_entry	*a = va, *b = vb;
	int64_t				 ta, tb;

	if (a->uid != b->uid)		/* 0 - 1 is the largest */
		return a->uid - 1 < b->uid - 1 ? -1 : 1;
	if (a->uid == 0) {
		ta = maildir_name_time(a->name);
		tb = maildir_name_time(b->name);
		if (ta != tb)
			return ta < tb ? -1 : 1;
	}
	return strcmp(a->name, b->name);
}

static void
sort(struct uidlist *l)
{
	if (l->n > 1)
		qsort(l->entry, l->n, sizeof(*l->entry), compare);
}

static void
make_path(const struct uidlist_entry *e, char out[300])
{
	snprintf(out, 300, "%s/%s", e->in_new ? "new" : "cur", e->name);
}

static bool
is_there(const struct work *w, const struct uidlist_entry *e)
{
	char	 path[300];

	make_path(e, path);
	return faccessat(w->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Two messages with one UID: a copy, or one that was renamed while we read
 * the directory, seen under both names.  Only here is it worth asking.
 */
static void
settle_claims(struct work *w)
{
	struct uidlist_entry	*e = w->l->entry, *last = NULL;
	size_t			 i, n = 0;
	bool			 twice = false;

	for (i = 0; i < w->l->n; i++) {
		if (e[i].uid != 0 && last != NULL && e[i].uid == last->uid) {
			if (!is_there(w, last)) {
				*last = e[i];
				continue;
			}
			if (!is_there(w, &e[i]))
				continue;
			e[i].uid = 0;
			e[i].kept = false;
			twice = true;
		} else if (e[i].uid != 0)
			last = &e[n];
		if (n != i)
			e[n] = e[i];
		n++;
	}
	w->l->n = n;
	if (twice)
		sort(w->l);
}

/*
 * The name with the account's letters for keywords; one that has its key
 * already was changed before, by an import that did not come to its end.
 */
static int
map_keywords(struct work *w, const char *name, char out[300])
{
	struct maildir_name	 m;
	uint32_t		 flags, keywords;

	maildir_name_parse(name, &m);
	maildir_name_flags(&m, &flags, &keywords);
	if (!w->map || keywords == 0 || m.validity == w->st.validity) {
		snprintf(out, 300, "%s", name);
		return 0;
	}
	return maildir_name_with_flags(name, flags,
	    dovecot_keywords_map(&w->keywords, keywords), out);
}

/* Write the UID into the name, below cur/.  0, or -1 with errno. */
static int
give(struct work *w, struct uidlist_entry *e, uint32_t uid)
{
	char	 from[300], mapped[300], to[304] = "cur/";

	make_path(e, from);
	if (map_keywords(w, e->name, mapped) == -1 ||
	    maildir_name_key(mapped, w->st.validity, uid, to + 4) == -1)
		return -1;
	if (strcmp(from, to) != 0) {
		if (io_rename_new(w->dirfd, from, w->dirfd, to) == -1)
			return -1;
		e->name = keep_name(w->l, to + 4, strlen(to + 4));
	}
	e->in_new = false;
	e->uid = uid;
	e->kept = true;
	return 0;
}

/*
 * Take UIDs over by the unique part of the names.  The state file is written
 * only when all of them are in the names: until then it stays empty and the
 * import begins anew.
 */
static int
import_uids(struct work *w, const struct dovecot_uidlist *d)
{
	struct uidlist_entry	*e = w->l->entry;
	struct maildir_name	 m;
	bool			 all = true;
	size_t			 i;

	w->st.validity = d->validity;
	w->st.next = d->next;
	for (i = 0; i < w->l->n; i++) {
		maildir_name_parse(e[i].name, &m);
		e[i].uid = dovecot_uidlist_find(d, m.base);
		e[i].kept = e[i].uid != 0;
	}
	sort(w->l);
	settle_claims(w);
	for (i = 0; i < w->l->n && e[i].uid != 0 && w->st.writable; i++)
		if (give(w, &e[i], e[i].uid) == -1)
			all = false;
	if (!w->st.writable)
		return 0;
	if (!all) {
		w->st.writable = false;
		return 0;
	}
	if (uidstate_had_validity(w->rootfd, d->validity) == -1)
		return -1;
	return io_fsync_dir(w->dirfd, "cur");
}

/* 1 when there is a list of Dovecot's and it was taken over. */
static int
import(struct work *w)
{
	struct dovecot_uidlist	 d;
	struct buf		 text;
	int			 r = 0;

	buf_init(&text, DOVECOT_UIDLIST_MAX);
	if (io_read_file(w->dirfd, "dovecot-uidlist", &text) == -1)
		r = errno == ENOENT ? 0 : -1;
	else if (dovecot_uidlist_parse(buf_slice(&text), &d) == 0) {
		/* Of a folder that was copied with its list: only once. */
		if (!uidstate_is_taken(w->rootfd, w->dirfd, d.validity))
			r = import_uids(w, &d) == -1 ? -1 : 1;
		dovecot_uidlist_free(&d);
	}
	buf_free(&text);
	return r;
}

/* Letters of keywords that Dovecot left are another mailbox's than ours. */
static void
import_keywords(struct work *w)
{
	struct buf	 text;

	buf_init(&text, KEYWORDS_MAX);
	if (io_read_file(w->dirfd, "dovecot-keywords", &text) == 0) {
		dovecot_keywords_parse(buf_slice(&text), w->rootfd,
		    &w->keywords);
		w->map = true;
	}
	buf_free(&text);
}

/*
 * No UIDs so far, or none that can be believed: begin with a validity above
 * all that were used.
 */
static void
begin(struct work *w)
{
	uint32_t	 above = w->highest;
	size_t		 i;

	if (w->st.validity > above)
		above = w->st.validity;
	if (!w->st.writable || uidstate_new_validity(w->rootfd, above,
	    &w->st.validity) == -1) {
		/* What cannot be kept is at least the same each time. */
		w->st.validity = 1;
		w->st.writable = false;
	}
	w->st.next = 1;
	w->st.floor = 0;
	for (i = 0; i < w->l->n; i++) {
		w->l->entry[i].uid = 0;
		w->l->entry[i].kept = false;
	}
	sort(w->l);
}

static int
settle(struct work *w)
{
	int	 r;

	switch (w->st.found) {
	case UIDSTATE_OK:
		w->l->origin = UIDLIST_FOUND;
		sort(w->l);
		settle_claims(w);
		return 0;
	case UIDSTATE_EMPTY:
		import_keywords(w);
		w->l->origin = UIDLIST_IMPORTED;
		if ((r = import(w)) != 0)
			return r == 1 ? 0 : -1;
		w->l->origin = UIDLIST_MADE;
		break;
	case UIDSTATE_BROKEN:
		w->l->origin = UIDLIST_RESET;
		break;
	}
	begin(w);
	return 0;
}

/*
 * Rename those without a UID, and what still is in new/; true when something
 * was.  Who is gone meanwhile leaves the list.
 */
static bool
give_all(struct work *w, uint32_t next)
{
	struct uidlist_entry	*e = w->l->entry;
	size_t			 i, n = 0;
	bool			 some = false;

	for (i = 0; i < w->l->n; i++) {
		if ((e[i].uid == 0 || e[i].in_new) && w->st.writable) {
			if (give(w, &e[i], e[i].uid != 0 ? e[i].uid :
			    next++) == 0)
				some = true;
			else if (errno == ENOENT)
				continue;
		}
		if (n != i)
			e[n] = e[i];
		n++;
	}
	w->l->n = n;
	return some;
}

/*
 * UIDs for this session: from the name, so that the next session has the
 * same, and out of reach of those that are given in turn.
 */
static void
give_provisional(struct work *w)
{
	struct uidlist_entry	*e = w->l->entry;
	struct maildir_name	 m;
	uint32_t		 h;
	size_t			 i;

	w->l->kept = true;
	for (i = 0; i < w->l->n; i++) {
		if (e[i].uid != 0)
			continue;
		maildir_name_parse(e[i].name, &m);
		h = hash_octets(m.base.ptr, m.base.len);
		/* Room above for those that meet. */
		e[i].uid = PROVISIONAL + h % (PROVISIONAL - 1000000);
		w->l->kept = false;
	}
	if (w->l->kept)
		return;
	sort(w->l);
	for (i = 1; i < w->l->n; i++)
		if (e[i].uid <= e[i - 1].uid)
			e[i].uid = e[i - 1].uid + 1;
}

static int
number(struct work *w)
{
	bool		 fresh = w->st.found != UIDSTATE_OK || w->moved, some;
	uint32_t	 next;
	size_t		 i, k = 0;

	for (i = 0; i < w->l->n; i++)
		k += w->l->entry[i].uid == 0;
	if (k > UINT32_MAX - w->st.next) {
		begin(w);
		w->l->origin = UIDLIST_RESET;
		fresh = true;
		k = w->l->n;
	}
	next = w->st.next;
	if (w->st.writable && (k > 0 || fresh)) {
		w->st.next += (uint32_t)k;
		if (uidstate_write(&w->st) == -1) {
			w->st.writable = false;
			w->st.next = next;
			if (w->l->origin == UIDLIST_MADE ||
			    w->l->origin == UIDLIST_RESET)
				w->st.validity = 1;
		}
	}
	some = give_all(w, next);
	if (some && io_fsync_dir(w->dirfd, "cur") == -1)
		return -1;
	if (w->st.writable && fresh && fsync(w->dirfd) == -1)
		return -1;
	give_provisional(w);
	return 0;
}

static int
open_list(struct work *w)
{
	uint64_t	 inode;
	int		 r = -1, saved;

	if (uidstate_open(w->dirfd, &w->st) == -1)
		return -1;
	inode = w->st.inode;
	if (uidstate_is_copy(w->rootfd, w->dirfd, &w->st)) {
		w->highest = w->st.validity;
		w->st.found = UIDSTATE_BROKEN;
	}
	w->moved = inode != w->st.inode;
	/* new/ first: what moves to cur/ meanwhile is seen there. */
	if (scan(w, "new", true) == 0 && scan(w, "cur", false) == 0 &&
	    settle(w) == 0)
		r = number(w);
	saved = errno;
	uidstate_close(&w->st);
	errno = saved;
	return r;
}

int
uidlist_open_below(int rootfd, int dirfd, struct uidlist *l)
{
	struct work	 w = { .rootfd = rootfd, .dirfd = dirfd, .l = l };
	int		 r, saved;

	memset(l, 0, sizeof(*l));
	r = open_list(&w);
	if (w.map)
		dovecot_keywords_free(&w.keywords);
	l->validity = w.st.validity;
	l->next = w.st.next;
	if (r == -1) {
		saved = errno;
		uidlist_free(l);
		errno = saved;
	}
	return r;
}

int
uidlist_open(const char *dir, struct uidlist *l)
{
	const int	 flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int		 fd, r;

	memset(l, 0, sizeof(*l));
	fd = open(dir, flags);
	if (fd == -1 && errno == ENOENT && maildir_make(dir) == 0)
		fd = open(dir, flags);
	if (fd == -1)
		return -1;
	r = uidlist_open_below(fd, fd, l);
	io_close(fd);
	return r;
}

void
uidlist_free(struct uidlist *l)
{
	struct uidlist_names	*p;

	while ((p = l->names) != NULL) {
		l->names = p->next;
		free(p);
	}
	free(l->entry);
	memset(l, 0, sizeof(*l));
}
