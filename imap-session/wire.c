/* Contract in wire.h. */
#include <string.h>

#include "imap-session/wire.h"

static bool
is_bare(struct slice s, const char *lf, bool after_cr)
{
	return lf == s.ptr ? !after_cr : lf[-1] != '\r';
}

int
wire_add(struct buf *out, struct slice s, bool after_cr)
{
	const char	*p = s.ptr, *end = p + s.len, *lf;
	char		*to;
	size_t		 n;

	/* The worst case is all LF. */
	if ((to = buf_reserve(out, 2 * s.len)) == NULL)
		return -1;
	while (p < end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((lf == NULL ? end : lf) - p);
		memcpy(to, p, n);
		to += n;
		if (lf == NULL)
			break;
		if (is_bare(s, lf, after_cr))
			*to++ = '\r';
		*to++ = '\n';
		p = lf + 1;
	}
	out->len = (size_t)(to - out->ptr);
	out->ptr[out->len] = '\0';
	return 0;
}

uint64_t
wire_added(struct slice s, bool after_cr)
{
	const char	*p = s.ptr, *end = p + s.len, *lf;
	uint64_t	 n = 0;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n += is_bare(s, lf, after_cr);
		p = lf + 1;
	}
	return n;
}
