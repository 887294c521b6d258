/*
 * A part's content, its encoding undone and its charset UTF-8, in pieces: for
 * search, previews and showing.
 */
#ifndef MAIL_PART_TEXT_H
#define MAIL_PART_TEXT_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/charset.h"
#include "lib/mail/decode.h"
#include "lib/mail/mime.h"

/* Octets of the stored message from offset, 0 at its end, -1 with errno. */
typedef ssize_t	(*part_read)(void *ctx, void *buf, size_t size,
		    uint64_t offset);
/* For ctx pointing to a file's descriptor, or to a struct slice. */
ssize_t	 part_read_fd(void *ctx, void *buf, size_t size, uint64_t offset);
ssize_t	 part_read_slice(void *ctx, void *buf, size_t size, uint64_t offset);

struct part_text {
	part_read	 read;
	void		*ctx;
	uint64_t	 offset, left;
	struct decoder	 decoder;
	struct charset	 charset;
	bool		 open;
};

/*
 * text: convert from the charset that Content-Type says; else octets come out
 * as they are, with CRLF line ends where they are text on the wire (RFC 9051
 * 6.4.5's BINARY).
 */
void	 part_text_begin(struct part_text *, const struct mime *,
	    uint32_t part, bool text, part_read, void *ctx);
/*
 * Append the next piece, at most PART_TEXT_MOST octets.  1, 0 at the end, or
 * -1 with errno: of read, EMSGSIZE if out is too small, EIO if the message is
 * shorter than it was.
 */
int	 part_text_next(struct part_text *, struct buf *out);
/* Also after an error, and before the end. */
void	 part_text_end(struct part_text *);

#define PART_TEXT_MOST	(256 * 1024)

#endif
