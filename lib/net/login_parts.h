/* What the files of login.h share; nobody else includes it. */
#ifndef NET_LOGIN_PARTS_H
#define NET_LOGIN_PARTS_H

#include "lib/net/login.h"

/* session says who it is: ask authd to take the connection. */
enum login_outcome	 login_hand_over(struct login *);
/* What the client's port is for. */
enum config_tls		 login_tls_kind(const struct login *);

#endif
