/*
 * RFC 5322 header fields in a message on the wire (CRLF; a lone LF is taken
 * as a line end too).  Borrowing only; no recursion, no allocation but buf.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct header_field {
	struct slice	 name;		/* without colon and blanks */
	struct slice	 value;		/* raw: folds inside, last line end
					 * excluded, leading blank kept */
	struct slice	 whole;		/* name to last line end, included */
};

/*
 * The next field of the header section at *pos (0 at first).  True with
 * *field set; false at the empty line, at the end of msg or at a line that is
 * no field: then *pos is the octet after the empty line, or the
 * offending line.
 */
bool	 header_next(struct slice msg, size_t *pos, struct header_field *field);
/*
 * The same, but lines starting "From " or ">From " are skipped, as mbox files
 * leave them in letters: what mime.h takes for a header.
 */
bool	 header_next_lenient(struct slice msg, size_t *pos,
	    struct header_field *field);
/* First field with the name, case ignored. */
bool	 header_find(struct slice msg, const char *name,
	    struct header_field *field);
/* Fields with the name (RFC 5321 6.3: count Received). */
size_t	 header_count(struct slice msg, const char *name);
/*
 * Append the value unfolded, blanks trimmed at both ends; no CR or LF is left
 * in it.  0, or -1 with errno EMSGSIZE and out as it was.
 */
int	 header_unfold(struct slice value, struct buf *out);
/*
 * Append a field "NAME: TEXT" CRLF folded at blanks to 78 columns where there
 * are blanks; UTF-8 beyond ASCII in TEXT as RFC 2047 encoded words when encode
 * is true.  A word longer than a line stays whole.  0, or -1 with errno
 * EINVAL (a line end in TEXT) or EMSGSIZE and out as it was.
 */
int	 header_add(struct buf *out, const char *name, const char *text,
	    bool encode);

#endif
