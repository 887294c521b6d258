/* A preview is one short line of UTF-8. */
#include <assert.h>
#include <stdint.h>

#include "lib/base/text.h"
#include "lib/mail/html_text.h"
#include "lib/mail/preview.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice		 msg = { (const char *)data, size };
	struct html_text	 h;
	struct mime		 m;
	struct buf		 b, html;
	size_t			 i;

	mime_init(&m);
	buf_init(&b, PREVIEW_MAX);
	buf_init(&html, 4 * size + 64);
	mime_parse_slice(&m, msg);
	assert(preview(&m, part_read_slice, &msg, &b) == 0);
	assert(text_is_utf8(buf_slice(&b)));
	for (i = 0; i < b.len; i++)
		assert(!text_is_control(b.ptr[i]));
	html_text_begin(&h);
	assert(html_text_feed(&h, msg, &html) == 0);
	buf_free(&b);
	buf_free(&html);
	mime_free(&m);
	return 0;
}
