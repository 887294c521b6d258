/* Contract in content.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "smtpd/content.h"

#define LINE_MAX_OCTETS	998	/* RFC 5322 2.1.1, without CRLF */
#define FIELD_NOT	SIZE_MAX

static const char	 received[] = "received:";
static const char	 crlf[] = "\r\n";

void
content_init(struct content *c, bool normalise)
{
	memset(c, 0, sizeof(*c));
	c->normalise = normalise;
	c->in_header = true;
}

static int
pass(struct content *c, const char *from, const char *to, content_sink *sink,
    void *arg)
{
	if (from == to)
		return 0;
	c->size += (uint64_t)(to - from);
	return sink(arg, from, (size_t)(to - from));
}

/* Any octet over 0x7f, any NUL?  A word at a time. */
static void
note_octets(struct content *c, const char *p, size_t len)
{
	const uint64_t	 high = 0x8080808080808080u, ones = high / 0x80;
	uint64_t	 w, any = 0, zero = 0;
	size_t		 i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&w, p + i, 8);
		any |= w;
		zero |= (w - ones) & ~w;
	}
	for (; i < len; i++) {
		any |= (unsigned char)p[i];
		if (p[i] == '\0')
			zero |= high;
	}
	if (any & high)
		c->eightbit = true;
	if (zero & high)
		c->nul = true;
}

/* Text without line ends, somewhere in the present line. */
static void
note_text(struct content *c, const char *p, size_t len)
{
	size_t	 n;

	if (len == 0)
		return;
	if (c->line_len == 0 && p[0] == '.')
		c->dots = true;
	c->line_len += len;
	if (c->line_len > LINE_MAX_OCTETS)
		c->longline = true;
	if (!c->in_header || c->field == FIELD_NOT)
		return;
	n = sizeof(received) - 1 - c->field;
	if (n > len)
		n = len;
	if (strncasecmp(p, received + c->field, n) != 0) {
		c->field = FIELD_NOT;
		return;
	}
	c->field += n;
	if (c->field == sizeof(received) - 1) {
		c->hops++;
		c->field = FIELD_NOT;
	}
}

static void
note_line_end(struct content *c)
{
	if (c->line_len == 0)
		c->in_header = false;
	c->line_len = 0;
	c->field = 0;
}

/* After c->crs lone CRs, the first of which was passed on: make them CRLF. */
static int
mend_crs(struct content *c, content_sink *sink, void *arg)
{
	int	 r;

	note_line_end(c);
	if ((r = pass(c, crlf + 1, crlf + 2, sink, arg)) != 0)
		return r;
	for (; c->crs > 1; c->crs--) {
		note_line_end(c);
		if ((r = pass(c, crlf, crlf + 2, sink, arg)) != 0)
			return r;
	}
	c->crs = 0;
	return 0;
}

/* *from: first octet not yet passed on.  p: the octet after a CR. */
static int
after_cr(struct content *c, const char **from, const char *p,
    content_sink *sink, void *arg)
{
	int	 r;

	if (*p == '\n') {
		c->crs = 0;
		note_line_end(c);
		return 0;
	}
	c->bare = true;
	if (!c->normalise) {
		c->crs = 0;
		return 0;
	}
	if ((r = pass(c, *from, p, sink, arg)) != 0)
		return r;
	*from = p;
	if (*p == '\r') {
		/* Perhaps CR CR LF: keep only the count. */
		c->crs++;
		*from = p + 1;
		return 0;
	}
	return mend_crs(c, sink, arg);
}

int
content_add(struct content *c, struct slice run, content_sink *sink, void *arg)
{
	const char	*p = run.ptr, *from = p, *end = p + run.len;
	const char	*lf = NULL, *stop, *cr;
	int		 r;

	if (c->nul || (c->bare && !c->normalise))
		return 0;
	note_octets(c, p, run.len);
	while (p < end) {
		if (c->crs > 0) {
			if ((r = after_cr(c, &from, p, sink, arg)) != 0)
				return r;
			if (*p == '\n' || c->crs > 0) {
				p++;
				continue;
			}
		}
		/* One search for each LF, however many CRs lie before it. */
		if (lf == NULL || (lf < p && lf != end)) {
			lf = memchr(p, '\n', (size_t)(end - p));
			if (lf == NULL)
				lf = end;
		}
		stop = lf;
		cr = memchr(p, '\r', (size_t)(stop - p));
		if (cr != NULL)
			stop = cr;
		note_text(c, p, (size_t)(stop - p));
		p = stop;
		if (p == end)
			break;
		if (*p == '\r') {
			c->crs = 1;
			p++;
			continue;
		}
		c->bare = true;
		if (c->normalise) {
			if ((r = pass(c, from, p, sink, arg)) != 0 ||
			    (r = pass(c, crlf, crlf + 1, sink, arg)) != 0)
				return r;
			from = p;
		}
		note_line_end(c);
		p++;
	}
	return pass(c, from, end, sink, arg);
}

int
content_end(struct content *c, content_sink *sink, void *arg)
{
	if (c->nul || (c->bare && !c->normalise))
		return 0;
	if (c->crs > 0) {
		c->bare = true;
		return c->normalise ? mend_crs(c, sink, arg) : 0;
	}
	if (c->line_len == 0)
		return 0;
	note_line_end(c);
	return pass(c, crlf, crlf + 2, sink, arg);
}
