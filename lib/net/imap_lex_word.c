/* Contract in imap_lex.h.  Here: the words of a line (RFC 9051 9). */
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/imap_lex.h"

/* ATOM-CHAR */
bool
imap_lex_is_atom(char c)
{
	if (text_is_control(c) || (unsigned char)c > 0x7f)
		return false;
	switch (c) {
	case ' ':
	case '(':
	case ')':
	case '{':
	case '%':
	case '*':
	case '"':
	case '\\':
	case ']':
		return false;
	}
	return true;
}

static bool
lex_is_astring(char c)
{
	return imap_lex_is_atom(c) || c == ']';
}

static bool
lex_is_list(char c)
{
	return lex_is_astring(c) || c == '%' || c == '*';
}

static bool
lex_is_set(char c)
{
	return text_is_digit(c) || c == ':' || c == ',' || c == '*';
}

/* As many octets of a kind as there are; at least one, or it is an error. */
static bool
lex_run(struct imap_lex *l, bool (*kind)(char), struct slice *out,
    const char *error)
{
	char	*first = l->p;

	if (l->error != NULL)
		return false;
	while (l->p < l->end && kind(*l->p))
		l->p++;
	if (l->p == first)
		return imap_lex_fail(l, error);
	*out = (struct slice){ first, (size_t)(l->p - first) };
	return true;
}

bool
imap_lex_at_end(const struct imap_lex *l)
{
	return l->p == l->end;
}

bool
imap_lex_end(struct imap_lex *l)
{
	if (l->error != NULL)
		return false;
	return l->p == l->end ? true : imap_lex_fail(l, "Too many arguments");
}

char
imap_lex_peek(const struct imap_lex *l)
{
	return l->p == l->end ? '\0' : *l->p;
}

bool
imap_lex_accept(struct imap_lex *l, char c)
{
	if (l->error != NULL || l->p == l->end || *l->p != c)
		return false;
	l->p++;
	return true;
}

bool
imap_lex_expect(struct imap_lex *l, char c)
{
	if (imap_lex_accept(l, c))
		return true;
	switch (c) {
	case ' ':
		return imap_lex_fail(l, l->p == l->end ?
		    "Missing argument" : "Blank expected");
	case '(':
		return imap_lex_fail(l, "\"(\" expected");
	case ')':
		return imap_lex_fail(l, "\")\" expected");
	case '[':
		return imap_lex_fail(l, "\"[\" expected");
	case ']':
		return imap_lex_fail(l, "\"]\" expected");
	}
	return imap_lex_fail(l, "Wrong argument");
}

bool
imap_lex_space(struct imap_lex *l)
{
	return imap_lex_expect(l, ' ');
}

bool
imap_lex_keyword(struct imap_lex *l, const char *word)
{
	size_t	 n = 0, left = (size_t)(l->end - l->p);

	if (l->error != NULL)
		return false;
	while (n < left && imap_lex_is_atom(l->p[n]) && l->p[n] != '[' &&
	    l->p[n] != '<')
		n++;
	if (!slice_is((struct slice){ l->p, n }, word))
		return false;
	l->p += n;
	return true;
}

bool
imap_lex_atom(struct imap_lex *l, struct slice *out)
{
	return lex_run(l, imap_lex_is_atom, out, "Atom expected");
}

/* Unescaped where it is: the result is never longer. */
static bool
lex_quoted(struct imap_lex *l, struct slice *out)
{
	char	*p = l->p + 1, *to = p;
	bool	 eight = false;

	for (; p < l->end && *p != '"'; p++) {
		if (*p == '\\' && (++p == l->end ||
		    (*p != '\\' && *p != '"')))
			return imap_lex_fail(l, "Wrong \\ in quotes");
		if ((unsigned char)*p > 0x7f)
			eight = true;
		*to++ = *p;
	}
	if (p == l->end)
		return imap_lex_fail(l, "Missing closing quote");
	*out = (struct slice){ l->p + 1, (size_t)(to - l->p - 1) };
	if (eight && !l->utf8)
		return imap_lex_fail(l, "8-bit octets need a literal");
	if (eight && !text_is_utf8(*out))
		return imap_lex_fail(l, "Not UTF-8");
	l->p = p + 1;
	return true;
}

static bool
lex_is_string(const struct imap_lex *l)
{
	char	 c = imap_lex_peek(l);

	return c == '"' || c == '{' ||
	    (c == '~' && l->end - l->p > 1 && l->p[1] == '{');
}

bool
imap_lex_string(struct imap_lex *l, struct slice *out)
{
	if (l->error != NULL)
		return false;
	if (!lex_is_string(l))
		return imap_lex_fail(l, "String expected");
	return *l->p == '"' ? lex_quoted(l, out) :
	    imap_lex_literal_word(l, out);
}

bool
imap_lex_nstring(struct imap_lex *l, struct slice *out)
{
	if (imap_lex_keyword(l, "NIL")) {
		*out = (struct slice){ NULL, 0 };
		return true;
	}
	return imap_lex_string(l, out);
}

bool
imap_lex_astring(struct imap_lex *l, struct slice *out)
{
	if (lex_is_string(l))
		return imap_lex_string(l, out);
	return lex_run(l, lex_is_astring, out, "String expected");
}

bool
imap_lex_list_mailbox(struct imap_lex *l, struct slice *out)
{
	if (lex_is_string(l))
		return imap_lex_string(l, out);
	return lex_run(l, lex_is_list, out, "Mailbox pattern expected");
}

static bool
lex_digits(struct imap_lex *l, uint64_t max, uint64_t *out)
{
	struct slice	 s;

	if (!lex_run(l, text_is_digit, &s, "Number expected"))
		return false;
	return text_u64(s, max, out) == 0 ? true :
	    imap_lex_fail(l, "Number too large");
}

bool
imap_lex_number(struct imap_lex *l, uint32_t *out)
{
	uint64_t	 v;

	if (!lex_digits(l, UINT32_MAX, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
imap_lex_nz_number(struct imap_lex *l, uint32_t *out)
{
	if (imap_lex_peek(l) == '0')
		return imap_lex_fail(l, "Number from 1 on expected");
	return imap_lex_number(l, out);
}

bool
imap_lex_number64(struct imap_lex *l, uint64_t *out)
{
	return lex_digits(l, INT64_MAX, out);
}

bool
imap_lex_set(struct imap_lex *l, struct slice *out)
{
	if (imap_lex_peek(l) == '$' && l->error == NULL) {
		*out = (struct slice){ l->p++, 1 };
		return true;
	}
	return lex_run(l, lex_is_set, out, "Sequence set expected");
}

bool
imap_lex_flag(struct imap_lex *l, struct slice *out)
{
	char	*first = l->p;

	(void)imap_lex_accept(l, '\\');
	if (!lex_run(l, imap_lex_is_atom, out, "Flag expected"))
		return false;
	*out = (struct slice){ first, (size_t)(l->p - first) };
	return true;
}
