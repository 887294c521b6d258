/* Contract in search_args.h. */
#include <stdint.h>
#include <string.h>

#include "imap-session/search_args.h"

#define EACH(octet)	(UINT64_C(0x0101010101010101) * (octet))

/*
 * A copy with blanks for tabs, line ends and form feeds, eight octets at a time:
 * all of every letter that may match comes by.
 */
static void
copy_blanks(char *to, const char *from, size_t len)
{
	uint64_t	 w, low, white;
	size_t		 i = 0;

	for (; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(&w, from + i, sizeof(w));
		/* The top bit of each octet says what it is. */
		low = w & EACH(0x7f);
		white = (low + EACH(0x80 - '\t')) &
		    ~(low + EACH(0x80 - '\r' - 1)) & ~w & EACH(0x80);
		white = (white >> 7) * 0xff;
		w = (w & ~white) | (EACH(' ') & white);
		memcpy(to + i, &w, sizeof(w));
	}
	for (; i < len; i++)
		to[i] = from[i] >= '\t' && from[i] <= '\r' ? ' ' : from[i];
}

/* One blank for two and more, in place; the new length. */
static size_t
squeeze(char *p, size_t len)
{
	const char	*from = p, *end = p + len, *two;
	char		*to = p;
	size_t		 n;

	while ((two = memmem(from, (size_t)(end - from), "  ", 2)) != NULL) {
		n = (size_t)(two + 1 - from);
		memmove(to, from, n);
		to += n;
		for (from = two + 2; from < end && *from == ' '; from++)
			;
	}
	n = (size_t)(end - from);
	memmove(to, from, n);
	return (size_t)(to + n - p);
}

int
search_squeeze(struct slice s, bool *blank, struct buf *out)
{
	char	*p;
	size_t	 n = 0;

	if (s.len == 0)
		return 0;
	if ((p = buf_reserve(out, s.len)) == NULL)
		return -1;
	copy_blanks(p, s.ptr, s.len);
	if (*blank) {
		while (n < s.len && p[n] == ' ')
			n++;
		memmove(p, p + n, s.len - n);
	}
	n = squeeze(p, s.len - n);
	if (n > 0)
		*blank = p[n - 1] == ' ';
	out->len += n;
	out->ptr[out->len] = '\0';
	return 0;
}
