/*
 * What our users may send, RFC 6409 3 and 6: who must log in, from which
 * addresses, how much.  authd decides about the last two.
 */
#ifndef SMTPD_SUBMIT_H
#define SMTPD_SUBMIT_H

#include <stdbool.h>

#include "smtpd/command.h"

struct session;

/* In all of these, true: refused, and *err is the reply. */

/* Must it log in before MAIL? */
bool	 submit_wants_login(const struct session *, struct command_error *err);
/*
 * Is the sender none of the user's addresses, or has he sent too much?  The
 * null sender is anybody's.
 */
bool	 submit_no_sender(struct session *, const struct address *,
	    struct command_error *err);
/*
 * All recipients are known and content is about to come: it is counted.  Would
 * it be too much?
 */
bool	 submit_too_many(struct session *, struct command_error *err);

#endif
