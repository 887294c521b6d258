/* RFC 5322 3.3 dates. */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>
#include <time.h>

#include "lib/base/slice.h"

#define DATE_MAX	40	/* "Sat, 21 Nov 2026 20:39:32 +0000", NUL */

/* Local time with its offset, as Received and Date show it. */
void	 date_format(time_t, char out[DATE_MAX]);
/*
 * Seconds since 1970 of an RFC 5322 date, obsolete zones and two-digit years
 * (RFC 5322 4.3) too.  0, or -1 with errno EINVAL.
 */
int	 date_parse(struct slice, time_t *out);
/* Likewise, and the zone it was written in, in seconds east of Greenwich. */
int	 date_parse_zone(struct slice, time_t *out, long *zone);

#endif
