/* A message cut somewhere comes out as the one that is not, in its room. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pop3-session/wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
convert(const char *in, size_t len, size_t cut, uint64_t lines, char *out)
{
	struct wire	 w;
	size_t		 n;

	wire_init(&w, lines);
	n = wire_put(&w, in, cut, out);
	n += wire_put(&w, in + cut, len - cut, out + n);
	return n + wire_end(&w, out + n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char	*in;
	char		*a, *b;
	size_t		 cut, n, m;
	uint64_t	 lines;

	if (len < 2)
		return 0;
	lines = data[0] == 255 ? WIRE_ALL : data[0];
	in = (const char *)data + 2;
	len -= 2;
	cut = len == 0 ? 0 : data[1] % (len + 1);
	a = malloc(WIRE_ROOM(len) + WIRE_END_MAX);
	b = malloc(WIRE_ROOM(len) + WIRE_END_MAX);
	if (a == NULL || b == NULL)
		abort();
	n = convert(in, len, 0, lines, a);
	m = convert(in, len, cut, lines, b);
	if (n != m || memcmp(a, b, n) != 0 ||
	    n > WIRE_ROOM(len) + WIRE_END_MAX)
		abort();
	free(a);
	free(b);
	return 0;
}
