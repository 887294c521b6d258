/*
 * Content to quoted-printable or base 64 (RFC 2045 6.7, 6.8) as it comes, in
 * lines of at most 76 octets.  The same for content that is encoded already
 * but has octets or lines that do not fit: these alone are changed.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include <stddef.h>

enum transfer_kind {
	TRANSFER_TO_QP,
	TRANSFER_TO_BASE64,
	TRANSFER_FIX_QP,	/* =XX and soft line ends stay */
	TRANSFER_FIX_BASE64	/* what is no base 64 goes (RFC 2045 6.8) */
};

/* 0, or -1 with errno. */
typedef int	(*transfer_put)(void *ctx, const void *data, size_t len);

struct transfer {
	enum transfer_kind	 kind;
	transfer_put		 put;
	void			*ctx;
	size_t			 col;		/* octets in the line so far */
	unsigned char		 held[64];	/* not decided, or not full */
	size_t			 nheld;
};

void	 transfer_begin(struct transfer *, enum transfer_kind, transfer_put,
	    void *ctx);
/*
 * Octets; a CR or LF among them is content, not a line end, which is told
 * with transfer_eol().  0, or -1: put failed, nothing more is put.
 */
int	 transfer_data(struct transfer *, const char *data, size_t len);
int	 transfer_eol(struct transfer *);
/*
 * The content is over.  An encoded line that is not ended stays so: a
 * delimiter's CRLF follows, or content without a line end had none.
 */
int	 transfer_end(struct transfer *);

#endif
