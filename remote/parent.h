/*
 * The parent of remote: takes queue-runner's connections and gives each a
 * process of its own.  It reads nothing of what is said there.
 */
#ifndef REMOTE_PARENT_H
#define REMOTE_PARENT_H

#include "lib/base/config.h"

/* Serve until SIGTERM; the exit code. */
int	 parent_run(const struct config *);

#endif
