/* Contract in decode.h. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/decode.h"

/*
 *	in	octet		out	held
 *	TEXT	blank, CR	TEXT	more
 *		LF		TEXT	nothing, but a CR before the LF
 *		=		SIGN	"="
 *	SIGN	hex		HEX	"=X"
 *		blank, CR	SOFT	more
 *		LF		TEXT	nothing
 *	HEX	hex		TEXT	nothing
 *	SOFT	blank, CR	SOFT	more
 *		LF		TEXT	nothing
 * Anything else: what was held is given out, and the octet seen as in TEXT.
 */
enum { QP_TEXT, QP_SIGN, QP_HEX, QP_SOFT };

void
decoder_begin(struct decoder *d, enum transfer_encoding kind, bool crlf)
{
	memset(d, 0, offsetof(struct decoder, held));
	d->kind = kind;
	d->crlf = crlf;
	d->nheld = 0;
	d->state = QP_TEXT;
}

static char *
line_end(const struct decoder *d, bool cr, char *out)
{
	if (d->crlf || cr)
		*out++ = '\r';
	*out++ = '\n';
	return out;
}

static char *
give_held(struct decoder *d, char *out)
{
	memcpy(out, d->held, d->nheld);
	out += d->nheld;
	d->nheld = 0;
	return out;
}

static char *
hold(struct decoder *d, char c, char *out)
{
	if (d->nheld == DECODE_HELD)
		out = give_held(d, out);
	d->held[d->nheld++] = c;
	return out;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *
qp_octet(struct decoder *d, char c, char *out)
{
	bool	 cr;

	switch (d->state) {
	case QP_SIGN:
		if (text_hex(c) != -1) {
			d->state = QP_HEX;
			return hold(d, c, out);
		}
		/* FALLTHROUGH */
	case QP_SOFT:
		if (c == '\n') {
			d->state = QP_TEXT;
			d->nheld = 0;
			return out;
		}
		if (is_blank(c)) {
			d->state = QP_SOFT;
			return hold(d, c, out);
		}
		break;
	case QP_HEX:
		if (text_hex(c) != -1) {
			d->state = QP_TEXT;
			*out++ = (char)(text_hex(d->held[1]) * 16 +
			    text_hex(c));
			d->nheld = 0;
			return out;
		}
		break;
	case QP_TEXT:
		break;
	}
	if (d->state != QP_TEXT) {
		out = give_held(d, out);
		d->state = QP_TEXT;
	}
	if (c == '\n') {
		cr = d->nheld > 0 && d->held[d->nheld - 1] == '\r';
		d->nheld = 0;
		return line_end(d, cr, out);
	}
	if (is_blank(c))
		return hold(d, c, out);
	out = give_held(d, out);
	if (c == '=') {
		d->state = QP_SIGN;
		return hold(d, c, out);
	}
	*out++ = c;
	return out;
}

static bool
is_plain(char c)
{
	return c != '=' && c != '\n' && !is_blank(c);
}

static size_t
qp_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	char	*start = out;
	size_t	 i = 0;

	while (i < len) {
		if (d->state == QP_TEXT && d->nheld == 0)
			while (i < len && is_plain(in[i]))
				*out++ = in[i++];
		if (i < len)
			out = qp_octet(d, in[i++], out);
	}
	return (size_t)(out - start);
}

#define X	255
#define PAD	254

static const unsigned char	 digits[256] = {
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, 62, X, X, X, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, PAD, X, X,
	X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, X,
	X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
};

static size_t
base64_feed(struct decoder *d, const char *data, size_t len, char *out)
{
	const unsigned char	*in = (const unsigned char *)data;
	const unsigned char	*end = in + len;
	char			*start = out;
	uint32_t		 v;

	while (in < end) {
		/* Four at once where nothing is in the way. */
		while (d->nbits == 0 && end - in >= 4 && digits[in[0]] < 64 &&
		    digits[in[1]] < 64 && digits[in[2]] < 64 &&
		    digits[in[3]] < 64) {
			v = (uint32_t)digits[in[0]] << 18 |
			    (uint32_t)digits[in[1]] << 12 |
			    (uint32_t)digits[in[2]] << 6 | digits[in[3]];
			*out++ = (char)(v >> 16);
			*out++ = (char)(v >> 8 & 0xff);
			*out++ = (char)(v & 0xff);
			in += 4;
		}
		if (in == end)
			break;
		v = digits[*in++];
		if (v == PAD) {
			/* What follows was put behind: it starts afresh. */
			d->nbits = 0;
		} else if (v < 64) {
			d->bits = d->bits << 6 | v;
			d->nbits += 6;
			if (d->nbits >= 8) {
				d->nbits -= 8;
				*out++ = (char)(d->bits >> d->nbits & 0xff);
			}
		}
	}
	return (size_t)(out - start);
}

static size_t
plain_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	char	*start = out;
	size_t	 i;

	if (!d->crlf) {
		memcpy(out, in, len);
		return len;
	}
	for (i = 0; i < len; i++) {
		if (in[i] == '\n' && !d->cr)
			*out++ = '\r';
		*out++ = in[i];
		d->cr = in[i] == '\r';
	}
	return (size_t)(out - start);
}

size_t
decoder_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	if (len == 0)
		return 0;
	switch (d->kind) {
	case TRANSFER_QP:
		return qp_feed(d, in, len, out);
	case TRANSFER_BASE64:
		return base64_feed(d, in, len, out);
	case TRANSFER_NONE:
	case TRANSFER_IDENTITY:
	case TRANSFER_UNKNOWN:
		break;
	}
	return plain_feed(d, in, len, out);
}

size_t
decoder_end(struct decoder *d, char *out)
{
	size_t	 n = 0;

	/* Blanks at the end, and an "=" there, are in front of a line end. */
	if (d->kind == TRANSFER_QP && d->state == QP_HEX)
		n = (size_t)(give_held(d, out) - out);
	d->nheld = 0;
	d->nbits = 0;
	d->state = QP_TEXT;
	return n;
}
