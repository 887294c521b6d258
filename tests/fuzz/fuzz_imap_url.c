/* URLs of CATENATE: no part of one that is taken has control octets. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "imap-session/imap_url.h"
#include "lib/base/text.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct buf *b)
{
	size_t	 i;

	for (i = 0; i < b->len; i++)
		if (text_is_control(b->ptr[i]))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice	 s = { (const char *)data, len };
	struct imap_url	 u;

	imap_url_init(&u);
	if (imap_url_parse(s, &u)) {
		if (u.uid == 0 || (u.partial && u.most == 0))
			abort();
		check(&u.mailbox);
		check(&u.section);
		check(&u.host);
		check(&u.user);
	}
	imap_url_free(&u);
	return 0;
}
