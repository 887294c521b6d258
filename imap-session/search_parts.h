/* Between search.c and the files of its dear keys. */
#ifndef IMAP_SESSION_SEARCH_PARTS_H
#define IMAP_SESSION_SEARCH_PARTS_H

#include "imap-session/search.h"
#include "imap-session/search_text.h"

struct trigram;

struct search {
	const struct search_context	*ctx;
	struct search_text		 text;
	struct trigram			*trigram;
	bool				 tried;	/* to open it */
	struct number_set		 live;	/* all UIDs in the folder */
};

/* False, with errno ECANCELED: the search is called off. */
bool	 search_goes_on(const struct search_context *, uint32_t done,
	    uint32_t goal);

/*
 * Each: UIDs of in that match one key, into out, which is empty.  0, or -1 with
 * errno.
 */
/* search_fact.c: SEARCH_SENT, SEARCH_FIELD, SEARCH_HEADER, SEARCH_EMAILID */
int	 search_facts(struct search *, const struct search_key *,
	    const struct number_set *in, struct number_set *out);
/* search_body.c: SEARCH_BODY, SEARCH_TEXT_KEY */
int	 search_body(struct search *, const struct search_key *,
	    const struct number_set *in, struct number_set *out);

#endif
