/*
 * The text in HTML, roughly: tags, comments, scripts and styles go, the common
 * character references become characters.  For a glance at a letter, not for
 * showing it.  In pieces, with bounded memory.
 */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct html_text {
	int	 state;
	char	 word[32];	/* a tag's name, or a reference */
	size_t	 len;
	char	 quote;		/* within an attribute */
	char	 skip[8];	/* until the end tag of that name */
	bool	 in_name;
	size_t	 dashes;	/* of a comment's end */
};

void	 html_text_begin(struct html_text *);
/*
 * Append the text of more UTF-8; a blank stands where words are apart.  0, or
 * -1 with errno EMSGSIZE and a part in out.
 */
int	 html_text_feed(struct html_text *, struct slice, struct buf *out);

#endif
