/* A child of remote: one destination, job after job. */
#ifndef REMOTE_SERVE_H
#define REMOTE_SERVE_H

#include "lib/base/config.h"
#include "lib/net/tls_client.h"

/*
 * Serve queue-runner's connection until it closes, no job comes for
 * remote's idle time, a job fails so that the next had better go elsewhere, or
 * SIGTERM arrives.  The exit code.
 */
int	 serve(const struct config *, struct tls_client_ctx *, int sock);

#endif
