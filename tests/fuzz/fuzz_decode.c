/*
 * Decoders give the same whatever the pieces, within their bounds; text comes
 * out as UTF-8 without control octets; a base subject is its own.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/decode.h"
#include "lib/mail/encoded_word.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(struct slice s, enum transfer_encoding kind, size_t step,
    struct buf *out)
{
	struct decoder	 d;
	size_t		 i, n;
	char		*p;

	decoder_begin(&d, kind, step % 2 == 0);
	for (i = 0; i < s.len; i += n) {
		n = s.len - i < step ? s.len - i : step;
		p = buf_reserve(out, DECODE_ROOM(n));
		assert(p != NULL);
		out->len += decoder_feed(&d, s.ptr + i, n, p);
	}
	p = buf_reserve(out, DECODE_ROOM(0));
	out->len += decoder_end(&d, p);
}

static void
check_decoders(struct slice s, size_t step)
{
	static const enum transfer_encoding	 kind[] = { TRANSFER_QP,
	    TRANSFER_BASE64, TRANSFER_NONE };
	struct buf	 a, b;
	size_t		 i;

	for (i = 0; i < 3; i++) {
		buf_init(&a, 1 << 24);
		buf_init(&b, 1 << 24);
		decode(s, kind[i], 2 * step, &a);
		decode(s, kind[i], (s.len / 2 + 1) * 2, &b);
		assert(slice_eq(buf_slice(&a), buf_slice(&b)));
		buf_free(&a);
		buf_free(&b);
	}
}

static void
check_charset(struct slice s, size_t step)
{
	static const char *const names[] = { "utf-8", "", "iso-8859-1",
	    "iso-2022-jp", "gb18030", "utf-7", "windows-1258", "euc-kr" };
	struct charset	 c;
	struct buf	 a, b;
	size_t		 i, n;

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	assert(charset_convert(slice_str(names[step % 8]), s, &a) == 0);
	assert(text_is_utf8(buf_slice(&a)));
	(void)charset_begin(&c, slice_str(names[step % 8]));
	for (i = 0; i < s.len; i += n) {
		n = s.len - i < step ? s.len - i : step;
		assert(charset_feed(&c, s.ptr + i, n, &b) == 0);
	}
	assert(charset_end(&c, &b) == 0);
	assert(slice_eq(buf_slice(&a), buf_slice(&b)));
	buf_clear(&b);
	assert(casemap(buf_slice(&a), &b) == 0);
	assert(text_is_utf8(buf_slice(&b)));
	buf_free(&a);
	buf_free(&b);
}

static void
check_text(struct slice s)
{
	struct buf	 a, b;
	size_t		 i;

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	assert(encoded_word_text(s, &a) == 0);
	assert(text_is_utf8(buf_slice(&a)));
	for (i = 0; i < a.len; i++)
		assert(!text_is_control(a.ptr[i]) || a.ptr[i] == '\t');
	buf_clear(&a);
	assert(encoded_word_param(SLICE_LIT("n*"), s, &a) == 0);
	assert(text_is_utf8(buf_slice(&a)));
	buf_clear(&a);
	assert(base_subject(s, &a, NULL) == 0);
	for (i = 0; i + 1 < a.len; i++)
		if (a.ptr[i] == '=' && a.ptr[i + 1] == '?')
			goto end;	/* might be a word by now */
	assert(base_subject(buf_slice(&a), &b, NULL) == 0);
	assert(slice_eq(buf_slice(&a), buf_slice(&b)));
end:
	buf_free(&a);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 s;

	if (size < 1)
		return 0;
	s.ptr = (const char *)data + 1;
	s.len = size - 1;
	check_decoders(s, 1 + data[0] % 64);
	check_charset(s, 1 + data[0] % 64);
	check_text(s);
	return 0;
}
