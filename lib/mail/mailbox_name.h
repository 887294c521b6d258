/*
 * Names of mailboxes: what a client says, what is shown, and the Maildir++
 * directory.
 *
 * Inside the suite a name is UTF-8 (RFC 9051 5.1), hierarchy separator '/',
 * "INBOX" in any case is INBOX.  On disk it is ".A.B" in modified UTF-7 (RFC
 * 3501 5.1.3), as Dovecot has it; a '.' in a part of a name, which Maildir++ cannot have,
 * is refused.  Nothing that comes out of here holds '/', NUL or control
 * octets, is "." but for INBOX, or ".." or starts with "..".
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
	MAILBOX_NAME_BAD	/* *why says what */
};

/*
 * What a client sent: modified UTF-7, or UTF-8 where the client enabled it
 * (a well-formed UTF-8 name is taken in either case).  Appended as
 * canonical UTF-8 in NFC (RFC 9051 5.1, Net-Unicode): "INBOX" upper case (also as first
 * level "inbox/x"), no empty level; a trailing '/' is dropped (CREATE).  why
 * may be NULL.
 */
enum mailbox_name_status	 mailbox_name_read(struct slice wire, bool utf8,
				    struct buf *out, const char **why);
/* As it is sent: an atom or quoted string or literal; utf8: no UTF-7. */
int	 mailbox_name_put(struct buf *out, struct slice name, bool utf8);
/* "." for INBOX, else ".A.B" ("INBOX/A" is ".INBOX.A").  -1: EINVAL, too long. */
int	 mailbox_name_to_dir(struct slice name, struct buf *out);
/* The reverse; -1 for a directory that is no mailbox. */
int	 mailbox_name_from_dir(const char *dir, struct buf *out);
/*
 * LIST's wildcards: '*' anything, '%' all but '/' (RFC 9051 6.3.9).  INBOX
 * matches case-insensitively.  Time is bounded by the product of the lengths.
 */
bool	 mailbox_name_matches(struct slice pattern, struct slice name);

int	 mutf7_encode(struct slice utf8, struct buf *out);	/* 0, -1 */
int	 mutf7_decode(struct slice mutf7, struct buf *out);	/* -1: not one */

#endif
