/* Looking after mailboxes for NOTIFY (RFC 5465).  Contract in notify.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/notify.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

#define METADATA_MAX	(256 * 1024)	/* entries' names and hashes */
#define HASH_LEN	9	/* after an entry's name: blank, 8 digits */
#define FRESH		2		/* seconds; see look_time() */

/*
 * A directory's time, or 0 when it is so young that another change could hide
 * behind it: then it is looked at again.
 */
static struct timespec
look_time(const struct stat *st)
{
	struct timespec	 now, none = { 0, 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st->st_mtim.tv_sec < FRESH ? none : st->st_mtim;
}

static bool
look_same(struct timespec *told, const struct stat *st)
{
	bool	 same = told->tv_sec == st->st_mtim.tv_sec &&
	    told->tv_nsec == st->st_mtim.tv_nsec;

	*told = look_time(st);
	return same;
}

/* --- messages --------------------------------------------------------------- */

static void
look_put_status(struct session *s, const struct notify_box *b)
{
	const struct folder_state	*st = &b->state;

	stream_printf(&s->s, "* STATUS ");
	put_mailbox(s, slice_str(b->name));
	stream_printf(&s->s, " (MESSAGES %u UIDNEXT %u UIDVALIDITY %u "
	    "UNSEEN %u", st->count, st->next, st->validity, st->unseen);
	if (s->enabled & ENABLED_CONDSTORE)
		stream_printf(&s->s, " HIGHESTMODSEQ %llu",
		    (unsigned long long)st->modseq);
	stream_printf(&s->s, ")\r\n");
}

/* Did something happen to it that these events are about? */
static bool
look_differs(unsigned int events, const struct folder_state *was,
    const struct folder_state *is)
{
	if (was->validity != is->validity)
		return true;
	if ((events & NOTIFY_NEW) && was->next != is->next)
		return true;
	if ((events & NOTIFY_EXPUNGE) && was->count != is->count)
		return true;
	return (events & NOTIFY_FLAGS) && was->modseq != is->modseq;
}

static int
look_sync(struct session *s, const char *dir, struct folder_state *out)
{
	struct folder	*f;
	int		 rc;

	if ((f = folder_open(&s->account, dir)) == NULL)
		return -1;
	rc = folder_sync(f, FOLDER_QUICK, out);
	folder_close(f);
	return rc;
}

/* Do new/ and cur/ have the times that they had? */
static bool
look_untouched(struct session *s, struct notify_box *b, const char *dir)
{
	struct stat	 new, cur;
	struct buf	 path;
	bool		 same;

	buf_init(&path, MAILBOX_DIR_MAX + 8);
	buf_addf(&path, "%s/new", dir);
	same = fstatat(s->account.maildirfd, buf_cstr(&path), &new, 0) == 0;
	buf_clear(&path);
	buf_addf(&path, "%s/cur", dir);
	same = same &&
	    fstatat(s->account.maildirfd, buf_cstr(&path), &cur, 0) == 0;
	buf_free(&path);
	if (!same)
		return false;
	same = look_same(&b->new, &new);
	return look_same(&b->cur, &cur) && same;
}

static bool
look_is_selected(const struct session *s, const char *dir)
{
	return s->view.folder != NULL &&
	    strcmp(folder_dir(s->view.folder), dir) == 0;
}

static void
look_messages(struct session *s, struct notify_box *b, bool tell_all)
{
	unsigned int		 events = notify_events(s->notify, b);
	struct folder_state	 now;
	struct buf		 dir;
	bool			 told;

	if (!(events & NOTIFY_MESSAGES) || !b->exists)
		return;
	buf_init(&dir, MAILBOX_DIR_MAX);
	if (mailbox_name_to_dir(slice_str(b->name), &dir) == -1)
		goto out;
	if (look_is_selected(s, buf_cstr(&dir))) {
		b->state = s->view.state;	/* the view tells of it */
		b->known = true;
		goto out;
	}
	if ((look_untouched(s, b, buf_cstr(&dir)) && b->known) ||
	    look_sync(s, buf_cstr(&dir), &now) == -1)
		goto out;
	told = tell_all || (b->known &&
	    look_differs(events, &b->state, &now));
	b->state = now;
	b->known = true;
	if (told)
		look_put_status(s, b);
out:
	buf_free(&dir);
}

/* --- metadata --------------------------------------------------------------- */

static int
look_entry(struct slice entry, struct slice value, void *arg)
{
	return buf_addf(arg, "%.*s %08x\n", (int)entry.len, entry.ptr,
	    hash_octets(value.ptr, value.len));
}

/* Does a line of text start with these octets? */
static bool
look_has(const struct buf *text, struct slice start)
{
	struct slice	 rest = buf_slice(text), line;

	while (text_next_line(&rest, &line))
		if (line.len >= start.len &&
		    memcmp(line.ptr, start.ptr, start.len) == 0)
			return true;
	return false;
}

/* Entries of text that are not the same in other, but for those in told. */
static void
look_put_entries(struct session *s, const struct buf *text,
    const struct buf *other, const struct buf *told, const char *name)
{
	struct slice	 rest = buf_slice(text), line;
	bool		 any = false;

	while (text_next_line(&rest, &line)) {
		if (look_has(other, line))
			continue;
		line.len -= HASH_LEN;
		if (told != NULL && look_has(told,
		    (struct slice){ line.ptr, line.len + 1 }))
			continue;
		if (!any) {
			stream_printf(&s->s, "* METADATA ");
			put_mailbox(s, slice_str(name));
		}
		any = true;
		stream_printf(&s->s, " ");
		put_string(s, line);
	}
	if (any)
		stream_printf(&s->s, "\r\n");
}

/* RFC 5464 4.4.2: which entries changed, without their values. */
static void
look_metadata(struct session *s, const char *name, struct buf *was, bool tell)
{
	struct buf	 now;

	buf_init(&now, METADATA_MAX);
	if (tree_metadata_list(&s->account, slice_str(name), look_entry,
	    &now) != 0) {
		buf_free(&now);
		return;
	}
	if (tell) {
		look_put_entries(s, &now, was, NULL, name);
		look_put_entries(s, was, &now, &now, name);
	}
	buf_free(was);
	*was = now;
}

/* --- names ------------------------------------------------------------------ */

static void
look_put_list(struct session *s, const char *attributes,
    const struct notify_box *b, const char *old)
{
	stream_printf(&s->s, "* LIST (%s) \"/\" ", attributes);
	put_mailbox(s, slice_str(b->name));
	if (old != NULL) {
		stream_printf(&s->s, " (\"OLDNAME\" (");
		put_mailbox(s, slice_str(old));
		stream_printf(&s->s, "))");
	}
	stream_printf(&s->s, "\r\n");
}

static ino_t
look_inode(struct session *s, const char *name)
{
	struct stat	 st;
	struct buf	 dir;
	ino_t		 ino = 0;

	buf_init(&dir, MAILBOX_DIR_MAX);
	if (mailbox_name_to_dir(slice_str(name), &dir) == 0 &&
	    fstatat(s->account.maildirfd, buf_cstr(&dir), &st, 0) == 0)
		ino = st.st_ino;
	buf_free(&dir);
	return ino;
}

static void
look_box_free(struct notify_box *b)
{
	free(b->name);
	buf_free(&b->metadata);
}

/* All mailboxes as they are now.  -1: too many, or they cannot be read. */
static int
look_read(struct session *s, struct notify_box **out, size_t *n)
{
	struct tree	 t;
	struct notify_box *b;
	size_t		 i;

	if (tree_read(&s->account, &t) == -1)
		return -1;
	if (t.n > NOTIFY_BOXES) {
		tree_free(&t);
		errno = E2BIG;
		return -1;
	}
	*out = xcalloc(t.n + 1, sizeof(**out));
	*n = t.n;
	for (i = 0; i < t.n; i++) {
		b = &(*out)[i];
		b->name = xstrdup(t.item[i].name);
		b->exists = t.item[i].exists;
		b->subscribed = t.item[i].subscribed;
		b->ino = b->exists ? look_inode(s, b->name) : 0;
		buf_init(&b->metadata, METADATA_MAX);
	}
	tree_free(&t);
	return 0;
}

static struct notify_box *
look_find(struct notify_box *box, size_t n, const char *name)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (strcmp(box[i].name, name) == 0)
			return &box[i];
	return NULL;
}

static struct notify_box *
look_find_inode(struct notify_box *box, size_t n, ino_t ino)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (ino != 0 && box[i].ino == ino)
			return &box[i];
	return NULL;
}

/* What is known of a mailbox goes along to its new record. */
static void
look_inherit(struct notify_box *to, struct notify_box *from)
{
	to->known = from->known;
	to->state = from->state;
	to->new = from->new;
	to->cur = from->cur;
	buf_free(&to->metadata);
	to->metadata = from->metadata;
	buf_init(&from->metadata, METADATA_MAX);
}

/* One that is there now: new, renamed, subscribed or what it was. */
static void
look_compare(struct session *s, struct notify_box *b)
{
	struct notify		*n = s->notify;
	struct notify_box	*was, *by_inode = NULL;
	unsigned int		 events = notify_events(n, b);

	was = look_find(n->box, n->nbox, b->name);
	if (b->exists && (was == NULL || !was->exists)) {
		by_inode = look_find_inode(n->box, n->nbox, b->ino);
		if (by_inode != NULL)
			events |= notify_events(n, by_inode);
		if (events & NOTIFY_NAME)
			look_put_list(s, b->subscribed ? "\\Subscribed" : "",
			    b, by_inode == NULL ? NULL : by_inode->name);
	}
	if ((events & NOTIFY_SUBSCRIPTION) &&
	    b->subscribed != (was != NULL && was->subscribed))
		look_put_list(s, b->subscribed ? b->exists ?
		    "\\Subscribed" : "\\Subscribed \\NonExistent" : "", b,
		    NULL);
	if (was != NULL)
		look_inherit(b, was);
	else if (by_inode != NULL)
		look_inherit(b, by_inode);
	else if (b->exists) {
		/* All in a mailbox that was not there is news. */
		memset(&b->state, 0, sizeof(b->state));
		b->state.next = 1;
		b->known = false;
	}
}

/* One that was there: gone, when it is not under another name. */
static void
look_compare_old(struct session *s, struct notify_box *box, size_t nbox,
    struct notify_box *was)
{
	unsigned int		 events = notify_events(s->notify, was);
	struct notify_box	*b = look_find(box, nbox, was->name);

	if (was->exists && (b == NULL || !b->exists) &&
	    (events & NOTIFY_NAME) &&
	    look_find_inode(box, nbox, was->ino) == NULL)
		look_put_list(s, "\\NonExistent", was, NULL);
	if (was->subscribed && b == NULL && (events & NOTIFY_SUBSCRIPTION))
		look_put_list(s, "\\NonExistent", was, NULL);
}

/* Have directories or subscriptions changed? */
static bool
look_tree_changed(struct session *s)
{
	struct notify	*n = s->notify;
	struct stat	 st;
	bool		 same;

	if (fstat(s->account.maildirfd, &st) == -1)
		return false;
	same = look_same(&n->tree, &st);
	if (fstatat(s->account.maildirfd, "subscriptions", &st, 0) == -1)
		memset(&st, 0, sizeof(st));
	return !look_same(&n->subscriptions, &st) || !same;
}

/* RFC 5465 5.8: from here on as after NONE. */
static void
look_overflow(struct session *s)
{
	stream_printf(&s->s, "* OK [NOTIFICATIONOVERFLOW] There are too many "
	    "mailboxes to look after\r\n");
	notify_free(s, s->notify);
	s->notify = NULL;
}

static void
look_tree(struct session *s)
{
	struct notify		*n = s->notify;
	struct notify_box	*box;
	size_t			 nbox, i;

	if (!look_tree_changed(s))
		return;
	if (look_read(s, &box, &nbox) == -1) {
		if (errno == E2BIG)
			look_overflow(s);
		return;
	}
	for (i = 0; i < n->nbox; i++)
		look_compare_old(s, box, nbox, &n->box[i]);
	for (i = 0; i < nbox; i++)
		look_compare(s, &box[i]);
	for (i = 0; i < n->nbox; i++)
		look_box_free(&n->box[i]);
	free(n->box);
	n->box = box;
	n->nbox = nbox;
}

static void
look_all(struct session *s, bool first)
{
	struct notify	*n = s->notify;
	size_t		 i;

	for (i = 0; i < n->nbox; i++) {
		look_messages(s, &n->box[i], first && n->status);
		if (n->box[i].exists &&
		    (notify_events(n, &n->box[i]) & NOTIFY_METADATA))
			look_metadata(s, n->box[i].name, &n->box[i].metadata,
			    !first);
	}
	if (n->wanted & NOTIFY_SERVER)
		look_metadata(s, "", &n->metadata, !first);
}

int
notify_begin(struct session *s)
{
	struct notify	*n = s->notify;

	buf_init(&n->metadata, METADATA_MAX);
	watch_init(&n->w);
	watch_open(&n->w, &s->account, "*");
	look_tree_changed(s);
	if (look_read(s, &n->box, &n->nbox) == -1)
		return -1;
	look_all(s, true);
	return 0;
}

bool
notify_look(struct session *s, bool between)
{
	const struct notify	*n = s->notify;

	if (!view_update(s, between && n->delayed ? VIEW_NO_EXPUNGE :
	    VIEW_ALL))
		return false;
	look_tree(s);
	if (s->notify != NULL) {
		look_all(s, false);
		/* What was too fresh to be trusted. */
		watch_again(&s->notify->w);
	}
	return true;
}

void
notify_free(struct session *s, struct notify *n)
{
	size_t	 i;

	if (n == NULL)
		return;
	for (i = 0; i < n->ngroup; i++) {
		while (n->group[i].nname > 0)
			free(n->group[i].name[--n->group[i].nname]);
		free(n->group[i].name);
	}
	free(n->group);
	for (i = 0; i < n->nbox; i++)
		look_box_free(&n->box[i]);
	free(n->box);
	buf_free(&n->fetch);
	buf_free(&n->metadata);
	if (n->w.dir != NULL)
		watch_close(&n->w, &s->account);
	free(n);
}
