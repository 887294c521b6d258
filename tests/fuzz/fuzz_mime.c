/*
 * Parts lie within their parents, in order, and sizes add up; pieces of any
 * size give the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/mime.h"
#include "lib/mail/mime_param.h"
#include "tests/unit/piece_read.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_span(struct slice msg, const struct mime_span *s)
{
	uint32_t	 lines = 0;
	uint64_t	 i, added = 0;

	assert(s->offset + s->len <= msg.len);
	for (i = s->offset; i < s->offset + s->len; i++) {
		if (msg.ptr[i] != '\n')
			continue;
		lines++;
		added += i == 0 || msg.ptr[i - 1] != '\r';
	}
	assert(s->lines == lines);
	assert(s->wire == s->len + added);
}

static void
check_part(const struct mime *m, struct slice msg, uint32_t i)
{
	const struct mime_part	*p = &m->part[i], *up;
	uint64_t		 end = p->body.offset + p->body.len;
	uint32_t		 c, last = i;

	if (i < 40) {
		check_span(msg, &p->header);
		check_span(msg, &p->body);
	}
	assert(p->header.offset + p->header.len == p->body.offset);
	if (p->parent == MIME_NONE) {
		assert(i == 0 && end == msg.len && p->header.offset == 0);
	} else {
		up = &m->part[p->parent];
		assert(p->parent < i && up->kind != MIME_PART_LEAF);
		assert(p->header.offset >= up->body.offset);
		assert(end <= up->body.offset + up->body.len);
	}
	for (c = p->child; c != MIME_NONE; c = m->part[c].next) {
		assert(c > last && c < m->nparts && m->part[c].parent == i);
		last = c;
	}
	assert((p->kind == MIME_PART_MESSAGE) ==
	    (p->child != MIME_NONE && m->part[p->child].root));
}

static void
check_params(const struct mime *m, uint32_t part)
{
	struct mime_params	 p;
	struct slice		 v;
	size_t			 i;

	mime_params_init(&p);
	if (mime_field(m, part, MIME_KEEP_TYPE, 0, &v)) {
		mime_params_parse(&p, v, MIME_PARAMS_TYPE);
		for (i = 0; i < p.n; i++)
			assert(p.param[i].name.len > 0 &&
			    p.param[i].value.len <= 3 * v.len + 2);
	}
	mime_params_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime	 a, b;
	struct pieces	 in = { .pos = 0 };
	uint32_t	 i;

	if (size < 1)
		return 0;
	in.msg.ptr = (const char *)data + 1;
	in.msg.len = size - 1;
	in.step = 1 + data[0] * 8;
	mime_init(&a);
	mime_init(&b);
	mime_parse_slice(&a, in.msg);
	for (i = 0; i < a.nparts; i++)
		check_part(&a, in.msg, i);
	for (i = 0; i < a.nparts && i < 5; i++)
		check_params(&a, i);
	assert(mime_parse(&b, piece_read, &in) == 0);
	assert(a.nparts == b.nparts && a.nkept == b.nkept);
	assert(memcmp(a.part, b.part, a.nparts * sizeof(*a.part)) == 0);
	assert(slice_eq(buf_slice(&a.values), buf_slice(&b.values)));
	mime_free(&a);
	mime_free(&b);
	return 0;
}
