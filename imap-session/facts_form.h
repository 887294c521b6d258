/* Facts made of a parsed letter, without files or an index; for facts.c. */
#ifndef IMAP_SESSION_FACTS_FORM_H
#define IMAP_SESSION_FACTS_FORM_H

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

/* Room for any of them. */
#define FACTS_FORM_MAX	(5 * (size_t)(32 * 1024 * 1024))

/* Append FACTS_STRUCTURE, FACTS_SEARCH.  0, or -1 with errno EMSGSIZE. */
int	 facts_form_structure(const struct mime *, struct buf *out);
int	 facts_form_search(const struct mime *, struct buf *out);
/*
 * FACTS_HEADER of the letter's octets as stored, or of its beginning when more
 * than FACTS_HEADER_MAX are given.
 */
int	 facts_form_header(struct mime *, struct slice start, struct buf *out);

#endif
