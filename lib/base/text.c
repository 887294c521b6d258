/* Contract in text.h. */
#include <errno.h>
#include <unistr.h>

#include "lib/base/text.h"

int
text_hex(char c)
{
	if (text_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void
text_lower_str(char *s)
{
	for (; *s != '\0'; s++)
		*s = text_lower(*s);
}

struct slice
text_trim(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 &&
	    (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

int
text_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t	 v = 0;
	size_t		 i;

	if (s.len == 0) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < s.len; i++) {
		uint64_t	 d;

		if (!text_is_digit(s.ptr[i])) {
			errno = EINVAL;
			return -1;
		}
		d = (uint64_t)(s.ptr[i] - '0');
		if (d > max || v > (max - d) / 10) {
			errno = ERANGE;
			return -1;
		}
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

int
text_xencode(struct buf *out, struct slice in, bool utf8)
{
	static const char	 hex[] = "0123456789ABCDEF";
	size_t			 i;
	char			 enc[3];
	unsigned char		 c;

	for (i = 0; i < in.len; i++) {
		c = (unsigned char)in.ptr[i];
		if ((c >= 0x80 && utf8) ||
		    (c > 0x20 && c < 0x7f && c != '+' && c != '=')) {
			if (buf_addc(out, (char)c) == -1)
				return -1;
			continue;
		}
		enc[0] = '+';
		enc[1] = hex[c >> 4];
		enc[2] = hex[c & 15];
		if (buf_add(out, enc, 3) == -1)
			return -1;
	}
	return 0;
}

int
text_xdecode(struct buf *out, struct slice in)
{
	size_t	 i;
	int	 hi, lo;
	char	 c;

	for (i = 0; i < in.len; i++) {
		c = in.ptr[i];
		if (c == '+') {
			if (in.len - i < 3 ||
			    (hi = text_hex(in.ptr[i + 1])) == -1 ||
			    (lo = text_hex(in.ptr[i + 2])) == -1) {
				errno = EINVAL;
				return -1;
			}
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (buf_addc(out, c) == -1)
			return -1;
	}
	return 0;
}

bool
text_is_utf8(struct slice s)
{
	return s.len == 0 || u8_check((const uint8_t *)s.ptr, s.len) == NULL;
}
