/* Contract in sasl_gs2.h. */
#include <errno.h>
#include <stdbool.h>

#include "lib/base/text.h"
#include "lib/net/sasl_gs2.h"

/* The octets before the next comma, which is taken too. */
static bool
gs2_field(struct slice *rest, struct slice *field)
{
	const char	*comma;

	if (rest->len == 0 ||
	    (comma = memchr(rest->ptr, ',', rest->len)) == NULL)
		return false;
	field->ptr = rest->ptr;
	field->len = (size_t)(comma - rest->ptr);
	rest->ptr = comma + 1;
	rest->len -= field->len + 1;
	return true;
}

/* cb-name = 1*(ALPHA / DIGIT / "." / "-") */
static bool
gs2_binding_ok(struct slice name)
{
	size_t	 i;

	for (i = 0; i < name.len; i++)
		if (!text_is_alnum(name.ptr[i]) && name.ptr[i] != '.' &&
		    name.ptr[i] != '-')
			return false;
	return name.len > 0;
}

static bool
gs2_flag(struct slice flag, struct sasl_gs2 *out)
{
	out->binding = (struct slice){ flag.ptr, 0 };
	if (flag.len == 1 && flag.ptr[0] == 'n')
		out->bind = SASL_GS2_NONE;
	else if (flag.len == 1 && flag.ptr[0] == 'y')
		out->bind = SASL_GS2_UNSEEN;
	else if (flag.len > 2 && memcmp(flag.ptr, "p=", 2) == 0) {
		out->bind = SASL_GS2_BOUND;
		out->binding.ptr = flag.ptr + 2;
		out->binding.len = flag.len - 2;
		return gs2_binding_ok(out->binding);
	} else
		return false;
	return true;
}

int
sasl_gs2_parse(struct slice message, struct sasl_gs2 *out)
{
	struct slice	 rest = message, flag, who;

	if (!gs2_field(&rest, &flag) || !gs2_flag(flag, out) ||
	    !gs2_field(&rest, &who))
		goto bad;
	out->authzid = (struct slice){ who.ptr, 0 };
	if (who.len > 0) {
		if (who.len < 3 || memcmp(who.ptr, "a=", 2) != 0)
			goto bad;
		out->authzid.ptr = who.ptr + 2;
		out->authzid.len = who.len - 2;
	}
	out->header.ptr = message.ptr;
	out->header.len = message.len - rest.len;
	out->rest = rest;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

int
sasl_gs2_name(struct slice in, char *out, size_t size)
{
	size_t	 i, n = 0;
	char	 c;

	for (i = 0; i < in.len; i++) {
		c = in.ptr[i];
		if (c == '=') {
			if (in.len - i >= 3 &&
			    memcmp(in.ptr + i, "=2C", 3) == 0)
				c = ',';
			else if (in.len - i < 3 ||
			    memcmp(in.ptr + i, "=3D", 3) != 0)
				goto bad;
			i += 2;
		} else if (c == ',' || c == '\0')
			goto bad;
		if (n + 1 >= size)
			goto bad;
		out[n++] = c;
	}
	if (n == 0)
		goto bad;
	out[n] = '\0';
	return 0;
bad:
	out[0] = '\0';
	errno = EINVAL;
	return -1;
}
