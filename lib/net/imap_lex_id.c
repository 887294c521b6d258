/* What a client says of itself; contract in imap_lex.h. */
#include "lib/net/imap_lex.h"

#define ID_PAIRS	30	/* RFC 2971 3.3 */

static bool
id_pair(struct imap_lex *l, struct slice *name, struct slice *version)
{
	struct slice	 field, value;

	if (!imap_lex_string(l, &field) || !imap_lex_space(l) ||
	    !imap_lex_nstring(l, &value))
		return false;
	if (slice_is(field, "name"))
		*name = value;
	else if (slice_is(field, "version"))
		*version = value;
	return true;
}

bool
imap_lex_id(struct imap_lex *l, struct slice *name, struct slice *version)
{
	unsigned int	 n = 0;

	if (imap_lex_keyword(l, "NIL"))
		return true;
	if (!imap_lex_expect(l, '('))
		return false;
	while (!imap_lex_accept(l, ')')) {
		if (n++ == ID_PAIRS)
			return imap_lex_fail(l, "Too many fields");
		if ((n > 1 && !imap_lex_space(l)) ||
		    !id_pair(l, name, version))
			return false;
	}
	return true;
}
