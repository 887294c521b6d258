/* Sending messages: RETR and TOP. */
#ifndef POP3_SESSION_RETRIEVE_H
#define POP3_SESSION_RETRIEVE_H

#include "pop3-session/session.h"

/* Message i whole; marks it retrieved when all of it was queued. */
void	 retrieve_whole(struct session *, size_t i);
/* Its header, the empty line and so many lines of the body. */
void	 retrieve_top(struct session *, size_t i, uint32_t lines);

#endif
