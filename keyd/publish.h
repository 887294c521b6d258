/* The file that tells the world keyd's certificates: tls_certificates.h. */
#ifndef KEYD_PUBLISH_H
#define KEYD_PUBLISH_H

#include "keyd/keys.h"
#include "lib/base/buf.h"

struct publish {
	char		*path;
	struct buf	 last;	/* what is in the file, as far as we know */
};

/* What an earlier keyd wrote is read: perhaps it need not be replaced. */
void	 publish_init(struct publish *, const char *run_dir);
/*
 * Replace the file if it must be: whoever sees it change begins anew.  A
 * failure is logged, and the next call tries again.
 */
void	 publish_keys(struct publish *, const struct keys *);
void	 publish_free(struct publish *);

#endif
