/* Contract in fetch_section.h. */
#include <errno.h>
#include <string.h>

#include "imap-session/fetch_section.h"
#include "lib/base/text.h"
#include "lib/mail/header.h"

void
fetch_section_partial(const struct fetch_section *s, uint64_t len,
    struct fetch_octets *o)
{
	o->first = 0;
	o->len = len;
	if (!s->partial)
		return;
	o->first = s->first < len ? s->first : len;
	o->len = len - o->first < s->most ? len - o->first : s->most;
}

/* --- fields of a header ------------------------------------------------------ */

static bool
is_wanted(const struct fetch_section *s, struct slice name)
{
	const struct slice	*f;
	size_t			 i;

	for (i = 0; i < s->nfield; i++) {
		f = &s->field[i];
		if (f->len == name.len &&
		    text_lower(f->ptr[0]) == text_lower(name.ptr[0]) &&
		    strncasecmp(f->ptr, name.ptr, name.len) == 0)
			return !s->without;
	}
	return s->without;
}

int
fetch_section_fields(const struct fetch_section *s, struct slice header,
    struct buf *out)
{
	struct header_field	 field;
	size_t			 pos = 0;

	while (header_next_lenient(header, &pos, &field)) {
		if (!is_wanted(s, field.name))
			continue;
		if (buf_add(out, field.whole.ptr, field.whole.len) == -1)
			return -1;
		/* The last line of a message without its end. */
		if (field.whole.ptr[field.whole.len - 1] != '\n' &&
		    buf_addstr(out, "\r\n") == -1)
			return -1;
	}
	return buf_addstr(out, "\r\n");
}

static int
collect(void *ctx, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static enum fetch_found
find_fields(struct fetch_file *f, const struct fetch_section *s,
    struct fetch_octets *o)
{
	struct buf	 header;
	uint64_t	 wire = o->span.wire;
	int		 rc;

	buf_init(&header, FETCH_HEADER_MAX);
	rc = fetch_file_send(f, &o->span, 0, wire < FETCH_HEADER_MAX ? wire :
	    FETCH_HEADER_MAX, collect, &header);
	buf_clear(&f->wire);
	f->wire.max = FETCH_HEADER_MAX + 1024;
	if (rc == 0)
		rc = fetch_section_fields(s, buf_slice(&header), &f->wire);
	buf_free(&header);
	if (rc == -1)
		return FETCH_FAILED;
	o->ready = true;
	fetch_section_partial(s, f->wire.len, o);
	return FETCH_FOUND;
}

/* --- decoded parts ------------------------------------------------------------ */

static void
begin_part(struct fetch_file *f, uint32_t part, struct slice *all)
{
	*all = buf_slice(&f->data);
	part_text_begin(&f->part_text, &f->mime, part, false,
	    fetch_file_is_small(f) ? part_read_slice : part_read_fd,
	    fetch_file_is_small(f) ? (void *)all : (void *)&f->fd);
	f->part_at = 0;
}

/* The size of what is decoded; of a small one it is kept in f->wire. */
static int
measure(struct fetch_file *f, uint32_t part, struct fetch_octets *o)
{
	bool		 small = fetch_file_is_small(f);
	struct slice	 all;
	uint64_t	 size = 0;
	int		 rc;

	if (f->part == part && !small)
		return 0;
	f->part = MIME_NONE;
	begin_part(f, part, &all);
	buf_clear(&f->wire);
	do {
		if (!small) {
			size += f->wire.len;
			buf_clear(&f->wire);
		}
		rc = part_text_next(&f->part_text, &f->wire);
	} while (rc == 1);
	part_text_end(&f->part_text);
	if (rc == -1)
		return -1;
	f->part_size = size + f->wire.len;
	o->ready = small;
	if (!small) {
		f->part = part;
		begin_part(f, part, &all);
	}
	return 0;
}

/* Multiparts and messages have no encoding, whatever they say. */
static enum fetch_found
find_binary(struct fetch_file *f, const struct fetch_section *s,
    struct fetch_octets *o)
{
	uint32_t	 part = mime_find(&f->mime, s->number, s->nnumber);

	if (part == MIME_NONE)
		return FETCH_MISSING;
	if (s->nnumber == 0 || f->mime.part[part].kind != MIME_PART_LEAF) {
		fetch_section_partial(s, o->span.wire, o);
		return FETCH_FOUND;
	}
	if (mime_transfer(&f->mime, part) == TRANSFER_UNKNOWN)
		return FETCH_UNKNOWN_CTE;
	if (measure(f, part, o) == -1)
		return FETCH_FAILED;
	o->part = part;
	fetch_section_partial(s, f->part_size, o);
	return FETCH_FOUND;
}

/*
 * Decoding goes on where it was if that is not too far, so that pieces one
 * after the other are decoded once.
 */
static int
send_decoded(struct fetch_file *f, const struct fetch_octets *o,
    fetch_sink sink, void *ctx)
{
	struct part_text	 before;
	struct slice		 all;
	uint64_t		 left = o->len, skip, at;
	size_t			 n;
	int			 rc;

	if (f->part_at > o->first)
		begin_part(f, o->part, &all);
	skip = o->first - f->part_at;
	while (left > 0) {
		before = f->part_text;
		at = f->part_at;
		buf_clear(&f->wire);
		rc = part_text_next(&f->part_text, &f->wire);
		if (rc == -1 || (rc == 0 && f->wire.len < skip + left)) {
			if (rc == 0)
				errno = EIO;
			f->part = MIME_NONE;
			return -1;
		}
		f->part_at += f->wire.len;
		if (skip >= f->wire.len) {
			skip -= f->wire.len;
			continue;
		}
		n = f->wire.len - (size_t)skip;
		if (n >= left) {
			/* The rest of this is for the next piece. */
			n = (size_t)left;
			f->part_text = before;
			f->part_at = at;
		}
		if (sink(ctx, f->wire.ptr + skip, n) == -1)
			return -1;
		skip = 0;
		left -= n;
	}
	return 0;
}

/* --- any ------------------------------------------------------------------------ */

static bool
is_whole(const struct fetch_section *s)
{
	return s->kind == FETCH_OCTETS && s->nnumber == 0 &&
	    s->section == MIME_SECTION_ALL;
}

enum fetch_found
fetch_section_find(struct fetch_file *f, const struct fetch_section *s,
    struct fetch_octets *o)
{
	memset(o, 0, sizeof(*o));
	o->part = MIME_NONE;
	if (is_whole(s)) {
		o->span.len = f->size;
		if (fetch_file_wire(f, &o->span.wire) == -1)
			return FETCH_FAILED;
		o->span.len = f->size;
		fetch_section_partial(s, o->span.wire, o);
		return FETCH_FOUND;
	}
	if (fetch_file_parse(f) == -1)
		return FETCH_FAILED;
	if (!mime_section(&f->mime, s->number, s->nnumber, s->section,
	    &o->span))
		return FETCH_MISSING;
	switch (s->kind) {
	case FETCH_OCTETS:
		fetch_section_partial(s, o->span.wire, o);
		return FETCH_FOUND;
	case FETCH_FIELDS:
		return find_fields(f, s, o);
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
		return find_binary(f, s, o);
	}
	return FETCH_MISSING;
}

int
fetch_section_send(struct fetch_file *f, const struct fetch_octets *o,
    fetch_sink sink, void *ctx)
{
	if (o->len == 0)
		return 0;
	if (o->ready)
		return sink(ctx, f->wire.ptr + o->first, (size_t)o->len);
	if (o->part != MIME_NONE)
		return send_decoded(f, o, sink, ctx);
	return fetch_file_send(f, &o->span, o->first, o->len, sink, ctx);
}
