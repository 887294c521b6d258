/*
 * RUN/queue/control.sock: what an admin asks by mailctl(8), see
 * lib/net/proto_control.h.
 */
#ifndef QUEUE_RUNNER_CONTROL_H
#define QUEUE_RUNNER_CONTROL_H

#include "lib/net/proto_control.h"

struct control;
struct runner;

/* Serve the socket at path.  NULL with errno. */
struct control	*control_new(struct runner *, const char *path);
void		 control_free(struct control *);
/*
 * Do retry, hold, release, remove or reroute to one message, at the end of
 * its try when it is being tried.  0, or -1 with errno (ENOENT: not there, or
 * in another place).
 */
int		 control_apply(struct runner *, const struct control_request *,
		    const char *id);
/* A child of lister.h has ended. */
void		 control_lister_gone(struct control *);

#endif
