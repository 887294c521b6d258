/* Contract in casemap.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/mail/casemap.h"

#define DEEPEST	8	/* decompositions of decompositions; Unicode has 4 */

static int
put(struct buf *out, ucs4_t u)
{
	uint8_t	 u8[6];
	int	 n;

	n = u8_uctomb(u8, u, sizeof(u8));
	if (n <= 0)
		n = u8_uctomb(u8, 0xfffd, sizeof(u8));
	return buf_add(out, u8, (size_t)n);
}

/* Hangul syllables have no decomposition property, but a rule: not here. */
static bool
is_hangul(ucs4_t u)
{
	return u >= 0xac00 && u <= 0xd7a3;
}

static int
put_decomposed(struct buf *out, ucs4_t u, int depth)
{
	ucs4_t	 part[UC_DECOMPOSITION_MAX_LENGTH];
	int	 i, n, tag;

	n = depth == DEEPEST || is_hangul(u) ? -1 :
	    uc_decomposition(u, &tag, part);
	if (n <= 0)
		return put(out, u);
	for (i = 0; i < n; i++)
		if (put_decomposed(out, part[i], depth + 1) == -1)
			return -1;
	return 0;
}

static int
ascii(const char *in, size_t len, struct buf *out)
{
	char	*p;
	size_t	 i;

	if ((p = buf_reserve(out, len)) == NULL)
		return -1;
	for (i = 0; i < len; i++)
		p[i] = in[i] >= 'a' && in[i] <= 'z' ? (char)(in[i] - 32) :
		    in[i];
	out->len += len;
	out->ptr[out->len] = '\0';
	return 0;
}

int
casemap(struct slice s, struct buf *out)
{
	size_t	 i = 0, run;
	ucs4_t	 u;
	int	 n;

	while (i < s.len) {
		for (run = i; run < s.len &&
		    (unsigned char)s.ptr[run] < 0x80; run++)
			;
		if (run > i) {
			if (ascii(s.ptr + i, run - i, out) == -1)
				return -1;
			i = run;
			continue;
		}
		n = u8_mbtoucr(&u, (const uint8_t *)s.ptr + i, s.len - i);
		if (n <= 0) {
			u = 0xfffd;
			n = 1;
		}
		if (put_decomposed(out, uc_totitle(u), 0) == -1)
			return -1;
		i += (size_t)n;
	}
	return 0;
}
