/*
 * When the directories must be read.  Contract in folder.h and folder_parts.h.
 *
 * A directory is read again when its mtime is not the recorded one, or when
 * that cannot be trusted: a change in the same tick of the clock as the reading
 * leaves no trace.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"

#define SURE_US		2000000	/* of the coarsest file system */
#define LARGE_DIR	65536	/* octets */

static int64_t
age_us(struct timespec t, int64_t now)
{
	return now - ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

uint32_t
folder_grade(struct timespec t, int64_t now)
{
	int64_t	 age = age_us(t, now);

	if (age >= SURE_US)
		return FOLDER_FAIR | FOLDER_SURE;
	/* Whole seconds: a file system that knows no parts of them. */
	return age >= FOLDER_TICK_US && t.tv_nsec != 0 ? FOLDER_FAIR : 0;
}

enum look { LOOK_NOTHING, LOOK_NEW, LOOK_WHOLE, LOOK_FAILED };

static int
is_message(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 1;
}

/* Write down that new/ was seen empty.  Failure costs time alone. */
static void
remember_new(struct folder *f)
{
	struct index_head	 h;
	struct index_txn	*t;
	struct index		*ix = account_index(f->account);

	if (ix == NULL || (t = index_begin(ix, true)) == NULL)
		return;
	if (index_head(t, f->validity, &h) != 1) {
		index_abort(t);
		return;
	}
	h.new = f->new_seen;
	if (index_head_put(t, &h) == 0)
		index_commit(t);
	else
		index_abort(t);
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
	if ((folder_grade(st.st_mtim, now) & FOLDER_SURE) == 0)
		return LOOK_NOTHING;
	f->new_seen = st.st_mtim;
	/* Once large, always slow to read: the next session need not. */
	if (st.st_size >= LARGE_DIR)
		remember_new(f);
	return LOOK_NOTHING;
}

static enum look
look(struct folder *f, const struct index_head *h, enum folder_depth depth)
{
	struct stat	 st;

	if (fstat(f->cur, &st) == -1)
		return LOOK_FAILED;
	if (!folder_same_time(st.st_mtim, h->cur) ||
	    (h->marks & FOLDER_FAIR) == 0)
		return LOOK_WHOLE;
	/* Before it is old enough another reading would be no surer. */
	if (depth == FOLDER_FULL && (h->marks & FOLDER_SURE) == 0 &&
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
			/* No failure of the index's, so not counted as one. */
			index_discard(ix, "removed");
			f->account->index = NULL;
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

int
folder_count_on(struct folder *f, struct uidstate *st)
{
	struct index_head	 h;
	bool			 known;

	if (folder_head(f, &h, &known) == -1)
		return -1;
	if (!known || h.next <= st->next || !st->writable ||
	    (h.marks & FOLDER_HAS_PROVISIONAL) != 0)
		return 0;
	st->next = h.next;
	/* On a full disk only those who give UIDs must fail, and will. */
	(void)uidstate_write(st);
	return 0;
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
	h->marks &= ~(uint32_t)FOLDER_SURE;
}

int
folder_sync_whole(struct folder *f)
{
	struct uidstate	 st;
	bool		 own = f->held == NULL;
	int		 r;

	if (own && folder_lock(f, &st) == -1)
		return -1;
	r = folder_sync_locked(f, f->held, true);
	if (own)
		folder_unlock(f);
	return r;
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
		    (h.marks & FOLDER_HAS_PROVISIONAL) != 0);
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
	bool			 known = true;
	unsigned int		 i;

	if (folder_check(f) == -1 ||
	    (what = what_to_do(f, depth, &h)) == LOOK_FAILED)
		return -1;
	/* An index that is lost again just now is made again. */
	for (i = 0; i <= FOLDER_TRIES && what != LOOK_NOTHING; i++) {
		if (i == FOLDER_TRIES)
			account_index_alone(f->account);
		if (sync_what(f, depth) == -1 ||
		    folder_head(f, &h, &known) == -1)
			return -1;
		if (known)
			break;
	}
	if (!known) {
		errno = EAGAIN;
		return -1;
	}
	folder_say(f, &h, out);
	/* UIDs for a session only must not turn into lower ones within it. */
	if (f->provisional && (h.marks & FOLDER_HAS_PROVISIONAL) == 0) {
		errno = ENOENT;
		return -1;
	}
	f->provisional = (h.marks & FOLDER_HAS_PROVISIONAL) != 0;
	return 0;
}
