/*
 * Changing the users file (merpati-users(5)) line by line: what is not
 * asked to change stays octet for octet, comments and unknown fields too.
 * Pure; change.c reads, locks and writes.  The file of app passwords is of
 * the same make.
 */
#ifndef MAILCTL_USERS_FILE_H
#define MAILCTL_USERS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define USERS_FIELDS	8	/* name secret uid gid gecos home shell extra */
#define USERS_SECRET	1
#define USERS_EXTRA	7

struct users_line {
	struct slice	 whole;			/* with its line end */
	struct slice	 field[USERS_FIELDS];	/* missing ones are empty */
	size_t		 n;			/* that are there */
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
/* A field that is missing gets its colons. */
int	 users_file_set_field(struct buf *out, struct slice text,
	    const struct users_line *, size_t field, const char *value);
/*
 * Append the words of an extra field without those of the keys, a list that
 * NULL ends; what stays stays octet for octet but for blanks around what
 * goes.
 */
int	 users_file_extra(struct buf *out, struct slice extra,
	    const char *const *keys);

#endif
