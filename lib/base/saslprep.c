/* Contract in saslprep.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <uninorm.h>
#include <unistr.h>

#include "lib/base/slice.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/base/saslprep.h"

struct range {
	ucs4_t	 first, last;
};

/* RFC 3454 C.1.2: blanks. */
static const struct range	 blanks[] = {
	{ 0x00a0, 0x00a0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200b },
	{ 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
};

/* RFC 3454 B.1: nothing. */
static const struct range	 nothings[] = {
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x1806, 0x1806 },
	{ 0x180b, 0x180d }, { 0x200c, 0x200d }, { 0x2060, 0x2060 },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool
is_in(ucs4_t c, const struct range *r, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (c >= r[i].first && c <= r[i].last)
			return true;
	return false;
}

/* In place: what takes the place of a character is never longer. */
static void
map(uint8_t *s)
{
	uint8_t	*to = s, *end = s + strlen((const char *)s);
	size_t	 left = (size_t)(end - s);
	ucs4_t	 c;
	int	 n;

	for (; left > 0; s += n, left -= (size_t)n) {
		n = u8_mbtouc(&c, s, left);
		if (is_in(c, blanks, COUNT(blanks)))
			*to++ = ' ';
		else if (!is_in(c, nothings, COUNT(nothings))) {
			memmove(to, s, (size_t)n);
			to += n;
		}
	}
	explicit_bzero(to, (size_t)(end - to));
}

char *
saslprep(const char *text)
{
	char	*copy = xstrdup(text), *out;
	uint8_t	*norm;
	size_t	 len = 0;

	if (text_is_ascii(slice_str(text)) || !text_is_utf8(slice_str(text)))
		return copy;
	map((uint8_t *)copy);
	norm = u8_normalize(UNINORM_NFKC, (const uint8_t *)copy,
	    strlen(copy), NULL, &len);
	if (norm == NULL)
		return copy;
	out = xmalloc(len + 1);
	memcpy(out, norm, len);
	out[len] = '\0';
	explicit_bzero(norm, len);
	free(norm);
	saslprep_free(copy);
	return out;
}

void
saslprep_free(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}
