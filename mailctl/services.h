/* The programs under s6 and the sockets of the suite, as seen from outside. */
#ifndef MAILCTL_SERVICES_H
#define MAILCTL_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"

#define SERVICES_MAX	32

struct service {
	char		 name[64];
	char		 path[512];	/* service directory */
	bool		 known;		/* s6 could say how it is */
	bool		 up, ready;
	bool		 wanted;	/* s6 is to keep it up */
	uint64_t	 pid, seconds;	/* up or down since */
};

/*
 * The service directories below service-dir, by name.  How many; 0 without
 * the key, -1 with errno when it cannot be read.
 */
int	 services_find(const struct config *, struct service[SERVICES_MAX]);
/* Ask s6-svstat. */
void	 services_ask(struct service *);
/* Does it run the program that is installed now? */
bool	 services_is_current(const struct config *, struct service *);
/* Restart it and wait until it is ready.  0, or -1. */
int	 services_restart(struct service *);

/*
 * Does something answer at the listen address ("HOST:PORT")?  line gets the
 * greeting's first line.  A wildcard address is asked on loopback.
 */
bool	 services_answers(const char *address, char *line, size_t size);
/* Does it take a connection at all? */
bool	 services_listens(const char *address);
/* The same for a stream socket's path, and a SEQPACKET one (no greeting). */
bool	 services_answers_unix(const char *path, char *line, size_t size);
bool	 services_answers_packet(const char *path);

/*
 * Do the programs run as different users?  They do when their directories
 * below run-dir have different owners.
 */
bool	 services_walls(const struct config *);

#endif
