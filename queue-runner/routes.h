/* Which route of the configuration has a domain's mail.  Pure. */
#ifndef QUEUE_RUNNER_ROUTES_H
#define QUEUE_RUNNER_ROUTES_H

#include <stdint.h>

#include "lib/base/config.h"
#include "lib/base/config_via.h"
#include "lib/net/proto_remote.h"

struct route {
	char			*domain;	/* A-labels; "" is the last */
	struct config_via	 via;
	uint16_t		 port;		/* never 0 */
	enum remote_tls		 tls;
	const char		*user;		/* "": none; the config's */
	const char		*password_file;
};

struct routes;

struct routes	*routes_new(const struct config *);
void		 routes_free(struct routes *);
/*
 * The most exact one for the domain, which has A-labels and lower case: its
 * own, then the longest ".domain" above it, then "*", then one that says what
 * DNS and section remote say.
 */
const struct route	*routes_find(const struct routes *,
			    const char *domain);

#endif
