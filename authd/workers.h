/* A fresh delivery worker for a user, asked of spawner. */
#ifndef AUTHD_WORKERS_H
#define AUTHD_WORKERS_H

#include <stdint.h>

#include "authd/authd.h"

struct ipc_client;

/* Answer the client with the worker's socket, or that there is none now. */
void	 workers_start(struct authd *, struct ipc_client *, uint64_t id,
	    const char *user);

#endif
