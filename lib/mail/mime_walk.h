/*
 * Walk through a message and its parts (RFC 2045, RFC 2046) as it is read, in
 * bounded memory: pieces of header fields, of content and of what lies
 * between are handed to a function.  Put together again, the pieces' data
 * are the message, octet by octet.
 *
 * Lines end in CRLF; a lone CR or LF is content.  Delimiters are recognised at
 * every open level, also within a header.  No recursion.
 */
#ifndef MAIL_MIME_WALK_H
#define MAIL_MIME_WALK_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/mail/content_type.h"

#define MIME_WALK_DEPTH	32	/* open multiparts and messages */

enum mime_walk_event {
	MIME_WALK_FIELD,	/* piece of a header line, line end included */
	MIME_WALK_HEADER_END,	/* the empty line, or "" where it is missing */
	MIME_WALK_DATA,		/* piece of a leaf's line, without its end */
	MIME_WALK_EOL,		/* a line end in a leaf */
	MIME_WALK_LEAF_END,	/* no data; delimited: a delimiter follows */
	MIME_WALK_DELIMITER,	/* the CRLF in front of one, or its line */
	MIME_WALK_GAP,		/* piece of a line before or after the parts */
	MIME_WALK_GAP_EOL
};

enum mime_field {
	MIME_FIELD_OTHER,
	MIME_FIELD_VERSION,
	MIME_FIELD_TYPE,
	MIME_FIELD_TRANSFER
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,
	MIME_MESSAGE,		/* message/rfc822 */
	/* Content is handed out as a leaf's but must not be encoded: */
	MIME_TOO_DEEP,
	MIME_NO_BOUNDARY,	/* a multipart that cannot be split */
	MIME_FIXED		/* message/partial, message/external-body */
};

/* The latest entity, known from HEADER_END on. */
struct mime_entity {
	size_t			 number;	/* in order of appearance */
	bool			 root;		/* of a message, not a part */
	bool			 has_version, has_type;
	enum mime_kind		 kind;
	enum transfer_encoding	 transfer;
	struct content_type	 type;
};

/* An entity whose parts are being walked through. */
struct mime_level {
	size_t	 number;
	bool	 digest;	/* parts are messages if not said otherwise */
	size_t	 len;		/* of the boundary, 0: message/rfc822 */
	char	 boundary[CONTENT_TYPE_BOUNDARY + 1];
};

struct mime_piece {
	enum mime_walk_event	 event;
	struct slice		 data;
	bool			 begins;	/* a header line or a line */
	bool			 delimited;
	enum mime_field		 field;
	const struct mime_entity *entity;
	const struct mime_level	*level;		/* outermost first */
	size_t			 depth;
};

/* Octets read, 0 at the end, -1 with errno. */
typedef ssize_t	(*mime_walk_read)(void *ctx, void *buf, size_t size);
/* 0, or -1: stop. */
typedef int	(*mime_walk_take)(void *ctx, const struct mime_piece *);

/* 0, or -1 with errno of whichever callback failed. */
int	 mime_walk(mime_walk_read, void *rctx, mime_walk_take, void *tctx);

#endif
