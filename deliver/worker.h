/*
 * deliver -w: jobs from queue-runner on a SOCK_SEQPACKET socket, one after the
 * other, an answer each.  doc/protocols.md has the fields.
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
	/* How full the last job's mailbox is, for users with a quota. */
	bool			 used_known;
	uint64_t		 used_octets, used_count;
};

/*
 * Serve jobs from sock until the peer closes it or nothing came for
 * spawner.idle seconds; the exit code for main().
 */
int	 worker_run(const struct config *, int sock);

#endif
