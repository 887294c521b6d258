/* The services, what each needs, and what it may keep over exec. */
#ifndef MAILBIND_CHAIN_H
#define MAILBIND_CHAIN_H

#include "lib/base/config.h"
#include "mailbind/sockets.h"

struct chain_service {
	const char	*name;
	const char	*user;		/* NULL: stays root */
};

/* NULL when there is no such service. */
const struct chain_service	*chain_find(const char *name);
/* One after the other; NULL past the last. */
const struct chain_service	*chain_nth(size_t i);
/*
 * Every address that the configuration has for s->service.  Exits EX_CONFIG
 * when there are too many.
 */
void	 chain_want(struct sockets *s, const struct config *);
/* Only what a daemon may know stays, and these two. */
void	 chain_environment(const char *listen, const char *conf);
/* The descriptor of readiness, or -1. */
int	 chain_notify_fd(void);

#endif
