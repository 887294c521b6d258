/* The loop of keyd and its parts, made once by keyd_main(). */
#ifndef KEYD_KEYD_H
#define KEYD_KEYD_H

#include <stdbool.h>

#include "keyd/keys.h"
#include "keyd/publish.h"
#include "keyd/tickets.h"
#include "lib/base/buf.h"
#include "lib/base/config.h"

struct event;
struct event_base;
struct ipc_server;

struct keyd {
	const char		*path;		/* of the configuration */
	struct config		 conf;
	struct event_base	*base;
	struct event		*look;		/* every keyd.check */
	struct event		*turn;		/* of the ticket keys */
	struct ipc_server	*server;
	unsigned int		 clients;	/* at most */
	struct keys		 keys;
	struct publish		 publish;
	struct tickets		*tickets;
};

/* Serve until SIGTERM; the exit code. */
int	 keyd_main(const char *path);

/*
 * Read the configuration and every file anew.  0, or -1 and err has a line for
 * each thing that is wrong, and what was good before is kept for that.
 */
int	 keyd_reload(struct keyd *, struct buf *err);

#endif
