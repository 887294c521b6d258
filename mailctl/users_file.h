/*
 * Changing the users file (merpati-users(5)) line by line: what is not
 * asked to change stays octet for octet, comments and unknown fields too.
 * Pure; mailctl/cmd_user.c reads, locks and writes.
 */
#ifndef MAILCTL_USERS_FILE_H
#define MAILCTL_USERS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define USERS_FIELDS	8	/* name secret uid gid gecos home shell extra */

struct users_line {
	struct slice	 whole;			/* with its line end */
	struct slice	 field[USERS_FIELDS];	/* missing ones are empty */
};

/*
 * The next line that is a user's; comments, blank lines and lines
 * without a colon are passed over.  *pos is 0 at first.
 */
bool	 users_file_next(struct slice text, size_t *pos, struct users_line *);
/*
 * The line of address ("local@domain", case ignored); a name without a domain
 * stands for one at hostname.
 */
bool	 users_file_find(struct slice text, const char *address,
	    const char *hostname, struct users_line *);

/* Append the changed text.  0, or -1 with errno EMSGSIZE. */
int	 users_file_add(struct buf *out, struct slice text, const char *line);
int	 users_file_del(struct buf *out, struct slice text,
	    const struct users_line *);
int	 users_file_set_secret(struct buf *out, struct slice text,
	    const struct users_line *, const char *secret);

#endif
