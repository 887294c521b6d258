/*
 * Octets of messages on the wire: from the names (W=), else counted once and
 * written into the name, so that the next session need not count again.
 */
#ifndef POP3_SESSION_SIZE_H
#define POP3_SESSION_SIZE_H

#include "pop3-session/mailbox.h"

/* Of message i; 0 when it is gone or cannot be read. */
uint64_t size_of(struct mailbox *, size_t i);
/* Make sure of them all, deleted ones apart. */
void	 size_all(struct mailbox *);

/*
 * name with ",S=" and ",W=" filled in where it lacks them.  To be freed, or
 * NULL when it would grow past MAILDIR_NAME_MAX or lacks nothing.
 */
char	*size_name(const char *name, uint64_t size, uint64_t wire);

#endif
