/*
 * The accounts of this machine as users: "name@hostname", and the same mailbox
 * under name@ each of the domains.
 */
#ifndef AUTHD_ACCOUNTS_H
#define AUTHD_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/users.h"

#define ACCOUNTS_MS	60000	/* an account is believed so long */

struct accounts;

struct accounts	*accounts_new(const struct config *);
/* NULL is fine. */
void		 accounts_free(struct accounts *);

/*
 * The user of a login name with its domain, case ignored; NULL when there is
 * none.  It stays where it is until accounts_free().  *unsure is set when the
 * accounts cannot be read now (logged), else left.
 */
struct user	*accounts_find(struct accounts *, const char *name,
		    bool *unsure);
/* Is it the uid of one? */
bool		 accounts_has_uid(struct accounts *, uint32_t uid);

#endif
