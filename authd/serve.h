/* The questions: who may ask which, and who answers. */
#ifndef AUTHD_SERVE_H
#define AUTHD_SERVE_H

#include <sys/types.h>
#include <stdbool.h>

#include "lib/base/ipc_server.h"

/* For ipc_server_new(); arg is the struct authd. */
bool	 serve_allow(uid_t uid, gid_t gid, void *arg);
int	 serve_request(struct ipc_client *, struct ipc_msg *, void *arg);

#endif
