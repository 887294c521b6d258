/*
 * The message on standard input, brought into wire form while it is read:
 * every line ends in CRLF, the last one too.
 */
#ifndef DELIVER_INPUT_H
#define DELIVER_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct input {
	struct buf	 text;		/* max is set by input_init() */
	bool		 dot_ends;	/* a line with a lone dot ends it */
	bool		 ended;		/* by that line */
	bool		 eightbit;	/* some octet >= 0x80 */
	bool		 nul;		/* some NUL: no mail may hold it */
	/* where the last octet left us */
	bool		 cr;		/* a CR whose LF may come */
	size_t		 line;		/* offset in text of this line */
};

void	 input_init(struct input *, bool dot_ends, size_t max);
void	 input_free(struct input *);
/*
 * Take the next octets.  LF, CRLF and a CR alone each end a line: what smtpd
 * would do with it in the end, and no two readers can then disagree where
 * a line ends.  0, or -1 with errno EMSGSIZE.
 */
int	 input_add(struct input *, const char *data, size_t len);
/* End of file: end the last line.  0, or -1 with errno. */
int	 input_end(struct input *);
/* Read fd to its end (or the lone dot).  0, or -1 with errno. */
int	 input_read(struct input *, int fd);

#endif
