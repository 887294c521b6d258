/*
 * The addresses that exist in relay-domains (a backup MX's recipient list): a
 * line each, "local@domain", or "@domain" for all of one; # comments.
 */
#ifndef MAIL_RELAYS_H
#define MAIL_RELAYS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

#define RELAYS_FILE_MAX	((size_t)1 << 29)	/* octets */

struct relays;

/* The right lines; the wrong ones, "NAME:LINE: reason", in err. */
struct relays	*relays_parse(const char *name, const char *data, size_t len,
		    struct buf *err);
void		 relays_free(struct relays *);
size_t		 relays_count(const struct relays *);
/* Were there wrong lines?  An address may stand in one. */
bool		 relays_spoilt(const struct relays *);
/* Case ignored. */
bool		 relays_has(const struct relays *, const char *local,
		    const char *domain);

#endif
