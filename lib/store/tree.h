/*
 * The mailboxes of an account: Maildir++ directories, subscriptions, special
 * uses, metadata.  Names are the UTF-8 of mailbox_name.h.
 *
 * Files in HOME/Maildir: subscriptions (a name a line, Dovecot's format; there
 * the separator is '.' in modified UTF-7, so both can read it);
 * in each mailbox metadata (RFC 5464 entries, ours).  Writers take a lock on
 * HOME/Maildir/tree.lock, write a temporary file and rename.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/store/account.h"

enum tree_use {			/* RFC 6154 */
	TREE_ALL = 1, TREE_ARCHIVE = 2, TREE_DRAFTS = 4, TREE_FLAGGED = 8,
	TREE_JUNK = 16, TREE_SENT = 32, TREE_TRASH = 64, TREE_IMPORTANT = 128
};

struct tree_item {
	char		*name;
	bool		 exists;	/* false: only children, or only
					 * subscribed */
	bool		 subscribed;
	bool		 children;	/* has some that exist */
	bool		 subscribed_below;
	unsigned int	 uses;		/* enum tree_use */
};

struct tree {
	struct tree_item	*item;	/* sorted by name, INBOX first */
	size_t			 n;
};

/* Read the directory and subscriptions.  0 or -1. */
int	 tree_read(struct account *, struct tree *);
void	 tree_free(struct tree *);
const struct tree_item	*tree_find(const struct tree *, struct slice name);

/*
 * 0, or -1 with errno: EEXIST, ENOENT, EINVAL (a name that cannot be), EBUSY (INBOX
 * cannot be deleted), ENOSPC ....  Directories and names are durable.  A new mailbox gets
 * its uidvalidity, above every one the account ever had.  Deleting: renamed
 * away first, so that it happens at once; its index entries are forgotten.  A
 * deleted parent with children stays as \NonExistent.  Renaming takes children along; INBOX's
 * letters move and INBOX stays, its children too (RFC 9051 6.3.6).
 */
int	 tree_create(struct account *, struct slice name, unsigned int uses);
int	 tree_delete(struct account *, struct slice name);
int	 tree_rename(struct account *, struct slice from, struct slice to);
int	 tree_subscribe(struct account *, struct slice name, bool on);

/* Mailboxes for a new account: made once, when the account has none but INBOX. */
struct tree_default {
	const char	*name;
	unsigned int	 use;
};
int	 tree_make_defaults(struct account *, const struct tree_default *,
	    size_t n);

/*
 * METADATA (RFC 5464): name "" is the server's, here the account's.  Entry in
 * lower case, "/private/comment".  get: 1 with value appended, 0, -1.
 * set: value NULL pointer removes.  At most 64 KiB a mailbox: ENOSPC.
 */
int	 tree_metadata_get(struct account *, struct slice name,
	    struct slice entry, struct buf *value);
int	 tree_metadata_set(struct account *, struct slice name,
	    struct slice entry, struct slice value);
int	 tree_metadata_list(struct account *, struct slice name,
	    int (*fn)(struct slice entry, struct slice value, void *),
	    void *arg);

#endif
