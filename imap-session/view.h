/*
 * The mailbox that is selected, as the client knows it: which UID has which
 * sequence number changes only when it was told (RFC 9051 5.5, 7.5.1).
 */
#ifndef IMAP_SESSION_VIEW_H
#define IMAP_SESSION_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/mail/number_set.h"
#include "lib/store/folder.h"

struct session;

struct view {
	struct folder		*folder;	/* NULL: none is selected */
	char			*name;		/* UTF-8 */
	struct number_set	 uids;		/* position: sequence number */
	struct number_set	 saved;		/* "$": UIDs (RFC 5182) */
	struct folder_state	 state;
	uint32_t		 recent;	/* UIDs from here on are \Recent */
	uint32_t		 told_keywords;	/* bits in the last FLAGS */
	uint64_t		 modseq;	/* flags up to here are told */
	uint64_t		 vanished;	/* expunges up to here are told */
	bool			 read_only;	/* EXAMINE, or nothing writable */
	bool			 closely;	/* there is time: look for what a
						 * quick look cannot see, once */
};

/*
 * The UIDs that a sequence set (or "$") of a command names, of those in the
 * view; uid: the numbers are UIDs.  A sequence number that there is not is
 * an error of the client's (RFC 9051 6.4.9: UIDs that are not there are none): -1 and *why.
 */
int	 view_resolve(const struct view *, struct slice set, bool uid,
	    struct number_set *uids, const char **why);

/*
 * The UIDs of the mailbox as view.state knows it.  What came after that look has
 * a UID from UIDNEXT on and is news at the next one; were it in the view, changes
 * of its flags would be taken for that news and never told.  0 or -1.
 */
int	 view_load_uids(const struct view *, struct number_set *out);

/* Does errno of folder_sync() or folder_open() say that there is none any more? */
bool	 view_gone(int err);
/* Is there something in now to be told? */
bool	 view_differs(const struct view *, const struct folder_state *now);

enum view_depth {
	VIEW_ALL,		/* EXPUNGE may be told */
	VIEW_NO_EXPUNGE		/* FETCH, STORE, SEARCH, SORT by sequence number */
};
/*
 * Look at the mailbox and tell the client what changed: EXPUNGE or VANISHED,
 * EXISTS, RECENT, FLAGS, FETCH.  False: the mailbox is gone; BYE is to
 * be said.
 */
bool	 view_update(struct session *, enum view_depth);
/*
 * A command changed the mailbox itself and answers for it: what folder_result
 * says of these UIDs is not told again.
 */
void	 view_own_change(struct view *, const struct folder_result *);
/*
 * Tell now that these UIDs are gone: "* n EXPUNGE" each or, with QRESYNC or UIDONLY,
 * VANISHED.
 */
void	 view_expunged(struct session *, const struct number_set *uids);
/* "* n FETCH (UID n FLAGS (...))", with MODSEQ, or UIDFETCH, as enabled. */
void	 view_put_flags(struct session *, const struct letter *);
/*
 * The same for all in the view below UID next with a modseq above since; known:
 * of these UIDs only, NULL: of all.  0 or -1.
 */
int	 view_tell_flags(struct session *, uint64_t since, uint32_t next,
	    const struct number_set *known);
/* "* n EXISTS" and, for rev1, "* n RECENT". */
void	 view_tell_new(struct session *);
/* FLAGS and PERMANENTFLAGS, when keywords came that were not told. */
void	 view_flags(struct session *, bool always);
void	 view_close(struct session *);

#endif
