/*
 * The uidvalidity file of a mailbox: lock, read, rewrite, give UIDs.  Format
 * in uidlist.h.  And the account's: which UIDVALIDITY comes next.
 */
#ifndef STORE_UIDSTATE_H
#define STORE_UIDSTATE_H

#include <stdbool.h>
#include <stdint.h>

enum uidstate_found {
	UIDSTATE_OK,
	UIDSTATE_EMPTY,		/* just made, or there is none */
	UIDSTATE_BROKEN		/* cannot be read as one */
};

struct uidstate {
	int			 fd;	/* locked, or -1: no file at all */
	bool			 writable;
	enum uidstate_found	 found;
	uint32_t		 validity;
	uint32_t		 next;	/* the next UID to give: UIDNEXT */
	uint32_t		 floor;	/* no UID from here on was */
	uint64_t		 modseq;	/* no one above it was given */
	uint64_t		 inode;	/* of the directory; 0 when not known */
};

/*
 * Open or make DIR/uidvalidity, wait for the lock, read it.  A directory that
 * cannot be written to is no error.  0, or -1 with errno (uidlist_open()).
 */
int	 uidstate_open(int dirfd, struct uidstate *);
/*
 * What the file says, without the lock: validity and inode never change, the
 * rest may be half of two states. 0, or -1 with errno ENOENT, ...
 */
int	 uidstate_peek(int dirfd, struct uidstate *);
/*
 * Rewrite in place. Not durable, but when next has passed the floor, which
 * then is raised: UIDs below next may be told when it returns 0. Else -1 with
 * errno.
 */
int	 uidstate_write(struct uidstate *);
void	 uidstate_close(struct uidstate *);

/*
 * A UIDVALIDITY above every one that a mailbox of the account had, and above
 * `above': the time, as a rule.  rootfd: HOME/Maildir, whose file "validity"
 * remembers the last one.  0, or -1 with errno; durable.
 */
int	 uidstate_new_validity(int rootfd, uint32_t above, uint32_t *out);
/* One that was taken over from elsewhere counts as had. */
int	 uidstate_had_validity(int rootfd, uint32_t validity);
/*
 * Has another mailbox of the account this UIDVALIDITY (a directory that was
 * copied)?  dirfd: the one that asks.
 */
bool	 uidstate_is_taken(int rootfd, int dirfd, uint32_t validity);
/*
 * Was the directory copied together with its file, so that the one it was
 * copied from has the validity too? Only asked when the inode is not the
 * recorded one, which then is set.
 */
bool	 uidstate_is_copy(int rootfd, int dirfd, struct uidstate *);
/*
 * The file of a mailbox that is being made, with a new UIDVALIDITY; durable.
 * 0, or -1 with errno, EEXIST when it has one.
 */
int	 uidstate_create(int rootfd, int dirfd);

#endif
