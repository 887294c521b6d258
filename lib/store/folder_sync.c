/*
 * Bringing the index up to date with the files.  Contract in folder.h and
 * folder_parts.h.
 *
 * A directory is read again when its mtime is not the recorded one, or when
 * that cannot be trusted: a change in the same tick of the clock as the reading
 * leaves no trace.
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

#define FAIR_US		20000	/* two ticks of the slowest clock */
#define SURE_US		2000000	/* of the coarsest file system */

struct sync {
	struct folder_scan	 scan;
	bool			 whole;
	int64_t			 began;
	struct timespec		 cur, new;	/* before the reading */
	struct folder_list	*names;		/* what scan has */
	size_t			 at;		/* merging: next of them */
	uint64_t		*put;		/* keys of names to be written */
	size_t			 nput;
	struct number_set	 missing;
	bool			 unsure;	/* some are missing, perhaps */
};

static int64_t
age_us(struct timespec t, int64_t now)
{
	return now - ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

/* How far an mtime can be trusted that was read at the time now. */
static uint32_t
grade(struct timespec t, int64_t now)
{
	int64_t	 age = age_us(t, now);

	if (age >= SURE_US)
		return FOLDER_FAIR | FOLDER_SURE;
	/* Whole seconds: a file system that knows no parts of them. */
	return age >= FAIR_US && t.tv_nsec != 0 ? FOLDER_FAIR : 0;
}

/* --- merging the names with the index ---------------------------------------- */

static void
want_put(struct sync *s)
{
	s->put[s->nput++] = s->names->key[s->at];
}

static int
merge(uint32_t uid, const char *name, void *arg)
{
	struct sync		*s = arg;
	struct folder_list	*l = s->names;

	while (s->at < l->n && folder_list_uid(l, s->at) < uid) {
		want_put(s);
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
	free(s->put);
	s->put = xcalloc(s->names->n + 1, sizeof(*s->put));
	if (s->whole && !fresh && index_names(t, s->scan.f->validity, 1,
	    UINT32_MAX, merge, s) == -1)
		return -1;
	for (; s->at < s->names->n; s->at++)
		want_put(s);
	return 0;
}

/* --- the second reading -------------------------------------------------------- */

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
	struct timespec	 tick = { 0, FAIR_US * 1000 };
	struct stat	 a, b;

	if (fstat(s->scan.f->cur, &a) == -1)
		return -1;
	if (grade(a.st_mtim, io_time_us()) == 0) {
		nanosleep(&tick, NULL);
		if (fstat(s->scan.f->cur, &a) == -1)
			return -1;
	}
	s->unsure = grade(a.st_mtim, io_time_us()) == 0;
	if (!s->unsure && (folder_each_name(s->scan.f->cur, look_for_missing,
	    s) == -1 || fstat(s->scan.f->cur, &b) == -1))
		return -1;
	if (!s->unsure && !folder_same_time(a.st_mtim, b.st_mtim))
		s->unsure = true;
	if (s->unsure)
		number_set_clear(&s->missing);
	return 0;
}

/* --- writing ------------------------------------------------------------------- */

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
	h->new = (grade(s->new, s->began) & FOLDER_SURE) != 0 ? s->new : none;
	if (s->whole)
		h->spare = grade(s->cur, s->began);
	if (s->scan.unkept.n > 0)
		h->spare |= FOLDER_HAS_PROVISIONAL;
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
		h->spare &= ~(uint32_t)FOLDER_SURE;
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

/* --- one try, with an index that may fail --------------------------------------- */

enum try { TRY_DONE, TRY_AGAIN, TRY_WHOLE, TRY_FAILED };

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
	if (r != -1 && compare(s, t, *fresh) == -1)
		r = -1;
	index_abort(t);
	if (r == -1)
		return TRY_AGAIN;
	return *fresh && !s->whole ? TRY_WHOLE : TRY_DONE;
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

/* 1: the whole must be read, the index having been lost. */
static int
sync_names(struct sync *s)
{
	struct folder	*f = s->scan.f;
	enum try	 r = TRY_AGAIN;
	unsigned int	 i;
	bool		 changed = false;

	for (i = 0; i < FOLDER_TRIES && r == TRY_AGAIN; i++)
		r = try_once(s, &changed);
	if (r == TRY_WHOLE)
		return 1;
	if (r != TRY_DONE)
		return -1;
	f->first = false;
	f->read_only = !s->scan.st->writable;
	if (changed)
		wake_send(f->account->homefd, f->dir);
	return 0;
}

int
folder_sync_locked(struct folder *f, struct uidstate *st, bool whole)
{
	struct sync	 s = { .scan = { .f = f, .st = st }, .whole = whole };
	struct stat	 cur, new;
	int		 r, saved;

	s.whole = whole || !st->writable;
	s.began = io_time_us();
	s.names = &s.scan.known;
	if (fstat(f->cur, &cur) == -1 || fstat(f->new, &new) == -1)
		return -1;
	s.cur = cur.st_mtim;
	s.new = new.st_mtim;
	if ((r = folder_scan_names(&s.scan, s.whole)) == 0)
		r = sync_names(&s);
	saved = errno;
	folder_scan_free(&s.scan);
	number_set_free(&s.missing);
	free(s.put);
	errno = saved;
	return r == 1 ? folder_sync_locked(f, st, true) : r;
}

/* --- when -------------------------------------------------------------------------- */

enum look { LOOK_NOTHING, LOOK_NEW, LOOK_WHOLE, LOOK_FAILED };

static int
is_message(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 1;
}

/* new/ has another time than it had: is there something? */
static enum look
look_new(struct folder *f, const struct index_head *h)
{
	int64_t		 now = io_time_us();
	struct stat	 st;
	int		 r;

	if (fstat(f->new, &st) == -1)
		return LOOK_FAILED;
	if (folder_same_time(st.st_mtim, f->new_seen) ||
	    folder_same_time(st.st_mtim, h->new))
		return LOOK_NOTHING;
	if ((r = folder_each_name(f->new, is_message, NULL)) == -1)
		return LOOK_FAILED;
	if (r == 1)
		return LOOK_NEW;
	if ((grade(st.st_mtim, now) & FOLDER_SURE) != 0)
		f->new_seen = st.st_mtim;
	return LOOK_NOTHING;
}

static enum look
look(struct folder *f, const struct index_head *h, enum folder_depth depth)
{
	struct stat	 st;

	if (fstat(f->cur, &st) == -1)
		return LOOK_FAILED;
	if (!folder_same_time(st.st_mtim, h->cur) ||
	    (h->spare & FOLDER_FAIR) == 0)
		return LOOK_WHOLE;
	/* Before it is old enough another reading would be no surer. */
	if (depth == FOLDER_FULL && (h->spare & FOLDER_SURE) == 0 &&
	    age_us(st.st_mtim, io_time_us()) >= SURE_US)
		return LOOK_WHOLE;
	return look_new(f, h);
}

int
folder_head(struct folder *f, struct index_head *h, bool *known)
{
	struct index_txn	*t;
	struct index		*ix;
	unsigned int		 tries = 0;
	int			 r;

	do {
		if ((ix = account_index(f->account)) != NULL &&
		    index_is_gone(ix)) {
			account_index_failed(f->account, "removed");
			ix = account_index(f->account);
		}
		if (ix == NULL)
			return -1;
		r = -1;
		if ((t = index_begin(ix, false)) != NULL)
			r = index_head(t, f->validity, h);
	} while (folder_again(f, t, r, &tries));
	*known = r == 1;
	return r == -1 ? -1 : 0;
}

/* The same question with and without the lock. */
static enum look
what_to_do(struct folder *f, enum folder_depth depth, struct index_head *h)
{
	bool	 known;

	if (folder_head(f, h, &known) == -1)
		return LOOK_FAILED;
	return known ? look(f, h, depth) : LOOK_WHOLE;
}

int
folder_sync_for_change(struct folder *f, struct uidstate *st)
{
	struct index_head	 h;
	struct stat		 sb;
	bool			 known;

	if (folder_head(f, &h, &known) == -1 || fstat(f->cur, &sb) == -1)
		return -1;
	if (known && folder_same_time(sb.st_mtim, h.cur))
		return 0;
	return folder_sync_locked(f, st, true);
}

void
folder_begin_own(struct folder *f, struct folder_own *own)
{
	struct stat	 st;

	own->known = fstat(f->cur, &st) == 0;
	if (own->known)
		own->before = st.st_mtim;
}

void
folder_end_own(struct folder *f, const struct folder_own *own,
    struct index_head *h)
{
	struct stat	 st;

	if (!own->known || !folder_same_time(own->before, h->cur) ||
	    fstat(f->cur, &st) == -1)
		return;
	h->cur = st.st_mtim;
	h->spare &= ~(uint32_t)FOLDER_SURE;
}

static int
sync_what(struct folder *f, enum folder_depth depth)
{
	struct index_head	 h;
	struct uidstate		 st;
	enum look		 what;
	bool			 own = f->held == NULL;
	int			 r = 0;

	if (own && folder_lock(f, &st) == -1)
		return -1;
	/* Another session may have done it while we waited. */
	what = what_to_do(f, depth, &h);
	if (what == LOOK_FAILED)
		r = -1;
	else if (what != LOOK_NOTHING)
		r = folder_sync_locked(f, f->held, what == LOOK_WHOLE ||
		    (h.spare & FOLDER_HAS_PROVISIONAL) != 0);
	if (own)
		folder_unlock(f);
	return r;
}

int
folder_sync(struct folder *f, enum folder_depth depth,
    struct folder_state *out)
{
	struct index_head	 h;
	enum look		 what;
	bool			 known;

	if (folder_check(f) == -1 ||
	    (what = what_to_do(f, depth, &h)) == LOOK_FAILED)
		return -1;
	if (what != LOOK_NOTHING) {
		if (sync_what(f, depth) == -1 ||
		    folder_head(f, &h, &known) == -1)
			return -1;
		if (!known) {		/* lost again, just now */
			errno = EAGAIN;
			return -1;
		}
	}
	folder_say(f, &h, out);
	/* UIDs for a session only must not turn into lower ones within it. */
	if (f->provisional && (h.spare & FOLDER_HAS_PROVISIONAL) == 0) {
		errno = ENOENT;
		return -1;
	}
	f->provisional = (h.spare & FOLDER_HAS_PROVISIONAL) != 0;
	return 0;
}
