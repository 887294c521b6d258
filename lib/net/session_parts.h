/* What session_server.c and session_park.c share. */
#ifndef NET_SESSION_PARTS_H
#define NET_SESSION_PARTS_H

#include <sys/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/session_park.h"

/* A parked session, as the server keeps it. */
struct parked {
	int	 fd, wake;		/* -1: none */
	int	 watch[PARK_DIRS];	/* inotify's; -1: none */
	int64_t	 until;			/* monotonic ms */
	size_t	 len, note;		/* of fields; where the session's begin */
	char	 fields[];
};

/*
 * The server's side.  Once, before the first session: without descriptors to be
 * had no session parks.
 */
void	 park_open(void);
/* Readable when a session wants to park, when something is in a directory; -1. */
int	 park_socket(void);
int	 park_inotify(void);
/* Have it, if that can be.  True: it is new, and to be waited for. */
bool	 park_inotify_open(void);
/*
 * What happened in a directory: 1 with its watch, -1 in it when it may have been
 * any; 0: no more.
 */
int	 park_news(int *watch);
/* Nobody is parked any more who has it. */
void	 park_unwatch(int watch);
/*
 * The next one that wants to: 1 with *p for park_free(), who asks (pid) and where
 * he waits (*ask, for park_answer()); 0: none.
 */
int	 park_receive(struct parked **p, pid_t *pid, int *ask);
/*
 * Have the directories watched that it names.  0, or -1: what was begun is in
 * watch.
 */
int	 park_watch(struct parked *);
/* Closes ask.  A session that is not taken goes on as before. */
void	 park_answer(int ask, bool taken);
void	 park_free(struct parked *);

/* In a session's process: the way to its server, all it keeps of this. */
int	 park_child(void);
/* The session's side of p, which is in the memory of both. */
void	 park_adopt(const struct parked *p, struct session_parked *out);

#endif
