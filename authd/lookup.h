/*
 * What is an address here?  Pure on the tables; no waiting.
 *
 *	<postmaster> without a domain	what the configured postmaster is
 *	an alias of exactly this name	alias
 *	a user				user
 *	user+tag			the user; else the alias without tag
 *	a catch-all alias		alias
 *	else, in a domain of ours	unknown
 *	in relay-domains		relay; unknown when relay-recipients is
 *					set and has it not
 *	elsewhere			remote
 *
 * Where it would be unknown or a catch-all's, what a source of users cannot say
 * now is temp, and whose line is wrong broken.
 *
 * "\address" asks for the mailbox alone, as if there were no aliases: for
 * the result of an alias that names itself.
 */
#ifndef AUTHD_LOOKUP_H
#define AUTHD_LOOKUP_H

#include <stdbool.h>

#include "authd/tables.h"
#include "lib/net/proto_auth.h"

/* Fills all of *out. */
void		 lookup_address(struct tables *, const char *address,
		    struct auth_lookup *out);
/*
 * An alias's results in a sealed memory file, for the caller to close: "ok" and
 * *fd, else none loop toomany broken temp and -1.
 */
const char	*lookup_expand(struct tables *, const char *address, int *fd);
/*
 * The octets in a memory file that nobody can change any more, for the caller
 * to close; -1 with errno.
 */
int		 lookup_sealed(const char *name, const struct buf *);
/*
 * May the user send as this address: the own one, one in senders=, an alias
 * that leads there?
 */
bool		 lookup_is_theirs(struct tables *, const char *address,
		    const struct user *);
/* The user a login name belongs to; a name without domain is in hostname. */
struct user	*lookup_login(struct tables *, const char *name);
/* The mail home; size AUTH_HOME_MAX. */
void		 lookup_home(const struct config *, const struct user *,
		    char *home);

#endif
