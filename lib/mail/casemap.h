/*
 * i;unicode-casemap (RFC 5051 2): what two texts compare equal in, for SEARCH,
 * SORT and THREAD.
 */
#ifndef MAIL_CASEMAP_H
#define MAIL_CASEMAP_H

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * Append the form: title case and decomposed, UTF-8.  Of what is no UTF-8 each
 * octet becomes U+FFFD.  Character by character, so pieces that end between
 * characters may be given one after the other.  0, or -1 with errno EMSGSIZE
 * and a part in out.
 */
int	 casemap(struct slice utf8, struct buf *out);

#endif
