/*
 * What is made of a message's octets once and kept in the index: ready to send, ready to
 * compare.  Kinds are added, never changed: a changed meaning takes a new number.
 */
#ifndef IMAP_SESSION_FACTS_H
#define IMAP_SESSION_FACTS_H

#include "lib/base/buf.h"
#include "lib/mail/mime.h"
#include "lib/mail/number_set.h"
#include "lib/store/folder.h"

enum facts_kind {
	/*
	 * Runs, each with its length in 4 octets before it: ENVELOPE, BODY,
	 * BODYSTRUCTURE, as they are sent to who may have message/global or
	 * not (enum facts_structure).
	 */
	FACTS_STRUCTURE = 1,
	/*
	 * For SEARCH, SORT, THREAD: runs likewise (enum facts_search), text in
	 * casemap form.
	 */
	FACTS_SEARCH = 2,
	/*
	 * The header section in wire form, its empty line included, if that is
	 * at most FACTS_HEADER_MAX; "" if it is more (or empty): read the file.
	 */
	FACTS_HEADER = 3,
	FACTS_PREVIEW = 4,	/* UTF-8, maybe "" */
	FACTS_DIGEST = 5	/* SHA-256 of the octets on the wire: EMAILID */
};

#define FACTS_HEADER_MAX	(16 * 1024)
/* Larger ones are made anew each time. */
#define FACTS_KEPT_MAX		(1024 * 1024)

enum facts_structure {
	FACTS_ENVELOPE,
	FACTS_BODY,
	FACTS_BODYSTRUCTURE,
	/* Only when a part is message/global (RFC 6855 4); see facts_body(). */
	FACTS_BODY_GLOBAL,
	FACTS_BODYSTRUCTURE_GLOBAL
};

enum facts_search {
	/* Whole fields, decoded; several of a name with LF between. */
	FACTS_SUBJECT,
	FACTS_BASE_SUBJECT,	/* RFC 5256 2.1 */
	FACTS_FROM,
	FACTS_TO,
	FACTS_CC,
	FACTS_BCC,
	/* Mailbox of the first address (RFC 5256 3). */
	FACTS_FROM_KEY,
	FACTS_TO_KEY,
	FACTS_CC_KEY,
	/* Its display name or, if none, its address (RFC 5957 3). */
	FACTS_FROM_NAME,
	FACTS_TO_NAME,
	/*
	 * "left@right" without quoting, as written else (RFC 5256 2.2): of
	 * Message-ID; of References, or In-Reply-To's first when that has
	 * none, with LF between.  "" when there is none.
	 */
	FACTS_MESSAGE_ID,
	FACTS_REFERENCES,
	FACTS_REPLY,		/* "1": a reply or forward; "" */
	FACTS_DATE,		/* for facts_date() */
	FACTS_SEARCH_RUNS
};

/*
 * The fact of one message, appended to out: from the index, or made from the file and
 * remembered.  0, or -1 with errno (ENOENT: it is gone).
 */
int	 facts_get(struct folder *, uint32_t uid, enum facts_kind,
	    struct buf *out);
/*
 * Make what is missing for these, so that folder_facts() meets all, but for
 * those that are gone, or larger than FACTS_KEPT_MAX.  0 or -1.
 */
int	 facts_make(struct folder *, const struct number_set *uids,
	    enum facts_kind);
/* The nth run of a fact; false when there is none. */
bool	 facts_run(struct slice fact, unsigned int n, struct slice *run);
/* BODY, or BODYSTRUCTURE, for who may have message/global, or not. */
struct slice	 facts_body(struct slice structure, bool extended, bool global);
/*
 * The Date field of a FACTS_SEARCH, in seconds, and as the day that it names
 * where it was written (days since 1970, for SENTON).  False: none of use.
 */
bool	 facts_date(struct slice search, int64_t *seconds, int64_t *day);

#endif
