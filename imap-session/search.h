/*
 * Evaluate a search program (search_args.h): which messages of a set it names.
 *
 * What is cheap goes first and leaves less for the dear: sets; then what the
 * index knows of a letter; what it keeps of its header; its header; its text,
 * by the search index (trigram.h), verified in the letter.
 */
#ifndef IMAP_SESSION_SEARCH_H
#define IMAP_SESSION_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "imap-session/search_args.h"
#include "imap-session/view.h"
#include "lib/mail/number_set.h"
#include "lib/store/account.h"
#include "lib/store/folder.h"

struct search_context {
	struct folder	*folder;
	int		 homefd;	/* of the account, for the search index */
	uint32_t	 validity;	/* of the mailbox */
	uint32_t	 recent;	/* UIDs from here on are \Recent; 0: none */
	/*
	 * Called often; false: nobody waits for the result any more, so the search
	 * ends with errno ECANCELED.  May be NULL.
	 */
	bool		(*progress)(void *arg, uint32_t done, uint32_t goal);
	void		*arg;
};

/*
 * Fill in which messages the sets name, and the bits of keywords.  0; or -1 and *why,
 * words for BAD.
 */
int	 search_resolve(struct search_args *, const struct view *,
	    struct account *, const char **why);
/*
 * The UIDs of in that match and are there.  0, or -1 with errno and nothing in
 * *out.
 */
int	 search_run(const struct search_context *, const struct search_args *,
	    const struct number_set *in, struct number_set *out);

#endif
