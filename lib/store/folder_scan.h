/* A reading of a mailbox's directories; of folder*.c. */
#ifndef STORE_FOLDER_SCAN_H
#define STORE_FOLDER_SCAN_H

#include "lib/store/folder_parts.h"

struct folder_scan {
	struct folder		*f;
	struct uidstate		*st;	/* locked */
	const struct number_set	*risen;	/* claimed in vain */
	struct folder_list	 known;	/* the result */
	struct folder_list	 fresh;	/* that had no UID */
	struct folder_list	 unkept;	/* nor could be given one */
	const char		*sub;
	uint32_t		 first;	/* UIDs from here on were given now */
	bool			 renamed;	/* something, in cur/ */
	struct stat		 before;	/* cur/, before that */
};

/*
 * Read new/ and, when whole, cur/; give UIDs.  Zeroed but for f, st and risen.
 * s->known has the result, by UID, also after failure: -1 with errno.
 */
int	 folder_scan_names(struct folder_scan *, bool whole);
void	 folder_scan_free(struct folder_scan *);

/* Names of letters: in new/, and the directory a name is in. */
bool	 folder_is_new(const char *name);
int	 folder_place(const struct folder *, const char **name);

#endif
