/*
 * A connection to a destination: made with the first host that will talk to
 * us, brought to where MAIL may be said, kept between messages.
 *
 * Which failures lead to the next host: every one.  RFC 5321 5.1 asks for it
 * when a host cannot be reached; a 4yz or 5yz greeting, EHLO, STARTTLS or AUTH
 * is about the host and not about the message, so it is treated alike: when no
 * host is left, the mail is put off, not sent back, as it may well be one
 * host's broken setup or a block list we leave again (RFC 5321 3.1 lets a
 * client read 554 so).  Only 521 from every host, which never take mail
 * (RFC 7504 3), is final.
 */
#ifndef REMOTE_SESSION_H
#define REMOTE_SESSION_H

#include <stdbool.h>

#include "lib/base/config.h"
#include "lib/net/proto_remote.h"
#include "lib/net/smtp_client.h"
#include "lib/net/tls_client.h"
#include "remote/connect.h"

struct session {
	const struct config		*cfg;
	const struct remote_open	*open;
	struct tls_client_ctx		*tls_ctx;
	struct connect			 connect;
	struct connect_memory		 memory;	/* unreachable */
	struct connect_memory		 no_tls;	/* TLS broke */
	const struct connect_target	*target;
	struct smtp_client		 smtp;
	int				 fd;	/* -1: no connection */
	unsigned int			 used;	/* messages sent through it */
	bool				 dirty;	/* RSET must come first */
	int				 asker;	/* who wants to know; or -1 */

	/* Who speaks, or spoke last. */
	char				 host[RESOLVER_NAME_MAX];
	char				 addr[64];
	char				 tls[64];

	/* Why there is no connection. */
	struct remote_outcome		 failure;
	bool				 never;	/* all said 521 so far */
};

void	 session_init(struct session *, const struct config *,
	    const struct remote_open *, struct tls_client_ctx *);
/*
 * Connect to the first host that will do, from the start of the list.  0, or -1
 * with failure; host and addr are those of who failed.
 */
int	 session_open(struct session *);
/*
 * The host answered 421, or hung up, before anything was accepted: the same
 * with the rest of the list.  o is its failure.
 */
int	 session_next(struct session *, const struct remote_outcome *o);
/* Is there a connection that may be used now? */
bool	 session_alive(struct session *);
/* Is anybody there still to hear what becomes of the message? */
bool	 session_wanted(const struct session *);
/* With QUIT when the host may expect one. */
void	 session_close(struct session *);
/* "mx.example.net[192.0.2.1]" or a path; static. */
const char	*session_peer(const struct session *);
/* Log the last reply at debug level. */
void	 session_log_reply(const struct session *, const char *to);

#endif
