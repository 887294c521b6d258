/* Any octets give a list; look-ups stay in bounds. */
#include <netinet/in.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/access_table.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct access_table	*t;
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	struct address		 a;
	struct buf		 err;
	const char		*text;
	int			 client;

	for (client = 0; client < 2; client++) {
		buf_init(&err, 1 << 20);
		t = access_table_parse((struct slice){ (const char *)data,
		    size }, "l", client, &err);
		assert(t != NULL);
		if (client)
			(void)access_table_client(t, (struct sockaddr *)&in,
			    "mail.example.org", &text);
		else if (address_parse(slice_str(
		    "\"a b\"@example.org"), 0, &a) == ADDRESS_OK)
			(void)access_table_address(t, &a, &text);
		access_table_free(t);
		buf_free(&err);
	}
	return 0;
}
