/*
 * What smtpd must know of a message's octets, found in one pass while they
 * arrive, in arbitrary splits: 8-bit, NUL, lines over 998 octets, lines that
 * start with a dot, lone CR or LF, Received fields (RFC 5321 6.3).  In
 * submission it also repairs line ends.  Pure.
 */
#ifndef SMTPD_CONTENT_H
#define SMTPD_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct content {
	/* What was found. */
	bool		 nul, bare, eightbit, longline, dots;
	unsigned int	 hops;		/* Received fields in the header */
	uint64_t	 size;		/* octets given to the sink */

	/* The scanner's own. */
	bool		 normalise;
	bool		 in_header;
	size_t		 crs;		/* CRs just seen, not yet followed */
	uint64_t	 line_len;	/* of the present line */
	size_t		 field;		/* octets of "received:" that match,
					 * FIELD_NOT when they do not */
};

/* Takes content: 0, or -1 with errno.  Shaped as spool_writer_add(). */
typedef int	 content_sink(void *arg, const void *data, size_t len);

/*
 * normalise: each lone LF, each lone CR, and CR CR LF as a whole become CRLF
 * (RFC 5321 6.4 lets a submission server repair); else they pass as they are
 * and only the fact is noted.
 */
void	 content_init(struct content *, bool normalise);
/*
 * Scan a run and pass it on in pieces as large as possible.  After nul, or
 * bare without normalise, nothing more is passed on: the message is lost
 * anyway.  0, or what the sink returned.
 */
int	 content_add(struct content *, struct slice run, content_sink *,
	    void *arg);
/*
 * The end: a last line without its CRLF (possible with BDAT only) gets one.
 * As content_add().
 */
int	 content_end(struct content *, content_sink *, void *arg);

#endif
