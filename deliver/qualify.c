/*
 * Contract in qualify.h.  A walk over tokens, not a parser: it must find
 * where an address without '@' ends, and leave all else alone.
 */
#include <string.h>

#include "deliver/qualify.h"

bool
qualify_is_address_field(struct slice name)
{
	static const char *const	 names[] = { "From", "Sender",
	    "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender",
	    "Resent-To", "Resent-Cc", "Resent-Bcc" };
	size_t				 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

struct walk {
	struct buf	*out;
	const char	*domain;
	size_t		 end;		/* in out: behind the last word */
	size_t		 words;		/* of this address, no comments */
	bool		 at;		/* it has its '@' */
	bool		 done;		/* it was in angle brackets */
	bool		 angle;		/* inside them */
};

/* Octets of a quoted string, comment or literal at p; 0: it has no end. */
static size_t
span(struct slice s, size_t at)
{
	char	 open = s.ptr[at], close;
	size_t	 i, depth = 1;

	close = open == '(' ? ')' : open == '[' ? ']' : '"';
	for (i = at + 1; i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.ptr[i] == close && --depth == 0)
			return i + 1 - at;
		else if (open == '(' && s.ptr[i] == '(')
			depth++;
	}
	return 0;
}

static int
insert_domain(struct walk *w)
{
	struct buf	 tail;
	int		 n;

	buf_init(&tail, w->out->max);
	n = buf_add(&tail, w->out->ptr + w->end, w->out->len - w->end);
	w->out->len = w->end;
	if (n == 0)
		n = buf_addc(w->out, '@');
	if (n == 0)
		n = buf_addstr(w->out, w->domain);
	if (n == 0)
		n = buf_add(w->out, buf_cstr(&tail), tail.len);
	buf_free(&tail);
	return n;
}

/* An address is over: at ',' ';' '>' or the end of the value. */
static int
end_address(struct walk *w)
{
	int	 n = 0;

	/* Two words are something else ("a b"): hands off. */
	if (w->words == 1 && !w->at && !w->done)
		n = insert_domain(w);
	w->words = 0;
	w->at = false;
	return n;
}

static int
special(struct walk *w, char c)
{
	int	 n = 0;

	switch (c) {
	case '<':
		w->words = 0;
		w->at = w->done = false;
		w->angle = true;
		break;
	case '>':
		n = end_address(w);
		w->angle = false;
		w->done = true;
		break;
	case ':':
		/* A group's name, or a source route: no address yet. */
		w->words = 0;
		w->at = false;
		break;
	case ',':
	case ';':
		if (!w->angle) {
			n = end_address(w);
			w->done = false;
		}
		break;
	case '@':
		w->at = true;
		break;
	}
	return n == -1 ? -1 : buf_addc(w->out, c);
}

static bool
is_word_octet(char c)
{
	return memchr(" \t\r\n\"()[]<>:;,@", c, 15) == NULL;
}

int
qualify_value(struct buf *out, struct slice s, const char *domain)
{
	struct walk	 w = { .out = out, .domain = domain };
	size_t		 i, n;

	for (i = 0; i < s.len; i += n) {
		n = 1;
		if (s.ptr[i] == '"' || s.ptr[i] == '(' || s.ptr[i] == '[') {
			if ((n = span(s, i)) == 0)
				return buf_add(out, s.ptr + i, s.len - i);
		} else if (is_word_octet(s.ptr[i])) {
			while (i + n < s.len && is_word_octet(s.ptr[i + n]))
				n++;
		} else if (memchr("<>:;,@", s.ptr[i], 6) != NULL) {
			if (special(&w, s.ptr[i]) == -1)
				return -1;
			continue;
		} else {
			if (buf_addc(out, s.ptr[i]) == -1)
				return -1;
			continue;
		}
		if (buf_add(out, s.ptr + i, n) == -1)
			return -1;
		if (s.ptr[i] != '(') {
			w.words++;
			w.end = out->len;
		}
	}
	return end_address(&w);
}
