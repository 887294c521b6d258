/* Contract in sasl_name.h. */
#include <errno.h>
#include <stdint.h>

#include <bsd/string.h>
#include <unictype.h>
#include <unistr.h>

#include "lib/base/saslprep.h"
#include "lib/base/text.h"
#include "lib/net/sasl_name.h"

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

static bool
name_allowed(const char *name)
{
	const uint8_t	*s = (const uint8_t *)name;
	size_t		 i, n = strlen(name);
	ucs4_t		 c;
	int		 len;

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
	char	*prepared;

	out[0] = '\0';
	if (name.len == 0 || name.len > AUTH_USER_MAX || !text_is_utf8(name) ||
	    memchr(name.ptr, '\0', name.len) != NULL) {
		errno = EINVAL;
		return -1;
	}
	memcpy(out, name.ptr, name.len);
	out[name.len] = '\0';
	prepared = saslprep(out);
	if (name_allowed(prepared))
		strlcpy(out, prepared, AUTH_USER_MAX + 1);
	else
		out[0] = '\0';
	saslprep_free(prepared);
	if (out[0] != '\0')
		return 0;
	errno = EINVAL;
	return -1;
}
