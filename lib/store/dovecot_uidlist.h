/*
 * Dovecot's dovecot-uidlist, version 3:
 *
 *	3 V1763740000 N18 G3085f01b7f11094c501100008c4a11c1
 *	17 W2841 :1763740000.M1P2.host,S=2790
 *
 * a header with UIDVALIDITY and UIDNEXT, then a line a message: its UID,
 * words of a letter and a value, a colon and the name without flags.
 */
#ifndef STORE_DOVECOT_UIDLIST_H
#define STORE_DOVECOT_UIDLIST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define DOVECOT_UIDLIST_MAX	(256 * 1024 * 1024)	/* octets */

struct dovecot_uid {
	struct slice	 base;		/* unique part of the name */
	uint32_t	 uid;
};

struct dovecot_uidlist {
	uint32_t		 validity;
	uint32_t		 next;		/* above every uid */
	struct dovecot_uid	*uid;		/* by base */
	size_t			 n;
};

/*
 * Parse text, which out borrows from.  Lines that are none are passed over.
 * 0, or -1 when the header is not one: then nothing is to be freed.
 */
int	 dovecot_uidlist_parse(struct slice text, struct dovecot_uidlist *out);
/* The UID of a message, by the unique part of its name; 0: not listed. */
uint32_t dovecot_uidlist_find(const struct dovecot_uidlist *,
	    struct slice base);
void	 dovecot_uidlist_free(struct dovecot_uidlist *);

#endif
