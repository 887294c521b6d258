/*
 * One SMTP or LMTP connection: RFC 5321, RFC 2033.  Straight-line code with
 * blocking calls; the commands' handlers are in cmd_*.c.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"
#include "lib/net/stream.h"
#include "lib/net/tls_server.h"
#include "lib/store/envelope.h"
#include "lib/store/spool.h"
#include "smtpd/command.h"
#include "smtpd/content.h"
#include "smtpd/server.h"

/* Why a message being read cannot be taken any more. */
enum fault {
	FAULT_NONE,
	FAULT_SIZE,		/* larger than message-size */
	FAULT_BARE,		/* lone CR or LF from a stranger */
	FAULT_NUL,
	FAULT_HOPS,		/* a loop */
	FAULT_NOSPACE,		/* the spool is full */
	FAULT_IO		/* the spool fails otherwise */
};

/* From MAIL to the end of data. */
struct transaction {
	bool			 mail;		/* MAIL was accepted */
	bool			 bdat;		/* chunks have begun */
	bool			 partial;	/* this chunk is not the last */
	bool			 discard;	/* an access list says so */
	bool			 tried;		/* some RCPT was said */
	bool			 toomany;	/* too many were, logged */
	enum fault		 fault;
	struct envelope		 env;
	size_t			 dropped;	/* recipients discarded */
	size_t			 added;		/* by always-bcc */
	struct spool_writer	*writer;	/* NULL: discarding, or none */
	struct content		 content;
	uint64_t		 swallowed;	/* octets after a fault */
	char			 id[SPOOL_ID_LEN + 1];
};

struct session {
	struct server			*server;
	const struct config		*config;
	const struct config_listen	*listen;
	struct listener_peer		 peer;
	struct stream			 stream;
	enum config_role		 role;
	bool			 trusted;	/* by its network: may relay */
	bool			 esmtp;		/* EHLO or LHLO */
	bool			 verbose;	/* VERB */
	bool			 closed;	/* say nothing more, leave */
	bool			 shunned;	/* 554 greeting: 503 to all */
	bool			 discard;	/* by the client's address */
	bool			 pipelining_seen;	/* improper, logged */
	struct tls_server_info	 tls;		/* when tls_on(&stream) */
	char			 user[AUTH_USER_MAX + 1];	/* logged in,
						 * "": nobody */
	unsigned int		 auth_failures;
	char			 helo[COMMAND_HELO_MAX + 1];
	char			 name[ADDRESS_DOMAIN_MAX + 1]; /* of client */
	const char		*client;	/* logged: address, uid:N... */
	char			 local[24];	/* what client may point to */
	const char		*reason;	/* why it ended, for the log */
	unsigned int		 errors;
	unsigned int		 commands;
	unsigned int		 messages;	/* accepted */
	struct transaction	 tx;
};

/* As listener_program.serve; arg is the struct server. */
void	 session_serve(struct listener_conn *, void *arg);

/* PROXY header, client checks, greeting.  False: close. */
bool	 session_greet(struct session *);

/*
 * Note that the stream ended or failed; 421 where somebody may listen.  The
 * session is closed.
 */
void	 session_lost(struct session *, enum stream_status);

/*
 * Octets are waiting although the client had to wait for our reply (RFC 2920
 * 3.1).  True: a stranger did that; it has been told and closed.
 */
bool	 session_improper(struct session *, const char *verb);

/*
 * As if the client had said nothing yet (RFC 3207 4.2): TLS begins.  What it
 * did wrong stays.
 */
void	 session_forget(struct session *);
/* May it send mail to other people's domains, and ask who is here? */
bool	 session_may_relay(const struct session *);

/* What command_parse_...() may let pass from this client. */
int	 session_address_flags(const struct session *);
/*
 * Complete an address without a domain, which is one of this host.  False when
 * there is none and no right to leave it out.
 */
bool	 session_qualify(const struct session *, struct address *);
unsigned int	 session_max_recipients(const struct session *);

/* Our patience now: less when the server is nearly full. */
int	 session_idle_ms(const struct session *);

/* What help is there: the table's verbs, for HELP. */
void	 session_help(struct session *);

#endif
