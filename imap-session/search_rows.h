/* Messages in an array, for SORT and THREAD. */
#ifndef IMAP_SESSION_SEARCH_ROWS_H
#define IMAP_SESSION_SEARCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "imap-session/search.h"
#include "lib/base/slice.h"
#include "lib/store/letter.h"

struct search_row {
	uint32_t	 uid;
	int64_t		 received;
	uint64_t	 wire;
};

struct search_rows {
	struct search_row	*row;		/* ascending UIDs */
	size_t			 n;
	struct search_block	*block;		/* of kept texts */
};

/* Those that are there.  0, or -1 with errno and nothing to free. */
int	 search_rows_read(struct search_rows *, const struct search_context *,
	    const struct number_set *uids, bool wire, bool received);
void	 search_rows_free(struct search_rows *);
/* The row of a UID, or SIZE_MAX. */
size_t	 search_rows_find(const struct search_rows *, uint32_t uid);
/* A copy of the text that lives as long as the rows. */
struct slice	 search_rows_keep(struct search_rows *, struct slice);

#endif
