/*
 * STORE and EXPUNGE.  Contract in folder.h.  Under the lock, file by file; files
 * that are not there under their names are looked for by reading the directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"
#include "lib/store/wake.h"

#define LOOKS	3	/* for a file that somebody keeps renaming */

enum did { DID_IT, DID_NOTHING, DID_NOT_FIND, DID_FAIL, DID_STOP };

struct work {
	struct folder			*f;
	struct uidstate			 st;
	const struct folder_change	*change;	/* NULL: EXPUNGE */
	uint32_t			 flags;		/* only letters with */
	struct folder_result		*r;
	struct number_set		 lost;	/* not there by that name */
	struct folder_batch		 b;
	uint64_t			 octets;	/* removed */
	uint32_t			 count;
	int				 error;
};

void
folder_result_free(struct folder_result *r)
{
	number_set_free(&r->changed);
	number_set_free(&r->failed);
	number_set_free(&r->gone);
	memset(r, 0, sizeof(*r));
}

static enum did
why_not(struct work *w)
{
	switch (errno) {
	case ENOENT:
	case EEXIST:		/* two files want one name: a scan tells */
		return DID_NOT_FIND;
	case ENAMETOOLONG:
	case EINVAL:
		w->error = errno;
		return DID_FAIL;
	default:
		w->error = errno;
		return DID_STOP;
	}
}

static void
new_flags(const struct folder_change *c, struct letter *l)
{
	switch (c->op) {
	case FOLDER_SET:
		l->flags = c->flags;
		l->keywords = c->keywords;
		break;
	case FOLDER_ADD:
		l->flags |= c->flags;
		l->keywords |= c->keywords;
		break;
	case FOLDER_REMOVE:
		l->flags &= ~c->flags;
		l->keywords &= ~c->keywords;
		break;
	}
}

static enum did
store_one(struct work *w, const struct letter *old, const char *name)
{
	struct folder	*f = w->f;
	struct letter	 l = *old;
	char		 to[300];
	int		 at;

	if (l.modseq > w->change->unchanged_since) {
		number_set_add(&w->r->failed, l.uid, l.uid);
		return DID_NOTHING;
	}
	new_flags(w->change, &l);
	if (l.flags == old->flags && l.keywords == old->keywords)
		return DID_NOTHING;
	at = folder_place(f, &name);
	if (maildir_name_with_flags(name, l.flags, l.keywords, to) == -1 ||
	    io_rename_new(at, name, f->cur, to) == -1)
		return why_not(w);
	w->b.done[w->b.ndone] = l;
	strcpy(w->b.to[w->b.ndone++], to);
	number_set_add(&w->r->changed, l.uid, l.uid);
	return DID_IT;
}

static enum did
remove_one(struct work *w, const struct letter *l, const char *name)
{
	uint64_t	 size = l->size;
	struct stat	 st;
	int		 at = folder_place(w->f, &name);

	if (size == LETTER_UNKNOWN)
		size = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ?
		    (uint64_t)st.st_size : 0;
	if (unlinkat(at, name, 0) == -1)
		return why_not(w);
	number_set_add(&w->b.removed, l->uid, l->uid);
	number_set_add(&w->r->gone, l->uid, l->uid);
	w->octets += size;
	w->count++;
	return DID_IT;
}

/* One batch's files.  False: nothing more can be done. */
static bool
change_files(struct work *w)
{
	struct folder_batch	*b = &w->b;
	enum did		 d;
	size_t			 i;

	for (i = 0; i < b->n; i++) {
		if (w->change != NULL)
			d = store_one(w, &b->letter[i], b->name[i]);
		else
			d = remove_one(w, &b->letter[i], b->name[i]);
		if (d == DID_NOT_FIND)
			number_set_add(&w->lost, b->letter[i].uid,
			    b->letter[i].uid);
		if (d == DID_STOP)
			return false;
	}
	return true;
}

static int
change_all(struct work *w, const struct number_set *uids)
{
	struct folder_own	 own;
	uint32_t		 from = 1;
	bool			 go_on;

	do {
		if (folder_batch_load(w->f, uids, w->flags, &from,
		    &w->b) == -1)
			return -1;
		folder_begin_own(w->f, &own);
		go_on = change_files(w);
		folder_batch_write(w->f, &own, &w->b);
		if (!go_on) {
			errno = w->error;
			return -1;
		}
	} while (from != 0);
	return 0;
}

/* Look for what was not there by its name, and try again. */
static int
change_lost(struct work *w)
{
	struct number_set	 again = w->lost;
	int			 r;

	memset(&w->lost, 0, sizeof(w->lost));
	/* What the reading finds besides is not of our doing. */
	if (folder_sync_locked(w->f, &w->st, true) == -1 ||
	    folder_modseq(w->f, &w->r->before) == -1)
		r = -1;
	else
		r = change_all(w, &again);
	number_set_free(&again);
	return r;
}

static int
change_locked(struct work *w, const struct number_set *uids)
{
	unsigned int	 i;
	int		 r;

	if (folder_sync_for_change(w->f, &w->st) == -1 ||
	    folder_modseq(w->f, &w->r->before) == -1)
		return -1;
	r = change_all(w, uids);
	for (i = 0; r == 0 && w->lost.n > 0 && i < LOOKS; i++)
		r = change_lost(w);
	/* A flag that is not set must not be taken for one that is. */
	if (r == 0 && w->lost.n > 0 && w->change != NULL)
		w->error = EAGAIN;
	if (r == 0 && w->error != 0) {
		errno = w->error;
		r = -1;
	}
	return r;
}

/* Which of the UIDs are not there any more. */
static int
note_gone(struct folder *f, const struct number_set *uids,
    struct number_set *gone)
{
	struct number_set	 there = { NULL, 0, 0 };
	int			 r = folder_uids(f, &there);

	if (r == 0) {
		number_set_copy(gone, uids);
		number_set_remove_set(gone, &there);
	}
	number_set_free(&there);
	return r;
}

/* Take the lock, do it, tell the others. */
static int
change(struct work *w, const struct number_set *uids)
{
	struct folder	*f = w->f;
	int		 r, saved;

	memset(w->r, 0, sizeof(*w->r));
	if (folder_lock(f, &w->st) == -1)
		return -1;
	r = change_locked(w, uids);
	saved = errno;
	if (folder_modseq(f, &w->r->after) == -1)
		w->r->after = w->r->before;
	if (w->change != NULL && uids != NULL && r == 0)
		note_gone(f, uids, &w->r->gone);
	folder_unlock(f);
	if (w->count > 0)
		account_quota_add(f->account, -(int64_t)w->octets,
		    -(int64_t)w->count);
	if (w->r->after != w->r->before)
		wake_send(f->account->homefd, f->dir);
	number_set_free(&w->lost);
	number_set_free(&w->b.removed);
	errno = saved;
	return r;
}

int
folder_store(struct folder *f, const struct number_set *uids,
    const struct folder_change *c, struct folder_result *r)
{
	struct work	*w = xcalloc(1, sizeof(*w));
	int		 n;

	w->f = f;
	w->change = c;
	w->r = r;
	n = change(w, uids);
	free(w);
	return n;
}

int
folder_expunge(struct folder *f, const struct number_set *uids,
    bool even_undeleted, struct folder_result *r)
{
	struct work	*w = xcalloc(1, sizeof(*w));
	int		 n;

	w->f = f;
	w->flags = even_undeleted ? 0 : LETTER_DELETED;
	w->r = r;
	n = change(w, uids);
	free(w);
	return n;
}
