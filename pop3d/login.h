/* A POP3 connection up to its login (RFC 1939 4, AUTHORIZATION). */
#ifndef POP3D_LOGIN_H
#define POP3D_LOGIN_H

#include "lib/net/login_program.h"

/*
 * Speak with one client until it has logged in and its connection belongs
 * to a session server or is over.  Wipes what held a password.
 */
void	 pop3d_serve(struct login_server *, const struct listener_conn *);

#endif
