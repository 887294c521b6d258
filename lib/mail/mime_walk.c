/* Contract in mime_walk.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mime_walk.h"

#define WINDOW		32768
/*
 * Less than that at a line's start is not looked at if more may come: room for
 * a delimiter with its padding, or a field's name.  What is longer is neither,
 * however much of it is there: what a message is found to be must not depend
 * on how it was read.
 */
#define LOOK		1024
#define VALUE_MAX	16384	/* of a field that is understood */

/*
 *	in		line			out
 *	HEADER		field			HEADER
 *			empty, or no field	LEAF, GAP, HEADER (message)
 *	LEAF, GAP	other			the same
 *	any		delimiter		HEADER of the next part
 *			closing delimiter	GAP
 */
enum where { IN_HEADER, IN_LEAF, IN_GAP };

struct walk {
	mime_walk_read		 read;
	void			*rctx;
	mime_walk_take		 take;
	void			*tctx;
	char			*in;
	size_t			 pos, len;
	bool			 eof;

	enum where		 where;
	bool			 leaf_open;
	bool			 eol;		/* a line end is held back */
	bool			 line_start;
	struct mime_piece	 piece;
	struct mime_entity	 entity;
	struct mime_level	*level;		/* MIME_WALK_DEPTH */
	size_t			 depth, count;
	enum mime_field		 field;		/* the one that is open */
	bool			 in_field;	/* there is one to continue */
	bool			 seen_transfer;
	struct buf		 value;		/* of the open field */
	bool			 value_long;
};

static int
emit(struct walk *w, enum mime_walk_event event, const char *data, size_t len)
{
	w->piece.event = event;
	w->piece.data.ptr = data;
	w->piece.data.len = len;
	w->piece.field = w->field;
	w->piece.entity = &w->entity;
	w->piece.level = w->level;
	w->piece.depth = w->depth;
	w->piece.begins = w->line_start;
	return w->take(w->tctx, &w->piece);
}

/* Have LOOK octets or all that is left.  0, or -1 with errno. */
static int
refill(struct walk *w)
{
	ssize_t	 n;

	if (w->len - w->pos >= LOOK || w->eof)
		return 0;
	memmove(w->in, w->in + w->pos, w->len - w->pos);
	w->len -= w->pos;
	w->pos = 0;
	while (w->len < LOOK && !w->eof) {
		n = w->read(w->rctx, w->in + w->len, WINDOW - w->len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			w->len += (size_t)n;
		w->eof = n == 0;
	}
	return 0;
}

/*
 * The line at hand, or as much of it as the window has: *line without its end,
 * *end true when the CRLF is there.  A CR that may get its LF stays.
 */
static void
next_piece(struct walk *w, struct slice *line, bool *end)
{
	const char	*p = w->in + w->pos, *lf, *from = p;
	size_t		 have = w->len - w->pos;

	*end = false;
	line->ptr = p;
	while ((lf = memchr(from, '\n', have - (size_t)(from - p))) != NULL) {
		if (lf > p && lf[-1] == '\r') {
			line->len = (size_t)(lf - p) - 1;
			*end = true;
			return;
		}
		from = lf + 1;
	}
	line->len = have;
	if (have > 1 && p[have - 1] == '\r' && !w->eof)
		line->len--;
}

static bool
only_blanks(const char *p, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		if (p[i] != ' ' && p[i] != '\t')
			return false;
	return true;
}

/*
 * RFC 2046 5.1.1: two hyphens, the boundary, perhaps two more, blanks.  The
 * level it belongs to plus one, 0: none.
 */
static size_t
find_delimiter(const struct walk *w, struct slice line, bool *closing)
{
	const struct mime_level	*l;
	struct slice		 rest;
	size_t			 i;

	if (line.len < 3 || line.ptr[0] != '-' || line.ptr[1] != '-')
		return 0;
	for (i = w->depth; i > 0; i--) {
		l = &w->level[i - 1];
		if (l->len == 0 || line.len < 2 + l->len ||
		    memcmp(line.ptr + 2, l->boundary, l->len) != 0)
			continue;
		rest.ptr = line.ptr + 2 + l->len;
		rest.len = line.len - 2 - l->len;
		*closing = rest.len >= 2 && rest.ptr[0] == '-' &&
		    rest.ptr[1] == '-';
		if (*closing) {
			rest.ptr += 2;
			rest.len -= 2;
		}
		if (only_blanks(rest.ptr, rest.len))
			return i;
	}
	return 0;
}

static void
begin_entity(struct walk *w, bool root)
{
	memset(&w->entity, 0, sizeof(w->entity));
	w->entity.number = w->count++;
	w->entity.root = root;
	w->where = IN_HEADER;
	w->in_field = w->seen_transfer = false;
	w->field = MIME_FIELD_OTHER;
}

static int
end_leaf(struct walk *w, bool delimited)
{
	if (!w->leaf_open)
		return 0;
	w->leaf_open = false;
	w->piece.delimited = delimited;
	return emit(w, MIME_WALK_LEAF_END, "", 0);
}

/* The field that was read is complete. */
static void
end_field(struct walk *w)
{
	struct slice	 value = buf_slice(&w->value);

	if (!w->in_field)
		return;
	w->in_field = false;
	switch (w->field) {
	case MIME_FIELD_OTHER:
		break;
	case MIME_FIELD_VERSION:
		w->entity.has_version = true;
		break;
	case MIME_FIELD_TYPE:
		/* Of two the first counts, like everywhere here. */
		if (!w->entity.has_type && !w->value_long)
			(void)content_type_parse(value, &w->entity.type);
		w->entity.has_type = true;
		break;
	case MIME_FIELD_TRANSFER:
		if (!w->seen_transfer)
			w->entity.transfer = w->value_long ?
			    TRANSFER_UNKNOWN : transfer_encoding_parse(value);
		w->seen_transfer = true;
		break;
	}
	w->field = MIME_FIELD_OTHER;
}

static bool
push_level(struct walk *w, bool multipart)
{
	struct mime_level	*l;

	if (w->depth == MIME_WALK_DEPTH)
		return false;
	l = &w->level[w->depth++];
	memset(l, 0, sizeof(*l));
	l->number = w->entity.number;
	if (multipart) {
		l->digest = strcmp(w->entity.type.subtype, "digest") == 0;
		l->len = w->entity.type.boundary_len;
		memcpy(l->boundary, w->entity.type.boundary, l->len);
	}
	return true;
}

static bool
is_message(const struct walk *w)
{
	const struct mime_entity	*e = &w->entity;

	/* Encoded messages are against RFC 2046 5.2.1, but they exist. */
	if (e->transfer != TRANSFER_NONE && e->transfer != TRANSFER_IDENTITY)
		return false;
	if (!e->has_type)
		return !e->root && w->depth > 0 &&
		    w->level[w->depth - 1].digest;
	return strcmp(e->type.type, "message") == 0 &&
	    strcmp(e->type.subtype, "rfc822") == 0;
}

static enum mime_kind
classify(const struct walk *w)
{
	const struct content_type	*t = &w->entity.type;

	if (strcmp(t->type, "multipart") == 0) {
		if (t->boundary_len == 0)
			return MIME_NO_BOUNDARY;
		return w->depth < MIME_WALK_DEPTH ? MIME_MULTIPART :
		    MIME_TOO_DEEP;
	}
	if (is_message(w))
		return w->depth < MIME_WALK_DEPTH ? MIME_MESSAGE :
		    MIME_TOO_DEEP;
	if (strcmp(t->type, "message") == 0 &&
	    (strcmp(t->subtype, "partial") == 0 ||
	    strcmp(t->subtype, "external-body") == 0))
		return MIME_FIXED;
	return MIME_LEAF;
}

static int
end_header(struct walk *w, const char *data, size_t len)
{
	end_field(w);
	w->entity.kind = classify(w);
	if (emit(w, MIME_WALK_HEADER_END, data, len) == -1)
		return -1;
	switch (w->entity.kind) {
	case MIME_MULTIPART:
		(void)push_level(w, true);
		w->where = IN_GAP;
		break;
	case MIME_MESSAGE:
		(void)push_level(w, false);
		begin_entity(w, true);
		break;
	case MIME_LEAF:
	case MIME_TOO_DEEP:
	case MIME_NO_BOUNDARY:
	case MIME_FIXED:
		w->where = IN_LEAF;
		w->leaf_open = true;
		break;
	}
	return 0;
}

/* A delimiter of the level i was found; its line is data. */
static int
take_delimiter(struct walk *w, size_t i, bool closing, const char *data,
    size_t len)
{
	if (w->where == IN_HEADER && end_header(w, "", 0) == -1)
		return -1;
	/* A message without a header inside: its entity began just now. */
	if (w->where == IN_HEADER && end_header(w, "", 0) == -1)
		return -1;
	if (end_leaf(w, true) == -1)
		return -1;
	w->depth = i;
	if (w->eol && emit(w, MIME_WALK_DELIMITER, "\r\n", 2) == -1)
		return -1;
	w->eol = false;
	if (emit(w, MIME_WALK_DELIMITER, data, len) == -1)
		return -1;
	if (closing) {
		w->depth = i - 1;
		w->where = IN_GAP;
	} else {
		begin_entity(w, false);
	}
	return 0;
}

/* The length of a field's name up to its colon included; 0: no field. */
static size_t
field_start(struct slice line, struct slice *name)
{
	size_t	 i = 0;

	if (line.len > LOOK)
		line.len = LOOK;
	while (i < line.len && line.ptr[i] > ' ' && line.ptr[i] < 0x7f &&
	    line.ptr[i] != ':')
		i++;
	name->ptr = line.ptr;
	name->len = i;
	while (i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'))
		i++;
	return name->len > 0 && i < line.len && line.ptr[i] == ':' ? i + 1 : 0;
}

static void
keep_value(struct walk *w, const char *data, size_t len)
{
	if (w->field != MIME_FIELD_OTHER && buf_add(&w->value, data, len) == -1)
		w->value_long = true;
}

/* A line begins in a header.  False: it is no part of it. */
static bool
begin_header_line(struct walk *w, struct slice line)
{
	struct slice	 name;
	size_t		 skip;

	if (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
		keep_value(w, line.ptr, line.len);
		return w->in_field;
	}
	end_field(w);
	if ((skip = field_start(line, &name)) == 0)
		return false;
	w->in_field = true;
	w->value_long = false;
	buf_clear(&w->value);
	w->field = MIME_FIELD_OTHER;
	if (slice_is(name, "Content-Type"))
		w->field = MIME_FIELD_TYPE;
	else if (slice_is(name, "Content-Transfer-Encoding"))
		w->field = MIME_FIELD_TRANSFER;
	else if (slice_is(name, "MIME-Version"))
		w->field = MIME_FIELD_VERSION;
	keep_value(w, line.ptr + skip, line.len - skip);
	return true;
}

/* 1: the piece was taken; 0: look at it again in another state; -1. */
static int
take_header(struct walk *w, struct slice line, bool end)
{
	size_t	 len = line.len + (end ? 2 : 0);

	if (w->line_start && end && line.len == 0)
		return end_header(w, line.ptr, 2) == -1 ? -1 : 1;
	if (!w->line_start)
		keep_value(w, line.ptr, line.len);
	else if (!begin_header_line(w, line))
		return end_header(w, "", 0);
	if (emit(w, MIME_WALK_FIELD, line.ptr, len) == -1)
		return -1;
	return 1;
}

static int
take_text(struct walk *w, struct slice line, bool end)
{
	bool	 leaf = w->where == IN_LEAF;

	if (w->eol && emit(w, leaf ? MIME_WALK_EOL : MIME_WALK_GAP_EOL, "\r\n",
	    2) == -1)
		return -1;
	w->eol = end;
	if (line.len == 0)
		return 0;
	return emit(w, leaf ? MIME_WALK_DATA : MIME_WALK_GAP, line.ptr,
	    line.len);
}

/* May the piece be a delimiter?  It is a line then, and a short one. */
static bool
short_line(const struct walk *w, struct slice line, bool end)
{
	if (!w->line_start)
		return false;
	return end ? line.len + 2 <= LOOK : w->eof && line.len < LOOK;
}

/* One line, or a piece of a long one. */
static int
step(struct walk *w)
{
	struct slice	 line;
	bool		 end, closing;
	size_t		 level;
	int		 rc = 0;

	next_piece(w, &line, &end);
	/* A line that ends a header is looked at again for what it is then. */
	do {
		level = short_line(w, line, end) ?
		    find_delimiter(w, line, &closing) : 0;
		if (level != 0)
			rc = take_delimiter(w, level, closing, line.ptr,
			    line.len + (end ? 2 : 0)) == -1 ? -1 : 1;
		else if (w->where == IN_HEADER)
			rc = take_header(w, line, end);
		else
			break;
	} while (rc == 0);
	if (rc == 0)
		rc = take_text(w, line, end);
	w->pos += line.len + (end ? 2 : 0);
	w->line_start = end;
	return rc == -1 ? -1 : 0;
}

static int
finish(struct walk *w)
{
	/* Twice: a message whose header never came is an entity as well. */
	if (w->where == IN_HEADER && end_header(w, "", 0) == -1)
		return -1;
	if (w->where == IN_HEADER && end_header(w, "", 0) == -1)
		return -1;
	if (w->eol && emit(w, w->where == IN_LEAF ? MIME_WALK_EOL :
	    MIME_WALK_GAP_EOL, "\r\n", 2) == -1)
		return -1;
	return end_leaf(w, false);
}

int
mime_walk(mime_walk_read rd, void *rctx, mime_walk_take take, void *tctx)
{
	struct walk	 w = { .read = rd, .rctx = rctx, .take = take,
	    .tctx = tctx, .line_start = true };
	int		 rc;

	w.in = xmalloc(WINDOW);
	w.level = xcalloc(MIME_WALK_DEPTH, sizeof(*w.level));
	buf_init(&w.value, VALUE_MAX);
	begin_entity(&w, true);
	while ((rc = refill(&w)) == 0 && w.pos < w.len)
		if ((rc = step(&w)) == -1)
			break;
	if (rc == 0)
		rc = finish(&w);
	free(w.in);
	free(w.level);
	buf_free(&w.value);
	return rc;
}
