/* Base 64 as SASL and PEM want it (RFC 4648 4): strict, padded, unbroken. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * Append the decoded octets.  0, or -1 with errno EINVAL (an octet outside the
 * alphabet, padding missing or misplaced, bits left over: RFC 4648 3.5) or
 * EMSGSIZE; out may then hold a part.
 */
int	 base64_decode(struct slice in, struct buf *out);
/* Append the text.  0, or -1 with errno EMSGSIZE and out as it was. */
int	 base64_encode(struct slice in, struct buf *out);
/* The text as a string: BASE64_LEN(len) + 1 octets, and no copy elsewhere. */
void	 base64_print(const void *octets, size_t len, char *out);
/* Octets of the text of len octets. */
#define BASE64_LEN(len)	(((len) + 2) / 3 * 4)

#endif
