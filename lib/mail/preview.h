/* A letter's first words, for lists of letters (RFC 8970 3). */
#ifndef MAIL_PREVIEW_H
#define MAIL_PREVIEW_H

#include "lib/base/buf.h"
#include "lib/mail/part_text.h"

#define PREVIEW_CHARS	200
#define PREVIEW_MAX	(4 * PREVIEW_CHARS)	/* octets */

/*
 * Append the beginning of the first part that people see as text and that says
 * something: UTF-8 on one line, at most PREVIEW_CHARS characters, no quotes of
 * older letters, perhaps nothing.  Only the first 64 KiB of a part, and few
 * parts, are looked at.  0, or -1 with errno as part_text_next() has, or
 * EMSGSIZE, and out as it was.
 */
int	 preview(const struct mime *, part_read, void *ctx, struct buf *out);

#endif
