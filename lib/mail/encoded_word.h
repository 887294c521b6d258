/*
 * Text of header fields as people read it: RFC 2047 encoded words, and raw
 * 8-bit octets, to UTF-8.
 */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * Append a field's value: unfolded, blanks trimmed at both ends, encoded words
 * decoded wherever they stand, also where RFC 2047 5 forbids them.  Blanks
 * between two words go; neighbours of one charset are converted together, as
 * many split characters over words.  Control octets become blanks.  0, or -1
 * with errno EMSGSIZE and a part in out.
 */
int	 encoded_word_text(struct slice value, struct buf *out);
/*
 * A parameter's value, by its name as mime_param.h gives it: RFC 2231 4
 * when the name ends in "*", else as above, because many write that.
 */
int	 encoded_word_param(struct slice name, struct slice value,
	    struct buf *out);

#endif
