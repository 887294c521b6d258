/* An IMAP connection up to its login (RFC 9051 6.1, 6.2). */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "lib/net/login_program.h"

/*
 * Speak with one client until it has logged in and its connection belongs
 * to a session server, or it is to be closed.  Wipes what held a password.
 */
void	 imapd_serve(const struct login_program *, const struct config *,
	    const struct listener_conn *);

#endif
