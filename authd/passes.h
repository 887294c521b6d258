/*
 * A pass says that its user has proved who he is.  Whoever asked for the proof,
 * and nobody else, may ask with it once more within a minute, for the same
 * service.
 */
#ifndef AUTHD_PASSES_H
#define AUTHD_PASSES_H

#include "lib/net/proto_auth.h"
#include "lib/store/users.h"

struct check;

/* For once_new(). */
void	 pass_drop(void *pass);
/* A pass for the check's asker and service. */
void	 pass_new(const struct check *, const struct user *,
	    char name[AUTH_PASS_LEN + 1]);

#endif
