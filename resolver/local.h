/* Is a host of a route this host itself?  RFC 5321 5.1. */
#ifndef RESOLVER_LOCAL_H
#define RESOLVER_LOCAL_H

#include <stdbool.h>

#include "lib/base/config.h"

/* The hostname, or what remote says in EHLO; name as name_parse() makes it. */
bool	 local_name(const struct config *, const char *name);
/*
 * Would a connection to the address and port meet our own smtpd, at a
 * listener for mail from outside?  Wildcards mean the interfaces' addresses.
 */
bool	 local_address(const struct config *, const char *addr,
	    unsigned int port);

#endif
