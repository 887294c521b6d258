/*
 * The header lines that smtpd puts in front of a message: RFC 5321 4.4, and
 * what a submission server completes (RFC 6409 8).  Pure.
 */
#ifndef SMTPD_HEADERS_H
#define SMTPD_HEADERS_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/received.h"

struct headers {
	struct received	 received;	/* id, by and when serve the rest */
	bool		 complete;	/* Date and Message-ID if missing */
	const char	*from;		/* From if missing, or NULL */
};

/*
 * Append the lines.  front is the beginning of the content, whole is false when
 * there is more: a header section that does not end within it is taken
 * to lack nothing.  Content that begins with no field at all gets the empty
 * line it needs after ours.  0, or -1 with errno EMSGSIZE.
 */
int	 headers_make(struct buf *out, const struct headers *,
	    struct slice front, bool whole);

#endif
