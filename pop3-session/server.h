/* The server of one uid's sessions: receives connections, forks for each. */
#ifndef POP3_SESSION_SERVER_H
#define POP3_SESSION_SERVER_H

#include "lib/base/config.h"

/*
 * Serve `handed' packets from authd's socket ctl until it closes (running
 * sessions are waited for) or SIGTERM (they are asked to stop, and killed after
 * drain-timeout).  At most max-connections sessions of pop3d's section.  In a
 * child it ends in exit(3).  Returns the exit code.
 */
int	 server_run(const struct config *, int ctl);

#endif
