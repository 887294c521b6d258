/* Contract in transfer.h. */
#include <stdbool.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/text.h"
#include "lib/mail/transfer.h"

#define LINE_LIMIT	76
#define BASE64_RUN	57	/* octets that make a line of 76 */

void
transfer_begin(struct transfer *t, enum transfer_kind kind, transfer_put put,
    void *ctx)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->put = put;
	t->ctx = ctx;
}

/* A token that may not be torn; a soft line end before it where needed. */
static int
qp_token(struct transfer *t, const char *token, size_t len)
{
	if (t->col + len > LINE_LIMIT - 1) {
		if (t->put(t->ctx, "=\r\n", 3) == -1)
			return -1;
		t->col = 0;
	}
	/*
	 * Text from the middle of a line must not come to look like a
	 * delimiter at the start of one.
	 */
	if (t->col == 0 && token[0] == '-') {
		t->col = 3;
		return t->put(t->ctx, "=2D", 3);
	}
	t->col += len;
	return t->put(t->ctx, token, len);
}

static int
qp_hex(struct transfer *t, unsigned char c)
{
	static const char	 digits[] = "0123456789ABCDEF";
	char			 token[3];

	token[0] = '=';
	token[1] = digits[c >> 4];
	token[2] = digits[c & 15];
	return qp_token(t, token, 3);
}

static bool
qp_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '=';
}

/* Undecided octets turn out to be ordinary ones. */
static int
qp_release(struct transfer *t)
{
	unsigned char	 held[sizeof(t->held)];
	size_t		 i, n = t->nheld;
	char		 c;

	memcpy(held, t->held, n);
	t->nheld = 0;
	for (i = 0; i < n; i++) {
		c = (char)held[i];
		if ((held[i] == '=' ? qp_hex(t, held[i]) :
		    qp_token(t, &c, 1)) == -1)
			return -1;
	}
	return 0;
}

/*
 * held is a blank that may turn out to stand at the line's end, where it would
 * not survive; or, when fixing, "=" and perhaps a digit.
 */
static int
qp_octet(struct transfer *t, unsigned char c)
{
	char	 token[3];

	if (t->nheld > 0 && t->held[0] == '=' && text_hex((char)c) != -1) {
		t->held[t->nheld++] = c;
		if (t->nheld < 3)
			return 0;
		memcpy(token, t->held, 3);
		t->nheld = 0;
		return qp_token(t, token, 3);
	}
	if (qp_release(t) == -1)
		return -1;
	if (c == ' ' || c == '\t' ||
	    (c == '=' && t->kind == TRANSFER_FIX_QP)) {
		t->held[t->nheld++] = c;
		return 0;
	}
	if (!qp_plain(c))
		return qp_hex(t, c);
	token[0] = (char)c;
	return qp_token(t, token, 1);
}

/* What is held stands at the end of a line. */
static int
qp_settle(struct transfer *t)
{
	unsigned char	 c;

	if (t->nheld == 1 && t->held[0] != '=') {
		c = t->held[0];
		t->nheld = 0;
		return qp_hex(t, c);
	}
	return qp_release(t);
}

static int
qp_eol(struct transfer *t)
{
	if (t->nheld == 1 && t->held[0] == '=') {
		/* A soft line end; the column leaves room for it. */
		t->nheld = 0;
		if (t->put(t->ctx, "=", 1) == -1)
			return -1;
	} else if (qp_settle(t) == -1) {
		return -1;
	}
	t->col = 0;
	return t->put(t->ctx, "\r\n", 2);
}

/* A line of base 64 from what is held. */
static int
base64_line(struct transfer *t)
{
	char	 line[LINE_LIMIT + 1];

	if (t->nheld == 0)
		return 0;
	if (t->col > 0 && t->put(t->ctx, "\r\n", 2) == -1)
		return -1;
	base64_print(t->held, t->nheld, line);
	t->col = BASE64_LEN(t->nheld);
	t->nheld = 0;
	return t->put(t->ctx, line, t->col);
}

static int
base64_data(struct transfer *t, const char *data, size_t len)
{
	size_t	 n;

	while (len > 0) {
		n = BASE64_RUN - t->nheld;
		if (n > len)
			n = len;
		memcpy(t->held + t->nheld, data, n);
		t->nheld += n;
		data += n;
		len -= n;
		if (t->nheld == BASE64_RUN && base64_line(t) == -1)
			return -1;
	}
	return 0;
}

static int
base64_fix(struct transfer *t, const char *data, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++) {
		if (!text_is_alnum(data[i]) && data[i] != '+' &&
		    data[i] != '/' && data[i] != '=')
			continue;
		if (t->col == LINE_LIMIT) {
			if (t->put(t->ctx, "\r\n", 2) == -1)
				return -1;
			t->col = 0;
		}
		if (t->put(t->ctx, data + i, 1) == -1)
			return -1;
		t->col++;
	}
	return 0;
}

int
transfer_data(struct transfer *t, const char *data, size_t len)
{
	size_t	 i;

	switch (t->kind) {
	case TRANSFER_TO_QP:
	case TRANSFER_FIX_QP:
		for (i = 0; i < len; i++)
			if (qp_octet(t, (unsigned char)data[i]) == -1)
				return -1;
		return 0;
	case TRANSFER_TO_BASE64:
		return base64_data(t, data, len);
	case TRANSFER_FIX_BASE64:
		return base64_fix(t, data, len);
	}
	return 0;
}

int
transfer_eol(struct transfer *t)
{
	switch (t->kind) {
	case TRANSFER_TO_QP:
	case TRANSFER_FIX_QP:
		return qp_eol(t);
	case TRANSFER_TO_BASE64:
		return base64_data(t, "\r\n", 2);
	case TRANSFER_FIX_BASE64:
		t->col = 0;
		return t->put(t->ctx, "\r\n", 2);
	}
	return 0;
}

int
transfer_end(struct transfer *t)
{
	switch (t->kind) {
	case TRANSFER_TO_QP:
	case TRANSFER_FIX_QP:
		return qp_settle(t);
	case TRANSFER_TO_BASE64:
		return base64_line(t);
	case TRANSFER_FIX_BASE64:
		return 0;
	}
	return 0;
}
