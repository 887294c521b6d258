/*
 * What envelope_parse() takes, envelope_format() writes again, and that is
 * parsed to the same text.
 */
#include <stdlib.h>

#include "lib/store/envelope.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice	 in = { (const char *)data, len };
	struct envelope	 env, again;
	struct buf	 one, two;
	const char	*why;

	if (envelope_parse(in, &env, &why) == ENVELOPE_OK) {
		buf_init(&one, ENVELOPE_MAX);
		buf_init(&two, ENVELOPE_MAX);
		env.head = 0;
		if (envelope_format(&env, &one) == -1)
			abort();
		while (one.len < env.block)
			buf_addc(&one, '\n');
		/* UTF-8 may have come encoded and so have been longer. */
		if (envelope_parse(buf_slice(&one), &again, &why) !=
		    ENVELOPE_OK || envelope_format(&again, &two) == -1 ||
		    two.len > one.len ||
		    memcmp(one.ptr, two.ptr, two.len) != 0)
			abort();
		envelope_free(&again);
		buf_free(&one);
		buf_free(&two);
	} else if (why == NULL || env.nrcpts != 0)
		abort();
	envelope_free(&env);
	return 0;
}
