/*
 * Names of mailboxes: what a client says, what is shown, and the Maildir++
 * directory.
 *
 * Inside the suite a name is UTF-8 (RFC 9051 5.1), hierarchy separator '/',
 * "INBOX" in any case is INBOX.  On disk it is ".A.B" in modified UTF-7 (RFC
 * 3501 5.1.3), as Dovecot has it; a '.' in a part of a name, which Maildir++
 * cannot have, is refused.  Nothing that comes out of here holds '/', NUL or
 * control octets, is "." but for INBOX, or ".." or starts with "..".
 */
#ifndef MAIL_MAILBOX_NAME_H
#define MAIL_MAILBOX_NAME_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define MAILBOX_NAME_MAX	1000	/* octets of UTF-8 */
#define MAILBOX_NAME_LEVELS	20
#define MAILBOX_DIR_MAX		255	/* octets of the directory's name */

enum mailbox_name_status {
	MAILBOX_NAME_OK,
	MAILBOX_NAME_EMPTY,
	MAILBOX_NAME_LONG,	/* or too deep */
	MAILBOX_NAME_BAD
};

/*
 * What a client sent: modified UTF-7, or UTF-8 where the client enabled it
 * (octets over 127 are taken as UTF-8 in either case).  Appended: "INBOX" in
 * upper case (also as first level, "inbox/x"), no empty level; a trailing '/'
 * is dropped (RFC 9051 6.3.4).  Unless OK, out is as it was and *why, which may
 * be NULL, a static text.
 */
enum mailbox_name_status	 mailbox_name_read(struct slice wire, bool utf8,
				    struct buf *out, const char **why);
/*
 * Append the name composed (NFC; RFC 9051 5.1 wants Net-Unicode), as new names
 * are; those that are there may be otherwise.  0, or -1 with errno.
 */
int	 mailbox_name_compose(struct slice name, struct buf *out);
/*
 * As it is sent: a quoted string or literal; utf8: no UTF-7.  0, or -1 with
 * errno EMSGSIZE.
 */
int	 mailbox_name_put(struct buf *out, struct slice name, bool utf8);
/*
 * "." for INBOX, else ".A.B" ("INBOX/A" is ".INBOX.A").  0, or -1 with errno
 * EINVAL, ENAMETOOLONG.
 */
int	 mailbox_name_to_dir(struct slice name, struct buf *out);
/* The reverse; -1 with errno EINVAL for what is no mailbox's. */
int	 mailbox_name_from_dir(const char *dir, struct buf *out);
/*
 * LIST's wildcards: '*' anything, '%' all but '/' (RFC 9051 6.3.9).  INBOX
 * matches whatever its case.  Time is bounded by the product of the lengths.
 */
bool	 mailbox_name_matches(struct slice pattern, struct slice name);

/*
 * Modified UTF-7 (RFC 3501 5.1.3).  0, or -1 with errno EINVAL and a part in
 * out.  There is one encoding of each name: others are refused.
 */
int	 mutf7_encode(struct slice utf8, struct buf *out);
int	 mutf7_decode(struct slice mutf7, struct buf *out);

#endif
