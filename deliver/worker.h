/*
 * deliver -w: jobs from queue-runner on a SOCK_SEQPACKET socket, an answer
 * each, in order.  doc/protocols.md has the fields.
 *
 * Letters that come close together are written one by one and then made
 * durable together: the file system writes its journal once for all of them.
 * One that comes alone, or that was tried before and may be what killed
 * a worker, is answered at once.
 */
#ifndef DELIVER_WORKER_H
#define DELIVER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_deliver.h"

struct worker {
	const struct config	*cfg;
	struct auth_client	 authd;
	char			 authd_path[512];
	char			 submit_path[512];
};

/*
 * Serve jobs from sock until the peer closes it or nothing came for
 * spawner.idle seconds; the exit code for main().
 */
int	 worker_run(const struct config *, int sock);

#endif
