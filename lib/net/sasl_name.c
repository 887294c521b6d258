/* Contract in sasl_name.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/base/text.h"
#include "lib/net/sasl_name.h"

/* "Commonly mapped to nothing": RFC 3454 B.1. */
static bool
name_vanishes(ucs4_t c)
{
	return c == 0xad || c == 0x34f || c == 0x1806 ||
	    (c >= 0x180b && c <= 0x180d) || (c >= 0x200b && c <= 0x200d) ||
	    c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

/*
 * RFC 4013 2.3: controls, what formats, private use, surrogates, what is no
 * character, what stands for something that cannot be shown.
 */
static bool
name_forbids(ucs4_t c)
{
	return uc_is_general_category_withtable(c,
	    UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Cs |
	    UC_CATEGORY_MASK_Co | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp) ||
	    uc_is_property_not_a_character(c) || c == 0x340 || c == 0x341 ||
	    c == 0xfffc || c == 0xfffd || (c >= 0x2ff0 && c <= 0x2ffb);
}

/* RFC 4013 2.1: spaces to SPACE, some to nothing.  out has room for in. */
static size_t
name_map(struct slice in, uint8_t *out)
{
	const uint8_t	*p = (const uint8_t *)in.ptr;
	size_t		 i, n = 0;
	ucs4_t		 c;
	int		 len;

	for (i = 0; i < in.len; i += (size_t)len) {
		len = u8_mbtoucr(&c, p + i, in.len - i);
		if (name_vanishes(c))
			continue;
		if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Zs))
			out[n++] = ' ';
		else {
			memcpy(out + n, p + i, (size_t)len);
			n += (size_t)len;
		}
	}
	return n;
}

static bool
name_allowed(const uint8_t *s, size_t n)
{
	size_t	 i;
	ucs4_t	 c;
	int	 len;

	for (i = 0; i < n; i += (size_t)len) {
		len = u8_mbtoucr(&c, s + i, n - i);
		if (len <= 0 || name_forbids(c))
			return false;
	}
	return n > 0 && n <= AUTH_USER_MAX;
}

int
sasl_name_prepare(struct slice name, char out[AUTH_USER_MAX + 1])
{
	uint8_t	 mapped[AUTH_USER_MAX], *s;
	size_t	 n;
	int	 r = -1;

	out[0] = '\0';
	if (name.len == 0 || name.len > AUTH_USER_MAX || !text_is_utf8(name)) {
		errno = EINVAL;
		return -1;
	}
	n = name_map(name, mapped);
	s = u8_normalize(UNINORM_NFKC, mapped, n, NULL, &n);
	if (s != NULL && name_allowed(s, n)) {
		memcpy(out, s, n);
		out[n] = '\0';
		r = 0;
	}
	free(s);
	if (r == -1)
		errno = EINVAL;
	return r;
}
