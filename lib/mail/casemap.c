/* Contract in casemap.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"

#define DEEPEST	8	/* decompositions of decompositions; Unicode has 4 */

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
		return charset_put(out, u);
	for (i = 0; i < n; i++)
		if (put_decomposed(out, part[i], depth + 1) == -1)
			return -1;
	return 0;
}

/* Eight octets at a time: most of the world's text is ASCII. */
#define EACH(octet)	(UINT64_C(0x0101010101010101) * (octet))

static size_t
ascii_run(const char *in, size_t len)
{
	uint64_t	 w;
	size_t		 i = 0;

	for (; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(&w, in + i, sizeof(w));
		if ((w & EACH(0x80)) != 0)
			break;
	}
	while (i < len && (unsigned char)in[i] < 0x80)
		i++;
	return i;
}

static int
ascii(const char *in, size_t len, struct buf *out)
{
	uint64_t	 w, from_a, above_z;
	char		*p;
	size_t		 i = 0;

	if ((p = buf_reserve(out, len)) == NULL)
		return -1;
	for (; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(&w, in + i, sizeof(w));
		/* The top bit of each octet says what it is. */
		from_a = w + EACH(0x80 - 'a');
		above_z = w + EACH(0x80 - 'z' - 1);
		w -= (from_a & ~above_z & EACH(0x80)) >> 2;
		memcpy(p + i, &w, sizeof(w));
	}
	for (; i < len; i++)
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
		run = i + ascii_run(s.ptr + i, s.len - i);
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
