/*
 * The mailboxes of an account: Maildir++ directories, subscriptions, special
 * uses, metadata.  Names are the UTF-8 of mailbox_name.h.
 *
 * Files in HOME/Maildir: subscriptions (Dovecot's format, both versions read),
 * special-use (lines "Use .Directory"), account-metadata (RFC 5464
 * entries); in each mailbox metadata.  Writers hold a lock on
 * HOME/Maildir/tree.lock, write a temporary file and rename.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/mailbox_name.h"
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

/* The use called "Sent", or 0; and its name, or NULL. */
unsigned int	 tree_use_named(struct slice word);
const char	*tree_use_name(unsigned int use);

/* Read the directory and subscriptions.  0 or -1. */
int	 tree_read(struct account *, struct tree *);
void	 tree_free(struct tree *);
const struct tree_item	*tree_find(const struct tree *, struct slice name);
/*
 * A name from a client, to be looked up: unless there is a mailbox of just this
 * name, composed, as all are that were made here.  0 or -1.
 */
int	 tree_known(struct account *, struct buf *name);

/* The directory's name.  0, or -1 with errno EINVAL, ENAMETOOLONG. */
int	 tree_dir(struct slice name, char dir[MAILBOX_DIR_MAX + 1]);
/* Is it a mailbox's? */
bool	 tree_exists(const struct account *, const char *dir);

/*
 * 0, or -1 with errno: EEXIST, ENOENT, EINVAL (a name that cannot be), ENOTUNIQ
 * (another mailbox has the use), EBUSY (INBOX cannot be deleted), ENOSPC ....
 * Directories and names are durable.  A new mailbox gets its uidvalidity, above
 * every one the account ever had.  Deleting: renamed away first, so that it
 * happens at once; its index entries are forgotten.  A deleted parent with
 * children stays as \NonExistent.  Renaming takes children along; INBOX's
 * letters move and INBOX stays, its children too (RFC 9051 6.3.6).
 */
int	 tree_create(struct account *, struct slice name, unsigned int uses);
int	 tree_delete(struct account *, struct slice name);
int	 tree_rename(struct account *, struct slice from, struct slice to);
int	 tree_subscribe(struct account *, struct slice name, bool on);

/* Mailboxes for a new account: made once, when it has none but INBOX. */
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
