/* The QRESYNC parameter of SELECT and EXAMINE (RFC 7162 3.2.5). */
#ifndef IMAP_SESSION_SELECT_RESYNC_H
#define IMAP_SESSION_SELECT_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "imap-session/session.h"
#include "lib/mail/number_set.h"

/* What the client says it knows.  All zero: it says nothing. */
struct resync {
	bool			 asked;
	uint32_t		 validity;
	uint64_t		 modseq;
	bool			 limited;	/* to known */
	struct number_set	 known;		/* UIDs */
	struct number_set	 numbers, uids;	/* some pairs, RFC 7162
						 * 3.2.5.2 */
};

/* Read what follows the word QRESYNC.  False: lex has why. */
bool	 resync_read(struct session *, struct resync *);
/*
 * Of the mailbox that was selected just now tell what vanished and what
 * changed since then, or nothing when the client knows another UIDVALIDITY.
 */
void	 resync_tell(struct session *, const struct resync *);
void	 resync_free(struct resync *);

#endif
