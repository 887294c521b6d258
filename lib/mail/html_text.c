/* Contract in html_text.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#include "lib/base/text.h"
#include "lib/mail/html_text.h"

/*
 *	in		octet		out
 *	TEXT		<		OPEN
 *			&		REFERENCE
 *	OPEN		letter, /, !, ?	TAG
 *			other		TEXT: it was no tag
 *	TAG		>		TEXT
 *			-- after <!	COMMENT
 *	COMMENT		-->		TEXT
 *	REFERENCE	;, or other	TEXT
 */
enum { IN_TEXT, IN_OPEN, IN_TAG, IN_COMMENT, IN_REFERENCE };

static const struct {
	const char	*name, *text;
} references[] = {
	{ "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" },
	{ "apos", "'" }, { "nbsp", " " }, { "ensp", " " }, { "emsp", " " },
	{ "thinsp", " " }, { "zwnj", "" }, { "zwj", "" }, { "shy", "" },
	{ "ndash", "\342\200\223" }, { "mdash", "\342\200\224" },
	{ "lsquo", "\342\200\230" }, { "rsquo", "\342\200\231" },
	{ "ldquo", "\342\200\234" }, { "rdquo", "\342\200\235" },
	{ "bdquo", "\342\200\236" }, { "laquo", "\302\253" },
	{ "raquo", "\302\273" }, { "hellip", "\342\200\246" },
	{ "bull", "\342\200\242" }, { "middot", "\302\267" },
	{ "euro", "\342\202\254" }, { "copy", "\302\251" },
	{ "reg", "\302\256" }, { "trade", "\342\204\242" },
	{ "auml", "\303\244" }, { "ouml", "\303\266" }, { "uuml", "\303\274" },
	{ "Auml", "\303\204" }, { "Ouml", "\303\226" }, { "Uuml", "\303\234" },
	{ "szlig", "\303\237" }, { "eacute", "\303\251" },
	{ "egrave", "\303\250" }, { "ecirc", "\303\252" },
	{ "agrave", "\303\240" }, { "aacute", "\303\241" },
	{ "acirc", "\303\242" }, { "ccedil", "\303\247" },
	{ "ntilde", "\303\261" }, { "iacute", "\303\255" },
	{ "oacute", "\303\263" }, { "uacute", "\303\272" },
	{ "oslash", "\303\270" }, { "aring", "\303\245" },
	{ "aelig", "\303\246" }
};

/* These do not part words; all others do. */
static const char *const	 inline_tags[] = { "a", "abbr", "b", "bdi",
	"big", "code", "em", "font", "i", "ins", "mark", "s", "small", "span",
	"strike", "strong", "sub", "sup", "tt", "u", "wbr" };

static const char *const	 hidden[] = { "script", "style", "title" };

#define N(t)	(sizeof(t) / sizeof((t)[0]))

void
html_text_begin(struct html_text *h)
{
	memset(h, 0, sizeof(*h));
	h->state = IN_TEXT;
}

static int
put(const struct html_text *h, struct buf *out, const char *s, size_t len)
{
	return h->skip[0] != '\0' ? 0 : buf_add(out, s, len);
}

static void
start_word(struct html_text *h, int state)
{
	h->state = state;
	h->len = 0;
	h->in_name = true;
	h->quote = '\0';
}

static void
add_to_word(struct html_text *h, char c)
{
	if (h->len < sizeof(h->word) - 1)
		h->word[h->len++] = c;
}

/* "<", or a tag or comment's beginning, has ended. */
static int
end_tag(struct html_text *h, struct buf *out)
{
	const char	*name = h->word;
	bool		 end;
	size_t		 i;

	h->state = IN_TEXT;
	h->word[h->len] = '\0';
	end = *name == '/';
	name += end;
	if (h->skip[0] != '\0') {
		if (end && strcmp(name, h->skip) == 0)
			h->skip[0] = '\0';
		return 0;
	}
	for (i = 0; i < N(hidden); i++)
		if (!end && strcmp(name, hidden[i]) == 0)
			strcpy(h->skip, hidden[i]);
	for (i = 0; i < N(inline_tags); i++)
		if (strcmp(name, inline_tags[i]) == 0)
			return 0;
	return buf_addc(out, ' ');
}

static int
in_tag(struct html_text *h, char c, struct buf *out)
{
	/* In a script "<" is often no tag; what ends it begins afresh. */
	if (h->skip[0] != '\0' && c == '<') {
		h->state = IN_OPEN;
		return 0;
	}
	if (h->quote != '\0') {
		if (c == h->quote)
			h->quote = '\0';
		return 0;
	}
	if (c == '>')
		return end_tag(h, out);
	if (!h->in_name) {
		if ((c == '"' || c == '\'') && h->skip[0] == '\0')
			h->quote = c;
		return 0;
	}
	if (text_is_alnum(c) || (h->len == 0 && c == '/') ||
	    (h->len < 3 && (c == '!' || c == '-')))
		add_to_word(h, text_lower(c));
	else
		h->in_name = false;
	if (h->len == 3 && memcmp(h->word, "!--", 3) == 0 &&
	    h->skip[0] == '\0') {
		h->state = IN_COMMENT;
		h->dashes = 0;
	}
	return 0;
}

static void
in_comment(struct html_text *h, char c)
{
	if (c == '>' && h->dashes >= 2)
		h->state = IN_TEXT;
	h->dashes = c == '-' ? h->dashes + 1 : 0;
}

/* "#228" or "#xe4": the character, 0 if it is none. */
static ucs4_t
number(const char *s)
{
	ucs4_t	 u = 0;
	int	 base = 10, d;

	if (*s == 'x' || *s == 'X') {
		base = 16;
		s++;
	}
	if (*s == '\0')
		return 0;
	for (; *s != '\0'; s++) {
		d = text_hex(*s);
		if (d == -1 || d >= base)
			return 0;
		u = u * (ucs4_t)base + (ucs4_t)d;
		if (u > 0x10ffff)
			return 0;
	}
	return u;
}

/* 1; 0: it is none, and put as it is; -1. */
static int
put_reference(struct html_text *h, struct buf *out)
{
	const char	*text = NULL;
	char		 u8[6];
	size_t		 i, len = 0;
	int		 n;

	h->word[h->len] = '\0';
	for (i = 0; i < N(references); i++)
		if (strcmp(h->word, references[i].name) == 0) {
			text = references[i].text;
			len = strlen(text);
		}
	if (h->word[0] == '#') {
		n = u8_uctomb((uint8_t *)u8, number(h->word + 1), sizeof(u8));
		if (n > 0 && u8[0] != '\0') {
			text = u8;
			len = (size_t)n;
		}
	}
	if (text != NULL)
		return put(h, out, text, len) == -1 ? -1 : 1;
	if (put(h, out, "&", 1) == -1)
		return -1;
	return put(h, out, h->word, h->len);
}

/* 1: the octet is taken; 0: it is text; -1. */
static int
in_reference(struct html_text *h, char c, struct buf *out)
{
	int	 rc;

	if ((text_is_alnum(c) || (c == '#' && h->len == 0)) &&
	    h->len < sizeof(h->word) - 1) {
		add_to_word(h, c);
		return 1;
	}
	h->state = IN_TEXT;
	rc = put_reference(h, out);
	return rc == 1 ? c == ';' : rc;
}

static int
in_text(struct html_text *h, char c, struct buf *out)
{
	if (c == '<') {
		h->state = IN_OPEN;
		return 0;
	}
	if (c == '&') {
		start_word(h, IN_REFERENCE);
		return 0;
	}
	return put(h, out, &c, 1);
}

static int
octet(struct html_text *h, char c, struct buf *out)
{
	int	 rc;

	switch (h->state) {
	case IN_OPEN:
		if (text_is_alpha(c) || c == '/' || c == '!' || c == '?') {
			start_word(h, IN_TAG);
			return in_tag(h, c, out);
		}
		h->state = IN_TEXT;
		if (put(h, out, "<", 1) == -1)
			return -1;
		break;
	case IN_TAG:
		return in_tag(h, c, out);
	case IN_COMMENT:
		in_comment(h, c);
		return 0;
	case IN_REFERENCE:
		if ((rc = in_reference(h, c, out)) != 0)
			return rc == -1 ? -1 : 0;
		break;
	}
	return in_text(h, c, out);
}

int
html_text_feed(struct html_text *h, struct slice s, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < s.len; i++)
		if (octet(h, s.ptr[i], out) == -1)
			return -1;
	return 0;
}
