/*
 * A service of authd's that works in helper processes: its socket, its loop,
 * its end.  What is asked and answered is the program's.
 */
#ifndef BASE_HELPER_SERVICE_H
#define BASE_HELPER_SERVICE_H

#include "lib/base/helpers.h"
#include "lib/base/ipc_server.h"

#define HELPER_SERVICE_CLIENTS	64

struct helper_service {
	const char		*name;		/* RUN/NAME/NAME.sock */
	const char		*run_dir;
	struct helpers_kind	 kind;
	ipc_request_fn		*request;	/* gets arg */
	void			*arg;
	const char		*idle;		/* why there is nothing to do;
						 * NULL: there is */
	struct wall		*wall;		/* around it, when the socket
						 * is there; NULL: none */
	struct helpers		*helpers;	/* NULL when idle */
};

/* Serve authd and admins until SIGTERM; the exit code. */
int	 helper_service_run(struct helper_service *);

#endif
