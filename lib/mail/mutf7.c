/*
 * Modified UTF-7; contract in mailbox_name.h.  Base 64 of UTF-16 with ','
 * for '/', without padding, between '&' and '-'; "&-" is '&'.
 */
#include <errno.h>
#include <unistr.h>

#include "lib/mail/mailbox_name.h"

static const char	 mutf7_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Bits on their way between the two. */
struct bits {
	uint32_t	 value;
	unsigned int	 n;
};

static bool
is_direct(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e;
}

static int
put_unit(struct bits *b, uint16_t unit, struct buf *out)
{
	b->value = b->value << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		if (buf_addc(out, mutf7_digits[b->value >> b->n & 63]) == -1)
			return -1;
	}
	return 0;
}

/* The characters from s on that need the shift: how many octets, or -1. */
static int
encode_run(struct slice s, struct buf *out)
{
	struct bits	 b = { 0, 0 };
	size_t		 i = 0;
	ucs4_t		 c;
	int		 len;

	if (buf_addc(out, '&') == -1)
		return -1;
	for (; i < s.len && !is_direct((unsigned char)s.ptr[i]);
	    i += (size_t)len) {
		len = u8_mbtoucr(&c, (const uint8_t *)s.ptr + i, s.len - i);
		if (len <= 0) {
			errno = EINVAL;
			return -1;
		}
		if (c >= 0x10000) {
			c -= 0x10000;
			if (put_unit(&b, (uint16_t)(0xd800 | c >> 10),
			    out) == -1)
				return -1;
			c = 0xdc00 | (c & 0x3ff);
		}
		if (put_unit(&b, (uint16_t)c, out) == -1)
			return -1;
	}
	if (b.n > 0 && buf_addc(out,
	    mutf7_digits[b.value << (6 - b.n) & 63]) == -1)
		return -1;
	return buf_addc(out, '-') == -1 ? -1 : (int)i;
}

int
mutf7_encode(struct slice utf8, struct buf *out)
{
	struct slice	 rest;
	size_t		 i;
	int		 n;

	for (i = 0; i < utf8.len;) {
		if (is_direct((unsigned char)utf8.ptr[i])) {
			if (buf_addc(out, utf8.ptr[i]) == -1 ||
			    (utf8.ptr[i] == '&' && buf_addc(out, '-') == -1))
				return -1;
			i++;
			continue;
		}
		rest.ptr = utf8.ptr + i;
		rest.len = utf8.len - i;
		if ((n = encode_run(rest, out)) == -1)
			return -1;
		i += (size_t)n;
	}
	return 0;
}

static int
put_character(ucs4_t c, struct buf *out)
{
	uint8_t	 octets[6];
	int	 n;

	/* What stands for itself must not hide in a shift. */
	n = c < 0x80 && is_direct((unsigned char)c) ? -1 :
	    u8_uctomb(octets, c, sizeof(octets));
	if (n <= 0) {
		errno = EINVAL;
		return -1;
	}
	return buf_add(out, octets, (size_t)n);
}

/* Digits between '&' and '-'. */
static int
decode_run(struct slice s, struct buf *out)
{
	struct bits	 b = { 0, 0 };
	const char	*digit;
	ucs4_t		 high = 0;
	uint16_t	 unit;
	size_t		 i;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\0' ||
		    (digit = strchr(mutf7_digits, s.ptr[i])) == NULL)
			goto bad;
		b.value = b.value << 6 | (uint32_t)(digit - mutf7_digits);
		if ((b.n += 6) < 16)
			continue;
		b.n -= 16;
		unit = (uint16_t)(b.value >> b.n);
		b.value &= (1U << b.n) - 1;
		if (high != 0) {
			if ((unit & 0xfc00) != 0xdc00)
				goto bad;
			if (put_character(0x10000 + ((high & 0x3ff) << 10 |
			    (unit & 0x3ff)), out) == -1)
				return -1;
			high = 0;
		} else if ((unit & 0xfc00) == 0xd800)
			high = unit;
		else if (put_character(unit, out) == -1)
			return -1;
	}
	/* No half of a pair, less than a digit over, and that zero. */
	if (high == 0 && b.n < 6 && b.value == 0)
		return 0;
bad:
	errno = EINVAL;
	return -1;
}

int
mutf7_decode(struct slice s, struct buf *out)
{
	const char	*end, *p = s.ptr, *stop = s.ptr + s.len;
	bool		 shifted = false;	/* just out of one */

	for (; p < stop; p++) {
		if (!is_direct((unsigned char)*p))
			goto bad;
		if (*p != '&') {
			if (buf_addc(out, *p) == -1)
				return -1;
			shifted = false;
			continue;
		}
		end = memchr(p, '-', (size_t)(stop - p));
		if (end == NULL)
			goto bad;
		if (end == p + 1) {
			if (buf_addc(out, '&') == -1)
				return -1;
			shifted = false;
		} else if (shifted || decode_run((struct slice){ p + 1,
		    (size_t)(end - p - 1) }, out) == -1)
			goto bad;
		else
			shifted = true;
		p = end;
	}
	return 0;
bad:
	errno = EINVAL;
	return -1;
}
