/*
 * Parking: a session whose client is silent leaves its connection and a note to its
 * server (session_server.h) and ends its process.  When something happens the
 * server forks a process that goes on from the note.
 */
#ifndef NET_SESSION_PARK_H
#define NET_SESSION_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipc.h"

#define PARK_DIRS	2

/* How a session goes on.  Borrowed from the server's memory, copied by fork. */
struct session_parked {
	struct slice	 note;		/* for ipc_load() */
	int		 wake;		/* the session's now; -1 */
};

/* True in a process that has a server to park with. */
bool	 session_may_park(void);
/*
 * Begin the packet: until is when to go on at the latest (monotonic ms), dirs are
 * directories (NULL: none) in which the server is to notice names that come or go.
 * The caller puts what he wants to know again behind it.
 */
void	 session_park_start(struct ipc_msg *, int64_t until,
	    const char *const dirs[PARK_DIRS]);
/*
 * Ask the server to take the connection over, and to go on as soon as it or wake
 * (-1: none) is readable.  True: it has them, and the directories are
 * watched: what happened there before is the caller's to find, who then makes
 * wake readable; the process ends without another word to the client.
 * False: not now; nothing happened.
 */
bool	 session_park(struct ipc_msg *, int fd, int wake);

#endif
