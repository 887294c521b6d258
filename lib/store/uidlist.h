/*
 * UIDs of a Maildir without an index: the uidvalidity file, which is also
 * the lock, and the ",I=" key in the names (doc/maildir.md, maildir-uid(5)).
 *
 * uidvalidity is text, replaced as a whole but locked on a file that never
 * moves: "uidvalidity" itself, rewritten in place by one pwrite of a
 * fixed length:
 *
 *	merpati-uid 1
 *	validity 1763740000
 *	next 1000		floor of UIDNEXT, in steps of 1000
 *	modseq 0
 */
#ifndef STORE_UIDLIST_H
#define STORE_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uidlist_entry {
	uint32_t	 uid;
	uint64_t	 size;		/* as stored; UINT64_MAX unknown */
	uint64_t	 wire;		/* with CRLF; UINT64_MAX unknown */
	char		*name;		/* file name below cur/ */
};

struct uidlist {
	uint32_t		 validity;
	uint32_t		 next;
	struct uidlist_entry	*entry;	/* ascending UIDs */
	size_t			 n;
};

/*
 * Lock DIR, read cur/ and new/, move new messages to cur/, give UIDs to those
 * without (oldest first) by renaming them, unlock.  A Maildir without the
 * file gets one; Dovecot's dovecot-uidlist is imported once (its UIDs and
 * validity kept).  No stat of a message.  0, or -1 with errno.
 */
int	 uidlist_open(const char *dir, struct uidlist *out);
/* A zeroed one is fine. */
void	 uidlist_free(struct uidlist *);

/*
 * Only take the lock on DIR's uidvalidity file, waiting for it: before names
 * in cur/ are changed or removed.  A descriptor to close, which unlocks,
 * or -1 with errno.
 */
int	 uidlist_lock(const char *dir);

#endif
