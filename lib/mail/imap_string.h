/* Strings of RFC 9051 4.3, for whatever octets letters have. */
#ifndef MAIL_IMAP_STRING_H
#define MAIL_IMAP_STRING_H

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * Append as a quoted string, or as a literal where there are line ends or
 * octets over 127, or where it is long.  NUL, which has no place in either,
 * becomes "?".  0, or -1 with errno EMSGSIZE and a part in out.
 */
int	 imap_string_add(struct buf *out, struct slice);
/*
 * Likewise for who reads UTF-8 in quoted strings (RFC 9051 4.3); s must be
 * well-formed.
 */
int	 imap_string_add_utf8(struct buf *out, struct slice);
/* As imap_string_add(), NIL if ptr is NULL. */
int	 imap_nstring_add(struct buf *out, struct slice);
/*
 * A field's value, unfolded and trimmed, as a string; NIL if ptr is NULL.
 */
int	 imap_field_add(struct buf *out, struct slice value);

#endif
