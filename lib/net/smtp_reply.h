/*
 * Replies as an SMTP client reads them, RFC 5321 4.2: lines "250-text" and a
 * last one "250 text", perhaps with an RFC 3463 code in front of the text.
 * No I/O, no allocation.
 */
#ifndef NET_SMTP_REPLY_H
#define NET_SMTP_REPLY_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define SMTP_REPLY_TEXT	512	/* octets kept of a reply's text */

struct smtp_reply {
	int	 code;			/* 200 to 599; 0: no line yet */
	char	 enhanced[12];		/* "5.1.1", "" when none was sent */
	char	 text[SMTP_REPLY_TEXT];	/* lines joined by a blank, without
					 * enhanced codes; control octets are
					 * '?', what does not fit is cut */
};

enum smtp_reply_status {
	SMTP_REPLY_DONE,	/* the last line: the reply is whole */
	SMTP_REPLY_MORE,	/* another line follows */
	SMTP_REPLY_BAD		/* no SMTP reply: give the peer up */
};

void	 smtp_reply_init(struct smtp_reply *);
/* Add one line, without its line end.  The code must stay the same. */
enum smtp_reply_status	 smtp_reply_add(struct smtp_reply *,
			    struct slice line);
/* Make up a reply of our own (a connection failed); code, enhanced, text. */
void	 smtp_reply_set(struct smtp_reply *, int code, const char *enhanced,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/*
 * The enhanced code, or the one that the code's class implies when the peer
 * sent none or one of another class.  Static or borrowed.
 */
const char	*smtp_reply_enhanced(const struct smtp_reply *);

#endif
