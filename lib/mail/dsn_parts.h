/* Inside dsn: the parts of a report.  Each returns 0, or -1 (EMSGSIZE). */
#ifndef MAIL_DSN_PARTS_H
#define MAIL_DSN_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/mail/dsn.h"

/*
 * Outside text made harmless: controls and runs of blanks become one blank,
 * octets above ASCII '?' unless utf8 and all of it is UTF-8, words over 300
 * octets are broken, and it is cut with "..." at max octets.
 */
int	 dsn_clean(struct buf *out, const char *text, size_t max, bool utf8);
/* The address in "type;address", or s itself. */
const char	*dsn_bare_address(const char *s);

/* The words for people, without MIME fields. */
int	 dsn_add_words(struct buf *out, const struct dsn_report *, bool utf8);
/* The body of message/delivery-status or its global form. */
int	 dsn_add_status(struct buf *out, const struct dsn_report *,
	    bool utf8);

#endif
