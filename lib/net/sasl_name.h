/*
 * Names that clients give, made comparable: SASLprep (RFC 4013) as a query, so
 * code points that are not assigned yet pass.
 *
 * Unicode has several ways to write "ü"; which of them comes depends on the
 * client's keyboard.  Letters keep their case (authd ignores it in ASCII).
 * RFC 4013 2.3 (text that runs both ways) is left out: it protects readers, and
 * here nobody reads, a name is only looked for.
 */
#ifndef NET_SASL_NAME_H
#define NET_SASL_NAME_H

#include "lib/base/slice.h"
#include "lib/net/proto_auth.h"

/*
 * 0, or -1 with errno EINVAL: empty (also after mapping), not UTF-8, control
 * octets or others of RFC 4013 2.3, longer than AUTH_USER_MAX; out is "" then.
 */
int	 sasl_name_prepare(struct slice name, char out[AUTH_USER_MAX + 1]);

#endif
