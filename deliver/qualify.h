/* Unqualified addresses in address fields get a domain. */
#ifndef DELIVER_QUALIFY_H
#define DELIVER_QUALIFY_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/* Is the field one whose value is an address list (RFC 5322 3.6.2, 3.6.3)? */
bool	 qualify_is_address_field(struct slice name);
/*
 * Append the value with "@domain" put behind each address that has no '@',
 * folds, comments and display names as they were.  What cannot be understood is
 * copied as it is.  0, or -1 with errno EMSGSIZE.
 */
int	 qualify_value(struct buf *out, struct slice value,
	    const char *domain);

#endif
