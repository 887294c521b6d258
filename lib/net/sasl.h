/* The server's side of SASL mechanisms, free of I/O. */
#ifndef NET_SASL_H
#define NET_SASL_H

#include "lib/base/slice.h"

/* PLAIN's three parts (RFC 4616 2), borrowed from the decoded message. */
struct sasl_plain {
	struct slice	 authzid;	/* whom to act as, "" is authcid */
	struct slice	 authcid;
	struct slice	 password;
};

/*
 * Take a decoded message apart.  0, or -1 with errno EINVAL: not exactly two
 * NULs, authcid or password empty, a name not UTF-8.  The password is left as
 * it is: hashes made from Latin-1 exist.
 */
int	 sasl_plain_parse(struct slice message, struct sasl_plain *);

#endif
