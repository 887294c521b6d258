/*
 * What pop3d and imapd are before they speak with anybody: options, the
 * configuration, certificates, a listener.
 */
#ifndef NET_LOGIN_PROGRAM_H
#define NET_LOGIN_PROGRAM_H

#include "lib/base/config.h"
#include "lib/net/listener.h"

struct login_server;
struct tls_server;

struct login_program {
	const char		*name;		/* "imapd" */
	const char		*service;	/* "imap": for authd, in logs */
	enum config_role	 role;
	const char		*full_text;	/* see listener.h */
	/* Speak with one client, in a process of its own. */
	void			(*serve)(struct login_server *,
				    const struct listener_conn *);
};

/* What there is in every process of a program. */
struct login_server {
	const struct login_program	*prog;
	const struct config		*conf;
	struct tls_server		*tls;	/* NULL: none, or with -i, where
						 * it comes when needed */
	bool				 inetd;
};

/* All of main(): returns the exit code. */
int	 login_program_main(const struct login_program *, int argc,
	    char **argv);

/* What the role's section says. */
const struct config_listeners	*login_program_net(const struct config *,
				    enum config_role);
/* Seconds for a whole login. */
unsigned int	 login_program_timeout(const struct config *,
		    enum config_role);

#endif
