/* The order of messages (RFC 5256 3, RFC 5957 3), without a mailbox. */
#ifndef IMAP_SESSION_SORT_H
#define IMAP_SESSION_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/net/imap_lex.h"

enum sort_by {
	SORT_ARRIVAL,
	SORT_DATE,
	SORT_SIZE,
	SORT_SUBJECT,		/* texts from here on, in casemap form */
	SORT_FROM,
	SORT_TO,
	SORT_CC,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_BY
};

#define SORT_TEXTS	(SORT_BY - SORT_SUBJECT)
#define SORT_KEYS	32	/* of a command */

struct sort_key {
	enum sort_by	 by;
	bool		 reverse;
};

struct sort_order {
	struct sort_key	 key[SORT_KEYS];
	size_t		 n;
};

struct sort_row {
	uint32_t	 uid;		/* the last thing to sort by */
	int64_t		 arrival, date;
	uint64_t	 size;
	struct slice	 text[SORT_TEXTS];
};

/* "(REVERSE DATE SUBJECT)".  False: the lexer has the error. */
bool	 sort_order_read(struct imap_lex *, struct sort_order *);
/* Is something sorted by it? */
bool	 sort_order_has(const struct sort_order *, enum sort_by);
void	 sort_rows(struct sort_row *, size_t n, const struct sort_order *);

#endif
