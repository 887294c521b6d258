/*
 * A user's forward file, forward(5): addresses, a line each or between commas;
 * "\user" keeps a copy in the mailbox; '#' starts a comment line.  Programs,
 * files and includes are refused.
 */
#ifndef MAIL_FORWARD_H
#define MAIL_FORWARD_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/address.h"

#define FORWARD_FILE		"forward"	/* below the mail home */
#define FORWARD_MAX		(64 * 1024)	/* octets */
#define FORWARD_ADDRESSES	100

struct forward {
	char	**addresses;	/* canonical, with a domain, no two the same */
	size_t	  n;
	bool	  keep;		/* a copy stays */
};

enum forward_status {
	FORWARD_NONE,		/* no file, or nothing in it: keep all */
	FORWARD_OK,
	FORWARD_BAD,		/* its owner has to mend it: see why */
	FORWARD_ERROR		/* errno */
};

/*
 * The file's text.  user is whose it is: names without a domain are in the
 * user's, and an entry for the user's own address means a copy, with or
 * without a backslash (else the letter would go round).  On BAD why gets
 * "forward:LINE: reason".  Unless OK, *out is empty.
 */
enum forward_status	 forward_parse(struct slice text,
			    const struct address *user, struct forward *out,
			    struct buf *why);
/*
 * Read and parse the file in the directory home.  Only a regular file that
 * belongs to uid (or root) and that nobody else may write is believed.
 */
enum forward_status	 forward_read(int home, uid_t uid,
			    const struct address *user, struct forward *out,
			    struct buf *why);
void	 forward_free(struct forward *);

#endif
