/* What this server can do, in one place (RFC 9051 7.2.2). */
#ifndef IMAP_SESSION_CAPABILITY_H
#define IMAP_SESSION_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "imap-session/session.h"

/* "CAPABILITY IMAP4rev2 ...", as in responses and response codes. */
void	 capability_put(struct session *);

#endif
