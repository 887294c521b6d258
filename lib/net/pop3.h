/*
 * POP3 as pop3d and pop3-session both speak it: command lines and the list of
 * capabilities.  No I/O.
 */
#ifndef NET_POP3_H
#define NET_POP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/base/slice.h"

#define POP3_LINE	255	/* RFC 2449 4: a command with its CRLF */

enum pop3_verb {
	POP3_APOP,
	POP3_AUTH,
	POP3_CAPA,
	POP3_DELE,
	POP3_LIST,
	POP3_NOOP,
	POP3_PASS,
	POP3_QUIT,
	POP3_RETR,
	POP3_RSET,
	POP3_STAT,
	POP3_STLS,
	POP3_TOP,
	POP3_UIDL,
	POP3_USER,
	POP3_UTF8,
	POP3_UNKNOWN
};

/* A command line; the slices are borrowed from it. */
struct pop3_command {
	enum pop3_verb	 verb;
	bool		 has_args;	/* a blank follows the keyword */
	struct slice	 args;		/* behind that blank, as sent: PASS */
};

/* Take a line without its CRLF apart (RFC 1939 3).  Keywords in any case. */
void	 pop3_parse(struct slice line, struct pop3_command *);
/*
 * The arguments as at most max numbers between blanks; blanks at the ends
 * are overlooked.  How many there were, or -1 when one is no number, too
 * large, or there are too many.
 */
int	 pop3_numbers(const struct pop3_command *, uint32_t *out, int max);

/* What there is only before login. */
struct pop3_offer {
	bool		 user;		/* USER and PASS, here and now */
	bool		 stls;		/* RFC 2595 4 */
	const char	*sasl;		/* names with blanks between, or "" */
};
/*
 * Append the lines of the answer to CAPA (RFC 2449 5) up to and with its
 * final dot.  offer NULL: after login.  0 or -1 with errno EMSGSIZE.
 */
int	 pop3_capabilities(const struct config *, const struct pop3_offer *,
	    struct buf *);

#endif
