/* What STATUS, LIST-STATUS and NOTIFY tell of a mailbox (RFC 9051 6.3.11). */
#ifndef IMAP_SESSION_STATUS_H
#define IMAP_SESSION_STATUS_H

#include "imap-session/session.h"

enum status_item {
	STATUS_MESSAGES = 1,
	STATUS_RECENT = 2,		/* RFC 3501 */
	STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8,
	STATUS_UNSEEN = 16,
	STATUS_DELETED = 32,
	STATUS_SIZE = 64,		/* RFC 8438 */
	STATUS_HIGHESTMODSEQ = 128,	/* RFC 7162 */
	STATUS_APPENDLIMIT = 256,	/* RFC 7889 */
	STATUS_MAILBOXID = 512,		/* RFC 8474 */
	STATUS_DELETED_STORAGE = 1024	/* RFC 9208 */
};

/* "(MESSAGES UNSEEN)": at least one.  False: lex has the error. */
bool	 status_items(struct session *, unsigned int *items);
/*
 * Put "* STATUS name (...)".  0, or -1 with errno and nothing put: ENOENT, ...
 */
int	 status_put(struct session *, struct slice name, unsigned int items);

#endif
