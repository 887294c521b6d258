/* Every address that a list yields is one that parses alone. */
#include <assert.h>
#include <stdint.h>

#include "lib/mail/address.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
check(const struct address *a, void *arg)
{
	struct address	 b;

	assert(address_parse(slice_str(a->text), *(int *)arg, &b) ==
	    ADDRESS_OK);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 s;
	int		 flags;

	if (size == 0)
		return 0;
	flags = data[0] & 15;
	s.ptr = (const char *)data + 1;
	s.len = size - 1;
	(void)address_list(s, flags, check, &flags);
	return 0;
}
