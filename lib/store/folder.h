/*
 * A mailbox open for IMAP: a Maildir, its UIDs, and what the index knows of it.
 *
 * The files are the truth; the index is brought up to date by folder_sync().
 * Every call that reads or changes works when the index cannot be had (then a
 * private one, see index.h) and when files vanish at any time.  No call
 * keeps a transaction or the lock when it returns.
 *
 * Errors: -1 with errno; ENOENT the mailbox is gone; EDQUOT over quota; ENOSPC;
 * EROFS, EACCES read-only; EAGAIN the lock was not to be had.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mail/number_set.h"
#include "lib/store/account.h"
#include "lib/store/letter.h"

struct folder;

struct folder_state {
	uint32_t	 validity;	/* UIDVALIDITY, and MAILBOXID */
	uint32_t	 next;		/* UIDNEXT */
	uint32_t	 count;		/* EXISTS */
	uint32_t	 unseen;	/* letters without \Seen */
	uint32_t	 deleted;	/* with \Deleted */
	uint32_t	 recent;	/* first UID that is \Recent, see
					 * folder_claim_recent() */
	uint64_t	 modseq;	/* HIGHESTMODSEQ, at least 1 */
	uint32_t	 keywords;	/* bits in use somewhere here, or all
					 * that have names */
	bool		 read_only;	/* nothing can be written there */
};

/*
 * dir: "." is INBOX, the Maildir itself; else ".Sent", ".Sent.2024", a
 * directory in it (mailbox_name.h).  NULL with errno ENOENT, ...
 */
struct folder	*folder_open(struct account *, const char *dir);
void		 folder_close(struct folder *);	/* NULL is fine */
const char	*folder_dir(const struct folder *);
/*
 * True when the last folder_sync() found UIDs that are for a session only, as the
 * mailbox cannot be written: once it can, folder_sync() fails, in this folder.
 */
bool		 folder_is_provisional(const struct folder *);

enum folder_depth {
	FOLDER_QUICK,	/* two stats; scans only what changed */
	FOLDER_FULL	/* scan all: foreign changes that hide in a second */
};

/*
 * Bring the index up to date: new letters get UIDs, renamed ones their flags,
 * those missing from two scans vanish (DESIGN: a quiet second scan).  *out
 * as it is now.  0 or -1.
 */
int	 folder_sync(struct folder *, enum folder_depth,
	    struct folder_state *out);
/* What the index says, without looking at the directories.  0 or -1. */
int	 folder_state(struct folder *, struct folder_state *out);
/* SELECT: letters from *recent on are \Recent to this session alone. */
int	 folder_claim_recent(struct folder *, uint32_t *recent);
/*
 * Sum of RFC822.SIZE of all, or of those with \Deleted (STATUS SIZE,
 * DELETED-STORAGE): counts the sizes that are not known yet.  0 or -1.
 */
int	 folder_octets(struct folder *, bool deleted, uint64_t *octets);

/* The UIDs in the mailbox. */
int	 folder_uids(struct folder *, struct number_set *out);
/*
 * Letters from UID first on, at most max of them, those with modseq above
 * since; ascending. The number read, 0 at the end, or -1. 100,000 in pieces of
 * a few hundred cost 2 ms.
 */
ssize_t	 folder_letters(struct folder *, uint32_t first, uint64_t since,
	    struct letter *out, size_t max);
/* The smallest UID without \Seen, 0 when there is none; -1.  By pieces. */
int	 folder_first_unseen(struct folder *, uint32_t *uid);
/* Of these UIDs only; *from is where to go on, 1 at first, 0 at the end. */
ssize_t	 folder_letters_of(struct folder *, const struct number_set *uids,
	    uint32_t *from, struct letter *out, size_t max);
/*
 * Fill in wire and received where they are not known, by stat or by reading the
 * file, and keep them.  A letter that is gone gets uid 0.
 */
int	 folder_complete(struct folder *, struct letter *, size_t n,
	    bool wire, bool received);
/* As index_vanished(): 1 all, 0 history is too short, -1. */
int	 folder_vanished(struct folder *, uint64_t since,
	    struct number_set *out);
/*
 * Open the letter's file for reading; found again when it was renamed. -1 with
 * errno ENOENT: it is gone.
 */
int	 folder_file(struct folder *, uint32_t uid);

/* --- facts: what was made of the octets of a letter (facts.h) ------------ */

/* 1 with a copy appended to out; 0; -1. */
int	 folder_fact(struct folder *, uint32_t uid, unsigned int kind,
	    struct buf *out);
/* As index_facts(): fn is called within a transaction and must not wait. */
int	 folder_facts(struct folder *, unsigned int kind,
	    const struct number_set *uids,
	    int (*fn)(uint32_t uid, struct slice, void *), void *arg);
/*
 * Remember; kept in memory and written in one transaction by
 * folder_facts_flush(), or when there is a megabyte.  Failure costs only time.
 */
void	 folder_fact_put(struct folder *, uint32_t uid, unsigned int kind,
	    struct slice);
void	 folder_facts_flush(struct folder *);

/* --- changes ------------------------------------------------------------- */

enum folder_op { FOLDER_SET, FOLDER_ADD, FOLDER_REMOVE };

struct folder_change {
	enum folder_op	 op;
	uint32_t	 flags;		/* enum letter_flag */
	uint32_t	 keywords;	/* bits */
	uint64_t	 unchanged_since;	/* UINT64_MAX: no condition */
};

struct folder_result {
	uint64_t	 before;	/* highest modseq, under the lock */
	uint64_t	 after;		/* and now; the same: nothing changed */
	struct number_set changed;	/* UIDs whose flags are new */
	struct number_set failed;	/* modseq above unchanged_since */
	struct number_set gone;		/* not there any more */
};
void	 folder_result_free(struct folder_result *);

/*
 * STORE: under one lock and in one transaction; renames each file. 0, or -1
 * with errno when nothing more could be done (what was done is in *r).
 */
int	 folder_store(struct folder *, const struct number_set *uids,
	    const struct folder_change *, struct folder_result *r);
/*
 * Remove letters that have \Deleted (uids NULL: all of them; else only these,
 * and with even_undeleted whether they have it or not). r->gone: their UIDs.
 * Quota and wake-ups are seen to.
 */
int	 folder_expunge(struct folder *, const struct number_set *uids,
	    bool even_undeleted, struct folder_result *r);

struct folder_copied {		/* pairs in order: from[i] became to[i] */
	uint32_t	 validity;	/* of the target */
	uint32_t	*from, *to;
	size_t		 n;
	struct folder_result	 source;	/* move: what left */
};
void	 folder_copied_free(struct folder_copied *);
/*
 * COPY by hard link, MOVE by rename; all or nothing for COPY: on failure what
 * was made is removed again. Flags and keywords go along, mtime and sizes too;
 * the target's names are durable when it returns. The same folder twice is
 * fine for COPY. A MOVE that fails half-way reports what was moved, with -1.
 * At most one lock is held at a time, or both in the order of UIDVALIDITY.
 */
int	 folder_copy(struct folder *from, const struct number_set *uids,
	    struct folder *to, bool move, struct folder_copied *);

/* APPEND: one or several messages that come as they are sent, with CRLF. */
struct folder_append;

struct folder_append	*folder_append_new(struct folder *);
/*
 * Begin a message: flags, keywords, date (seconds, LETTER_UNDATED: now). Then
 * its octets in pieces (CRLF becomes LF as in lf_reader.h; NUL is data), then
 * end or, to throw this one away and all before it, folder_append_abort(). 0
 * or -1.
 */
int	 folder_append_begin(struct folder_append *, uint32_t flags,
	    uint32_t keywords, int64_t date);
int	 folder_append_data(struct folder_append *, const void *, size_t);
int	 folder_append_end(struct folder_append *);
/*
 * All of them become visible, durable, with successive UIDs from *first on;
 * one fsync a file and one of the directory (durable.h). 0 with *validity,
 * *first; or -1 with errno and nothing left. Frees it either way. EDQUOT when
 * they do not fit the quota.
 */
int	 folder_append_commit(struct folder_append *, uint32_t *validity,
	    uint32_t *first);
void	 folder_append_abort(struct folder_append *);

#endif
