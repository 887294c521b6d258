/*
 * The end of a login: authd checks who it is and gives the connection to the
 * session server of the user's uid.  Where there is TLS the session gets one
 * end of a socketpair, and we stay in between (tls_pump.h).
 */
#ifndef NET_HAND_OVER_H
#define NET_HAND_OVER_H

#include "lib/base/config.h"
#include "lib/net/listener.h"
#include "lib/net/proto_auth.h"
#include "lib/net/stream.h"

enum hand_over {
	HAND_OVER_DONE,		/* not ours any more: touch nothing */
	HAND_OVER_PUMP,		/* the session waits behind *pump */
	HAND_OVER_BAD,		/* wrong user name or password */
	HAND_OVER_DISABLED,	/* right, but not for this service */
	HAND_OVER_LATER,	/* not now */
	HAND_OVER_NO_SOCKET,	/* rfd and wfd are not one socket */
	HAND_OVER_GONE		/* the client does not take what we said */
};

/*
 * Flush the stream and ask authd.  The caller has set what check needs but
 * service, "pop3" or "imap", and ip, and the tag of session, which is
 * overwritten.  What the stream holds unread, at most AUTH_AHEAD_MAX octets
 * without TLS, goes along, or stays for the pump.  *pump is the caller's, -1
 * but after PUMP.
 */
enum hand_over	 hand_over(struct auth_client *,
		    const struct listener_conn *, struct stream *,
		    const char *service, struct auth_session *, int *pump);

#endif
