/*
 * From hosts to a connection.  The addresses of all hosts, in the order of
 * preference, IPv6 and IPv4 in turn within a host, are tried one after the
 * other; but none is waited for alone: when an answer takes long the next
 * address is tried beside it, and who answers first is taken (RFC 8305).  So
 * one dead address does not eat the time there is.
 */
#ifndef REMOTE_CONNECT_H
#define REMOTE_CONNECT_H

#include <sys/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/net/proto_remote.h"

#define CONNECT_TARGETS	(REMOTE_HOSTS * RESOLVER_ADDRS)
#define CONNECT_DEAD	32	/* addresses remembered */

/* An address to try. */
struct connect_target {
	const struct resolver_host	*host;	/* NULL: a local socket */
	const char			*address;	/* or path */
	struct sockaddr_storage		 sa;
	socklen_t			 salen;
	enum { TARGET_NEW, TARGET_TRYING, TARGET_TRIED } state;
	int				 fd;	/* while trying */
};

/* Addresses with which something failed not long ago. */
struct connect_memory {
	struct {
		char	 address[RESOLVER_ADDR_MAX];
		int64_t	 until;			/* monotonic ms */
	}		 dead[CONNECT_DEAD];
	size_t		 next;		/* overwritten next */
};

struct connect {
	const struct config_remote	*cfg;
	struct connect_memory		*memory;	/* tried last */
	struct connect_target		 target[CONNECT_TARGETS];
	size_t				 n;
	int64_t				 left_ms;	/* of the time-out */
	char				 why[256];	/* it failed last */
};

/*
 * Begin with all targets of the open, which stays the caller's; hosts for
 * which skip is true are left out (it may be NULL).
 */
void	 connect_begin(struct connect *, const struct config_remote *,
	    const struct remote_open *, struct connect_memory *,
	    bool (*skip)(const struct remote_open *,
	    const struct resolver_host *));
/*
 * The next connection: a non-blocking descriptor, and which target it is.  -1
 * when there is none left, or the time is up; why says what failed last, "" if
 * nothing was tried.
 */
int	 connect_next(struct connect *, const struct connect_target **);
/* Once more to the same target, alone.  -1 with why. */
int	 connect_again(struct connect *, const struct connect_target *);
/* The target is no good, whatever the reason: others first for a while. */
void	 connect_forget(struct connect *, const struct connect_target *);

bool	 connect_memory_has(const struct connect_memory *, const char *address);
void	 connect_memory_add(struct connect_memory *, const char *address);

#endif
