/* The users and aliases files as authd reads them, and what is odd in them. */
#ifndef MAILCTL_TABLES_H
#define MAILCTL_TABLES_H

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/mail/aliases.h"
#include "lib/store/app_passwords.h"
#include "lib/store/system_user.h"
#include "lib/store/users.h"

/* NULL, and lines "FILE:LINE: reason" in err. */
struct users	*tables_users(const struct config *, struct buf *err);
/* The same of a text that is or will be the users file. */
struct users	*tables_users_text(const struct config *, struct slice text,
		    struct buf *err);
/* No file is an empty one. */
struct app_passwords *tables_apps(const struct config *, struct buf *err);
/* Includes are read too. */
struct aliases	*tables_aliases(const struct config *, struct buf *err);

struct tables_findings {
	void		(*error)(const char *text, void *arg);
	void		(*warning)(const char *text, void *arg);
	void		*arg;
};

/*
 * What parses and yet does not work: an alias that loops or is too large
 * (error), or leads to nobody (warning); no alias for root (warning) and no
 * way to the postmaster (error).  users may be NULL: unknown.
 */
void	 tables_examine(const struct config *, const struct users *,
	    const struct aliases *, const struct tables_findings *);

/*
 * Proofs that do not work: SCRAM is offered and users have no keys for it; app
 * passwords of nobody (warnings).
 */
void	 tables_examine_proofs(const struct config *, const struct users *,
	    const struct app_passwords *, const struct tables_findings *);

/*
 * Is it an account of this machine, and are those users?  Then local is its
 * name; the login name is that in hostname.
 */
bool	 tables_account(const struct config *, const char *address,
	    char local[SYSTEM_NAME_MAX + 1]);

#endif
