/* An IMAP connection up to its login (RFC 9051 6.1, 6.2). */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "lib/net/login_program.h"

/*
 * Speak with one client until it has logged in and its connection belongs
 * to a session server or is over.  Wipes what held a password.
 */
void	 imapd_serve(struct login_server *, const struct listener_conn *);

#endif
