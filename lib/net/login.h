/*
 * What pop3d and imapd have in common while they serve a client up to its
 * login: the stream and its patience, counts, the way to authd, wiping.
 *
 *	login_begin()
 *	(commands)		login_hand_over() when one logs in
 *	login_end()
 */
#ifndef NET_LOGIN_H
#define NET_LOGIN_H

#include <stdbool.h>

#include "lib/net/hand_over.h"
#include "lib/net/login_program.h"

#define LOGIN_FAILURES	3	/* refused logins a connection */
#define LOGIN_ERRORS	10	/* commands that made no sense */

enum login_next {
	LOGIN_GO_ON,
	LOGIN_CLOSE,		/* flush, then close */
	LOGIN_HANDED		/* not ours any more: touch nothing */
};

struct login {
	const struct login_program	*prog;
	const struct config		*conf;
	const struct listener_conn	*conn;
	struct stream			 s;
	struct auth_client		 authd;
	char				 authd_path[108];
	struct auth_session		*session;
	int				 pump;	/* -1, or to the session */
	bool				 safe;	/* passwords may be sent */
	unsigned int			 failures, errors;
};

void	 login_begin(struct login *, const struct login_program *,
	    const struct config *, const struct listener_conn *);
/*
 * session holds who it is, and the tag: ask authd.  DONE or PUMP: nothing more is
 * to be said, LOGIN_HANDED.
 */
enum hand_over	 login_hand_over(struct login *);
/* Count one.  False: that was the last that is borne; logged. */
bool	 login_error(struct login *);
/* The same of refused logins. */
bool	 login_failure(struct login *);
/*
 * Flush when we close; wipe, free.  After PUMP it returns when the session is
 * over.
 */
void	 login_end(struct login *, enum login_next);

#endif
