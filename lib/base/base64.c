/* Contract in base64.h. */
#include <errno.h>
#include <stdint.h>

#include "lib/base/base64.h"

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, pad of them '=', into 3 - pad octets. */
static int
base64_group(const char *in, int pad, struct buf *out)
{
	uint32_t	 bits = 0;
	char		 octets[3];
	int		 i, v;

	for (i = 0; i < 4; i++) {
		v = i < 4 - pad ? base64_value(in[i]) : 0;
		if (v == -1)
			goto bad;
		bits = bits << 6 | (uint32_t)v;
	}
	if ((pad == 1 && (bits & 0xff) != 0) ||
	    (pad == 2 && (bits & 0xffff) != 0))
		goto bad;
	octets[0] = (char)(bits >> 16);
	octets[1] = (char)(bits >> 8);
	octets[2] = (char)bits;
	return buf_add(out, octets, (size_t)(3 - pad));
bad:
	errno = EINVAL;
	return -1;
}

int
base64_decode(struct slice in, struct buf *out)
{
	size_t	 i;
	int	 pad;

	if (in.len % 4 != 0) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < in.len; i += 4) {
		pad = 0;
		if (i + 4 == in.len && in.ptr[i + 3] == '=')
			pad = in.ptr[i + 2] == '=' ? 2 : 1;
		if (base64_group(in.ptr + i, pad, out) == -1)
			return -1;
	}
	return 0;
}

int
base64_encode(struct slice in, struct buf *out)
{
	char	*p = buf_reserve(out, BASE64_LEN(in.len));

	if (p == NULL)
		return -1;
	base64_print(in.ptr, in.len, p);
	out->len += BASE64_LEN(in.len);
	return 0;
}

void
base64_print(const void *octets, size_t len, char *out)
{
	static const char	 digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char	*p = octets;
	uint32_t		 bits;
	size_t			 i, n;

	for (i = 0; i < len; i += 3) {
		n = len - i;
		bits = (uint32_t)p[i] << 16 |
		    (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		    (n > 2 ? (uint32_t)p[i + 2] : 0);
		*out++ = digit[bits >> 18];
		*out++ = digit[bits >> 12 & 63];
		*out++ = n > 1 ? digit[bits >> 6 & 63] : '=';
		*out++ = n > 2 ? digit[bits & 63] : '=';
	}
	*out = '\0';
}
