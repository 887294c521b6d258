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
	 * Three runs, each with its length in 4 octets before it: ENVELOPE, BODY,
	 * BODYSTRUCTURE, as they are sent to who may have message/global or not (a fourth and
	 * fifth when that makes a difference).
	 */
	FACTS_STRUCTURE = 1,
	/*
	 * For SEARCH, SORT, THREAD: runs likewise, UTF-8 in casemap form: subject (whole),
	 * base subject, from, to, cc, bcc (whole fields, decoded), sort keys of from, to,
	 * cc (RFC 5256) and display names of from, to (RFC 5957), message-id, references (normalized, LF
	 * between), reply flag, Date in seconds.
	 */
	FACTS_SEARCH = 2,
	FACTS_HEADER = 3,	/* the header section, wire form, if <= 16 KiB */
	FACTS_PREVIEW = 4
};

/*
 * The fact of one message, appended to out: from the index, or made from the file and
 * remembered.  0, or -1 with errno (ENOENT: it is gone).
 */
int	 facts_get(struct folder *, uint32_t uid, enum facts_kind,
	    struct buf *out);
/*
 * Make what is missing for these, so that folder_facts() meets all; those gone are
 * left out.  0 or -1.
 */
int	 facts_make(struct folder *, const struct number_set *uids,
	    enum facts_kind);
/* The nth run of a fact; false when there is none. */
bool	 facts_run(struct slice fact, unsigned int n, struct slice *run);

#endif
