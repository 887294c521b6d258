/* What the structure of a message needs of its MIME fields (RFC 2045 5, 6). */
#ifndef MAIL_CONTENT_TYPE_H
#define MAIL_CONTENT_TYPE_H

#include <stddef.h>

#include "lib/base/slice.h"

/*
 * RFC 2046 5.1.1 allows 70 octets.  Longer ones exist and are what everybody
 * splits at.
 */
#define CONTENT_TYPE_BOUNDARY	250

struct content_type {
	char	 type[64], subtype[64];		/* lower case */
	char	 boundary[CONTENT_TYPE_BOUNDARY + 1];
	size_t	 boundary_len;			/* 0: none, or unfit */
};

enum transfer_encoding {
	TRANSFER_NONE,		/* no field: 7bit */
	TRANSFER_IDENTITY,	/* 7bit, 8bit, binary */
	TRANSFER_QP,
	TRANSFER_BASE64,
	TRANSFER_UNKNOWN
};

/*
 * value: of the field, folds and comments inside.  0, or -1 with errno EINVAL
 * and *out zeroed: no type and subtype.  Parameters are looked through as far
 * as they make sense; of two boundaries the first counts.
 */
int	 content_type_parse(struct slice value, struct content_type *out);
enum transfer_encoding	 transfer_encoding_parse(struct slice value);

#endif
