/* The octets of a section of a letter (RFC 9051 6.4.5.1, RFC 3516 4.2). */
#ifndef IMAP_SESSION_FETCH_SECTION_H
#define IMAP_SESSION_FETCH_SECTION_H

#include "imap-session/fetch_args.h"
#include "imap-session/fetch_file.h"

/* A header longer than this has its first fields only, for HEADER.FIELDS. */
#define FETCH_HEADER_MAX	(16 * 1024 * 1024)

enum fetch_found {
	FETCH_FOUND,
	FETCH_MISSING,		/* no such part: NIL */
	FETCH_UNKNOWN_CTE,	/* BINARY of what cannot be decoded */
	FETCH_FAILED		/* errno */
};

/* What is to be sent, known before it is. */
struct fetch_octets {
	uint64_t		 len;	/* of the literal */
	uint64_t		 first;	/* of what there is */
	struct mime_span	 span;
	uint32_t		 part;	/* decoded; else MIME_NONE */
	bool			 ready;	/* it is in the file's wire */
};

/*
 * Find a section of the open letter.  BINARY[] of the message itself is the
 * message: its header says how the rest is encoded.
 */
enum fetch_found	 fetch_section_find(struct fetch_file *,
			    const struct fetch_section *,
			    struct fetch_octets *);
/*
 * Give what was found, octets->len octets exactly, before anything else is
 * asked of the file.  0, or -1 with errno and perhaps less given.
 */
int	 fetch_section_send(struct fetch_file *, const struct fetch_octets *,
	    fetch_sink, void *ctx);
/*
 * Append the fields of a header section that HEADER.FIELDS or its .NOT wants,
 * and the empty line.  0, or -1 with errno EMSGSIZE.
 */
int	 fetch_section_fields(const struct fetch_section *,
	    struct slice header, struct buf *out);
/* Of len octets, those that <first.most> asks for. */
void	 fetch_section_partial(const struct fetch_section *, uint64_t len,
	    struct fetch_octets *);

#endif
