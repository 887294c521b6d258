/* What is parsed is a set, and its own text gives it again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/number_set.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_ranges(const struct number_set *s)
{
	uint32_t	 before = 0;
	size_t		 i;

	for (i = 0; i < s->n; i++) {
		assert(s->range[i].first != 0);
		assert(s->range[i].first <= s->range[i].last);
		assert(s->range[i].before == before);
		before += s->range[i].last - s->range[i].first + 1;
		assert(i == 0 ||
		    s->range[i].first - 1 > s->range[i - 1].last);
	}
	assert(number_set_count(s) == before);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct number_set	 s = { 0 }, again = { 0 };
	uint32_t		 largest = 0;
	struct buf		 b;

	if (size < 4)
		return 0;
	memcpy(&largest, data, 4);
	buf_init(&b, 32 * size);
	if (number_set_parse((struct slice){ (const char *)data + 4,
	    size - 4 }, largest, 1000, &s) == 0 && s.n > 0) {
		check_ranges(&s);
		assert(number_set_format(&s, &b) == 0);
		assert(number_set_parse(buf_slice(&b), 0, 1000,
		    &again) == 0);
		assert(again.n == s.n && (s.n == 0 || memcmp(again.range,
		    s.range, s.n * sizeof(*s.range)) == 0));
	}
	number_set_free(&s);
	number_set_free(&again);
	buf_free(&b);
	return 0;
}
