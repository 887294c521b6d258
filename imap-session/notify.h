/*
 * What a client wants to be told of mailboxes, selected or not (RFC 5465).
 */
#ifndef IMAP_SESSION_NOTIFY_H
#define IMAP_SESSION_NOTIFY_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "imap-session/session.h"
#include "imap-session/watch.h"

#define NOTIFY_GROUPS	100
#define NOTIFY_NAMES	1000	/* of mailboxes in a group */
#define NOTIFY_BOXES	2000	/* that are looked after */
#define NOTIFY_FETCH	8192	/* octets of MessageNew's items */

enum notify_event {
	NOTIFY_NEW = 1,			/* MessageNew */
	NOTIFY_EXPUNGE = 2,
	NOTIFY_FLAGS = 4,
	NOTIFY_NAME = 8,		/* MailboxName */
	NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_METADATA = 32,		/* MailboxMetadataChange */
	NOTIFY_SERVER = 64		/* ServerMetadataChange */
};
#define NOTIFY_MESSAGES	(NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS)

enum notify_filter {
	NOTIFY_SELECTED,
	NOTIFY_DELAYED,			/* selected-delayed */
	NOTIFY_INBOXES,
	NOTIFY_PERSONAL,
	NOTIFY_SUBSCRIBED,
	NOTIFY_SUBTREE,
	NOTIFY_MAILBOXES
};

struct notify_group {
	enum notify_filter	 filter;
	unsigned int		 events;
	char			**name;		/* of subtree, mailboxes */
	size_t			 nname;
};

/* A mailbox, as it was told. */
struct notify_box {
	char			*name;
	ino_t			 ino;
	bool			 exists, subscribed;
	bool			 known;		/* state is */
	struct timespec		 new, cur;	/* mtimes, 0: look again */
	struct folder_state	 state;
	struct buf		 metadata;	/* entries and hashes */
};

struct notify {
	bool			 status;	/* asked for it at once */
	struct notify_group	*group;		/* but selected's */
	size_t			 ngroup;
	bool			 selected;	/* there is such a group */
	bool			 delayed;
	unsigned int		 events;	/* selected's */
	struct buf		 fetch;		/* "(...)" or empty */
	unsigned int		 wanted;	/* of all groups */
	struct watch		 w;
	struct timespec		 tree, subscriptions;	/* mtimes */
	struct notify_box	*box;		/* by name */
	size_t			 nbox;
	struct buf		 metadata;	/* the account's own */
};

/*
 * Read "SET ..." after its word into n (zeroed; free it in any case).  *unknown: an event that
 * there is not was asked for.  False: lex has why.
 */
bool	 notify_read(struct session *, struct notify *, bool *unknown);
/* Events of a mailbox that is not the selected one. */
unsigned int	 notify_events(const struct notify *,
		    const struct notify_box *);

/*
 * Take s->notify's first look at the mailboxes; tells STATUS when asked to.
 * 0, or -1 with errno E2BIG: too many.
 */
int	 notify_begin(struct session *);
/*
 * Tell what is new, selected mailbox included.  between: no command is under way.
 * False: the selected mailbox is gone.
 */
bool	 notify_look(struct session *, bool between);
void	 notify_free(struct session *, struct notify *);

/* What view_update() may do under NOTIFY. */
bool	 notify_may_tell(const struct session *);
bool	 notify_may_tell_flags(const struct session *);
/* MessageNew's items of new letters. */
void	 notify_fetch(struct session *, uint32_t first);

#endif
