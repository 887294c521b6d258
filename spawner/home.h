/* Make a mailbox's home below the roots, whoever else writes there. */
#ifndef SPAWNER_HOME_H
#define SPAWNER_HOME_H

#include "lib/net/proto_spawn.h"

struct config;

/*
 * The directory, 0700 and the uid's, with its missing parents (0711, ours);
 * durable on return.  It must lie below one of mail-roots or mail-home's part
 * before its first %; no link is followed below that, and every directory on
 * the way must belong to us, root or the uid.  Fills *a.
 */
void	 home_make(const struct config *, const struct spawn_home *,
	    struct spawn_answer *a);

#endif
