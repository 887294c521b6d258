/* Contract in sasl.h. */
#include <errno.h>

#include "lib/base/text.h"
#include "lib/net/sasl.h"

/* The octets before the next NUL, which is taken too.  False: there is none. */
static bool
sasl_part(struct slice *rest, struct slice *part)
{
	const char	*nul;

	if (rest->len == 0 ||
	    (nul = memchr(rest->ptr, '\0', rest->len)) == NULL)
		return false;
	part->ptr = rest->ptr;
	part->len = (size_t)(nul - rest->ptr);
	rest->ptr += part->len + 1;
	rest->len -= part->len + 1;
	return true;
}

int
sasl_plain_parse(struct slice message, struct sasl_plain *out)
{
	struct slice	 rest = message, more;

	if (!sasl_part(&rest, &out->authzid) ||
	    !sasl_part(&rest, &out->authcid) || sasl_part(&rest, &more) ||
	    out->authcid.len == 0 || rest.len == 0 ||
	    !text_is_utf8(out->authzid) || !text_is_utf8(out->authcid)) {
		errno = EINVAL;
		return -1;
	}
	out->password = rest;
	return 0;
}
