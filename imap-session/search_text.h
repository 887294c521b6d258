/*
 * The texts of a letter that SEARCH BODY and TEXT look through, in the form that
 * search_args.h has them in.
 *
 * A body is that of each part that is text or says more about a message
 * (message/delivery-status), its encoding undone, in UTF-8; HTML as it was written,
 * and once more as it is read.  Header fields are those of the message, of its
 * parts and of the messages in it: "Name: value", decoded, and RFC 2231's values
 * besides.
 *
 * White space of any length is one blank, so that words are found across the
 * line ends and folds that somebody's program put between them.
 */
#ifndef IMAP_SESSION_SEARCH_TEXT_H
#define IMAP_SESSION_SEARCH_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/mime.h"

struct search_text {
	struct mime	 mime;
	struct buf	 file;		/* the letter, or its beginning */
	struct buf	 header, raw, plain, form, piece;
	struct buf	 seen;		/* search_text_has() */
	int		 fd;
	bool		 whole, blank;
};

/*
 * Pieces that run on into each other; ptr NULL: the next one is apart.  False: no
 * more of them.
 */
typedef bool	 search_text_fn(void *arg, struct slice piece);

void	 search_text_init(struct search_text *);
void	 search_text_free(struct search_text *);
/* The letter is fd's.  0, or -1 with errno. */
int	 search_text_walk(struct search_text *, int fd, bool headers,
	    search_text_fn *fn, void *arg);
/* Does it hold the needle?  1, 0, -1 with errno. */
int	 search_text_has(struct search_text *, int fd, bool headers,
	    struct slice needle);
/*
 * Does the message's header have a field of that name that holds the needle (in
 * casemap form, decoded; "": is it there)?  From a header section, or of a letter.
 */
bool	 search_header_has(struct search_text *, struct slice header,
	    struct slice name, struct slice needle);
int	 search_text_header_has(struct search_text *, int fd,
	    struct slice name, struct slice needle);

#endif
