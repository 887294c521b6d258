/*
 * Letters as they are stored, with LF, and on the wire, with CRLF: whoever
 * sends one puts a CR before each LF that has none.
 */
#ifndef IMAP_SESSION_WIRE_H
#define IMAP_SESSION_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * Append stored octets in wire form.  after_cr: the octet in front of them is a
 * CR.  0, or -1 with errno EMSGSIZE.
 */
int	 wire_add(struct buf *out, struct slice stored, bool after_cr);
/* The CRs that wire_add() would put in. */
uint64_t wire_added(struct slice stored, bool after_cr);

#endif
