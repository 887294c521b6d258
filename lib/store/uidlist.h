/*
 * UIDs of a Maildir without an index: the uidvalidity file, which is also
 * the lock, and the ",I=" key in the names (merpati-maildir(5)).
 *
 * uidvalidity is text, locked on the file itself, which never moves, and
 * rewritten in place by one pwrite of a fixed length:
 *
 *	merpati-uid 1
 *	validity 1763740000
 *	next 0000001017		no UID from here on was ever given
 *	modseq 00001763740000123456	no modseq above it was
 *	inode 00000000000001234567	of the directory
 *	used 0000000018 BOOT	no UID from here on was, in this boot
 *
 * next is raised by a thousand at a time and then fsynced; used is not,
 * and counts only while the kernel that wrote it runs (uidstate.h).  Files
 * without the last two lines are of the first versions.
 *
 * A UID in a name counts when its validity is the file's, it is below next
 * and no other message claims it.  So renames and next may reach the disk in
 * any order: what is lost is given a new UID, and none is ever given twice.
 */
#ifndef STORE_UIDLIST_H
#define STORE_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UIDLIST_WAIT_MS		30000	/* for the lock */

struct uidlist_entry {
	uint32_t	 uid;
	bool		 kept;		/* false: a UID of this session */
	bool		 in_new;	/* below new/: could not be moved */
	uint64_t	 size;		/* as stored; UINT64_MAX unknown */
	uint64_t	 wire;		/* with CRLF; UINT64_MAX unknown */
	char		*name;		/* file name below cur/; the list's */
};

enum uidlist_origin {
	UIDLIST_FOUND,		/* the file was there */
	UIDLIST_MADE,		/* none was: the Maildir's first UIDs */
	UIDLIST_IMPORTED,	/* from dovecot-uidlist */
	UIDLIST_RESET		/* unreadable or used up: a new validity */
};

struct uidlist {
	uint32_t		 validity;
	uint32_t		 next;
	bool			 kept;	/* false when some entry's UID is not */
	enum uidlist_origin	 origin;
	struct uidlist_entry	*entry;	/* ascending UIDs */
	size_t			 n;
	struct uidlist_names	*names;	/* where the names are */
};

/*
 * Lock DIR, read cur/ and new/, move new messages to cur/, give UIDs to those
 * without (oldest first) by renaming them, unlock; all of it durable.  A
 * missing Maildir is made, one without the file gets it; Dovecot's
 * dovecot-uidlist is imported once (its UIDs and validity kept).  No stat of
 * a message.  0, or -1 with errno: EAGAIN when the lock was not to be had,
 * ENOTSUP when the file is of a later version.
 *
 * Where nothing can be written (a full disk, a read-only directory) the list
 * is whole all the same: UIDs that could not be kept are made from the names,
 * from 2^31 upward, the same each time, and never a later message's.
 *
 * To be called after fork: the lock belongs to the open file.
 */
int	 uidlist_open(const char *dir, struct uidlist *out);
/*
 * The same for a mailbox open as dirfd, of the account whose Maildir is open as
 * rootfd.  By descriptor: a mailbox that is deleted just now must not be made
 * again by its name.
 */
int	 uidlist_open_below(int rootfd, int dirfd, struct uidlist *out);
/* Zeroed ones are fine. */
void	 uidlist_free(struct uidlist *);

/*
 * The same lock alone, for who removes messages or sets flags.  A
 * descriptor to close, or -1 with errno (EAGAIN, EROFS, ENOENT: no file yet).
 */
int	 uidlist_lock(const char *dir);

#endif
