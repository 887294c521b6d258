/*
 * The server of one uid's sessions: gets connections with logged in users
 * from authd, and forks for each (pop3-session -S, imap-session -S).  Sessions
 * that parked (session_park.h) count as sessions, without a process.
 */
#ifndef NET_SESSION_SERVER_H
#define NET_SESSION_SERVER_H

#include "lib/base/buf.h"
#include "lib/net/proto_auth.h"
#include "lib/net/session_park.h"

enum session_refusal {
	SESSION_REFUSAL_FULL,		/* max_sessions, or no process left */
	SESSION_REFUSAL_USER		/* max_per_user */
};

struct session_server {
	const char	*name;		/* "pop3": event=pop3-sessions-full */
	unsigned int	 max_sessions;	/* of all users of this uid */
	unsigned int	 max_per_user;
	unsigned int	 drain_timeout;	/* seconds after SIGTERM */
	/* What the client is told, whole lines, before it is hung up on. */
	void		(*refuse)(const struct auth_handed *,
			    enum session_refusal, struct buf *out);
	/*
	 * Serve a session in a process of its own, which ends when it returns.
	 * The connection is descriptor 0; SIGTERM is stream_stop().  parked: go
	 * on with one, tag and read-ahead are empty then; NULL: a new one.
	 */
	void		(*serve)(const struct auth_handed *, int fd,
			    const struct session_parked *, void *arg);
	void		*arg;
};

/*
 * Serve `handed' packets from authd's socket ctl until it closes (running
 * sessions are waited for) or SIGTERM (they are asked to stop, and killed after
 * drain_timeout).  In a child it ends in exit(3).  Returns the exit code.
 */
int	 session_server_run(const struct session_server *, int ctl);

#endif
