/* Who may ask keyd what, and the answers; verbs in proto_key.h. */
#ifndef KEYD_SERVE_H
#define KEYD_SERVE_H

#include "lib/base/ipc_server.h"

/* For ipc_server_new(); arg is the struct keyd. */
ipc_allow_fn	 serve_allow;
ipc_request_fn	 serve_request;

#endif
