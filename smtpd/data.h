/*
 * Where a DATA section ends: RFC 5321 4.5.2.  Pure; fed in arbitrary splits.
 *
 * Only CRLF . CRLF ends it, and a leading dot is taken away only after CRLF.
 * Everything else, lone CR and LF among it, is content: deciding what those
 * mean is content.h's work.  A server that sees a line end elsewhere than its
 * peers do takes one message for two.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include <stddef.h>

#include "lib/base/slice.h"

/*
 *	state		seen so far
 *	DATA_BOL	nothing, or CRLF
 *	DATA_DOT	CRLF "."
 *	DATA_DOTCR	CRLF "." CR
 *	DATA_CR		any text, CR
 *	DATA_TEXT	any other
 */
enum data_state { DATA_BOL, DATA_DOT, DATA_DOTCR, DATA_CR, DATA_TEXT };

struct data {
	enum data_state	 state;
};

enum data_status {
	DATA_RUN,		/* *run is content, perhaps empty */
	DATA_END		/* CRLF . CRLF; *run is empty */
};

void	 data_init(struct data *);
/*
 * Take octets from the front of in, as many as make one contiguous run of
 * content.  *used of them are done with (never 0 with DATA_RUN unless *run is
 * not empty); *run is borrowed from in, or is static.  Call again with the
 * rest until in is empty or the end is there.
 */
enum data_status	 data_next(struct data *, struct slice in,
			    struct slice *run, size_t *used);

#endif
