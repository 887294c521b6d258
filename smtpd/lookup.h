/*
 * What authd knows of a recipient, positive answers remembered: a burst of
 * letters to one mailbox asks once.
 */
#ifndef SMTPD_LOOKUP_H
#define SMTPD_LOOKUP_H

#include <stdint.h>

#include "lib/net/proto_auth.h"

#define LOOKUP_SLOTS	256
#define LOOKUP_MS	60000	/* an answer's life */

struct lookup_slot {
	char		*address;	/* canonical text, NULL: empty */
	char		*user;		/* mailbox, "" unless AUTH_USER */
	enum auth_kind	 kind;
	int64_t		 expires;	/* monotonic ms */
};

struct lookup {
	struct auth_client	 client;
	struct lookup_slot	 slots[LOOKUP_SLOTS];
};

/* path: of authd's socket, borrowed. */
void	 lookup_init(struct lookup *, const char *path);
void	 lookup_free(struct lookup *);
/*
 * 0 with *kind, *full and *user (borrowed until the next call); -1 when
 * authd cannot be asked now.
 */
int	 lookup_address(struct lookup *, const char *address,
	    enum auth_kind *kind, bool *full, const char **user);

#endif
