/*
 * The end of a login: authd checks the password and gives the connection to the
 * session server of the user's uid.
 */
#ifndef NET_HAND_OVER_H
#define NET_HAND_OVER_H

#include "lib/base/config.h"
#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"
#include "lib/net/stream.h"

enum hand_over {
	HAND_OVER_DONE,		/* not ours any more: touch nothing */
	HAND_OVER_BAD,		/* wrong user name or password */
	HAND_OVER_DISABLED,	/* right, but not for this service */
	HAND_OVER_LATER,	/* not now */
	HAND_OVER_NO_SOCKET,	/* rfd and wfd are not one socket */
	HAND_OVER_GONE		/* the client does not take what we said */
};

/*
 * Flush the stream and ask authd.  The caller has set check.user,
 * check.secret and tag of the session, which is overwritten; service is "pop3"
 * or "imap".  What the stream holds unread, at most AUTH_AHEAD_MAX octets,
 * goes along.
 */
enum hand_over	 hand_over(const struct config *, const struct listener_conn *,
		    struct stream *, const char *service,
		    struct auth_session *);

#endif
