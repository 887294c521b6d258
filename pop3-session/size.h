/*
 * Octets of messages on the wire: from the names (W=), else counted once and
 * written into the name, so that the next session need not count again.  Names of
 * other software may lie: what they say is believed until the message is
 * read, and then corrected, for no login opens every letter.
 */
#ifndef POP3_SESSION_SIZE_H
#define POP3_SESSION_SIZE_H

#include "pop3-session/mailbox.h"

/* Of message i; 0 when it is gone or cannot be read. */
uint64_t size_of(struct mailbox *, size_t i);
/* The file is of this size: count it if the name says another. */
void	 size_look(struct mailbox *, size_t i, uint64_t size);
/* It was read to its end: both sizes are these, whatever the name says. */
void	 size_is(struct mailbox *, size_t i, uint64_t size, uint64_t wire);
/* Make sure of them all, deleted ones apart. */
void	 size_all(struct mailbox *);

/*
 * name with these ",S=" and ",W=" in place of any others.  To be freed, or
 * NULL when it would grow past MAILDIR_NAME_MAX or says so already.
 */
char	*size_name(const char *name, uint64_t size, uint64_t wire);

#endif
