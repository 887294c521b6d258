/* A POP3 connection up to its login (RFC 1939 4, AUTHORIZATION). */
#ifndef POP3D_LOGIN_H
#define POP3D_LOGIN_H

#include "lib/base/config.h"
#include "lib/net/listener.h"

#define LOGIN_FAILURES	3	/* refused passwords a connection */
#define LOGIN_ERRORS	10	/* commands that made no sense */

/*
 * Speak with one client until it has logged in and its connection belongs
 * to a session server, or it is to be closed.  Wipes what held a password.
 */
void	 login_serve(const struct config *, const struct listener_conn *);

#endif
