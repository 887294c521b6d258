/*
 * What FETCH asks for (RFC 9051 6.4.5, RFC 3501 6.4.5, and RFC 3516, RFC 7162,
 * RFC 8474, RFC 8514, RFC 8970, RFC 9394).
 */
#ifndef IMAP_SESSION_FETCH_ARGS_H
#define IMAP_SESSION_FETCH_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/mime.h"
#include "lib/net/imap_lex.h"

#define FETCH_SECTIONS_MAX	100	/* in one command */
#define FETCH_FIELDS_MAX	100	/* names in one section */
/* Deeper than MIME_DEPTH goes there is nothing. */
#define FETCH_NUMBERS_MAX	(2 * MIME_DEPTH)

enum fetch_item {
	FETCH_UID = 1,
	FETCH_FLAGS = 2,
	FETCH_INTERNALDATE = 4,
	FETCH_SIZE = 8,			/* RFC822.SIZE */
	FETCH_ENVELOPE = 16,
	FETCH_BODY = 32,		/* structure */
	FETCH_BODYSTRUCTURE = 64,
	FETCH_MODSEQ = 128,
	FETCH_EMAILID = 256,
	FETCH_THREADID = 512,
	FETCH_SAVEDATE = 1024,
	FETCH_PREVIEW = 2048,
	FETCH_PREVIEW_LAZY = 4096	/* with PREVIEW: only if it is known */
};

enum fetch_kind {
	FETCH_OCTETS,			/* BODY[...], RFC822 ... */
	FETCH_FIELDS,			/* BODY[HEADER.FIELDS ...] */
	FETCH_BINARY,			/* BINARY[...] */
	FETCH_BINARY_SIZE
};

struct fetch_section {
	enum fetch_kind		 kind;
	enum mime_section	 section;
	bool			 without;	/* HEADER.FIELDS.NOT */
	bool			 partial;
	uint64_t		 first, most;	/* partial */
	const uint32_t		*number;	/* of the part */
	size_t			 nnumber;
	const struct slice	*field;
	size_t			 nfield;
	size_t			 label, label_len;	/* in labels: what is
					 * sent in front, "BODY[1]<0>" */
};

struct fetch_args {
	unsigned int		 items;		/* enum fetch_item */
	bool			 sets_seen;
	struct fetch_section	 section[FETCH_SECTIONS_MAX];
	size_t			 nsection;
	struct buf		 labels;
	uint32_t		*number;	/* of all sections */
	size_t			 nnumber;
	struct slice		*field;
	size_t			 nfield;
	/* modifiers */
	bool			 has_changed_since, vanished, has_partial;
	uint64_t		 changed_since;
	bool			 from_end;	/* PARTIAL -1:-10 */
	uint32_t		 first, last;	/* PARTIAL, first <= last */
};

void	 fetch_args_init(struct fetch_args *);
void	 fetch_args_free(struct fetch_args *);
/* Likewise, on the heap: it is too large for a stack. */
struct fetch_args	*fetch_args_new(void);
void	 fetch_args_delete(struct fetch_args *);
/*
 * Parse what follows the sequence set and a blank, up to the end of the line.
 * Names of fields borrow from the lexer.  False: lex has the error.  VANISHED
 * without CHANGEDSINCE is one (RFC 7162 3.2.6); whether it and PARTIAL may
 * stand here is for the caller.
 */
bool	 fetch_args_parse(struct imap_lex *, struct fetch_args *);

#endif
