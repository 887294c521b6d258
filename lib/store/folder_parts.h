/*
 * What folder*.c share.
 *
 * Who changes a mailbox: folder_lock(); folder_begin_own(); changes files;
 * writes the index in a transaction that ends with folder_end_own(); unlocks.
 * The lock comes before the transaction, never the other way.
 */
#ifndef STORE_FOLDER_PARTS_H
#define STORE_FOLDER_PARTS_H

#include <sys/stat.h>
#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/folder.h"
#include "lib/store/index.h"
#include "lib/store/maildir.h"
#include "lib/store/uidstate.h"

#define FOLDER_PROVISIONAL	UINT32_C(0x80000000)	/* as in uidlist.c */
#define FOLDER_TRIES		3	/* with an index that fails */
#define FOLDER_NAME_SIZE	(MAILDIR_NAME_MAX + 5)	/* "new/", NUL */

/* In index_head.marks: what is known of head.cur. */
enum folder_mark {
	FOLDER_FAIR = 1,	/* not of the scan's own tick; or it is that of
				 * a change of ours after a scan */
	FOLDER_SURE = 2,	/* 2 s older than the scan */
	FOLDER_HAS_PROVISIONAL = 4
};

struct folder_fact {
	uint32_t	 uid;
	unsigned int	 kind;
	size_t		 at, len;	/* in fact_data */
};

struct folder {
	struct account		*account;
	char			*dir;
	int			 dirfd, cur, new;
	dev_t			 dev;
	ino_t			 ino;
	uint32_t		 validity;	/* never changes once known */
	bool			 read_only;
	bool			 provisional;	/* the caller may know some */
	bool			 first;		/* just got its first UIDs */
	struct uidstate		*held;		/* our lock, or NULL */
	struct timespec		 new_seen;	/* new/ had nothing then */
	struct folder_fact	*fact;		/* not written yet */
	size_t			 nfact, fact_room;
	struct buf		 fact_data;
};

/* --- folder.c ------------------------------------------------------------ */

/*
 * A transaction in which the mailbox has a head; else it is synced first.  NULL
 * with errno.
 */
struct index_txn	*folder_read(struct folder *);
/* The head alone, in that way.  0, or -1 with errno. */
int	 folder_read_head(struct folder *, struct index_head *);
/*
 * End a transaction of a call whose result is r; true: the index failed, do
 * all of it again.  errno is kept.
 */
bool	 folder_again(struct folder *, struct index_txn *, int r,
	    unsigned int *tries);
/* The index failed: begin with a new one.  errno is kept. */
void	 folder_index_failed(struct folder *, struct index_txn *);
void	 folder_say(struct folder *, const struct index_head *,
	    struct folder_state *);

/*
 * Lock and read the mailbox's uidvalidity, made when it has none (with what
 * Dovecot left).  -1 with errno ENOENT when this is not the mailbox any
 * more that was opened; while the lock is held it is in its place.
 */
int	 folder_lock(struct folder *, struct uidstate *);
void	 folder_unlock(struct folder *);	/* errno kept */
/* Is the directory still in its place?  0, or -1 with errno ENOENT. */
int	 folder_check(struct folder *);

/* A modseq above all others; *st is written when it must be. */
uint64_t folder_next_modseq(struct uidstate *, const struct index_head *);

static inline bool
folder_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* --- folder_letters.c ---------------------------------------------------- */

/* The file's name, "new/" before it when it is there.  0, -1: ENOENT, ... */
int	 folder_name(struct folder *, uint32_t uid,
	    char out[FOLDER_NAME_SIZE]);

/* --- folder_list.c: the names in a directory ----------------------------- */

/*
 * Names with their UIDs, in memory that goes back to the system at once.  A key
 * is UID << 32 | where the name is; "new/" stands before a name from there.
 */
struct folder_list {
	uint64_t	*key;		/* ascending after folder_list_sort() */
	size_t		 n, room;
	char		*data;
	size_t		 used, mapped;
};

void	 folder_list_free(struct folder_list *);
/* 0, or -1 with errno ENOMEM, EOVERFLOW. */
int	 folder_list_add(struct folder_list *, uint32_t uid, const char *sub,
	    const char *name);
void	 folder_list_sort(struct folder_list *);

static inline uint32_t
folder_list_uid(const struct folder_list *l, size_t i)
{
	return (uint32_t)(l->key[i] >> 32);
}

static inline const char *
folder_list_name(const struct folder_list *l, size_t i)
{
	return l->data + (uint32_t)l->key[i];
}

/* Call fn with each message's name in fd's directory.  0, or -1 with errno. */
int	 folder_each_name(int fd, int (*fn)(const char *name, void *),
	    void *arg);

/* --- folder_sync.c ------------------------------------------------------- */

/*
 * With the lock held: bring the index up to date.  whole: read cur/, else new/
 * alone.  0, or -1 with errno.
 */
int	 folder_sync_locked(struct folder *, struct uidstate *, bool whole);
/* What a name tells, but for modseq. */
void	 folder_letter_of(const char *name, uint32_t uid, struct letter *);

/* --- folder_look.c ------------------------------------------------------- */

#define FOLDER_TICK_US	20000	/* two ticks of the slowest clock */

/* How far an mtime can be trusted that was read at the time now: marks. */
uint32_t folder_grade(struct timespec, int64_t now);
/*
 * The head, from an index that is still there; nothing is synced, so it need
 * not be known.  0, or -1 with errno.
 */
int	 folder_head(struct folder *, struct index_head *, bool *known);
/*
 * Before UIDs are given: a uidvalidity file from a backup does not know of
 * those that were given since, but the index does.  0, or -1 with errno.
 */
int	 folder_count_on(struct folder *, struct uidstate *);
/*
 * With the lock held, folder_sync_locked() as far as it is needed before a
 * change: so that what the index says
 * of cur/ is right but for the last moment.
 */
int	 folder_sync_for_change(struct folder *, struct uidstate *);
/*
 * Read the directories whatever their times say: for who knows that a name in
 * the index is wrong.  0, or -1 with errno.
 */
int	 folder_sync_whole(struct folder *);

/*
 * Around our own changes of cur/: was it as the index knows it just before?
 * Then it is known after them too, but for foreign changes in between, for
 * which a FOLDER_FULL looks later.
 */
struct folder_own {
	struct timespec	 before;
	bool		 known;
};
void	 folder_begin_own(struct folder *, struct folder_own *);
void	 folder_end_own(struct folder *, const struct folder_own *,
	    struct index_head *);

/* --- folder_batch.c: letters to be changed ------------------------------- */

#define FOLDER_BATCH	512

struct folder_batch {
	struct letter	 letter[FOLDER_BATCH];
	char		 name[FOLDER_BATCH][FOLDER_NAME_SIZE];
	size_t		 n;
	/* For the index: letters that changed, with names or without. */
	struct letter	 done[FOLDER_BATCH];
	char		 to[FOLDER_BATCH][FOLDER_NAME_SIZE];
	size_t		 ndone;
	struct number_set removed;
};

/*
 * Letters from *from on, of those in uids (NULL: all) that have one of the
 * flags (0: any), with their names. *from: where to go on, 0 at the end. 0 or
 * -1.
 */
int	 folder_batch_load(struct folder *, const struct number_set *uids,
	    uint32_t flags, uint32_t *from, struct folder_batch *);
/*
 * Write letters with their names, ascending UIDs, and UIDs that are gone, with
 * the lock held, under a new modseq. Never fails: an index that does is made
 * anew.
 */
void	 folder_write(struct folder *, const struct folder_own *,
	    struct letter *, const char *const *names, size_t n,
	    const struct number_set *removed);
/* The same for what is done and removed of a batch. */
void	 folder_batch_write(struct folder *, const struct folder_own *,
	    struct folder_batch *);
/* Highest modseq by the index.  0 or -1. */
int	 folder_modseq(struct folder *, uint64_t *modseq);

/* --- folder_make.c: new files -------------------------------------------- */

/*
 * A name nobody has, with sizes, flags and keywords of *l and the key of uid in
 * the folder.  0, or -1 with errno ENAMETOOLONG.
 */
int	 folder_make_name(const struct folder *, uint32_t validity,
	    uint32_t uid, const struct letter *, char out[300]);
/* A name in tmp/, "tmp/" before it. */
void	 folder_make_tmp(const struct folder *, char out[300]);
/*
 * Give a file of one folder (its name as in the index) a second name in
 * another's cur/, or that name alone; by copying where the file system cannot.
 * 0 or -1.
 */
int	 folder_make_link(const struct folder *from, const char *name,
	    const struct folder *to, const char *as);
int	 folder_make_move(const struct folder *from, const char *name,
	    const struct folder *to, const char *as);

#endif
