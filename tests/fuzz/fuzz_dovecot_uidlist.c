/* dovecot_uidlist_parse(): every UID below next, every name found again. */
#include <stdlib.h>

#include "lib/store/dovecot_uidlist.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice		 in = { (const char *)data, len };
	struct dovecot_uidlist	 l;
	size_t			 i;

	if (dovecot_uidlist_parse(in, &l) == -1)
		return 0;
	if (l.validity == 0 || l.next == 0)
		abort();
	for (i = 0; i < l.n; i++)
		if (l.uid[i].uid == 0 || l.uid[i].uid >= l.next ||
		    dovecot_uidlist_find(&l, l.uid[i].base) < l.uid[i].uid)
			abort();
	dovecot_uidlist_free(&l);
	return 0;
}
