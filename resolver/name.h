/* Names of hosts and domains, address literals, addresses.  No I/O. */
#ifndef RESOLVER_NAME_H
#define RESOLVER_NAME_H

#include <stdbool.h>

#include "lib/net/proto_resolver.h"

/*
 * A domain as people write it, U-labels and a final dot allowed, into lower
 * case A-labels without one.  False when it is none.
 */
bool	 name_parse(const char *in, char out[RESOLVER_NAME_MAX]);
/* Labels of letters, digits, '-' and '_', 253 octets: RFC 1035 2.3.4. */
bool	 name_is_host(const char *name);
/*
 * "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3), and, as people write
 * smarthosts, "[2001:db8::1]": the address in its usual form.
 */
bool	 name_literal(const char *in, char addr[RESOLVER_ADDR_MAX]);
/* An address in its usual form; false when it is none. */
bool	 name_address(const char *in, char addr[RESOLVER_ADDR_MAX]);
/*
 * Could a letter be sent there?  Not to the unspecified address, which
 * Linux takes for this host, nor to multicast, broadcast or IPv4 in IPv6.
 */
bool	 name_usable(const char *addr);
/* The name whose PTR record has the address's name: RFC 1035 3.5, 3596 2.5. */
bool	 name_reverse(const char *addr, char out[RESOLVER_NAME_MAX]);
/*
 * Take ":PORT" off the end of name.  False when what follows the colon is no
 * port; without a colon *port stays.
 */
bool	 name_take_port(char *name, unsigned int *port);

#endif
