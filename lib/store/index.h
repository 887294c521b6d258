/*
 * A user's index: one LMDB environment in HOME/index, a cache of what the
 * Maildirs say, which may be removed at any moment.  index*.c own LMDB: nobody
 * else sees it.
 *
 * A mailbox is known by its UIDVALIDITY, unique for a user.  Of each it holds a
 * head; letters in pieces of up to INDEX_PIECE neighbours (their fixed part and
 * their names apart), so that a walk over 100,000 costs a millisecond;
 * UIDs that vanished, by modseq; and facts, octets that others made of a
 * message (its ENVELOPE ...).
 *
 * Written without fsync.  It is believed only by marks: `dirty' (boot, device,
 * inode; fsynced before the first write after it was removed, removed after a
 * sync at close) and `opening' (a session that died in its first
 * transaction); else it is deleted and made anew, which the log says.  An index
 * that fails costs time and nothing else: functions return -1, the caller calls
 * index_discard() and goes on with a new one, or without.  errno is then
 * EBADMSG for what makes no sense, EFBIG when it cannot grow, EAGAIN when the
 * lock was not to be had in 5 seconds, or the system's: ENOSPC, EIO ....
 *
 * Pages that LMDB itself dies of (it believes its own) kill the session once: a
 * handler of SIGBUS, SIGSEGV, SIGFPE and SIGABRT, in force while a transaction
 * is open, removes the index first.
 *
 * To be opened after fork, once a process: LMDB's locks do not hold within one.
 * One thread, one transaction at a time.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/number_set.h"
#include "lib/store/letter.h"

#define INDEX_PIECE	128		/* letters */

struct index;
struct index_txn;

/*
 * Open or make the directory "index" below homefd, which must stay open.  With
 * alone, or when that cannot be had (read-only, full disk), a private one in
 * memory, said by event=index-private.  NULL with errno; EBUSY when this
 * process has it open.
 */
struct index	*index_open(int homefd, bool alone);
void		 index_close(struct index *);	/* NULL is fine */
bool		 index_is_private(const struct index *);
/*
 * Nothing will be asked for a while: keep no memory for it.  The next
 * transaction opens it again, and fails with ESTALE when it has gone.
 */
void		 index_rest(struct index *);
/*
 * It is corrupt, or was removed while we had it open: close it and delete what
 * is there if it is still the same.  Logs event=index-discarded.
 */
void		 index_discard(struct index *, const char *why);
/*
 * Has it been removed or replaced since it was opened?  To be asked with the
 * mailbox's lock held, before writing.
 */
bool		 index_is_gone(const struct index *);

/*
 * NULL with errno; EBUSY when one is open.  A write transaction waits for other
 * processes' ones.  The first writes the mark.
 */
struct index_txn	*index_begin(struct index *, bool write);
/* 0, or -1 with errno; the transaction is over either way. */
int			 index_commit(struct index_txn *);
void			 index_abort(struct index_txn *);	/* NULL too */

struct index_head {
	uint32_t	 validity;
	uint32_t	 next;		/* UIDNEXT as known here */
	uint32_t	 recent;	/* UIDs that no session had: \Recent */
	uint32_t	 count;		/* letters; kept by index_*() below */
	uint32_t	 unseen;	/* without \Seen; likewise */
	uint32_t	 deleted;	/* with \Deleted; likewise */
	uint64_t	 modseq;	/* highest given; likewise */
	uint64_t	 forgotten;	/* vanished UIDs are known for modseqs
					 * above this one */
	uint64_t	 octets;	/* sum of known wire sizes; likewise */
	uint32_t	 unsized;	/* letters without one; likewise */
	uint32_t	 marks;		/* of cur below: enum folder_mark */
	struct timespec	 cur, new;	/* mtimes that the last scan saw */
	int64_t		 scanned;	/* us; when that scan began */
	uint64_t	 keyword_file;	/* folder.c's: what it mapped with */
};

/* 1, 0 when the mailbox is not known, -1 with errno. */
int	 index_head(struct index_txn *, uint32_t validity,
	    struct index_head *);
/*
 * Write it, but for what index_*() keep themselves; modseq and forgotten are
 * only raised.  0 or -1.
 */
int	 index_head_put(struct index_txn *, const struct index_head *);
/* Forget all of a mailbox. */
int	 index_forget(struct index_txn *, uint32_t validity);

/*
 * A run of letters, borrowed until the next call with this transaction.
 */
struct index_piece {
	size_t			 n;		/* at least 1 */
	const struct letter	*letter;	/* ascending UIDs */
	uint32_t		 first, last;	/* theirs */
	uint32_t		 unseen;	/* how many */
	uint64_t		 modseq;	/* their highest */
	bool			 dense;		/* no gaps */
};

/*
 * Call fn for the pieces that hold UIDs from first to last (they may begin
 * before and end after) with a modseq above since (0: all).  Stops when fn
 * returns other than 0 and returns that; else 0, or -1 with errno.  fn must not
 * write to the index, nor walk it.
 */
int	 index_walk(struct index_txn *, uint32_t validity, uint32_t first,
	    uint32_t last, uint64_t since,
	    int (*fn)(const struct index_piece *, void *), void *arg);
/* All UIDs, by the pieces' headers alone where they are dense. */
int	 index_uids(struct index_txn *, uint32_t validity,
	    struct number_set *out);
/* 1, 0 when it is not there, -1. */
int	 index_letter(struct index_txn *, uint32_t validity, uint32_t uid,
	    struct letter *);
/*
 * The file's name as it was last seen, below cur/ unless it starts with "new/".
 * Flags are part of it.  Borrowed.  1, 0, -1.
 */
int	 index_name(struct index_txn *, uint32_t validity, uint32_t uid,
	    const char **name);
/*
 * Names of the letters in a range of UIDs, ascending: as index_walk().
 */
int	 index_names(struct index_txn *, uint32_t validity, uint32_t first,
	    uint32_t last, int (*fn)(uint32_t uid, const char *name, void *),
	    void *arg);

/*
 * Add or replace letters, ascending UIDs; names (or names[i]) NULL leaves the
 * name as it is.  Head counts follow.  The mailbox must have a head: else -1
 * with errno ENOENT.
 */
int	 index_put(struct index_txn *, uint32_t validity,
	    const struct letter *, const char *const *names, size_t n);
/* Remove letters and their facts, and note that they vanished at modseq. */
int	 index_remove(struct index_txn *, uint32_t validity,
	    const struct number_set *uids, uint64_t modseq);
/*
 * UIDs that vanished at modseqs above since.  1; 0 when since is below
 * head.forgotten, so some may be missing; -1.  The history of a mailbox is
 * bounded: the oldest entries go, and forgotten says so.
 */
int	 index_vanished(struct index_txn *, uint32_t validity, uint64_t since,
	    struct number_set *out);

/* Facts: kinds are the callers', 1 to 31. */
int	 index_fact(struct index_txn *, uint32_t validity, uint32_t uid,
	    unsigned int kind, struct slice *out);	/* 1, 0, -1 */
int	 index_fact_put(struct index_txn *, uint32_t validity, uint32_t uid,
	    unsigned int kind, struct slice);
/*
 * Facts of a kind of the UIDs in the set, ascending, as index_walk(); UIDs
 * without one are passed over.
 */
int	 index_facts(struct index_txn *, uint32_t validity,
	    unsigned int kind, const struct number_set *uids,
	    int (*fn)(uint32_t uid, struct slice, void *), void *arg);

#endif
