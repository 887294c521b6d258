/* Contract in mime.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xmalloc.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_keep.h"
#include "lib/mail/mime_param.h"

#define WINDOW	65536
/*
 * A line's start is looked at when that much is there or nothing more comes:
 * room for a delimiter, or for a field's name.
 */
#define LOOK	1024

/* How far a pass is, or where something began. */
struct point {
	uint64_t	 stored;
	uint64_t	 added;		/* CRs that the wire has more */
	uint32_t	 lines;
};

/* A part that is open: a message, a multipart or, on top, a leaf. */
struct level {
	uint32_t	 part, last;	/* last: its latest child */
	bool		 digest;
	struct point	 body;
	size_t		 len;		/* of the boundary; 0: none, closed */
	char		 boundary[CONTENT_TYPE_BOUNDARY + 1];
};

/*
 *	in		line			out
 *	HEADER		field			HEADER
 *			empty, or no field	TEXT, HEADER (message)
 *	TEXT		other			TEXT
 *	both		delimiter		DELIMITER, to its line's end
 *			closing delimiter	TEXT
 *	DELIMITER	its end			HEADER of the next part
 */
enum where { IN_HEADER, IN_TEXT, IN_DELIMITER };

struct parser {
	struct mime	*m;
	mime_read	 read;
	void		*ctx;
	const char	*in;		/* the window, or all of it */
	size_t		 pos, len;
	bool		 eof;

	enum where	 where;
	struct point	 at;
	bool		 mid_line;	/* pos is within a line */
	bool		 cr;		/* ... after a CR */
	unsigned int	 eol, eol_added; /* of the last line end */
	bool		 keep;		/* the open field is the last kept */
	bool		 field;		/* a field is open */
	size_t		 depth;
	size_t		 boundaries;	/* levels that have one */
	struct level	 level[MIME_DEPTH + 1];
};

/* --- parts ------------------------------------------------------------- */

static struct mime_span
span(struct point from, struct point to)
{
	struct mime_span	 s;

	s.offset = from.stored;
	s.len = to.stored - from.stored;
	s.wire = s.len + (to.added - from.added);
	s.lines = to.lines - from.lines;
	return s;
}

static bool
room(const struct parser *p)
{
	return p->depth <= MIME_DEPTH && p->m->nparts < MIME_PARTS;
}

/* A part begins here, inside the top level; room() was asked. */
static void
begin_part(struct parser *p, bool root)
{
	struct mime		*m = p->m;
	struct mime_part	*part;
	struct level		*up, *l;

	if (m->nparts == m->parts_size) {
		m->parts_size = m->parts_size == 0 ? 8 : m->parts_size * 2;
		m->part = xreallocarray(m->part, m->parts_size,
		    sizeof(*m->part));
	}
	part = &m->part[m->nparts];
	memset(part, 0, sizeof(*part));
	part->parent = part->child = part->next = MIME_NONE;
	part->root = root;
	part->first_kept = m->nkept;
	part->header.offset = p->at.stored;
	if (p->depth > 0) {
		up = &p->level[p->depth - 1];
		part->parent = up->part;
		if (up->last == MIME_NONE)
			m->part[up->part].child = m->nparts;
		else
			m->part[up->last].next = m->nparts;
		up->last = m->nparts;
		part->in_digest = !root && up->digest;
	}
	l = &p->level[p->depth++];
	l->part = m->nparts++;
	l->last = MIME_NONE;
	l->body = p->at;		/* the header's start until it ends */
	l->len = 0;
	l->digest = false;
	p->where = IN_HEADER;
	p->field = p->keep = false;
}

/* The boundary of RFC 2231 5 parameters, which content_type.h does not know. */
static void
late_boundary(struct parser *p, struct level *l)
{
	struct mime_params	 params;
	struct slice		 raw;
	size_t			 i, len;

	if (!mime_field(p->m, l->part, MIME_KEEP_TYPE, 0, &raw))
		return;
	mime_params_init(&params);
	mime_params_parse(&params, raw, MIME_PARAMS_TYPE);
	for (i = 0; i < params.n; i++) {
		len = params.param[i].value.len;
		if (!slice_is(params.param[i].name, "boundary") ||
		    len > CONTENT_TYPE_BOUNDARY)
			continue;
		memcpy(l->boundary, params.param[i].value.ptr, len);
		l->len = len;
		break;
	}
	mime_params_free(&params);
}

static void
end_header(struct parser *p)
{
	struct level		*l = &p->level[p->depth - 1];
	struct mime_part	*part = &p->m->part[l->part];
	struct content_type	 type;

	part->header = span(l->body, p->at);
	part->nkept = p->m->nkept - part->first_kept;
	l->body = p->at;
	p->where = IN_TEXT;
	p->field = p->keep = false;
	mime_type(p->m, l->part, &type);
	if (strcmp(type.type, "multipart") == 0) {
		part->kind = MIME_PART_MULTIPART;
		l->digest = strcmp(type.subtype, "digest") == 0;
		if (!room(p)) {
			p->m->cut = true;
			return;
		}
		memcpy(l->boundary, type.boundary, type.boundary_len);
		l->len = type.boundary_len;
		if (l->len == 0)
			late_boundary(p, l);
		p->boundaries += l->len > 0;
		return;
	}
	if (strcmp(type.type, "message") != 0)
		return;
	if (strcmp(type.subtype, "global") == 0)
		part->message_type = p->m->has_global = true;
	else if (strcmp(type.subtype, "rfc822") == 0)
		part->message_type = true;
	else
		return;
	if (!room(p)) {
		p->m->cut = true;
		return;
	}
	part->kind = MIME_PART_MESSAGE;
	begin_part(p, true);		/* part is no longer valid */
}

/* Headers that nothing ended: at most two, the second being empty. */
static void
end_headers(struct parser *p)
{
	while (p->where == IN_HEADER)
		end_header(p);
}

/*
 * End the parts above n levels.  A line end before a delimiter that is also a
 * header's empty line is the header's, so it is in all that is around it.
 */
static void
close_parts(struct parser *p, size_t n, struct point end)
{
	struct level	*l;

	while (p->depth > n) {
		l = &p->level[--p->depth];
		if (l->len > 0)
			p->boundaries--;
		if (end.stored < l->body.stored)
			end = l->body;
		p->m->part[l->part].body = span(l->body, end);
	}
}

/* --- delimiters ---------------------------------------------------------- */

static bool
only_blanks(const char *p, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return false;
	return true;
}

/* A line that starts with two hyphens: the level it delimits + 1, or 0. */
static size_t
find_delimiter(const struct parser *p, struct slice line, bool *closing)
{
	const struct level	*l;
	struct slice		 rest;
	size_t			 i, best = 0;
	bool			 close;

	for (i = p->depth; i > 0; i--) {
		l = &p->level[i - 1];
		if (l->len == 0 || line.len < 2 + l->len ||
		    line.ptr[2] != l->boundary[0] ||
		    memcmp(line.ptr + 2, l->boundary, l->len) != 0)
			continue;
		rest.ptr = line.ptr + 2 + l->len;
		rest.len = line.len - 2 - l->len;
		close = rest.len >= 2 && rest.ptr[0] == '-' &&
		    rest.ptr[1] == '-';
		if (only_blanks(rest.ptr + (close ? 2 : 0),
		    rest.len - (close ? 2 : 0))) {
			*closing = close;
			return i;
		}
		if (best == 0 || p->level[best - 1].len < l->len) {
			*closing = close;
			best = i;
		}
	}
	return best;
}

/*
 * The line at hand starts with two hyphens.  True: it is a delimiter, and
 * pos stays before it, within a line that has no more to say.
 */
static bool
take_delimiter(struct parser *p)
{
	struct slice	 line = { p->in + p->pos, p->len - p->pos };
	const char	*lf;
	struct point	 end;
	size_t		 level;
	bool		 closing = false;

	if (line.len > LOOK)
		line.len = LOOK;
	if ((lf = memchr(line.ptr, '\n', line.len)) != NULL)
		line.len = (size_t)(lf - line.ptr);
	if ((level = find_delimiter(p, line, &closing)) == 0)
		return false;

	end_headers(p);
	end = p->at;
	end.stored -= p->eol;
	end.added -= p->eol_added;
	end.lines -= p->eol > 0;
	close_parts(p, level, end);
	p->where = closing ? IN_TEXT : IN_DELIMITER;
	if (closing) {
		p->level[level - 1].len = 0;
		p->boundaries--;
	}
	p->mid_line = true;
	p->cr = false;
	return true;
}

/* --- lines ---------------------------------------------------------------- */

/* Take octets of this line up to its end, or all there are. */
static void
rest_of_line(struct parser *p)
{
	const char	*s = p->in + p->pos, *lf;
	size_t		 len = p->len - p->pos;

	if ((lf = memchr(s, '\n', len)) != NULL)
		len = (size_t)(lf - s) + 1;
	if (p->keep)
		p->keep = mime_keep_add(p->m, s, len);
	p->mid_line = lf == NULL;
	p->at.stored += len;
	if (lf != NULL) {
		if (len > 1)
			p->cr = s[len - 2] == '\r';
		p->eol = p->cr ? 2 : 1;
		p->eol_added = !p->cr;
		p->at.added += p->eol_added;
		p->at.lines++;
		if (p->where == IN_DELIMITER) {
			p->pos += len;
			if (room(p)) {
				begin_part(p, false);
			} else {
				p->m->cut = true;
				p->where = IN_TEXT;
			}
			return;
		}
	} else if (len > 0) {
		p->cr = s[len - 1] == '\r';
	}
	p->pos += len;
}

static void
begin_line(struct parser *p)
{
	p->mid_line = true;
	p->cr = false;
	rest_of_line(p);
}

/*
 * Lines of text, until a delimiter or the window's end.  This is where the
 * time goes, so what counts is kept in registers.
 */
static void
text(struct parser *p)
{
	const char	*from = p->in + p->pos, *s = from, *lf;
	const char	*end = p->in + p->len;
	const char	*stop = p->eof ? end : end - LOOK;
	const char	*crlf = NULL;
	uint32_t	 lines = 0;
	uint64_t	 added = 0;
	bool		 bounded = p->boundaries > 0, dashes = false;

	while (s < stop) {
		if (bounded && s[0] == '-' && end - s > 2 && s[1] == '-') {
			dashes = true;
			break;
		}
		if ((lf = memchr(s, '\n', (size_t)(end - s))) == NULL)
			break;
		crlf = lf > s && lf[-1] == '\r' ? lf : NULL;
		added += crlf == NULL;
		lines++;
		s = lf + 1;
	}
	if (s > from) {
		p->eol = crlf != NULL ? 2 : 1;
		p->eol_added = crlf == NULL;
	}
	p->at.stored += (uint64_t)(s - from);
	p->at.added += added;
	p->at.lines += lines;
	p->pos += (size_t)(s - from);
	/* The line here is a delimiter, or looks like one, or has no end. */
	if (s < stop && !(dashes && take_delimiter(p)))
		begin_line(p);
}

/* "From " lines of mbox files that got into a header. */
static bool
is_from_line(const char *s, size_t len)
{
	if (len > 0 && s[0] == '>') {
		s++;
		len--;
	}
	return len > 5 && memcmp(s, "From ", 5) == 0;
}

/* A line at the start of which a field may begin.  False: it is no field. */
static bool
begin_field(struct parser *p)
{
	const char		*s = p->in + p->pos;
	size_t			 len = p->len - p->pos, n = 0, i;
	struct slice		 name;
	bool			 root;

	if (len > LOOK)
		len = LOOK;
	while (n < len && s[n] > ' ' && s[n] < 0x7f && s[n] != ':')
		n++;
	for (i = n; i < len && (s[i] == ' ' || s[i] == '\t'); i++)
		;
	if (n == 0 || i == len || s[i] != ':') {
		if (!is_from_line(s, len))
			return false;
		p->field = p->keep = false;
		return true;
	}
	name.ptr = s;
	name.len = n;
	p->field = true;
	root = p->m->part[p->level[p->depth - 1].part].root;
	p->keep = mime_keep_begin(p->m, name, root);
	p->pos += i + 1;
	p->at.stored += i + 1;
	return true;
}

static void
header_line(struct parser *p)
{
	const char	*s = p->in + p->pos;
	size_t		 len = p->len - p->pos;

	if ((*s == ' ' || *s == '\t') && p->field) {
		begin_line(p);
		return;
	}
	if (p->keep)
		mime_keep_end(p->m);
	p->keep = p->field = false;
	if (p->boundaries > 0 && len > 2 && s[0] == '-' && s[1] == '-' &&
	    take_delimiter(p))
		return;
	if (*s == '\n' || (len > 1 && s[0] == '\r' && s[1] == '\n')) {
		begin_line(p);
		end_header(p);
	} else if (begin_field(p)) {
		begin_line(p);
	} else {
		end_header(p);
	}
}

/* --- the pass ------------------------------------------------------------- */

/* Have LOOK octets or all that is left.  0, or -1 with errno. */
static int
refill(struct parser *p)
{
	char	*w = p->m->window;
	ssize_t	 n;

	if (p->eof || p->len - p->pos > LOOK)
		return 0;
	memmove(w, p->in + p->pos, p->len - p->pos);
	p->len -= p->pos;
	p->pos = 0;
	while (p->len <= LOOK && !p->eof) {
		n = p->read(p->ctx, w + p->len, WINDOW - p->len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			p->len += (size_t)n;
		p->eof = n == 0;
	}
	return 0;
}

static void
step(struct parser *p)
{
	if (p->mid_line)
		rest_of_line(p);
	else if (p->where == IN_HEADER)
		header_line(p);
	else
		text(p);
}

static int
run(struct parser *p)
{
	struct mime	*m = p->m;

	m->nparts = m->nkept = 0;
	m->cut = m->has_global = false;
	buf_clear(&m->values);
	begin_part(p, true);
	for (;;) {
		if (!p->eof && refill(p) == -1)
			return -1;
		if (p->pos == p->len)
			break;
		step(p);
	}
	if (p->keep)
		mime_keep_end(p->m);
	end_headers(p);
	close_parts(p, 0, p->at);
	return 0;
}

void
mime_init(struct mime *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->values, MIME_KEPT_OCTETS);
}

void
mime_free(struct mime *m)
{
	free(m->part);
	free(m->kept);
	free(m->window);
	buf_free(&m->values);
	mime_init(m);
}

int
mime_parse(struct mime *m, mime_read rd, void *ctx)
{
	struct parser	 p;

	/* Levels are set when they are opened: no need to clear them all. */
	memset(&p, 0, offsetof(struct parser, level));
	if (m->window == NULL)
		m->window = xmalloc(WINDOW);
	p.m = m;
	p.read = rd;
	p.ctx = ctx;
	p.in = m->window;
	return run(&p);
}

struct cursor {
	int	 fd;
	off_t	 at;
};

static ssize_t
read_file(void *ctx, void *buf, size_t size)
{
	struct cursor	*c = ctx;
	ssize_t		 n = pread(c->fd, buf, size, c->at);

	if (n > 0)
		c->at += n;
	return n;
}

int
mime_parse_file(struct mime *m, int fd)
{
	struct cursor	 c = { fd, 0 };

	return mime_parse(m, read_file, &c);
}

void
mime_parse_slice(struct mime *m, struct slice msg)
{
	struct parser	 p;

	memset(&p, 0, offsetof(struct parser, level));
	p.m = m;
	p.in = msg.ptr;
	p.len = msg.len;
	p.eof = true;
	(void)run(&p);
}
