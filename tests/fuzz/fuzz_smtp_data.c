/*
 * The first octet says where to cut: whole and cut input must end at the same
 * place, with the same content and the same facts.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "smtpd/content.h"
#include "smtpd/data.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
add(void *arg, const void *data, size_t len)
{
	return buf_add(arg, data, len);
}

/* The octets up to and with the end, or 0 when there is none. */
static size_t
feed(const char *in, size_t len, size_t step, struct content *c,
    struct buf *out)
{
	enum data_status	 ds = DATA_RUN;
	struct slice		 piece, run;
	struct data		 d;
	size_t			 pos = 0, used;

	data_init(&d);
	while (pos < len && ds == DATA_RUN) {
		piece.ptr = in + pos;
		piece.len = len - pos < step ? len - pos : step;
		ds = data_next(&d, piece, &run, &used);
		assert(used <= piece.len);
		assert(used > 0 || run.len > 0);
		assert(content_add(c, run, add, out) == 0);
		pos += used;
	}
	assert(content_end(c, add, out) == 0);
	return ds == DATA_END ? pos : 0;
}

static void
compare(const char *in, size_t len, size_t step, bool normalise)
{
	struct content	 a, b;
	struct buf	 x, y;
	size_t		 i, end;
	bool		 spoiled;

	buf_init(&x, 1 << 22);
	buf_init(&y, 1 << 22);
	content_init(&a, normalise);
	content_init(&b, normalise);
	end = feed(in, len, len, &a, &x);
	assert(feed(in, len, step, &b, &y) == end);
	if (end > 0)
		assert(end >= 3 && memcmp(in + end - 3, ".\r\n", 3) == 0 &&
		    (end == 3 || memcmp(in + end - 5, "\r\n", 2) == 0));
	/* Of what spoils a message the first is enough. */
	spoiled = a.nul || (a.bare && !normalise);
	assert(spoiled == (b.nul || (b.bare && !normalise)));
	if (spoiled)
		goto out;
	assert(a.bare == b.bare);
	assert(x.len == y.len && x.len == a.size);
	assert(x.len == 0 || memcmp(x.ptr, y.ptr, x.len) == 0);
	assert(a.eightbit == b.eightbit && a.longline == b.longline &&
	    a.dots == b.dots && a.hops == b.hops);
	for (i = 0; i < x.len; i++)
		if (x.ptr[i] == '\r')
			assert(i + 1 < x.len && x.ptr[i + 1] == '\n');
		else if (x.ptr[i] == '\n')
			assert(i > 0 && x.ptr[i - 1] == '\r');
out:
	buf_free(&x);
	buf_free(&y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	compare((const char *)data + 1, size - 1, data[0] % 16 + 1, false);
	compare((const char *)data + 1, size - 1, data[0] % 16 + 1, true);
	return 0;
}
