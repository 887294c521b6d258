/*
 * Between the files index*.c alone.
 *
 * One unnamed database.  Keys begin with the UIDVALIDITY and a kind, numbers in
 * keys are big-endian so that they sort; numbers in values are the machine's
 * own: an index never leaves the file it was made in.
 *
 *	0 0			struct index_root
 *	validity HEAD		struct index_record
 *	validity LETTERS uid	struct index_run, then its letters; the UID is
 *				the first one's
 *	validity NAMES uid	the same letters' names: their number, where
 *				each begins, and the names with their NULs
 *	validity VANISHED modseq	pairs of first and last UID
 *	validity FACTS kind uid	octets
 *
 * The directory's other files:
 *
 *	lock.mdb	LMDB's
 *	dirty		see index_marks.c
 *	opening		locks on its octets, see below; the octets from
 *			INDEX_SLOT on are 1 for a session in its first walk
 */
#ifndef STORE_INDEX_PARTS_H
#define STORE_INDEX_PARTS_H

#include <sys/types.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/index.h"

#define INDEX_VERSION	1

enum index_kind { INDEX_HEAD, INDEX_LETTERS, INDEX_NAMES, INDEX_VANISHED,
	INDEX_FACTS };

#define INDEX_KEY_MAX	13

enum {				/* octets of `opening' that are locked */
	INDEX_GATE = 0,		/* to open or remove the files */
	INDEX_WRITER = 1,	/* shared: may write at any time */
	INDEX_MARK = 2,		/* to look at and make `dirty' */
	INDEX_WRITE = 3,	/* to write, before LMDB's own, which would
				 * wait for ever for a stopped process */
	INDEX_SLOT = 8
};
#define INDEX_SLOTS	56
#define INDEX_WAIT_MS	5000

struct index_root {
	uint32_t	 version;
	uint32_t	 letter;	/* sizes of what is stored */
	uint32_t	 record;
	uint32_t	 piece;
	uint64_t	 inode;		/* a copy is another file: no good */
};

struct index_record {
	struct index_head	 head;
	uint32_t		 entries;	/* under VANISHED */
	uint32_t		 octets;	/* theirs */
};

struct index_run {
	uint32_t	 n;
	uint32_t	 unseen;
	uint32_t	 first, last;
	uint64_t	 modseq;
	uint64_t	 spare;
};

struct index_txn {
	struct index		*index;
	MDB_txn			*txn;		/* NULL: none is open */
	MDB_cursor		*cursor;	/* NULL, or of LETTERS */
	bool			 write;
	struct index_record	 record;	/* of the validity in it, or */
	bool			 loaded;	/* of none */
	bool			 changed;
	size_t			 octets;	/* put */
};

struct index {
	int			 homefd;	/* borrowed */
	int			 dirfd;
	int			 lockfd;	/* of `opening' */
	MDB_env			*env;
	MDB_txn			*reader;	/* reset, to be renewed */
	dev_t			 dev;		/* of data.mdb */
	ino_t			 ino;
	bool			 alone;		/* private: no other process */
	bool			 rooted;	/* has its root */
	bool			 marked;	/* dirty by us */
	bool			 resting;	/* env is closed till needed */
	int			 slot;		/* in `opening', or -1 */
	struct index_txn	 txn;
	struct letter		 scratch[INDEX_PIECE];	/* aligned copies */
};

/* --- index.c ------------------------------------------------------------ */

/* Sets errno for a code of LMDB's that is no success; -1. */
int	 index_fail(int code);
/* errno EBADMSG; -1. */
int	 index_corrupt(void);
/* Give back what a large transaction took.  0, or -1 and it is unusable. */
int	 index_reopen(struct index *);
/* Have it open again after index_rest().  0, or -1 with errno. */
int	 index_wake(struct index *);

/* --- index_marks.c ------------------------------------------------------ */

/* With the gate held: why what lies there is not to be believed, or NULL. */
const char	*index_marks_check(struct index *);
/* With the gate held: we begin to look at it. */
void	 index_marks_opening(struct index *);
void	 index_marks_opened(struct index *);
/* Before the first write. */
int	 index_marks_dirty(struct index *);
/* At close: all may be synced when nobody else writes. */
void	 index_marks_clean(struct index *);
/* With the gate held: remove data.mdb and all that belongs to it. */
void	 index_marks_remove(struct index *);
/*
 * A signal that means a crash removes the index that is busy, so that the next
 * session does not die of the same page.
 */
void	 index_marks_watch(void);
void	 index_marks_busy(struct index *);	/* NULL: none */

/* --- index_txn.c -------------------------------------------------------- */

/* As index_abort(), and it does not count as the first transaction. */
void	 index_end(struct index_txn *);

/* --- index_value.c ------------------------------------------------------ */

/* Returns the key's length. */
size_t	 index_key(unsigned char key[INDEX_KEY_MAX], uint32_t validity,
	    enum index_kind);
size_t	 index_key_u32(unsigned char *key, size_t len, uint32_t);
size_t	 index_key_u64(unsigned char *key, size_t len, uint64_t);
uint32_t index_read_u32(const void *);
uint64_t index_read_u64(const void *);

/* 1, 0, -1. */
int	 index_get(struct index_txn *, const unsigned char *key, size_t len,
	    MDB_val *);
int	 index_put_value(struct index_txn *, const unsigned char *key,
	    size_t len, const void *, size_t);
/* The same with room to be filled, which is in *out. */
int	 index_put_room(struct index_txn *, const unsigned char *key,
	    size_t len, size_t size, void **out);
int	 index_del(struct index_txn *, const unsigned char *key, size_t len);
/*
 * Move a cursor to the first key at or above; 1 when it is there and its first
 * prefix octets are the same, 0, -1.
 */
int	 index_seek(MDB_cursor *, const unsigned char *key, size_t len,
	    size_t prefix, MDB_val *found, MDB_val *value);
/* Likewise to the neighbour, op MDB_NEXT or MDB_PREV. */
int	 index_step(MDB_cursor *, MDB_cursor_op op, const unsigned char *key,
	    size_t prefix, MDB_val *found, MDB_val *value);

/* --- index_head.c ------------------------------------------------------- */

/* The record of a mailbox; when it is not known NULL, ENOENT.  Borrowed. */
struct index_record	*index_record(struct index_txn *, uint32_t validity);
void	 index_record_changed(struct index_txn *);
/* Write it when it changed.  0 or -1. */
int	 index_record_flush(struct index_txn *);

/* --- index_piece.c ------------------------------------------------------- */

/*
 * The piece with the largest first UID that is <= uid, or the one
 * after it.  Borrowed.  1, 0, -1.
 */
int	 index_piece_at(struct index_txn *, uint32_t validity, uint32_t uid,
	    struct index_piece *);
int	 index_piece_from(struct index_txn *, uint32_t validity, uint32_t uid,
	    struct index_piece *);
/* The names of a piece. */
struct index_names {
	size_t		 n;
	const char	*at;		/* uint16_t each: its place in text */
	const char	*text;
	size_t		 len;
};
int	 index_piece_names(struct index_txn *, uint32_t validity,
	    const struct index_piece *, struct index_names *);
const char	*index_names_at(const struct index_names *, size_t i);

/* --- index_facts.c, index_vanished.c ------------------------------------- */

int	 index_facts_remove(struct index_txn *, uint32_t validity,
	    const struct number_set *uids);
int	 index_vanished_put(struct index_txn *, uint32_t validity,
	    const struct number_set *uids, uint64_t modseq);

#endif
