/*
 * Contract in imap_lex.h.  Here: lines, literals and the memory of words.
 *
 * A line is copied from the stream once, so that words outlive the reading of
 * literals and quoted strings can be unescaped where they are.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/imap_lex.h"

#define CHUNK		4000		/* an idle session keeps this much */
#define SKIP_MAX	(1024 * 1024)	/* of a command that is refused */
#define PLUS_MAX	4096		/* RFC 7888 5 */
#define TAIL_ROOM	32		/* "~{18446744073709551615+}", CRLF */

struct imap_chunk {
	struct imap_chunk	*next;
	size_t			 size, used;
	char			 data[];
};

/* One small piece is kept for the next command. */
static void
lex_release(struct imap_lex *l)
{
	struct imap_chunk	*c;

	while ((c = l->chunk) != NULL && (c->next != NULL ||
	    c->size > CHUNK)) {
		l->chunk = c->next;
		free(c);
	}
	if (c != NULL)
		c->used = 0;
}

static char *
lex_room(struct imap_lex *l, size_t len)
{
	struct imap_chunk	*c = l->chunk;
	size_t			 size = len > CHUNK ? len : CHUNK;

	if (c == NULL || c->size - c->used < len) {
		c = xmalloc(sizeof(*c) + size);
		c->size = size;
		c->used = 0;
		c->next = l->chunk;
		l->chunk = c;
	}
	c->used += len;
	return c->data + c->used - len;
}

void
imap_lex_init(struct imap_lex *l, struct stream *s,
    const struct imap_limits *limit)
{
	memset(l, 0, sizeof(*l));
	l->s = s;
	l->limit = *limit;
	strcpy(l->tag, "*");
}

void
imap_lex_free(struct imap_lex *l)
{
	struct imap_chunk	*c;

	while ((c = l->chunk) != NULL) {
		l->chunk = c->next;
		free(c);
	}
	l->p = l->end = NULL;
}

void
imap_lex_wipe(struct imap_lex *l)
{
	struct imap_chunk	*c;

	for (c = l->chunk; c != NULL; c = c->next)
		explicit_bzero(c->data, c->size);
	l->p = l->end;
	stream_wipe(l->s);
}

bool
imap_lex_fail(struct imap_lex *l, const char *error)
{
	if (l->error == NULL)
		l->error = error;
	return false;
}

bool
imap_lex_refuse(struct imap_lex *l, const char *error)
{
	if (l->error == NULL)
		l->no = true;
	return imap_lex_fail(l, error);
}

static bool
lex_stream_failed(struct imap_lex *l, enum stream_status st)
{
	l->status = st;
	return imap_lex_fail(l, "Connection lost");
}

static bool
lex_lost(struct imap_lex *l, const char *error)
{
	l->bye = true;
	return imap_lex_fail(l, error);
}

static bool
lex_is_tag(char c)
{
	return imap_lex_is_atom(c) ? c != '+' : c == ']';
}

/* As much of a tag as the line begins with; 0: that is none. */
static size_t
lex_set_tag(struct imap_lex *l, const char *p, size_t len)
{
	size_t	 n = 0;

	while (n < len && lex_is_tag(p[n]))
		n++;
	if (n == 0 || n > IMAP_TAG_MAX || (n < len && p[n] != ' '))
		return 0;
	memcpy(l->tag, p, n);
	l->tag[n] = '\0';
	return n;
}

/*
 * "{n}" or "{n+}" at the end of the line.  No word of a correct line ends like
 * that, so a literal follows even a line that makes no sense otherwise.
 */
static void
lex_set_tail(struct imap_lex *l, const char *p, size_t len)
{
	size_t		 end = len, first;
	enum imap_tail	 tail = IMAP_TAIL_SYNC;

	l->tail = IMAP_TAIL_NONE;
	l->tail_octets = 0;
	if (end < 3 || p[--end] != '}')
		return;
	if (p[end - 1] == '+') {
		tail = IMAP_TAIL_PLUS;
		end--;
	}
	for (first = end; first > 0 && text_is_digit(p[first - 1]); first--)
		;
	if (first == end || first == 0 || p[first - 1] != '{')
		return;
	l->tail = tail;
	if (text_u64((struct slice){ p + first, end - first }, INT64_MAX,
	    &l->tail_octets) == -1)
		l->tail_octets = UINT64_MAX;
}

/* How long the next line may be, with its CRLF. */
static size_t
lex_line_max(const struct imap_lex *l)
{
	size_t	 max = l->limit.line - l->used;

	return max < STREAM_IN ? max : STREAM_IN;
}

/* Drop what is buffered of a line that is too long, but its possible tail. */
static bool
lex_drop(struct imap_lex *l, size_t *dropped)
{
	struct slice	 d = stream_pending(l->s);

	if (d.len > TAIL_ROOM) {
		*dropped += d.len - TAIL_ROOM;
		stream_consume(l->s, d.len - TAIL_ROOM);
	}
	return *dropped <= SKIP_MAX;
}

/*
 * The next line with its LF, still in the stream's buffer, which the caller
 * consumes; only its end when *toolong.
 */
static bool
lex_read(struct imap_lex *l, bool first, struct slice *line, bool *toolong)
{
	enum stream_status	 st;
	struct slice		 d = stream_pending(l->s);
	const char		*nl;
	size_t			 seen = 0, dropped = 0,
				 max = lex_line_max(l);

	*toolong = false;
	for (;;) {
		nl = d.len > seen ? memchr(d.ptr + seen, '\n',
		    d.len - seen) : NULL;
		if (nl != NULL)
			break;
		if (*toolong || d.len >= max) {
			if (!*toolong && first)
				(void)lex_set_tag(l, d.ptr, d.len);
			*toolong = true;
			if (!lex_drop(l, &dropped))
				return lex_lost(l, "Command line too long");
		}
		d = stream_pending(l->s);
		seen = d.len;
		st = first && seen == 0 ? stream_begin(l->s, &d) :
		    stream_more(l->s, &d);
		if (st != STREAM_OK)
			return lex_stream_failed(l, st);
	}
	line->ptr = d.ptr;
	line->len = (size_t)(nl - d.ptr) + 1;
	if (!*toolong && line->len > max) {
		*toolong = true;
		if (first)
			(void)lex_set_tag(l, line->ptr, line->len);
	}
	return true;
}

/* Take a line: p, end, tail and bad_line are set.  False: there is none. */
static bool
lex_load(struct imap_lex *l, bool first)
{
	struct slice	 raw;
	size_t		 len;
	bool		 toolong, crlf;

	l->p = l->end = NULL;
	l->tail = IMAP_TAIL_NONE;
	l->bad_line = NULL;
	if (!lex_read(l, first, &raw, &toolong))
		return false;
	len = raw.len - 1;
	crlf = len > 0 && raw.ptr[len - 1] == '\r';
	if (crlf)
		len--;
	lex_set_tail(l, raw.ptr, len);
	if (toolong) {
		stream_consume(l->s, raw.len);
		return imap_lex_fail(l, "Command line too long");
	}
	if (!crlf || memchr(raw.ptr, '\r', len) != NULL)
		l->bad_line = "CR and LF only come together";
	else if (memchr(raw.ptr, '\0', len) != NULL)
		l->bad_line = "NUL in the command";
	l->p = lex_room(l, len);
	memcpy(l->p, raw.ptr, len);
	l->end = l->p + len;
	l->used += raw.len;
	stream_consume(l->s, raw.len);
	return true;
}

bool
imap_lex_begin(struct imap_lex *l, struct slice *name)
{
	size_t	 n;

	lex_release(l);
	l->used = 0;
	l->error = NULL;
	l->no = false;
	l->octets = 0;
	strcpy(l->tag, "*");
	if (!lex_load(l, true))
		return false;
	n = lex_set_tag(l, l->p, (size_t)(l->end - l->p));
	if (l->bad_line != NULL)
		return imap_lex_fail(l, l->bad_line);
	if (n == 0)
		return imap_lex_fail(l, "Tag and command expected");
	l->p += n;
	return imap_lex_space(l) && imap_lex_atom(l, name);
}

/* Octets of the stream; to NULL: they are thrown away. */
static bool
lex_take(struct imap_lex *l, char *to, uint64_t n)
{
	enum stream_status	 st;
	struct slice		 d;

	while (n > 0) {
		if ((st = stream_peek(l->s, &d)) != STREAM_OK)
			return lex_stream_failed(l, st);
		if (d.len > n)
			d.len = (size_t)n;
		if (to != NULL) {
			memcpy(to, d.ptr, d.len);
			to += d.len;
		}
		stream_consume(l->s, d.len);
		n -= d.len;
	}
	return true;
}

/* A line that is only looked at for a literal at its end. */
static bool
lex_skip_line(struct imap_lex *l, uint64_t *skipped)
{
	struct slice	 raw;
	size_t		 len;
	bool		 toolong;

	l->used = 0;
	l->tail = IMAP_TAIL_NONE;
	if (!lex_read(l, false, &raw, &toolong))
		return false;
	len = raw.len - 1;
	if (len > 0 && raw.ptr[len - 1] == '\r')
		len--;
	lex_set_tail(l, raw.ptr, len);
	*skipped += toolong ? l->limit.line : raw.len;
	stream_consume(l->s, raw.len);
	return true;
}

bool
imap_lex_finish(struct imap_lex *l)
{
	bool		 whole = l->error == NULL && imap_lex_at_end(l);
	uint64_t	 skipped = 0;

	while (!l->bye && l->status == STREAM_OK &&
	    (l->tail == IMAP_TAIL_PLUS || l->tail == IMAP_TAIL_TAKEN)) {
		if (l->tail == IMAP_TAIL_PLUS) {
			if (l->tail_octets > SKIP_MAX - skipped) {
				(void)lex_lost(l, "Literal too large");
				break;
			}
			skipped += l->tail_octets;
			if (!lex_take(l, NULL, l->tail_octets))
				break;
		}
		if (!lex_skip_line(l, &skipped))
			break;
		if (skipped > SKIP_MAX)
			(void)lex_lost(l, "Command too long");
	}
	l->tail = IMAP_TAIL_NONE;
	l->p = l->end;
	return whole;
}

/* "{n}", "{n+}", either with "~" in front: the rest of the line. */
bool
imap_lex_literal(struct imap_lex *l, bool *binary)
{
	const char	*p = l->p;

	*binary = false;
	if (l->error != NULL)
		return false;
	if (l->end - p > 1 && *p == '~') {
		*binary = true;
		p++;
	}
	if (l->tail == IMAP_TAIL_NONE || p == l->end || *p != '{' ||
	    memchr(p + 1, '{', (size_t)(l->end - p - 1)) != NULL)
		return imap_lex_fail(l, "Literal expected");
	/* The line's end is "{n}"; with no other "{" this is its begin. */
	l->octets = l->tail_octets;
	l->sync = l->tail == IMAP_TAIL_SYNC;
	if (l->octets == UINT64_MAX)
		return imap_lex_fail(l, "Literal too large");
	if (!l->sync && !l->limit.plus && l->octets > PLUS_MAX)
		return imap_lex_fail(l, "Literal needs to wait for +");
	l->p = l->end;
	return true;
}

bool
imap_lex_literal_go(struct imap_lex *l)
{
	enum stream_status	 st;

	if (l->error != NULL)
		return false;
	l->tail = IMAP_TAIL_TAKEN;
	if (!l->sync)
		return true;
	stream_put(l->s, "+ OK\r\n", 6);
	st = stream_flush(l->s);
	return st == STREAM_OK ? true : lex_stream_failed(l, st);
}

bool
imap_lex_literal_done(struct imap_lex *l)
{
	if (l->error != NULL)
		return false;
	if (!lex_load(l, false))
		return false;
	return l->bad_line == NULL ? true : imap_lex_fail(l, l->bad_line);
}

bool
imap_lex_literal_word(struct imap_lex *l, struct slice *out)
{
	char	*to;
	size_t	 n;
	bool	 binary;

	if (!imap_lex_literal(l, &binary))
		return false;
	if (binary && !l->binary)
		return imap_lex_fail(l, "No binary literal here");
	if (l->octets > l->limit.literal)
		return imap_lex_refuse(l, "[LIMIT] Literal too large");
	/* Room for the CRLF, at least, behind it. */
	if (l->octets + 2 > l->limit.line - l->used)
		return imap_lex_refuse(l, "[LIMIT] Command too long");
	n = (size_t)l->octets;
	to = lex_room(l, n);
	if (!imap_lex_literal_go(l) || !lex_take(l, to, n))
		return false;
	l->used += n;
	if (!binary && memchr(to, '\0', n) != NULL)
		return imap_lex_fail(l, "NUL in a literal");
	*out = (struct slice){ to, n };
	return imap_lex_literal_done(l);
}
