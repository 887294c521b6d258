/*
 * The PROXY protocol's binary header, version 2, with which a load balancer
 * tells whose connection it passes on.  Pure.
 */
#ifndef SMTPD_PROXY_H
#define SMTPD_PROXY_H

#include <sys/socket.h>
#include <stddef.h>

#include "lib/base/slice.h"

#define PROXY_MAX	2048	/* octets of a header with what it appends */

enum proxy_status {
	PROXY_OK,		/* *client is the client */
	PROXY_LOCAL,		/* the proxy itself speaks, or for somebody
				 * without an address */
	PROXY_MORE,		/* not whole yet */
	PROXY_BAD		/* no such header: close */
};

/*
 * Read the header at the front of in.  Unless PROXY_MORE or PROXY_BAD, *used
 * octets belong to it.
 */
enum proxy_status	 proxy_parse(struct slice in,
			    struct sockaddr_storage *client, size_t *used);
/*
 * After PROXY_MORE, or before the first octet: so many more are the header's
 * for sure.
 */
size_t			 proxy_missing(struct slice in);

#endif
