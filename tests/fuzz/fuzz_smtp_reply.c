/* What an SMTP server says, line by line. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/smtp_reply.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char	*p = (const char *)data, *end = p + len, *nl;
	struct smtp_reply r;

	smtp_reply_init(&r);
	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
		if (smtp_reply_add(&r, (struct slice){ p, (size_t)(nl - p) })
		    == SMTP_REPLY_BAD)
			break;
		assert(r.code >= 200 && r.code <= 599);
		assert(strlen(smtp_reply_enhanced(&r)) >= 5);
	}
	return 0;
}
