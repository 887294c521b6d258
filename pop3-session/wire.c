/*
 * Contract in wire.h.  Lines are found with memchr(3) and copied as
 * runs; only what is special at a line's ends is looked at octet by octet.
 */
#include <string.h>

#include "pop3-session/wire.h"

void
wire_init(struct wire *w, uint64_t lines)
{
	memset(w, 0, sizeof(*w));
	w->left = lines;
}

/*
 * A line end was written.  The first empty line ends the header; TOP 0 stops
 * there, TOP n after n more lines.
 */
static void
wire_line_done(struct wire *w)
{
	if (!w->body)
		w->body = !w->text;
	else if (w->left != WIRE_ALL)
		w->left--;
	if (w->body && w->left == 0)
		w->done = true;
	w->begun = w->text = w->cr = false;
}

/* len octets of one line, LF not among them. */
static char *
wire_run(struct wire *w, const char *in, size_t len, char *o)
{
	if (len == 0)
		return o;
	if (!w->begun && in[0] == '.') {
		*o++ = '.';
		w->dots++;
	}
	memcpy(o, in, len);
	w->cr = in[len - 1] == '\r';
	if (w->begun || len > 1 || !w->cr)
		w->text = true;
	w->begun = true;
	return o + len;
}

size_t
wire_put(struct wire *w, const char *in, size_t len, char *out)
{
	const char	*nl;
	char		*o = out;
	size_t		 run;

	while (len > 0 && !w->done) {
		nl = memchr(in, '\n', len);
		run = nl == NULL ? len : (size_t)(nl - in);
		o = wire_run(w, in, run, o);
		if (nl == NULL)
			break;
		if (!w->cr)
			*o++ = '\r';
		*o++ = '\n';
		wire_line_done(w);
		in += run + 1;
		len -= run + 1;
	}
	return (size_t)(o - out);
}

size_t
wire_end(struct wire *w, char *out)
{
	char	*o = out;

	if (w->begun) {
		if (!w->cr)
			*o++ = '\r';
		*o++ = '\n';
	}
	*o++ = '.';
	*o++ = '\r';
	*o++ = '\n';
	w->done = true;
	return (size_t)(o - out);
}

void
wire_size_init(struct wire_size *s)
{
	s->octets = 0;
	s->last = '\n';
}

void
wire_size_add(struct wire_size *s, const char *in, size_t len)
{
	const char	*p = in, *end = in + len, *nl;

	if (len == 0)
		return;
	s->octets += len;
	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if ((nl > in ? nl[-1] : s->last) != '\r')
			s->octets++;
		p = nl + 1;
	}
	s->last = end[-1];
}

uint64_t
wire_size_end(const struct wire_size *s)
{
	if (s->last == '\n')
		return s->octets;
	return s->octets + (s->last == '\r' ? 1 : 2);
}
