/*
 * Whatever the letter, what is sent can be read: lists close, strings end,
 * literals hold what they say, envelopes have ten members.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/imap_body.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
literal(const char *p, const char *end)
{
	char	*after;
	size_t	 n = strtoul(p + 1, &after, 10);

	assert(strncmp(after, "}\r\n", 3) == 0);
	after += 3;
	assert(n <= (size_t)(end - after));
	assert(memchr(after, '\0', n) == NULL);
	return after + n;
}

static const char *
quoted(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		assert((unsigned char)*p < 0x80 && *p != '\r' && *p != '\n' &&
		    *p != '\0');
		if (*p == '\\') {
			p++;
			assert(*p == '"' || *p == '\\');
		}
	}
	assert(p < end);
	return p + 1;
}

/* Members of the outermost list. */
static size_t
read_list(struct slice s)
{
	const char	*p = s.ptr, *end = p + s.len;
	size_t		 depth = 0, members = 0;

	assert(*p == '(');
	while (p < end) {
		if (*p == '(') {
			members += depth == 1;
			depth++;
			p++;
			assert(*p != ' ' && *p != ')');
		} else if (*p == ')') {
			assert(depth > 0);
			depth--;
			p++;
			assert(depth > 0 || p == end);
		} else if (*p == ' ') {
			p++;
			assert(*p != ' ' && *p != ')');
		} else {
			members += depth == 1;
			if (*p == '"') {
				p = quoted(p, end);
			} else if (*p == '{') {
				p = literal(p, end);
			} else if (text_is_digit(*p)) {
				while (text_is_digit(*p))
					p++;
			} else {
				assert(strncmp(p, "NIL", 3) == 0);
				p += 3;
			}
			assert(*p == ' ' || *p == ')');
		}
	}
	assert(depth == 0);
	return members;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 msg = { (const char *)data, size };
	struct mime	 m;
	struct buf	 b;
	unsigned int	 flags;

	mime_init(&m);
	buf_init(&b, IMAP_BODY_MAX);
	mime_parse_slice(&m, msg);
	assert(imap_envelope_add(&b, &m, 0) == 0);
	assert(read_list(buf_slice(&b)) == 10);
	for (flags = 0; flags < 4; flags++) {
		buf_clear(&b);
		assert(imap_body_add(&b, &m, 0, flags) == 0);
		(void)read_list(buf_slice(&b));
	}
	buf_free(&b);
	mime_free(&m);
	return 0;
}
