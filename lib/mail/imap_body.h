/*
 * ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 7.5.2) of parsed messages, as they
 * are sent: the same for every client, so they may be kept.
 *
 * Results are bounded by what mime.h keeps.  0, or -1 with errno EMSGSIZE and a
 * part in out; an out that holds IMAP_BODY_MAX more is never too small.
 */
#ifndef MAIL_IMAP_BODY_H
#define MAIL_IMAP_BODY_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

#define IMAP_BODY_MAX	(32 * 1024 * 1024)

enum {
	IMAP_BODY_EXTENDED = 1,	/* BODYSTRUCTURE, not BODY */
	/*
	 * message/global like message/rfc822 (RFC 6855 4), which who knows only
	 * RFC 3501 cannot read.  Makes a difference if mime.has_global.
	 */
	IMAP_BODY_GLOBAL = 2
};

/*
 * The envelope of a message: part 0, or the child of a MIME_PART_MESSAGE.
 * Of fields that may stand there once the first counts; addresses of several
 * are put together, so that nobody can hide one behind another.  Addresses
 * that lack a part have MISSING_MAILBOX or MISSING_DOMAIN there: NIL would
 * mean a group.
 */
int	 imap_envelope_add(struct buf *out, const struct mime *,
	    uint32_t root);
/*
 * A part and those in it.  A multipart without parts is shown with an empty
 * text part, which cannot be fetched; message/rfc822 that was not looked into
 * as application/octet-stream.
 */
int	 imap_body_add(struct buf *out, const struct mime *, uint32_t part,
	    unsigned int flags);
/* BODY and BODYSTRUCTURE of it, into two buffers, for little more than one. */
int	 imap_body_add_both(struct buf *body, struct buf *structure,
	    const struct mime *, uint32_t part, unsigned int flags);

#endif
