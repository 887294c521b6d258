/*
 * What pop3d and imapd have in common while they serve a client up to its
 * login: the stream and its patience, TLS, passwords and SASL, counts, the way
 * to authd, and the pump that a login over TLS leaves behind.
 *
 *	login_begin()
 *	(commands)		login_password() or login_sasl() when one
 *				logs in; after LOGIN_OK no more
 *	login_end()
 */
#ifndef NET_LOGIN_H
#define NET_LOGIN_H

#include <stdbool.h>

#include "lib/net/login_program.h"
#include "lib/net/sasl_server.h"

#define LOGIN_FAILURES	3	/* refused logins a connection */
#define LOGIN_ERRORS	10	/* commands that made no sense */

enum login_next {
	LOGIN_GO_ON,
	LOGIN_CLOSE,		/* flush, then close */
	LOGIN_HANDED		/* the session's: say nothing more */
};

enum login_outcome {
	LOGIN_OK,		/* HANDED */
	LOGIN_WRONG,		/* user name or password */
	LOGIN_DISABLED,		/* right, but not for this service */
	LOGIN_LATER,		/* not now */
	LOGIN_FOREIGN,		/* to act for somebody else */
	LOGIN_UNSAFE,		/* not without TLS */
	LOGIN_UNKNOWN,		/* no such mechanism here */
	LOGIN_CANCELLED,
	LOGIN_MALFORMED,	/* no message of the mechanism */
	LOGIN_NO_SOCKET,	/* rfd and wfd are not one socket */
	LOGIN_LOST		/* the stream's status says how */
};

struct login {
	struct login_server		*server;
	const struct login_program	*prog;
	const struct config		*conf;
	const struct listener_conn	*conn;
	struct stream			 s;
	struct auth_client		 authd;
	char				 authd_path[108];
	struct auth_session		*session;
	char				 certificate[65];	/* the
						 * client's, or "" */
	bool				 safe;	/* passwords may be sent */
	int				 pump;	/* -1, or to the session */
	unsigned int			 failures, errors;
};

/*
 * False: there should have been TLS and there is none; nothing can be said,
 * only login_end() is left.
 */
bool	 login_begin(struct login *, struct login_server *,
	    const struct listener_conn *);
/* Flush when we close; wipe, free.  After OK over TLS: when it is over. */
void	 login_end(struct login *, enum login_next);

/* Is there STARTTLS, now? */
bool	 login_offers_tls(const struct login *);
/* Is all there that login_start_tls() needs?  Look before saying "go ahead". */
bool	 login_tls_ready(struct login *);
/*
 * Flush and shake hands.  What the client said before is forgotten (RFC 9051
 * 6.2.1, RFC 2595 4), but not how often it failed.  False: the connection is
 * good for nothing.
 */
bool	 login_start_tls(struct login *);
/* The longest line of a command that logs in. */
size_t	 login_line_max(const struct login *);

/* session->tag stays as it is until one of these. */
enum login_outcome	 login_password(struct login *, struct slice user,
			    struct slice password);
/* The names of mechanisms, with blanks between them; see sasl_server.h. */
void	 login_mechanisms(struct login *, struct buf *out);
/* initial in base 64, or NULL. */
enum login_outcome	 login_sasl(struct login *, struct slice mechanism,
			    const struct slice *initial,
			    enum stream_status *);

/* Count one.  False: that was the last that is borne; logged. */
bool	 login_error(struct login *);
/* The same of refused logins. */
bool	 login_failure(struct login *);

#endif
