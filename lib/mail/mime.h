/*
 * The structure of a message (RFC 2045, RFC 2046) for who answers questions
 * about its parts, in one pass and bounded memory.
 *
 * Messages are read as mailboxes store them: lines end in LF, and whoever sends
 * one puts a CR before each LF that has none.  So of everything there are two
 * sizes: octets stored, and octets on the wire.  Lines are counted by LFs.
 *
 * Nothing is too broken: what makes no sense as structure is text.  Where the
 * world disagrees:
 * - a header ends at the empty line, before a line that is no field, before a
 *   delimiter or at the end of the message; lines starting "From " or
 *   ">From " are skipped there
 * - a delimiter of any open multipart counts, also within a header; a line that
 *   has a boundary and only blanks after it goes before one that merely starts
 *   with one (RFC 2046 5.1.1), a longer boundary before a shorter one and
 *   inner parts before outer ones
 * - a part's body ends before the line end in front of the delimiter, the
 *   header's empty line excepted
 * - a multipart without boundary, or whose boundary never comes, has no parts
 * - message/rfc822 is looked into whatever transfer encoding it claims
 *
 * Limits: what lies deeper than MIME_DEPTH is not looked into; after
 * MIME_PARTS parts the rest belongs to the multipart around it; fields are
 * kept as far as MIME_KEPT_OCTETS go.  mime.cut says that a limit was met.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/content_type.h"

#define MIME_DEPTH		100
#define MIME_PARTS		10000
#define MIME_KEPT		60000		/* fields, of all parts */
#define MIME_KEPT_OCTETS	(1024 * 1024)	/* of values, of all parts */
#define MIME_NONE		UINT32_MAX	/* no part */

/* Fields whose values are kept; from DATE on, of messages only. */
enum mime_keep {
	MIME_KEEP_TYPE,
	MIME_KEEP_TRANSFER,
	MIME_KEEP_ID,
	MIME_KEEP_DESCRIPTION,
	MIME_KEEP_MD5,
	MIME_KEEP_DISPOSITION,
	MIME_KEEP_LANGUAGE,
	MIME_KEEP_LOCATION,
	MIME_KEEP_DATE,
	MIME_KEEP_SUBJECT,
	MIME_KEEP_FROM,
	MIME_KEEP_SENDER,
	MIME_KEEP_REPLY_TO,
	MIME_KEEP_TO,
	MIME_KEEP_CC,
	MIME_KEEP_BCC,
	MIME_KEEP_IN_REPLY_TO,
	MIME_KEEP_MESSAGE_ID,
	MIME_KEEP_REFERENCES,
	MIME_KEEP_COUNT
};

struct mime_span {
	uint64_t	 offset;	/* stored */
	uint64_t	 len;		/* stored */
	uint64_t	 wire;
	uint32_t	 lines;
};

enum mime_part_kind {
	MIME_PART_LEAF,
	MIME_PART_MULTIPART,		/* with or without parts */
	MIME_PART_MESSAGE		/* one part: the message inside */
};

struct mime_part {
	struct mime_span	 header;	/* empty line included */
	struct mime_span	 body;		/* follows the header */
	uint32_t		 parent, child, next;	/* or MIME_NONE */
	uint32_t		 first_kept, nkept;
	enum mime_part_kind	 kind;
	bool			 root;		/* of a message */
	bool			 in_digest;	/* RFC 2046 5.1.5 */
	bool			 message_type;	/* says message/rfc822 or
						 * message/global, and may lie
						 * too deep to be one */
};

struct mime_kept {
	uint32_t	 offset, len;		/* in values */
	enum mime_keep	 which;
};

struct mime {
	struct mime_part *part;		/* part[0] is the message; a part comes
					 * before those inside and after it */
	uint32_t	 nparts;
	struct mime_kept *kept;
	uint32_t	 nkept;
	struct buf	 values;
	bool		 cut;		/* a limit was met */
	bool		 has_global;	/* some part is message/global */
	uint32_t	 parts_size, kept_size;	/* allocated */
	char		*window;
};

/* Octets read, 0 at the end, -1 with errno. */
typedef ssize_t	(*mime_read)(void *ctx, void *buf, size_t size);

/* Once; a struct may then be used for one message after the other. */
void	 mime_init(struct mime *);
void	 mime_free(struct mime *);
/*
 * What was parsed before is gone.  0; or -1 with errno of read, and nothing in
 * *mime is of use.
 */
int	 mime_parse(struct mime *, mime_read, void *ctx);
/* Of a file, from its start; its offset stays. */
int	 mime_parse_file(struct mime *, int fd);
void	 mime_parse_slice(struct mime *, struct slice msg);

/*
 * Value of the nth field of that name in the part's header: raw, folds inside,
 * leading blank kept.  Borrowed until the next parse.
 */
bool	 mime_field(const struct mime *, uint32_t part, enum mime_keep,
	    size_t nth, struct slice *value);
/*
 * Type and subtype, lower case, with RFC 2045 5.2's default or RFC 2046
 * 5.1.5's where there is no usable Content-Type.
 */
void	 mime_type(const struct mime *, uint32_t part, struct content_type *);
enum transfer_encoding	 mime_transfer(const struct mime *, uint32_t part);

/* What RFC 9051 6.4.5.1 calls a section. */
enum mime_section {
	MIME_SECTION_ALL,	/* BODY[] or BODY[1.2] */
	MIME_SECTION_HEADER,	/* BODY[HEADER] or BODY[1.2.HEADER] */
	MIME_SECTION_TEXT,	/* likewise */
	MIME_SECTION_MIME	/* BODY[1.2.MIME] */
};

/*
 * The part with the number, n of them, outermost first; none is the message
 * itself.  Part 1 of a message that is no multipart is that message's body.
 * MIME_NONE if there is none.
 */
uint32_t mime_find(const struct mime *, const uint32_t *number, size_t n);
/*
 * The octets of a section.  False: there is no such part, or it is no message
 * and HEADER or TEXT was asked for, or MIME without a number.
 */
bool	 mime_section(const struct mime *, const uint32_t *number, size_t n,
	    enum mime_section, struct mime_span *);

#endif
