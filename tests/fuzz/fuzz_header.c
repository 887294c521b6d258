/* Walking stays in bounds, goes forward; writing yields one field. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/header.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice		 msg = { (const char *)data, size };
	struct header_field	 f;
	struct buf		 b, again;
	size_t			 pos = 0, last = 0;

	buf_init(&b, 1 << 20);
	buf_init(&again, 1 << 22);
	while (header_next(msg, &pos, &f)) {
		assert(pos > last && pos <= size);
		last = pos;
		buf_clear(&b);
		assert(header_unfold(f.value, &b) == 0);
		assert(strpbrk(buf_cstr(&b), "\r\n") == NULL);
		buf_clear(&again);
		if (header_add(&again, "X", buf_cstr(&b), true) == 0)
			assert(header_count(buf_slice(&again), "X") == 1);
	}
	assert(pos <= size);
	buf_free(&b);
	buf_free(&again);
	return 0;
}
