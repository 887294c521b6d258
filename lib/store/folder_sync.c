/*
 * Bringing the index up to date with the files, the lock being held. Contract
 * in folder_parts.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"
#include "lib/store/wake.h"


struct sync {
	struct folder_scan	 scan;
	bool			 whole;
	int64_t			 began;
	struct timespec		 cur, new;	/* before the reading */
	struct folder_list	*names;		/* what scan has */
	size_t			 at;		/* merging: next of them */
	uint64_t		*put;		/* keys, to be written */
	size_t			 nput;
	struct number_set	 missing;
	struct number_set	 risen;	/* see rose() */
	uint32_t		 ask;	/* UIDs below it may have */
	bool			 unsure;	/* some are missing, perhaps */
};

/* --- merging the names with the index ------------------------------------ */

static void
want_put(struct sync *s)
{
	s->put[s->nput++] = s->names->key[s->at];
}

/* A name that claims a UID which the index has not. */
static void
rose(struct sync *s)
{
	uint32_t	 uid = folder_list_uid(s->names, s->at);

	if (uid < s->ask)
		number_set_add(&s->risen, uid, uid);
}

static int
merge(uint32_t uid, const char *name, void *arg)
{
	struct sync		*s = arg;
	struct folder_list	*l = s->names;

	while (s->at < l->n && folder_list_uid(l, s->at) < uid) {
		want_put(s);
		rose(s);
		s->at++;
	}
	if (s->at == l->n || folder_list_uid(l, s->at) != uid) {
		number_set_add(&s->missing, uid, uid);
		return 0;
	}
	if (strcmp(folder_list_name(l, s->at), name) != 0)
		want_put(s);
	s->at++;
	return 0;
}

/*
 * Which names are to be written, which UIDs are missing.  0; -1: the index
 * failed.
 */
static int
compare(struct sync *s, struct index_txn *t, bool fresh)
{
	s->at = s->nput = 0;
	number_set_clear(&s->missing);
	number_set_clear(&s->risen);
	free(s->put);
	s->put = xcalloc(s->names->n + 1, sizeof(*s->put));
	if (s->whole && !fresh && index_names(t, s->scan.f->validity, 1,
	    UINT32_MAX, merge, s) == -1)
		return -1;
	for (; s->at < s->names->n; s->at++) {
		want_put(s);
		rose(s);
	}
	return 0;
}

/*
 * Those that were expunged and came back, from a backup.  Clients were told that
 * they are gone and look only at what is above what they know, so these need
 * new UIDs.  0 or -1.
 */
static int
keep_risen(struct sync *s, struct index_txn *t, const struct index_head *h)
{
	struct number_set	 vanished = { NULL, 0, 0 };
	int			 r;

	if (s->risen.n == 0)
		return 0;
	r = index_vanished(t, s->scan.f->validity, h->forgotten, &vanished);
	number_set_intersect(&s->risen, &vanished);
	number_set_free(&vanished);
	return r == -1 ? -1 : 0;
}

/* --- the second reading -------------------------------------------------- */

static int
look_for_missing(const char *name, void *arg)
{
	struct sync		*s = arg;
	struct maildir_name	 m;

	/* It is renamed just now: the next sync looks again. */
	if (maildir_name_parse(name, &m) &&
	    m.validity == s->scan.st->validity &&
	    number_set_has(&s->missing, m.uid))
		s->unsure = true;
	return s->unsure ? 1 : 0;
}

/*
 * readdir() may miss a file that is renamed meanwhile.  So those missing count
 * as gone only when a second reading, during which the directory's time did not
 * change, has missed them too.  0, or -1 with errno.
 */
static int
confirm_missing(struct sync *s)
{
	struct timespec	 tick = { 0, FOLDER_TICK_US * 1000 };
	struct stat	 a, b;

	if (fstat(s->scan.f->cur, &a) == -1)
		return -1;
	if (folder_grade(a.st_mtim, io_time_us()) == 0) {
		nanosleep(&tick, NULL);
		if (fstat(s->scan.f->cur, &a) == -1)
			return -1;
	}
	s->unsure = folder_grade(a.st_mtim, io_time_us()) == 0;
	if (!s->unsure && (folder_each_name(s->scan.f->cur, look_for_missing,
	    s) == -1 || fstat(s->scan.f->cur, &b) == -1))
		return -1;
	if (!s->unsure && !folder_same_time(a.st_mtim, b.st_mtim))
		s->unsure = true;
	if (s->unsure)
		number_set_clear(&s->missing);
	return 0;
}

/* --- writing ------------------------------------------------------------- */

void
folder_letter_of(const char *name, uint32_t uid, struct letter *l)
{
	struct maildir_name	 m;

	if (folder_is_new(name))
		name += 4;
	memset(l, 0, sizeof(*l));
	maildir_name_parse(name, &m);
	maildir_name_flags(&m, &l->flags, &l->keywords);
	l->uid = uid;
	l->size = m.size;
	l->wire = m.wire;
	l->received = LETTER_UNDATED;
	l->saved = maildir_name_time(name);
}

/*
 * What the name tells, with what the index knows besides.  A name that changed
 * without its flags is no news for clients.
 */
static int
make_letter(struct sync *s, struct index_txn *t, const char *name,
    uint32_t uid, uint64_t modseq, bool fresh, struct letter *l)
{
	struct letter	 old;
	int		 r;

	folder_letter_of(name, uid, l);
	l->modseq = modseq;
	if (fresh || uid >= s->scan.first)
		return 0;
	r = index_letter(t, s->scan.f->validity, uid, &old);
	if (r != 1)
		return r;
	if (old.flags == l->flags && old.keywords == l->keywords)
		l->modseq = old.modseq;
	l->received = old.received;
	if (l->wire == LETTER_UNKNOWN)
		l->wire = old.wire;
	if (l->size == LETTER_UNKNOWN)
		l->size = old.size;
	return 0;
}

static int
put_all(struct sync *s, struct index_txn *t, uint64_t modseq, bool fresh)
{
	struct letter	 l[INDEX_PIECE];
	const char	*name[INDEX_PIECE];
	size_t		 i, n = 0;

	for (i = 0; i < s->nput; i++) {
		name[n] = s->names->data + (uint32_t)s->put[i];
		if (make_letter(s, t, name[n], (uint32_t)(s->put[i] >> 32),
		    modseq, fresh, &l[n]) == -1)
			return -1;
		if (++n == INDEX_PIECE || i + 1 == s->nput) {
			if (index_put(t, s->scan.f->validity, l, name, n) == -1)
				return -1;
			n = 0;
		}
	}
	return 0;
}

/* The times that this reading was of. */
static void
set_times(struct sync *s, struct index_head *h)
{
	struct timespec	 none = { 0, 0 };
	struct stat	 st;

	h->scanned = s->began;
	h->new = (folder_grade(s->new, s->began) & FOLDER_SURE) != 0 ?
	    s->new : none;
	if (s->whole)
		h->marks = folder_grade(s->cur, s->began);
	if (s->scan.unkept.n > 0)
		h->marks |= FOLDER_HAS_PROVISIONAL;
	if (!s->whole)
		return;
	h->cur = s->cur;
	if (s->unsure)
		h->cur = none;
	else if (s->scan.renamed) {
		if (!folder_same_time(s->cur, s->scan.before.st_mtim) ||
		    fstat(s->scan.f->cur, &st) == -1)
			h->cur = none;
		else
			h->cur = st.st_mtim;
		h->marks &= ~(uint32_t)FOLDER_SURE;
	}
}

static uint32_t
next_uid(const struct sync *s)
{
	uint32_t	 next = s->scan.st->next;

	if (s->names->n > 0 &&
	    folder_list_uid(s->names, s->names->n - 1) >= next)
		next = folder_list_uid(s->names, s->names->n - 1) + 1;
	return next;
}

static int
write_index(struct sync *s, struct index_txn *t, struct index_head *h,
    bool fresh, bool *changed)
{
	struct folder	*f = s->scan.f;
	struct folder_own own = { s->scan.before.st_mtim, true };
	uint64_t	 modseq = 0;

	/* Again: who claims \Recent does so without the lock. */
	if (!fresh && index_head(t, f->validity, h) != 1)
		return -1;
	*changed = s->nput > 0 || s->missing.n > 0;
	if (fresh || *changed)
		modseq = folder_next_modseq(s->scan.st, h);
	if (fresh) {
		h->validity = f->validity;
		h->recent = f->first ? 1 : s->scan.first;
		h->modseq = h->forgotten = modseq;
	}
	set_times(s, h);
	h->next = next_uid(s);
	if (!s->whole && s->scan.renamed)
		folder_end_own(f, &own, h);
	if (index_head_put(t, h) == -1 ||
	    put_all(s, t, modseq, fresh) == -1)
		return -1;
	if (s->missing.n > 0 &&
	    index_remove(t, f->validity, &s->missing, modseq) == -1)
		return -1;
	return 0;
}

/* --- one try, with an index that may fail -------------------------------- */

enum try { TRY_DONE, TRY_AGAIN, TRY_OTHERWISE, TRY_FAILED };

/* Only the first reading asks, as the second gives them new ones. */
static bool
may_have_risen(const struct sync *s, const struct index_head *h)
{
	return s->scan.st->writable && s->scan.risen == NULL &&
	    (h->marks & FOLDER_HAS_PROVISIONAL) == 0;
}

static enum try
try_compare(struct sync *s, struct index *ix, struct index_head *h,
    bool *fresh)
{
	struct index_txn	*t;
	int			 r;

	if ((t = index_begin(ix, false)) == NULL)
		return TRY_AGAIN;
	memset(h, 0, sizeof(*h));
	r = index_head(t, s->scan.f->validity, h);
	*fresh = r == 0;
	s->ask = r == 1 && may_have_risen(s, h) ? s->scan.first : 0;
	if (r != -1 && (compare(s, t, *fresh) == -1 ||
	    keep_risen(s, t, h) == -1))
		r = -1;
	index_abort(t);
	if (r == -1)
		return TRY_AGAIN;
	return (*fresh && !s->whole) || s->risen.n > 0 ? TRY_OTHERWISE :
	    TRY_DONE;
}

static enum try
try_write(struct sync *s, struct index *ix, struct index_head *h, bool fresh,
    bool *changed)
{
	struct index_txn	*t;

	if ((t = index_begin(ix, true)) == NULL)
		return TRY_AGAIN;
	if (write_index(s, t, h, fresh, changed) == -1) {
		index_abort(t);
		return TRY_AGAIN;
	}
	return index_commit(t) == -1 ? TRY_AGAIN : TRY_DONE;
}

static enum try
try_once(struct sync *s, bool *changed)
{
	struct index_head	 h;
	struct index		*ix;
	enum try		 r;
	bool			 fresh;

	if ((ix = account_index(s->scan.f->account)) == NULL)
		return TRY_FAILED;
	s->unsure = false;
	r = try_compare(s, ix, &h, &fresh);
	if (r == TRY_DONE && s->missing.n > 0 && confirm_missing(s) == -1)
		return TRY_FAILED;
	if (r == TRY_DONE)
		r = try_write(s, ix, &h, fresh, changed);
	if (r == TRY_AGAIN)
		folder_index_failed(s->scan.f, NULL);
	return r;
}

/* 1: all must be read again, the index being lost or letters having risen. */
static int
sync_names(struct sync *s)
{
	struct folder	*f = s->scan.f;
	enum try	 r = TRY_AGAIN;
	unsigned int	 i;
	bool		 changed = false;

	for (i = 0; i < FOLDER_TRIES && r == TRY_AGAIN; i++)
		r = try_once(s, &changed);
	if (r == TRY_OTHERWISE)
		return 1;
	if (r != TRY_DONE)
		return -1;
	f->first = false;
	f->read_only = !s->scan.st->writable;
	if (changed)
		wake_send(f->account->homefd, f->dir);
	return 0;
}

static int
read_and_sync(struct sync *s)
{
	struct stat	 cur, new;
	int		 r, saved;

	s->began = io_time_us();
	s->names = &s->scan.known;
	if (fstat(s->scan.f->cur, &cur) == -1 ||
	    fstat(s->scan.f->new, &new) == -1)
		return -1;
	s->cur = cur.st_mtim;
	s->new = new.st_mtim;
	if ((r = folder_scan_names(&s->scan, s->whole)) == 0)
		r = sync_names(s);
	saved = errno;
	folder_scan_free(&s->scan);
	number_set_free(&s->missing);
	free(s->put);
	errno = saved;
	return r;
}

int
folder_sync_locked(struct folder *f, struct uidstate *st, bool whole)
{
	struct number_set	 risen = { NULL, 0, 0 };
	struct sync		 s;
	unsigned int		 i;
	int			 r = 1, saved;

	if (folder_count_on(f, st) == -1)
		return -1;
	/* For a lost index, and then for letters that have risen. */
	for (i = 0; i < FOLDER_TRIES && r == 1; i++) {
		memset(&s, 0, sizeof(s));
		s.scan.f = f;
		s.scan.st = st;
		s.scan.risen = risen.n > 0 ? &risen : NULL;
		s.whole = i > 0 || whole || !st->writable;
		r = read_and_sync(&s);
		if (s.risen.n > 0) {
			number_set_free(&risen);
			risen = s.risen;
		} else
			number_set_free(&s.risen);
	}
	saved = r == 1 ? EAGAIN : errno;
	number_set_free(&risen);
	errno = saved;
	return r == 0 ? 0 : -1;
}
