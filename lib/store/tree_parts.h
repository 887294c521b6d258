/* What the files tree_*.c share; nobody else's. */
#ifndef STORE_TREE_PARTS_H
#define STORE_TREE_PARTS_H

#include "lib/store/tree.h"

#define TREE_MAILBOXES	10000		/* more are not made */
#define TREE_FILE_MAX	(4 * 1024 * 1024)

/* Held while mailboxes or the small files change.  A descriptor, or -1. */
int	 tree_lock(struct account *);

/*
 * A small text file in HOME/Maildir; a missing one is empty.  0 or -1.
 */
int	 tree_file_read(const struct account *, const char *file,
	    struct buf *out);
int	 tree_file_write(const struct account *, const char *file,
	    struct slice);

/* Names subscribed to, canonical; fn returns 0 to go on. */
int	 tree_subscribed(struct account *,
	    int (*fn)(struct slice name, void *), void *arg);

/* The bits of a mailbox, by its directory, in what special_read() read. */
struct special {
	struct buf	 text;
	bool		 there;		/* the file exists */
};
int		 special_read(struct account *, struct special *);
unsigned int	 special_uses(const struct special *, const char *dir);
/* Who has one of these uses already?  True: some other mailbox. */
bool		 special_taken(const struct special *, unsigned int uses);
/* Change what is known of dir, then special_write(), then free. */
void		 special_set(struct special *, const char *dir,
		    unsigned int uses);
int		 special_write(struct account *, const struct special *);
void		 special_free(struct special *);

#endif
