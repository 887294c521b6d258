/* An IMAP connection up to its login (RFC 9051 6.1, 6.2). */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "lib/base/config.h"
#include "lib/net/listener.h"

#define LOGIN_FAILURES	3	/* refused logins a connection */
#define LOGIN_ERRORS	10	/* commands that made no sense */

/*
 * Speak with one client until it has logged in and its connection belongs
 * to a session server, or it is to be closed.  Wipes what held a password.
 */
void	 login_serve(const struct config *, const struct listener_conn *);

#endif
