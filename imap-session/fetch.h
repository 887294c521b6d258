/* A FETCH at work: of cmd_fetch.c, fetch_facts.c and fetch_put.c. */
#ifndef IMAP_SESSION_FETCH_H
#define IMAP_SESSION_FETCH_H

#include "imap-session/facts.h"
#include "imap-session/fetch_args.h"
#include "imap-session/fetch_file.h"
#include "imap-session/session.h"

#define FETCH_BATCH	128	/* letters at a time */

/* Where the text of a letter's fact is: in a fetch_facts' text. */
struct fetch_text {
	size_t	 offset, len;
	bool	 there;
};

/* One kind of fact of all letters of a batch. */
struct fetch_facts {
	enum facts_kind		 kind;
	bool			 lazy;	/* what is not known is not made */
	struct buf		 text;
	struct fetch_text	 of[FETCH_BATCH];
};

#define FETCH_KINDS	4

struct fetch {
	struct session		*s;
	bool			 uid;
	struct fetch_args	 args;
	unsigned int		 items;		/* and what is told besides */
	bool			 uses_file;	/* a section needs the file */
	struct number_set	 uids;
	struct letter		 letter[FETCH_BATCH];
	bool			 tell_flags[FETCH_BATCH]; /* now \Seen */
	size_t			 n;
	struct fetch_facts	 facts[FETCH_KINDS];
	size_t			 nfacts;
	struct fetch_file	*file;
	struct buf		 scratch;
	bool			 blank;		/* the next item needs one */
	bool			 gone;		/* some letters were */
	bool			 failed;	/* some could not be read */
	bool			 unknown_cte;
};

/* Which facts the items need; then free them. */
void	 fetch_facts_init(struct fetch *);
void	 fetch_facts_free(struct fetch *);
/* Have them for the letters of the batch. */
void	 fetch_facts_load(struct fetch *);
/*
 * The text of the ith letter's fact: of FACTS_STRUCTURE what is sent for it,
 * with a blank in front.  Borrowed until the next call for this letter.  False:
 * there is none; errno ENOENT: the letter is gone.
 */
bool	 fetch_facts_text(struct fetch *, enum facts_kind, size_t i,
	    struct slice *text);
/* Send the response of the ith letter of the batch. */
void	 fetch_put(struct fetch *, size_t i);

/* Forget the large letter that was fetched last, if one is kept. */
void	 fetch_forget(struct session *);

#endif
