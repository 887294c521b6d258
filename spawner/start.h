/* Start a program as a mailbox's uid, and note how it ends. */
#ifndef SPAWNER_START_H
#define SPAWNER_START_H

#include "lib/net/proto_spawn.h"

#define START_MAX	4096	/* programs at once */

struct config;

/* Fills *a; its descriptor, when there is one, is the caller's to close. */
void	 start_server(const struct config *, const struct spawn_server *,
	    struct spawn_answer *a);
/* Collect those that ended; abnormal ends are logged. */
void	 start_reap(void);
/* SIGTERM to all, at most seconds for them to go. */
void	 start_stop_all(unsigned int seconds);

#endif
