/*
 * From what a program wrote to what RFC 5322 asks for: missing Date,
 * Message-ID and From are added, Bcc is taken out and unqualified addresses
 * get our name.  No I/O; the clock and the randomness come from the caller.
 */
#ifndef DELIVER_COMPOSE_H
#define DELIVER_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct compose {
	/* in */
	const char	*hostname;	/* for unqualified addresses */
	const char	*sender;	/* qualified, never "" */
	const char	*name;		/* of the sender, or "" */
	const char	*unique;	/* left part of a Message-ID */
	time_t		 now;
	bool		 recipients;	/* -t: look for them, drop Bcc */
	bool		 complete;	/* false (-G): change no header */
	/* out */
	struct buf	 head;		/* whole header section with the empty
					 * line after it */
	struct slice	 body;		/* borrowed from the message */
	char		**rcpt;		/* with recipients: qualified */
	size_t		 nrcpt, rcpt_size;
	bool		 utf8;		/* some address is not ASCII */
};

#define COMPOSE_RCPTS		100000
#define COMPOSE_ERROR_MAX	160

/*
 * Build head and body from the message (CRLF).  0, or -1 with a line for
 * a person in err: an address field that recipients should come from cannot
 * be understood, too many recipients, a header section without end.
 * compose_free() afterwards in either case.
 */
int	 compose_message(struct compose *, struct slice message,
	    char err[COMPOSE_ERROR_MAX]);
void	 compose_free(struct compose *);

/*
 * Append name as an RFC 5322 phrase: an atom or quoted string, encoded words
 * (RFC 2047 5 (3)) when it is not ASCII.
 */
int	 compose_phrase(struct buf *out, const char *name);

#endif
