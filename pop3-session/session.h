/* One POP3 session after login (RFC 1939 5 and 6). */
#ifndef POP3_SESSION_SESSION_H
#define POP3_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/net/proto_auth.h"
#include "lib/net/session_park.h"
#include "lib/net/stream.h"
#include "pop3-session/mailbox.h"

#define SESSION_ERRORS	20	/* senseless commands, then it ends */

enum session_end {
	SESSION_GOES_ON,
	SESSION_QUIT,
	SESSION_DROPPED,	/* the client is gone, or a file failed us */
	SESSION_TIMEOUT,
	SESSION_STOPPED,	/* SIGTERM */
	SESSION_ERROR_LIMIT,
	SESSION_REFUSED		/* the mailbox could not be had */
};

struct session {
	const struct config		*conf;
	const struct auth_handed	*who;
	struct stream			 s;
	struct mailbox			 mb;
	enum session_end		 end;
	unsigned int			 errors;
	size_t				 retrieved, deleted;
	uint64_t			 octets;	/* of messages, sent */
};

/*
 * Serve who's connection (rfd and wfd, which stay the caller's; ahead
 * is read first) from the answer to PASS to the end, and log it.
 */
void	 session_serve(const struct config *, const struct auth_handed *,
	    int rfd, int wfd, const struct session_parked *);

#endif
