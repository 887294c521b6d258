/*
 * A service's listening sockets: taken from s6-fdholder(d), bound when they
 * are not there, stored so that the next start finds them.  In the holder a
 * socket's name is "SERVICE ADDRESS".
 */
#ifndef MAILBIND_SOCKETS_H
#define MAILBIND_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

#define SOCKETS_MAX	64

struct sockets {
	const char	*service;
	const char	*holder;	/* path of the holder's socket */
	bool		 held;		/* the holder's dump is here */
	const char	*address[SOCKETS_MAX];
	int		 fd[SOCKETS_MAX];
	size_t		 n;
};

/*
 * Does something accept connections at the holder's path?  While its directory
 * is there, wait_ms are given it to start.
 */
bool	 sockets_holder_answers(const char *holder, int wait_ms);
/* Has s6-fdholder-getdump(1) run before us? */
bool	 sockets_have_dump(void);
/*
 * Execute s6-fdholder-getdump(1), which executes argv again with the dump
 * in its environment.  Does not return.
 */
void	 sockets_get_dump(const struct sockets *, char **argv);
/* One more address to listen on, borrowed.  -1 when there are too many. */
int	 sockets_want(struct sockets *, const char *address);
/*
 * Take what the dump in the environment has, bind and store the rest, make
 * the holder forget this service's sockets that nobody wants.  Exits
 * when an address cannot be had.
 */
void	 sockets_open(struct sockets *);
/* Fill in what the dump has; names nobody wants are left alone. */
void	 sockets_look(struct sockets *);
/* Store one socket.  A failure is logged: the next restart has a gap. */
int	 sockets_store(const struct sockets *, size_t i);
/* "FD=ADDRESS,FD=ADDRESS".  0, or -1 with errno. */
int	 sockets_format(const struct sockets *, struct buf *out);
/* Of all descriptors from 3 on, only keep and the sockets survive exec. */
void	 sockets_only(const struct sockets *, int keep);

#endif
