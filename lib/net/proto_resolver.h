/*
 * Whole questions to the resolver: encode and decode beside each other, and
 * a blocking client.  Fields in doc/protocols.md.
 *
 *	route      domain          where does the domain's mail go?
 *	addresses  host            the addresses of one host (a smarthost)
 *	ptr        address         the forward-confirmed name of an address
 *	txt        name            TXT records, strings of a record joined
 *	dnsbl      name            A records of a block list's name
 *	tlsa       name            TLSA records
 *
 * Every question has exactly one answer within RESOLVER_DEADLINE_MS.  Names
 * go out as A-labels or U-labels and come back as A-labels in lower case
 * without a final dot.  A host given as an address keeps its brackets:
 * "[192.0.2.1]", "[IPv6:2001:db8::1]".
 *
 * A domain or host may be followed by ":PORT", by default the remote section's
 * port: TLSA records are a port's, and so is whether we meet ourselves.
 */
#ifndef NET_PROTO_RESOLVER_H
#define NET_PROTO_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/base/ipc_link.h"

#define RESOLVER_NAME_MAX	256	/* octets, NUL included */
#define RESOLVER_ADDR_MAX	46	/* INET6_ADDRSTRLEN */
#define RESOLVER_HOSTS		16	/* of a route; worse ones are cut */
#define RESOLVER_ADDRS		8	/* of a host */
#define RESOLVER_TLSA		8	/* of a host; DATA_MAX octets each */
#define RESOLVER_TLSA_DATA	1024
#define RESOLVER_TEXTS		16	/* answers to txt and dnsbl */
#define RESOLVER_DEADLINE_MS	20000
#define RESOLVER_TIMEOUT_MS	25000	/* an asker's patience */

enum resolver_status {
	RESOLVER_OK,
	RESOLVER_NONE,		/* for certain: no such name or no record */
	RESOLVER_NULL_MX,	/* RFC 7505: takes no mail */
	RESOLVER_LOOP,		/* we are the best host: RFC 5321 5.1 */
	RESOLVER_TEMP		/* SERVFAIL, time-out, bogus: later perhaps */
};

enum resolver_dane {
	DANE_NONE,		/* no TLSA, or not vouched for */
	DANE_TLSA,		/* records, DNSSEC-secure: RFC 7672 2.2 */
	DANE_FAILED		/* they may exist but cannot be had: the host
				 * must not be used, RFC 7672 2.1.1 */
};

struct resolver_tlsa {
	uint8_t	 usage, selector, matching;
	size_t	 len;
	uint8_t	 data[RESOLVER_TLSA_DATA];
};

struct resolver_host {
	/*
	 * With DANE_TLSA the TLSA base domain: the name to send as SNI and to
	 * look for in a certificate, RFC 7672 3.2.2 and 8.1.
	 */
	char			 name[RESOLVER_NAME_MAX];
	uint16_t		 preference;
	bool			 secure;	/* validated all the way: MX,
						 * CNAMEs, addresses */
	size_t			 naddr;		/* at least 1 in an answer */
	char			 addr[RESOLVER_ADDRS][RESOLVER_ADDR_MAX];
	enum resolver_dane	 dane;
	size_t			 ntlsa;
	struct resolver_tlsa	*tlsa;		/* heap, NULL when none */
};

/* The answer to route and addresses. */
struct resolver_route {
	enum resolver_status	 status;
	char			 code[12];	/* RFC 3463; "" when OK */
	char			 text[256];	/* the reason, for a person */
	uint32_t		 ttl;		/* seconds it may be kept */
	size_t			 nhost;		/* in the order to be tried */
	struct resolver_host	 host[RESOLVER_HOSTS];
};

/*
 * The answer to ptr (one name), txt, dnsbl ("127.0.0.2"), tlsa ("3 1 1 HEX").
 * Texts that do not fit a packet are left out.
 */
struct resolver_texts {
	enum resolver_status	 status;
	bool			 secure;
	uint32_t		 ttl;
	size_t			 n;
	char			*text[RESOLVER_TEXTS];	/* heap, octets */
	size_t			 len[RESOLVER_TEXTS];
};

void	 resolver_route_init(struct resolver_route *);
void	 resolver_route_free(struct resolver_route *);
void	 resolver_texts_free(struct resolver_texts *);

/*
 * Encoders begin the packet; decoders return 0, or -1 with errno EBADMSG and
 * nothing allocated.  A route that does not fit a packet loses its worst
 * hosts.  kind is one of the verbs above.
 */
void	 proto_resolver_put_ask(struct ipc_msg *, uint64_t id,
	    const char *verb, const char *name);
int	 proto_resolver_get_ask(struct ipc_msg *, char *name, size_t size);
void	 proto_resolver_put_route(struct ipc_msg *, uint64_t id,
	    struct resolver_route *);
int	 proto_resolver_get_route(struct ipc_msg *, struct resolver_route *);
void	 proto_resolver_put_texts(struct ipc_msg *, uint64_t id,
	    const struct resolver_texts *);
int	 proto_resolver_get_texts(struct ipc_msg *, struct resolver_texts *);
/*
 * The fields of one host inside a packet: "host" and what belongs to it.  Also
 * in packets to remote.  get: -1 when the packet is bad (sticky).
 */
void	 proto_resolver_put_host(struct ipc_msg *,
	    const struct resolver_host *);
int	 proto_resolver_get_host(struct ipc_msg *, struct resolver_host *);

/*
 * The blocking client for straight-line programs (smtpd).  Connects when
 * needed and again, once, when the resolver went away.  0, or -1 with errno:
 * it cannot be asked now.
 */
struct resolver_client {
	struct ipc_link	 link;		/* RUN/resolver/resolver.sock */
};
void	 resolver_client_init(struct resolver_client *, const char *path);
void	 resolver_client_close(struct resolver_client *);
int	 resolver_client_route(struct resolver_client *, const char *domain,
	    struct resolver_route *);
int	 resolver_client_addresses(struct resolver_client *, const char *host,
	    struct resolver_route *);
/* verb: ptr txt dnsbl tlsa. */
int	 resolver_client_texts(struct resolver_client *, const char *verb,
	    const char *name, struct resolver_texts *);

#endif
