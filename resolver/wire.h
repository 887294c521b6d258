/*
 * Read a DNS answer in wire form (RFC 1035 4): what a question's name and
 * type got, behind its aliases.  No I/O, no state.  The packet may be hostile:
 * every name and length is checked (libresolv's ns_parserr), names that cannot
 * be a host's are refused, loops of compression end.
 */
#ifndef RESOLVER_WIRE_H
#define RESOLVER_WIRE_H

#include <sys/types.h>
#include <arpa/nameser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/net/proto_resolver.h"

#define WIRE_ALIASES	16	/* CNAMEs in a row */

enum dns_status {
	DNS_OK,		/* at least one record of the type */
	DNS_NODATA,	/* the name is there, such a record is not */
	DNS_NXDOMAIN,	/* no such name */
	DNS_FAILED,	/* SERVFAIL, REFUSED, malformed, ... */
	DNS_BOGUS	/* DNSSEC says that it is forged */
};

/* Valid in the callback that got it alone: records lie in the packet. */
struct dns_answer {
	enum dns_status	 status;
	bool		 secure;	/* validated by DNSSEC */
	bool		 alias;		/* name is not the one asked for */
	char		 name[RESOLVER_NAME_MAX];	/* behind aliases */
	uint32_t	 ttl;		/* the least; of a denial the SOA's */
	const char	*why;		/* of DNS_FAILED and DNS_BOGUS */
	uint16_t	 type;
	ns_msg		 msg;
};

struct dns_record {
	uint32_t	 ttl;
	const uint8_t	*data;
	size_t		 len;
};

/*
 * Read the packet's header and aliases; name is what was asked, lower case,
 * no final dot.  Never fails: nonsense is DNS_FAILED.
 */
void	 wire_read(const uint8_t *packet, size_t len, const char *name,
	    uint16_t type, struct dns_answer *);
/* An answer without a packet. */
void	 wire_failed(struct dns_answer *, const char *name, const char *why);
/* The record after *at, which starts as 0, or false. */
bool	 wire_next(struct dns_answer *, int *at, struct dns_record *);

/*
 * What a record says; false when it is malformed.  Names come in lower case
 * without the final dot; "" is the root.
 */
bool	 wire_address(const struct dns_answer *, const struct dns_record *,
	    char out[RESOLVER_ADDR_MAX]);
bool	 wire_mx(const struct dns_answer *, const struct dns_record *,
	    uint16_t *preference, char name[RESOLVER_NAME_MAX]);
/* PTR, CNAME. */
bool	 wire_name(const struct dns_answer *, const struct dns_record *,
	    char name[RESOLVER_NAME_MAX]);
/* The strings of a TXT record joined, appended to out. */
bool	 wire_txt(const struct dns_record *, struct buf *out);
/* RFC 6698 2.1. */
bool	 wire_tlsa(const struct dns_record *, struct resolver_tlsa *);

#endif
