/* mailq, newaliases, sendmail -q: what mailctl(8) does, under old names. */
#ifndef DELIVER_ADMIN_H
#define DELIVER_ADMIN_H

#include "deliver/options.h"

/* Become mailctl(8) for the mode; returns an exit code when that fails. */
int	 admin_exec(const struct deliver_options *);

#endif
