/* Talking to queue-runner's control socket. */
#ifndef MAILCTL_QUEUE_CLIENT_H
#define MAILCTL_QUEUE_CLIENT_H

#include "lib/base/config.h"
#include "lib/net/proto_control.h"

/*
 * The connected socket, or -1 with errno: ENOENT and ECONNREFUSED mean that
 * queue-runner is down.
 */
int	 queue_connect(const struct config *);
/*
 * Ask and wait for the answer, which must have the verb; 0 with *ans
 * ready to decode, or an exit code, the reason printed.
 */
int	 queue_ask(int sock, const struct control_request *, const char *verb,
	    struct ipc_msg *ans);

#endif
