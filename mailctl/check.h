/* Is the whole set-up sound?  For mailctl check and mailctl reload. */
#ifndef MAILCTL_CHECK_H
#define MAILCTL_CHECK_H

#include <stddef.h>

#include "lib/base/config.h"

struct check {
	const struct config	*cfg;
	size_t			 errors, warnings;
};

/* Print a finding to standard error and count it. */
void	 check_error(struct check *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 check_warning(struct check *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Users and aliases. */
void	 check_tables(struct check *);
/* Owners and modes of directories and files. */
void	 check_paths(struct check *);
/* Files of certificates, as keyd reads them; what they are for. */
void	 check_certificates(struct check *);
/* Do listeners have the TLS that their clients expect? */
void	 check_listeners(struct check *);
/* Listening addresses: named twice, taken by somebody else. */
void	 check_ports(struct check *);

#endif
