/* Contract in text.h. */
#include <errno.h>
#include <string.h>
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

bool
text_is_ascii(struct slice s)
{
	size_t	 i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	return true;
}

struct slice
text_cut(struct slice *s, char sep)
{
	const char	*end = s->len == 0 ? NULL :
			    memchr(s->ptr, sep, s->len);
	struct slice	 part = *s;

	if (end != NULL)
		part.len = (size_t)(end - s->ptr);
	s->ptr += part.len + (end != NULL);
	s->len -= part.len + (end != NULL);
	return part;
}

bool
text_next_line(struct slice *text, struct slice *line)
{
	if (text->len == 0)
		return false;
	*line = text_cut(text, '\n');
	return true;
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

static bool
text_is_plain(unsigned char c, bool utf8)
{
	return (c >= 0x80 && utf8) ||
	    (c > 0x20 && c < 0x7f && c != '+' && c != '=');
}

/* Both copy runs: most values have nothing to encode. */
int
text_xencode(struct buf *out, struct slice in, bool utf8)
{
	static const char	 hex[] = "0123456789ABCDEF";
	size_t			 i, run;
	char			 enc[3] = { '+', 0, 0 };
	unsigned char		 c;

	for (i = 0; i < in.len; i++) {
		run = i;
		while (i < in.len &&
		    text_is_plain((unsigned char)in.ptr[i], utf8))
			i++;
		if (i > run && buf_add(out, in.ptr + run, i - run) == -1)
			return -1;
		if (i == in.len)
			break;
		c = (unsigned char)in.ptr[i];
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
	const char	*plus;
	size_t		 n;
	int		 hi, lo;

	while (in.len > 0) {
		plus = memchr(in.ptr, '+', in.len);
		n = plus == NULL ? in.len : (size_t)(plus - in.ptr);
		if (buf_add(out, in.ptr, n) == -1)
			return -1;
		if (plus == NULL)
			break;
		if (in.len - n < 3 || (hi = text_hex(plus[1])) == -1 ||
		    (lo = text_hex(plus[2])) == -1) {
			errno = EINVAL;
			return -1;
		}
		if (buf_addc(out, (char)(hi << 4 | lo)) == -1)
			return -1;
		in.ptr += n + 3;
		in.len -= n + 3;
	}
	return 0;
}

bool
text_is_utf8(struct slice s)
{
	return s.len == 0 || u8_check((const uint8_t *)s.ptr, s.len) == NULL;
}
