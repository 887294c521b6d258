/*
 * Text of any charset to UTF-8, as it comes.  What a charset does not have
 * becomes U+FFFD; the result is always well-formed UTF-8.
 *
 * The world's names are taken for what the world means: ISO-8859-1 is
 * windows-1252, GB2312 is GB18030, and so on.  Octets over 127 in text that is
 * said to be ASCII, in text of no or an unknown charset: UTF-8 where they are
 * well-formed, else windows-1252.
 *
 * iconv loads a charset's tables when it is first asked for; a process that
 * has no access to them any more treats the charset as unknown.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

enum charset_kind {
	CHARSET_UTF8,
	CHARSET_GUESS,		/* unknown, none, ASCII */
	CHARSET_WINDOWS,	/* windows-1252 */
	CHARSET_ICONV
};

struct charset {
	enum charset_kind	 kind;
	iconv_t			 cd;
	char			 held[16];	/* a character's beginning */
	size_t			 nheld;
};

/* False: the charset is not known, and the rules above hold. */
bool	 charset_begin(struct charset *, struct slice name);
/* Append.  0, or -1 with errno EMSGSIZE: out is full, maybe with a part. */
int	 charset_feed(struct charset *, const char *in, size_t len,
	    struct buf *out);
/* Nothing more comes: says what was held, and frees.  Same result. */
int	 charset_end(struct charset *, struct buf *out);
/* A character, or U+FFFD for what is none.  Same result. */
int	 charset_put(struct buf *out, uint32_t character);
/* All at once. */
int	 charset_convert(struct slice name, struct slice text,
	    struct buf *out);

#endif
