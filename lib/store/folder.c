/*
 * An open mailbox: its directories, its lock, and transactions that are done
 * again when the index fails.  Contract in folder.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"
#include "lib/store/maildir.h"
#include "lib/store/uidlist.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define FACTS_MAX	(4 * 1024 * 1024)
/* A floor so far ahead is written every ten minutes at most. */
#define MODSEQ_STEP	(UINT64_C(600) * 1000000)

/*
 * Is the directory that we have open the one of that name?  Who deletes a
 * mailbox renames it first, under its lock: so with the lock held it stays so.
 */
static int
check_place(const struct folder *f)
{
	struct stat	 st;

	if (fstatat(f->account->maildirfd, f->dir, &st, 0) == -1) {
		if (errno == ENOTDIR)
			errno = ENOENT;
		return -1;
	}
	if (st.st_ino == f->ino && st.st_dev == f->dev)
		return 0;
	errno = ENOENT;
	return -1;
}

/*
 * cur/ and new/, made when they are missing: in the directory that is open.  By
 * its name a mailbox would come back that was deleted just now.
 */
static int
open_subs(struct folder *f)
{
	io_close(f->cur);
	io_close(f->new);
	f->cur = openat(f->dirfd, "cur", DIR_FLAGS);
	f->new = f->cur == -1 ? -1 : openat(f->dirfd, "new", DIR_FLAGS);
	if (f->new != -1)
		return 0;
	if (errno != ENOENT || check_place(f) == -1 ||
	    maildir_fill(f->dirfd) == -1)
		return -1;
	if (f->cur == -1)
		f->cur = openat(f->dirfd, "cur", DIR_FLAGS);
	f->new = openat(f->dirfd, "new", DIR_FLAGS);
	return f->cur == -1 || f->new == -1 ? -1 : 0;
}

/* Learn the UIDVALIDITY: without the lock when there is nothing to do. */
static int
learn_validity(struct folder *f)
{
	struct uidstate	 st;

	if (uidstate_peek(f->dirfd, &st) == -1 || st.found != UIDSTATE_OK ||
	    st.inode != f->ino) {
		if (folder_lock(f, &st) == -1)
			return -1;
		folder_unlock(f);
	}
	f->validity = st.validity;
	f->read_only = !st.writable;
	return 0;
}

struct folder *
folder_open(struct account *account, const char *dir)
{
	struct folder	*f = xcalloc(1, sizeof(*f));
	struct stat	 st;
	int		 saved;

	f->account = account;
	f->dir = xstrdup(dir);
	f->cur = f->new = -1;
	buf_init(&f->fact_data, FACTS_MAX);
	f->dirfd = openat(account->maildirfd, dir, DIR_FLAGS);
	if (f->dirfd == -1) {
		/* A file where a mailbox should be is none. */
		if (errno == ENOTDIR || errno == ENAMETOOLONG)
			errno = ENOENT;
	} else if (fstat(f->dirfd, &st) == 0) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		if (open_subs(f) == 0 && learn_validity(f) == 0)
			return f;
	}
	saved = errno;
	folder_close(f);
	errno = saved;
	return NULL;
}

void
folder_close(struct folder *f)
{
	if (f == NULL)
		return;
	if (f->nfact > 0)
		folder_facts_flush(f);
	free(f->fact);
	buf_free(&f->fact_data);
	io_close(f->dirfd);
	io_close(f->cur);
	io_close(f->new);
	free(f->dir);
	free(f);
}

const char *
folder_dir(const struct folder *f)
{
	return f->dir;
}

bool
folder_is_provisional(const struct folder *f)
{
	return f->provisional;
}

int
folder_check(struct folder *f)
{
	struct stat	 st;

	if (check_place(f) == -1)
		return -1;
	if (fstat(f->cur, &st) == 0 && st.st_nlink > 0 &&
	    fstat(f->new, &st) == 0 && st.st_nlink > 0)
		return 0;
	return open_subs(f);
}

/*
 * No UIDs so far, or none to be believed: uidlist.c begins, and takes over
 * what Dovecot left.
 */
static int
begin_uids(struct folder *f)
{
	struct uidlist	 list;

	if (uidlist_open_below(f->account->maildirfd, f->dirfd, &list) == -1)
		return -1;
	f->first = list.origin == UIDLIST_MADE;
	uidlist_free(&list);
	return 0;
}

/* Nothing can be written: at least the same each time, and one a mailbox. */
static void
make_do(const struct folder *f, struct uidstate *st)
{
	st->validity = strcmp(f->dir, ".") == 0 ? 1 :
	    2 + hash_str(f->dir) % (1u << 28);
	st->next = st->floor = 1;
	st->writable = false;
}

/* Is it a copy of another mailbox, whose UIDVALIDITY it must not have? */
static bool
is_copy(const struct folder *f, const struct uidstate *st)
{
	struct uidstate	 copy = *st;

	return st->found == UIDSTATE_OK && st->inode != f->ino &&
	    uidstate_is_copy(f->account->maildirfd, f->dirfd, &copy);
}

/* As uidstate_open(), in a mailbox that was not deleted while we waited. */
static int
open_state(struct folder *f, struct uidstate *st)
{
	if (uidstate_open(f->dirfd, st) == -1)
		return -1;
	if (check_place(f) == 0)
		return 0;
	uidstate_close(st);
	return -1;
}

int
folder_lock(struct folder *f, struct uidstate *st)
{
	bool	 copy;

	if (open_state(f, st) == -1)
		return -1;
	copy = is_copy(f, st);
	if (st->found != UIDSTATE_OK || copy ||
	    (st->inode != f->ino && st->writable)) {
		uidstate_close(st);
		if (begin_uids(f) == -1 || open_state(f, st) == -1)
			return -1;
	}
	if (st->found != UIDSTATE_OK || (copy && st->inode != f->ino))
		make_do(f, st);
	if (f->validity == 0 || st->validity == f->validity) {
		f->held = st;
		return 0;
	}
	uidstate_close(st);
	errno = ENOENT;
	return -1;
}

void
folder_unlock(struct folder *f)
{
	int	 saved = errno;

	uidstate_close(f->held);
	f->held = NULL;
	errno = saved;
}

uint64_t
folder_next_modseq(struct uidstate *st, const struct index_head *h)
{
	uint64_t	 m = (uint64_t)io_time_us(), last = h->modseq;

	/* A new index has forgotten what it gave; the file has not. */
	if (last == 0)
		last = st->modseq;
	if (h->forgotten > last)
		last = h->forgotten;
	if (m <= last)
		m = last + 1;
	if (m > st->modseq && m < INT64_MAX - MODSEQ_STEP) {
		st->modseq = m + MODSEQ_STEP;
		if (st->writable)
			uidstate_write(st);
	}
	return m;
}

void
folder_index_failed(struct folder *f, struct index_txn *t)
{
	int	 saved = errno;

	index_abort(t);
	account_index_failed(f->account, strerror(saved));
	errno = saved;
}

/* NULL: the mailbox is not known, *again; or failure. */
static struct index_txn *
read_known(struct folder *f, bool *unknown)
{
	struct index_head	 h;
	struct index_txn	*t;
	struct index		*ix;
	int			 r;

	*unknown = false;
	if ((ix = account_index(f->account)) == NULL)
		return NULL;
	if ((t = index_begin(ix, false)) == NULL) {
		folder_index_failed(f, NULL);
		return NULL;
	}
	if ((r = index_head(t, f->validity, &h)) == 1)
		return t;
	if (r == -1)
		folder_index_failed(f, t);
	else {
		index_abort(t);
		*unknown = true;
	}
	return NULL;
}

struct index_txn *
folder_read(struct folder *f)
{
	struct index_txn	*t;
	struct folder_state	 s;
	unsigned int		 i;
	bool			 unknown;

	for (i = 0; i < FOLDER_TRIES; i++) {
		if ((t = read_known(f, &unknown)) != NULL)
			return t;
		if (!unknown)
			continue;
		if (folder_sync(f, FOLDER_QUICK, &s) == -1)
			return NULL;
		errno = EAGAIN;
	}
	return NULL;
}

bool
folder_again(struct folder *f, struct index_txn *t, int r,
    unsigned int *tries)
{
	int	 saved = errno;

	if (r != -1) {
		index_abort(t);
		errno = saved;
		return false;
	}
	folder_index_failed(f, t);
	return ++*tries < FOLDER_TRIES;
}

void
folder_say(struct folder *f, const struct index_head *h,
    struct folder_state *out)
{
	unsigned int	 i;

	memset(out, 0, sizeof(*out));
	out->validity = f->validity;
	out->next = h->next;
	out->count = h->count;
	out->unseen = h->unseen;
	out->deleted = h->deleted;
	out->recent = h->recent;
	out->modseq = h->modseq > h->forgotten ? h->modseq : h->forgotten;
	if (out->modseq == 0)
		out->modseq = 1;
	/* One look at the file is enough. */
	account_keyword_name(f->account, 0);
	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		if (f->account->keyword[i] != NULL)
			out->keywords |= 1u << i;
	out->read_only = f->read_only;
}

int
folder_read_head(struct folder *f, struct index_head *h)
{
	struct index_txn	*t;
	unsigned int		 tries = 0;
	int			 r;

	do {
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_head(t, f->validity, h);
	} while (folder_again(f, t, r, &tries));
	return r == -1 ? -1 : 0;
}

int
folder_state(struct folder *f, struct folder_state *out)
{
	struct index_head	 h;

	if (folder_read_head(f, &h) == -1)
		return -1;
	folder_say(f, &h, out);
	return 0;
}

/* 1, 0 when the mailbox is not known, -1 when the index failed. */
static int
claim_recent(struct index *ix, uint32_t validity, uint32_t *recent,
    struct index_txn **out)
{
	struct index_head	 h;
	struct index_txn	*t;
	int			 r;

	if ((*out = t = index_begin(ix, true)) == NULL)
		return -1;
	if ((r = index_head(t, validity, &h)) != 1)
		return r;
	*recent = h.recent;
	h.recent = h.next;
	if (index_head_put(t, &h) == -1)
		return -1;
	*out = NULL;
	return index_commit(t) == -1 ? -1 : 1;
}

int
folder_claim_recent(struct folder *f, uint32_t *recent)
{
	struct folder_state	 s;
	struct index_txn	*t;
	struct index		*ix;
	unsigned int		 i;
	int			 r;

	if (folder_state(f, &s) == -1)
		return -1;
	*recent = s.recent;
	if (s.recent == s.next || f->read_only)
		return 0;
	for (i = 0; i < FOLDER_TRIES; i++) {
		if ((ix = account_index(f->account)) == NULL)
			return -1;
		r = claim_recent(ix, f->validity, recent, &t);
		if (r == -1) {
			folder_index_failed(f, t);
			continue;
		}
		index_abort(t);
		if (r == 1)
			return 0;
		if (folder_sync(f, FOLDER_QUICK, &s) == -1)
			return -1;
		errno = EAGAIN;
	}
	return -1;
}
