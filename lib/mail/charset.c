/* Contract in charset.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#include "lib/base/text.h"
#include "lib/mail/charset.h"

#define NAME_MAX_LEN	40

/* What is meant by names that iconv does not know or takes too literally. */
static const struct {
	const char	*name, *means;
} aliases[] = {
	{ "big5", "CP950" },
	{ "cn-gb", "GB18030" },
	{ "euc-kr", "UHC" },
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gbk", "GB18030" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "iso-8859-9", "CP1254" },
	{ "iso-8859-11", "CP874" },
	{ "ks_c_5601-1987", "UHC" },
	{ "ks_c_5601", "UHC" },
	{ "ksc5601", "UHC" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "tis-620", "CP874" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "windows-31j", "CP932" },
	{ "windows-949", "UHC" },
	{ "x-euc-jp", "EUC-JP" },
	{ "x-gbk", "GB18030" },
	{ "x-sjis", "CP932" },
};

static bool
is_one_of(struct slice name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (slice_is(name, *list))
			return true;
	return false;
}

static bool
open_iconv(struct charset *c, struct slice name)
{
	char	 text[NAME_MAX_LEN + 1];
	size_t	 i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (slice_is(name, aliases[i].name))
			name = slice_str(aliases[i].means);
	if (name.len > NAME_MAX_LEN)
		return false;
	/* A slash would start iconv's own options. */
	for (i = 0; i < name.len; i++)
		if (!text_is_alnum(name.ptr[i]) &&
		    (name.ptr[i] == '\0' ||
		    strchr("-_.:+()", name.ptr[i]) == NULL))
			return false;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	c->cd = iconv_open("UTF-8", text);
	return c->cd != (iconv_t)-1;
}

bool
charset_begin(struct charset *c, struct slice name)
{
	static const char *const utf8[] = { "utf-8", "utf8", NULL };
	static const char *const ascii[] = { "us-ascii", "ascii", NULL };
	static const char *const windows[] = { "iso-8859-1", "iso8859-1",
	    "iso_8859-1", "latin1", "windows-1252", "cp1252", "l1", NULL };

	c->nheld = 0;
	name = text_trim(name);
	c->kind = CHARSET_GUESS;
	if (name.len == 0)
		return false;
	if (is_one_of(name, utf8))
		c->kind = CHARSET_UTF8;
	else if (is_one_of(name, windows))
		c->kind = CHARSET_WINDOWS;
	else if (is_one_of(name, ascii))
		return true;
	else if (open_iconv(c, name))
		c->kind = CHARSET_ICONV;
	return c->kind != CHARSET_GUESS;
}

int
charset_put(struct buf *out, uint32_t u)
{
	uint8_t	 u8[6];
	int	 n;

	n = u8_uctomb(u8, u, sizeof(u8));
	if (n <= 0)
		n = u8_uctomb(u8, 0xfffd, sizeof(u8));
	return buf_add(out, u8, (size_t)n);
}

static int
put_windows(struct buf *out, unsigned char c)
{
	static const uint16_t	 high[32] = {
		0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
		0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178
	};

	return charset_put(out, c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c);
}

static int
put_bad(struct charset *c, struct buf *out, unsigned char octet)
{
	if (c->kind == CHARSET_GUESS)
		return put_windows(out, octet);
	return charset_put(out, 0xfffd);
}

static size_t
ascii_run(const char *in, size_t len)
{
	uint64_t	 w;
	size_t		 i = 0;

	for (; i + 8 <= len; i += 8) {
		memcpy(&w, in + i, 8);
		if ((w & 0x8080808080808080u) != 0)
			break;
	}
	while (i < len && (unsigned char)in[i] < 0x80)
		i++;
	return i;
}

/*
 * Well-formed UTF-8 in front of in: its length.  *more: what stops it may be a
 * character's beginning.
 */
static size_t
utf8_run(const char *in, size_t len, bool *more)
{
	const uint8_t	*p = (const uint8_t *)in;
	ucs4_t		 u;
	size_t		 i = 0;
	int		 n;

	*more = false;
	while (i < len) {
		i += ascii_run(in + i, len - i);
		if (i == len)
			break;
		n = u8_mbtoucr(&u, p + i, len - i);
		if (n <= 0) {
			*more = n == -2;
			break;
		}
		i += (size_t)n;
	}
	return i;
}

static int
feed_utf8(struct charset *c, const char *in, size_t len, bool last,
    struct buf *out)
{
	size_t	 i = 0, n;
	bool	 more;

	while (i < len) {
		n = utf8_run(in + i, len - i, &more);
		if (buf_add(out, in + i, n) == -1)
			return -1;
		if ((i += n) == len)
			break;
		if (more && !last) {
			c->nheld = len - i;
			memmove(c->held, in + i, c->nheld);
			return 0;
		}
		if (put_bad(c, out, (unsigned char)in[i++]) == -1)
			return -1;
		/* One sign for a character that was cut, not for each octet. */
		if (more && c->kind == CHARSET_UTF8)
			return 0;
	}
	return 0;
}

static int
feed_windows(const char *in, size_t len, struct buf *out)
{
	size_t	 i = 0, n;

	while (i < len) {
		n = ascii_run(in + i, len - i);
		if (buf_add(out, in + i, n) == -1)
			return -1;
		i += n;
		if (i < len && put_windows(out, (unsigned char)in[i++]) == -1)
			return -1;
	}
	return 0;
}

static int
feed_iconv(struct charset *c, char *in, size_t len, bool last,
    struct buf *out)
{
	char	 piece[1024], *to;
	size_t	 room, rc;
	int	 error;

	while (len > 0) {
		to = piece;
		room = sizeof(piece);
		rc = iconv(c->cd, &in, &len, &to, &room);
		error = errno;
		if (buf_add(out, piece, (size_t)(to - piece)) == -1)
			return -1;
		if (rc != (size_t)-1 || error == E2BIG)
			continue;
		if (error == EINVAL && !last && len < sizeof(c->held)) {
			c->nheld = len;
			memmove(c->held, in, len);
			return 0;
		}
		if (charset_put(out, 0xfffd) == -1)
			return -1;
		if (error == EINVAL && last)
			return 0;
		in++;
		len--;
	}
	return 0;
}

static int
feed(struct charset *c, char *in, size_t len, bool last, struct buf *out)
{
	switch (c->kind) {
	case CHARSET_UTF8:
	case CHARSET_GUESS:
		return feed_utf8(c, in, len, last, out);
	case CHARSET_WINDOWS:
		return feed_windows(in, len, out);
	case CHARSET_ICONV:
		break;
	}
	return feed_iconv(c, in, len, last, out);
}

int
charset_feed(struct charset *c, const char *in, size_t len, struct buf *out)
{
	char	 piece[4096];
	size_t	 n, room;

	/* A copy: what was held goes in front, and iconv takes no const. */
	while (len > 0) {
		n = c->nheld;
		c->nheld = 0;
		memcpy(piece, c->held, n);
		room = sizeof(piece) - n < len ? sizeof(piece) - n : len;
		memcpy(piece + n, in, room);
		if (feed(c, piece, n + room, false, out) == -1)
			return -1;
		in += room;
		len -= room;
	}
	return 0;
}

int
charset_end(struct charset *c, struct buf *out)
{
	char	 rest[sizeof(c->held)], piece[64], *to;
	size_t	 n = c->nheld, left;
	int	 rc = 0;

	c->nheld = 0;
	memcpy(rest, c->held, n);
	if (n > 0)
		rc = feed(c, rest, n, true, out);
	if (c->kind == CHARSET_ICONV) {
		/* Some keep a letter back, as an accent may follow. */
		to = piece;
		left = sizeof(piece);
		if (iconv(c->cd, NULL, NULL, &to, &left) != (size_t)-1 &&
		    buf_add(out, piece, (size_t)(to - piece)) == -1)
			rc = -1;
		iconv_close(c->cd);
	}
	c->kind = CHARSET_GUESS;
	return rc;
}

int
charset_convert(struct slice name, struct slice text, struct buf *out)
{
	struct charset	 c;
	int		 rc;

	(void)charset_begin(&c, name);
	rc = charset_feed(&c, text.ptr, text.len, out);
	if (charset_end(&c, out) == -1)
		rc = -1;
	return rc;
}
