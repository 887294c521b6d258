/*
 * One host's addresses and TLSA records: up to four DNS questions, one
 * callback.  DANE for SMTP is RFC 7672; its rules about aliases (2.2.2) and
 * failures (2.1.1, 2.1.2) are here.
 */
#ifndef RESOLVER_HOST_H
#define RESOLVER_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/proto_resolver.h"
#include "resolver/wire.h"

enum host_state {
	HOST_BUSY,
	HOST_OK,	/* has an address */
	HOST_NONE,	/* certainly not */
	HOST_TEMP	/* nobody knows just now */
};

struct ask;
struct asker;
struct host;

typedef void	 host_fn(struct host *, void *arg);

struct host_family {
	enum dns_status	 status;
	bool		 secure, alias;
	char		 end[RESOLVER_NAME_MAX];	/* behind aliases */
	size_t		 seen;
	size_t		 n;
	char		 addr[RESOLVER_ADDRS][RESOLVER_ADDR_MAX];
};

struct host {
	char			 name[RESOLVER_NAME_MAX];
	uint16_t		 preference;
	uint32_t		 order;		/* among equals, random */
	enum host_state		 state;
	uint32_t		 ttl;
	bool			 secure;	/* addresses and aliases */
	char			 why[160];	/* of HOST_TEMP */

	/* The rest is host.c's. */
	struct asker		*asker;
	host_fn			*fn;
	void			*arg;
	unsigned int		 port;
	bool			 want_dane;
	struct ask		*ask[2];	/* A, AAAA */
	struct host_family	 family[2];
	struct ask		*cname, *tlsa_ask;
	char			 base[RESOLVER_NAME_MAX];	/* of TLSA */
	bool			 again;		/* name is to be tried too */
	enum resolver_dane	 dane;
	size_t			 ntlsa;
	struct resolver_tlsa	*tlsa;
};

/*
 * Look up h->name, set by the caller in an otherwise zeroed struct.  dane:
 * TLSA counts, as the way to this name is secure; for port.  fn is called once
 * when state is no more HOST_BUSY, after this has returned.
 */
void	 host_start(struct host *, struct asker *, unsigned int port,
	    bool dane, host_fn *, void *arg);
/* Time is over: decide by what is known.  fn is not called. */
void	 host_late(struct host *);
/* Forget all questions, free what is held. */
void	 host_stop(struct host *);
/* A HOST_OK into an answer; the TLSA records move. */
void	 host_move(struct host *, struct resolver_host *);

#endif
