/* Is the whole set-up sound?  For mailctl check and mailctl reload. */
#ifndef MAILCTL_CHECK_H
#define MAILCTL_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"

struct check {
	const struct config	*cfg;
	size_t			 errors, warnings;
	/*
	 * For a reload: what the programs run with as it is, and what a
	 * reload may be the way out of, is a warning.
	 */
	bool			 lenient;
};

/* Print a finding to standard error and count it. */
void	 check_error(struct check *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 check_warning(struct check *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Each line of a parser's report is an error; then err is empty. */
void	 check_lines(struct check *, struct buf *err);
/*
 * As root, where the program runs as that user: may it read the file?  False:
 * it is said.  A file that is not there is none of this function's business.
 */
bool	 check_may_read(struct check *, const char *program,
	    const char *user, const char *path);

/* Users and aliases. */
void	 check_tables(struct check *);
/* Access lists and relay-recipients; what authd and smtpd may read. */
void	 check_files(struct check *);
/* Owners and modes of directories and files. */
void	 check_paths(struct check *);
/* Files of certificates, as keyd reads them; what they are for. */
void	 check_certificates(struct check *);
/* Do listeners have the TLS that their clients expect? */
void	 check_listeners(struct check *);
/* Listening addresses: named twice, taken by somebody else. */
void	 check_ports(struct check *);

#endif
