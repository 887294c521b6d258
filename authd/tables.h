/*
 * What authd knows: the users, their app passwords, the aliases and
 * relay-recipients, each read anew when a file changed.  A wrong line is told
 * in the log and stands in nobody else's way; of a file that cannot be read
 * the old table stays.
 */
#ifndef AUTHD_TABLES_H
#define AUTHD_TABLES_H

#include <sys/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/store/users.h"
#include "lib/base/buf.h"
#include "lib/base/file_stamp.h"

#define TABLES_CHECK_MS	300	/* looks at the files at most so often */

struct accounts;
struct aliases;
struct app_passwords;
struct config;
struct relays;

enum {
	TABLES_USERS,
	TABLES_APPS,
	TABLES_ALIASES,
	TABLES_RELAYS,
	TABLES_FILES
};

struct tables {
	const struct config	*conf;
	struct users_ids	 ids;
	struct users		*users;
	struct accounts		*accounts;	/* NULL: not a source */
	struct app_passwords	*apps;
	struct aliases		*aliases;
	struct relays		*relays;	/* NULL: all are accepted */
	struct file_stamp	 stamp[TABLES_FILES];
	bool			 unsure, broken;	/* see sources.h */
	int64_t			 checked;	/* monotonic ms */
};

/* Empty; conf is borrowed. */
void	 tables_init(struct tables *, const struct config *,
	    const struct users_ids *);
void	 tables_free(struct tables *);
/*
 * Read all files now.  0, or -1 with lines "FILE:LINE: reason" in err; what
 * is right in them counts all the same.
 */
int	 tables_load(struct tables *, struct buf *err);
/* Could every file be read at least once? */
bool	 tables_complete(const struct tables *);
/* Read them again if one changed; errors go to the log. */
void	 tables_refresh(struct tables *);
/* Each line of err to the log. */
void	 tables_log_errors(const struct buf *err);

#endif
