/*
 * What comes out has the same parts with the same content, is fit, and is
 * left alone a second time.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/mime_walk.h"
#include "tests/unit/piece_read.h"

#define MOST	(1 << 24)

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The leaves' content, decoded, one behind the other. */
struct content {
	struct buf	 raw, all;
};

static int
output(void *ctx, const void *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static void
decode_qp(struct buf *out, struct slice in)
{
	const char	*p = in.ptr;
	size_t		 i;

	for (i = 0; i < in.len; i++) {
		if (p[i] != '=') {
			buf_addc(out, p[i]);
		} else if (i + 2 < in.len && p[i + 1] == '\r' &&
		    p[i + 2] == '\n') {
			i += 2;
		} else if (i + 2 < in.len && text_hex(p[i + 1]) != -1 &&
		    text_hex(p[i + 2]) != -1) {
			buf_addc(out, (char)(text_hex(p[i + 1]) * 16 +
			    text_hex(p[i + 2])));
			i += 2;
		} else {
			buf_addc(out, '=');
		}
	}
}

static void
decode_base64(struct buf *out, struct slice in)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char		*at;
	unsigned int		 v = 0;
	int			 bits = 0;
	size_t			 i;

	for (i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\0' ||
		    (at = strchr(digits, in.ptr[i])) == NULL)
			continue;
		v = v << 6 | (unsigned int)(at - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_addc(out, (char)(v >> bits & 0xff));
		}
	}
}

static int
gather(void *ctx, const struct mime_piece *p)
{
	struct content	*c = ctx;
	struct slice	 raw;

	assert(p->depth <= MIME_WALK_DEPTH);
	if (p->event == MIME_WALK_DATA || p->event == MIME_WALK_EOL)
		buf_add(&c->raw, p->data.ptr, p->data.len);
	if (p->event != MIME_WALK_LEAF_END)
		return 0;
	raw = buf_slice(&c->raw);
	buf_addf(&c->all, "[%zu]", p->entity->number);
	if (p->entity->transfer == TRANSFER_QP)
		decode_qp(&c->all, raw);
	else if (p->entity->transfer == TRANSFER_BASE64)
		decode_base64(&c->all, raw);
	else
		buf_add(&c->all, raw.ptr, raw.len);
	buf_clear(&c->raw);
	return 0;
}

static void
contents(struct slice msg, struct content *c)
{
	struct pieces	 in = { .msg = msg, .step = 4000 };

	buf_init(&c->raw, MOST);
	buf_init(&c->all, MOST);
	assert(mime_walk(piece_read, &in, gather, c) == 0);
	buf_free(&c->raw);
}

/* The pieces are the message. */
static int
glue(void *ctx, const struct mime_piece *p)
{
	return buf_add(ctx, p->data.ptr, p->data.len);
}

static enum downgrade_verdict
convert(struct slice msg, unsigned int fix, size_t step, struct buf *out)
{
	struct pieces		 in = { .msg = msg, .step = step };
	struct downgrade_plan	 plan;
	enum downgrade_verdict	 v;

	v = downgrade_scan(&plan, fix, piece_read, &in);
	assert(v != DOWNGRADE_ERROR);
	in.pos = 0;
	if (v != DOWNGRADE_CANNOT)
		assert(downgrade_write(&plan, piece_read, &in, output, out) ==
		    0);
	downgrade_free(&plan);
	return v;
}

static void
is_fit(struct slice msg, unsigned int fix)
{
	const char	*p = msg.ptr, *end = p + msg.len, *eol;

	if (fix & DOWNGRADE_EIGHTBIT)
		for (; p < end; p++)
			assert((unsigned char)*p < 0x80);
	for (p = msg.ptr; (fix & DOWNGRADE_LONGLINE) && p < end; p = eol) {
		for (eol = p; eol < end; eol++)
			if (eol[0] == '\r' && eol + 1 < end && eol[1] == '\n')
				break;
		assert(eol - p <= 998);
		eol += eol < end ? 2 : 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice		 msg;
	struct pieces		 in;
	struct content		 before, after;
	struct buf		 out, again;
	enum downgrade_verdict	 v, second;
	unsigned int		 fix;

	if (size < 1 || size > 100000)
		return 0;
	fix = 1 + data[0] % 3;
	msg.ptr = (const char *)data + 1;
	msg.len = size - 1;
	in = (struct pieces){ .msg = msg, .step = 1 + data[0] };
	buf_init(&out, MOST);
	buf_init(&again, MOST);
	assert(mime_walk(piece_read, &in, glue, &again) == 0);
	assert(slice_eq(buf_slice(&again), msg));
	buf_clear(&again);

	v = convert(msg, fix, 1 + data[0], &out);
	if (v == DOWNGRADE_NOTHING)
		assert(slice_eq(buf_slice(&out), msg));
	if (v == DOWNGRADE_CAN || v == DOWNGRADE_HEADERS) {
		contents(msg, &before);
		contents(buf_slice(&out), &after);
		assert(slice_eq(buf_slice(&before.all), buf_slice(&after.all)));
		buf_free(&before.all);
		buf_free(&after.all);
		if (v == DOWNGRADE_CAN)
			is_fit(buf_slice(&out), fix);
		/* A replaced field may have been what had 8-bit octets. */
		second = convert(buf_slice(&out), fix, 8192, &again);
		assert(second == DOWNGRADE_NOTHING ||
		    (second == v && v == DOWNGRADE_HEADERS));
		assert(slice_eq(buf_slice(&again), buf_slice(&out)));
	}
	buf_free(&out);
	buf_free(&again);
	return 0;
}
