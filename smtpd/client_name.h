/* The client's name in DNS. */
#ifndef SMTPD_CLIENT_NAME_H
#define SMTPD_CLIENT_NAME_H

#include <stddef.h>

#include "lib/net/proto_resolver.h"

/*
 * The name that the address has and that has the address; "" when there is
 * none such or it cannot be found out.  Waits for the resolver: done only when
 * an access list names clients.
 */
void	 client_name(struct resolver_client *, const char *address, char *out,
	    size_t size);

#endif
