/* What is accepted has a canonical text that parses to itself. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/address.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 s;
	struct address	 a, b;
	size_t		 used;
	int		 flags;

	if (size == 0)
		return 0;
	flags = data[0] & 15;
	s.ptr = (const char *)data + 1;
	s.len = size - 1;
	if (address_parse_path(s, flags, &a, &used) == ADDRESS_OK) {
		assert(used <= s.len);
		assert(address_parse(slice_str(a.text), flags | ADDRESS_NULL,
		    &b) == ADDRESS_OK);
		assert(strcmp(a.text, b.text) == 0);
	} else
		assert(a.text[0] == '\0');
	(void)address_parse(s, flags, &a);
	(void)address_is_domain(s, (flags & ADDRESS_UTF8) != 0);
	return 0;
}
