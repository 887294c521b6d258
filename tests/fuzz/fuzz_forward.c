/* What a forward file yields are full addresses within the limit. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/forward.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice		 text = { (const char *)data, size };
	struct forward		 f;
	struct address		 user, a;
	struct buf		 why;
	enum forward_status	 st;
	size_t			 i;

	if (address_make("al", "d.example", &user) == -1)
		abort();
	buf_init(&why, 1000);
	st = forward_parse(text, &user, &f, &why);
	assert((st == FORWARD_BAD) == (why.len > 0));
	assert(f.n <= FORWARD_ADDRESSES);
	for (i = 0; i < f.n; i++)
		assert(address_parse(slice_str(f.addresses[i]), ADDRESS_UTF8,
		    &a) == ADDRESS_OK);
	forward_free(&f);
	buf_free(&why);
	return 0;
}
