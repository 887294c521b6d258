/* Contract in part_text.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/mail/encoded_word.h"
#include "lib/mail/mime_param.h"
#include "lib/mail/part_text.h"

#define PIECE	8192

ssize_t
part_read_fd(void *ctx, void *buf, size_t size, uint64_t offset)
{
	ssize_t	 n;

	do {
		n = pread(*(const int *)ctx, buf, size, (off_t)offset);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
part_read_slice(void *ctx, void *buf, size_t size, uint64_t offset)
{
	const struct slice	*s = ctx;

	if (offset >= s->len)
		return 0;
	if (size > s->len - offset)
		size = s->len - offset;
	memcpy(buf, s->ptr + offset, size);
	return (ssize_t)size;
}

static void
begin_charset(struct part_text *t, const struct mime *m, uint32_t part)
{
	struct mime_params	 params;
	struct slice		 v, name = SLICE_LIT("");
	struct buf		 text;
	size_t			 i;

	mime_params_init(&params);
	buf_init(&text, 200);
	if (mime_field(m, part, MIME_KEEP_TYPE, 0, &v))
		mime_params_parse(&params, v, MIME_PARAMS_TYPE);
	for (i = 0; i < params.n; i++) {
		if (slice_is(params.param[i].name, "charset")) {
			name = params.param[i].value;
			break;
		}
		/* RFC 2231 4 allows even that. */
		if (slice_is(params.param[i].name, "charset*") &&
		    encoded_word_param(params.param[i].name,
		    params.param[i].value, &text) == 0) {
			name = buf_slice(&text);
			break;
		}
	}
	(void)charset_begin(&t->charset, name);
	t->open = true;
	buf_free(&text);
	mime_params_free(&params);
}

void
part_text_begin(struct part_text *t, const struct mime *m, uint32_t part,
    bool text, part_read rd, void *ctx)
{
	const struct mime_span	*body = &m->part[part].body;

	t->read = rd;
	t->ctx = ctx;
	t->offset = body->offset;
	t->left = body->len;
	t->open = false;
	decoder_begin(&t->decoder, mime_transfer(m, part), !text);
	if (text)
		begin_charset(t, m, part);
}

static int
give(struct part_text *t, const char *data, size_t len, struct buf *out)
{
	if (t->open)
		return charset_feed(&t->charset, data, len, out);
	return buf_add(out, data, len);
}

int
part_text_next(struct part_text *t, struct buf *out)
{
	char	 in[PIECE], decoded[DECODE_ROOM(PIECE)];
	ssize_t	 n;
	size_t	 len;

	if (t->left > 0) {
		n = t->read(t->ctx, in, t->left < PIECE ? (size_t)t->left :
		    PIECE, t->offset);
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return -1;
		}
		t->offset += (uint64_t)n;
		t->left -= (uint64_t)n;
		len = decoder_feed(&t->decoder, in, (size_t)n, decoded);
		return give(t, decoded, len, out) == -1 ? -1 : 1;
	}
	len = decoder_end(&t->decoder, decoded);
	if (give(t, decoded, len, out) == -1)
		return -1;
	if (t->open) {
		t->open = false;
		if (charset_end(&t->charset, out) == -1)
			return -1;
	}
	return 0;
}

void
part_text_end(struct part_text *t)
{
	struct buf	 nothing;

	buf_init(&nothing, 0);
	if (t->open)
		(void)charset_end(&t->charset, &nothing);
	t->open = false;
	buf_free(&nothing);
}
