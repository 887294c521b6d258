/* Contract in encoded_word.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/decode.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/header.h"

#define CHARSET_MAX	60

struct word {
	struct slice	 charset;	/* without language (RFC 2231 5) */
	char		 encoding;	/* 'b' or 'q' */
	struct slice	 text;
	size_t		 used;
};

/* What is being put together. */
struct run {
	struct slice	 charset;
	struct buf	 octets;	/* decoded, of this charset */
	struct buf	*out;
	bool		 no_end;	/* there is no "?=" any more */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "=?CHARSET[*LANGUAGE]?ENCODING?TEXT?=" at the start of s. */
static bool
parse_word(struct run *r, struct slice s, struct word *w)
{
	const char	*end, *star;
	size_t		 i;

	if (r->no_end || s.len < 8 || s.ptr[0] != '=' || s.ptr[1] != '?')
		return false;
	for (i = 2; i < s.len && i < CHARSET_MAX + 2; i++)
		if (s.ptr[i] == '?' || is_blank(s.ptr[i]))
			break;
	if (i + 5 > s.len || i == 2 || s.ptr[i] != '?' || s.ptr[i + 2] != '?')
		return false;
	w->charset.ptr = s.ptr + 2;
	w->charset.len = i - 2;
	if ((star = memchr(w->charset.ptr, '*', w->charset.len)) != NULL)
		w->charset.len = (size_t)(star - w->charset.ptr);
	w->encoding = text_lower(s.ptr[i + 1]);
	if (w->encoding != 'b' && w->encoding != 'q')
		return false;
	w->text.ptr = s.ptr + i + 3;
	if ((end = memmem(w->text.ptr, s.len - i - 3, "?=", 2)) == NULL) {
		r->no_end = true;
		return false;
	}
	w->text.len = (size_t)(end - w->text.ptr);
	w->used = (size_t)(end - s.ptr) + 2;
	return true;
}

/* RFC 2047 4.2: not quite quoted-printable. */
static int
decode_q(struct slice s, struct buf *out)
{
	size_t	 i;
	char	 c;

	for (i = 0; i < s.len; i++) {
		c = s.ptr[i] == '_' ? ' ' : s.ptr[i];
		if (c == '=' && i + 2 < s.len && text_hex(s.ptr[i + 1]) != -1 &&
		    text_hex(s.ptr[i + 2]) != -1) {
			c = (char)(text_hex(s.ptr[i + 1]) * 16 +
			    text_hex(s.ptr[i + 2]));
			i += 2;
		}
		if (buf_addc(out, c) == -1)
			return -1;
	}
	return 0;
}

static int
decode_b(struct slice s, struct buf *out)
{
	struct decoder	 d;
	char		*p;

	if ((p = buf_reserve(out, DECODE_ROOM(s.len))) == NULL)
		return -1;
	decoder_begin(&d, TRANSFER_BASE64, false);
	out->len += decoder_feed(&d, s.ptr, s.len, p);
	out->ptr[out->len] = '\0';
	return 0;
}

static int
decode_word(const struct word *w, struct buf *out)
{
	return w->encoding == 'q' ? decode_q(w->text, out) :
	    decode_b(w->text, out);
}

/* Append in UTF-8, without control octets. */
static int
put(struct run *r, struct slice charset, struct slice text)
{
	size_t	 i = r->out->len;
	int	 rc;

	rc = charset_convert(charset, text, r->out);
	for (; i < r->out->len; i++)
		if (text_is_control(r->out->ptr[i]) && r->out->ptr[i] != '\t')
			r->out->ptr[i] = ' ';
	return rc;
}

static int
flush(struct run *r)
{
	int	 rc = 0;

	if (r->octets.len > 0)
		rc = put(r, r->charset, buf_slice(&r->octets));
	buf_clear(&r->octets);
	return rc;
}

static bool
same(struct slice a, struct slice b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* 0, or -1. */
static int
add_word(struct run *r, const struct word *w)
{
	if (r->octets.len > 0 && !same(r->charset, w->charset) &&
	    flush(r) == -1)
		return -1;
	r->charset = w->charset;
	return decode_word(w, &r->octets);
}

static int
decode_line(struct run *r, struct slice s)
{
	struct slice	 plain = { s.ptr, 0 }, rest;
	struct word	 w;
	size_t		 i = 0, k;
	bool		 after_word = false;

	while (i < s.len) {
		rest.ptr = s.ptr + i;
		rest.len = s.len - i;
		if (!parse_word(r, rest, &w)) {
			i++;
			continue;
		}
		plain.len = (size_t)(rest.ptr - plain.ptr);
		for (k = 0; k < plain.len && is_blank(plain.ptr[k]); k++)
			;
		/* Only blanks since the last word: they are none. */
		if ((!after_word || k < plain.len) && (flush(r) == -1 ||
		    put(r, SLICE_LIT(""), plain) == -1))
			return -1;
		if (add_word(r, &w) == -1)
			return -1;
		after_word = true;
		i += w.used;
		plain.ptr = s.ptr + i;
	}
	plain.len = (size_t)(s.ptr + s.len - plain.ptr);
	if (flush(r) == -1)
		return -1;
	return put(r, SLICE_LIT(""), plain);
}

int
encoded_word_text(struct slice value, struct buf *out)
{
	struct run	 r = { .out = out };
	struct buf	 line;
	int		 rc;

	buf_init(&line, value.len);
	buf_init(&r.octets, DECODE_ROOM(value.len));
	rc = header_unfold(value, &line);
	if (rc == 0)
		rc = decode_line(&r, buf_slice(&line));
	buf_free(&line);
	buf_free(&r.octets);
	return rc;
}

int
encoded_word_param(struct slice name, struct slice value, struct buf *out)
{
	struct run	 r = { .out = out };
	struct slice	 charset = SLICE_LIT(""), text = value;
	const char	*q;
	size_t		 i;
	char		 c;
	int		 rc = 0;

	if (name.len == 0 || name.ptr[name.len - 1] != '*')
		return encoded_word_text(value, out);
	if ((q = memchr(value.ptr, '\'', value.len)) != NULL) {
		charset.ptr = value.ptr;
		charset.len = (size_t)(q - value.ptr);
		text.ptr = q + 1;
		text.len = value.len - charset.len - 1;
		if ((q = memchr(text.ptr, '\'', text.len)) != NULL) {
			text.len -= (size_t)(q + 1 - text.ptr);
			text.ptr = q + 1;
		}
	}
	buf_init(&r.octets, text.len);
	for (i = 0; i < text.len && rc == 0; i++) {
		c = text.ptr[i];
		if (c == '%' && i + 2 < text.len &&
		    text_hex(text.ptr[i + 1]) != -1 &&
		    text_hex(text.ptr[i + 2]) != -1) {
			c = (char)(text_hex(text.ptr[i + 1]) * 16 +
			    text_hex(text.ptr[i + 2]));
			i += 2;
		}
		rc = buf_addc(&r.octets, c);
	}
	if (rc == 0)
		rc = put(&r, charset, buf_slice(&r.octets));
	buf_free(&r.octets);
	return rc;
}
