/* May a user send this, from this address, to so many? */
#ifndef AUTHD_SUBMIT_H
#define AUTHD_SUBMIT_H

#include "authd/authd.h"
#include "lib/net/proto_auth.h"

/*
 * Addresses of a user: the own one, with a tag or without; aliases that lead to
 * the user; those in senders=.  The null sender is everybody's.  A refusal
 * is logged.
 */
enum auth_may	 submit_may(struct authd *, const struct auth_submit *);

#endif
