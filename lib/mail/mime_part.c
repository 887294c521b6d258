/* Questions about a parsed message (contract in mime.h). */
#include <string.h>

#include "lib/mail/mime.h"

bool
mime_field(const struct mime *m, uint32_t part, enum mime_keep which,
    size_t nth, struct slice *value)
{
	const struct mime_part	*p = &m->part[part];
	const struct mime_kept	*k;
	uint32_t		 i, end;

	end = p->first_kept + p->nkept;
	for (i = p->first_kept; i < end; i++) {
		k = &m->kept[i];
		if (k->which != which || nth-- > 0)
			continue;
		value->ptr = buf_cstr(&m->values) + k->offset;
		value->len = k->len;
		return true;
	}
	return false;
}

void
mime_type(const struct mime *m, uint32_t part, struct content_type *type)
{
	struct slice	 value;
	bool		 given;

	given = mime_field(m, part, MIME_KEEP_TYPE, 0, &value);
	if (given && content_type_parse(value, type) == 0)
		return;
	memset(type, 0, sizeof(*type));
	if (!given && m->part[part].in_digest) {
		strcpy(type->type, "message");
		strcpy(type->subtype, "rfc822");
	} else {
		strcpy(type->type, "text");
		strcpy(type->subtype, "plain");
	}
}

enum transfer_encoding
mime_transfer(const struct mime *m, uint32_t part)
{
	struct slice	 value;

	if (!mime_field(m, part, MIME_KEEP_TRANSFER, 0, &value))
		return TRANSFER_NONE;
	return transfer_encoding_parse(value);
}

/* The kth part of a multipart, or the only one of another message. */
static uint32_t
nth_part(const struct mime *m, uint32_t at, uint32_t k)
{
	if (m->part[at].kind != MIME_PART_MULTIPART)
		return k == 1 ? at : MIME_NONE;
	for (at = m->part[at].child; at != MIME_NONE && k > 1; k--)
		at = m->part[at].next;
	return k == 0 ? MIME_NONE : at;
}

uint32_t
mime_find(const struct mime *m, const uint32_t *number, size_t n)
{
	uint32_t	 at = 0;
	size_t		 i;

	for (i = 0; i < n && at != MIME_NONE; i++) {
		if (i > 0) {
			switch (m->part[at].kind) {
			case MIME_PART_LEAF:
				return MIME_NONE;
			case MIME_PART_MULTIPART:
				break;
			case MIME_PART_MESSAGE:
				at = m->part[at].child;
				break;
			}
		}
		at = nth_part(m, at, number[i]);
	}
	return at;
}

static struct mime_span
whole(const struct mime_part *p)
{
	struct mime_span	 s = p->header;

	s.len += p->body.len;
	s.wire += p->body.wire;
	s.lines += p->body.lines;
	return s;
}

bool
mime_section(const struct mime *m, const uint32_t *number, size_t n,
    enum mime_section section, struct mime_span *out)
{
	const struct mime_part	*p;
	uint32_t		 at;

	if ((at = mime_find(m, number, n)) == MIME_NONE)
		return false;
	p = &m->part[at];
	switch (section) {
	case MIME_SECTION_ALL:
		*out = n == 0 ? whole(p) : p->body;
		return true;
	case MIME_SECTION_MIME:
		*out = p->header;
		return n > 0;
	case MIME_SECTION_HEADER:
	case MIME_SECTION_TEXT:
		break;
	}
	if (n > 0) {
		if (p->kind != MIME_PART_MESSAGE)
			return false;
		p = &m->part[p->child];
	}
	*out = section == MIME_SECTION_HEADER ? p->header : p->body;
	return true;
}
