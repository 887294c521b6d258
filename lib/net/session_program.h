/*
 * What pop3-session and imap-session are before they serve anybody: options,
 * the configuration, a server of sessions from authd (-S) or one session by
 * hand (-i).
 */
#ifndef NET_SESSION_PROGRAM_H
#define NET_SESSION_PROGRAM_H

#include "lib/base/config.h"
#include "lib/net/session_server.h"

struct session_program {
	const char	*name;			/* "imap-session" */
	const char	*service;		/* "imap": in logs */
	enum config_role role;
	/* See session_server.h. */
	void		(*refuse)(const struct auth_handed *,
			    enum session_refusal, struct buf *out);
	void		(*serve)(const struct config *,
			    const struct auth_handed *, int rfd, int wfd,
			    const struct session_parked *);
};

/* All of main(): returns the exit code. */
int	 session_program_main(const struct session_program *, int argc,
	    char **argv);

#endif
