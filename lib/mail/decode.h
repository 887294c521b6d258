/*
 * Content-Transfer-Encodings undone as the octets come (RFC 2045 6.7, 6.8), as
 * far as they make sense: what is no base 64 is skipped, an "=" that starts
 * nothing stays.  What has another encoding, or none, is passed on.
 */
#ifndef MAIL_DECODE_H
#define MAIL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mail/content_type.h"

#define DECODE_HELD	128	/* blanks in front of a line's end */
/* Octets that feeding len, or ending, gives at most. */
#define DECODE_ROOM(len)	(2 * ((len) + DECODE_HELD + 2))

struct decoder {
	enum transfer_encoding	 kind;
	bool			 crlf;
	bool			 cr;		/* the last octet was CR */
	int			 state;
	uint32_t		 bits;		/* base 64 */
	unsigned int		 nbits;
	char			 held[DECODE_HELD];
	size_t			 nheld;
};

/*
 * crlf: a LF without CR in text gets one, so that stored text comes out as it
 * goes on the wire.  Base 64 is never touched.
 */
void	 decoder_begin(struct decoder *, enum transfer_encoding, bool crlf);
/* Octets written to out, which holds DECODE_ROOM(len). */
size_t	 decoder_feed(struct decoder *, const char *in, size_t len, char *out);
/* Likewise; out holds DECODE_ROOM(0). */
size_t	 decoder_end(struct decoder *, char *out);

#endif
