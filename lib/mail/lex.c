/* Contract in lex.h. */
#include <errno.h>

#include "lib/base/text.h"
#include "lib/mail/lex.h"

bool
lex_is_atext(char c)
{
	if (text_is_alnum(c) || (unsigned char)c >= 0x80)
		return true;
	switch (c) {
	case '!': case '#': case '$': case '%': case '&': case '\'':
	case '*': case '+': case '-': case '/': case '=': case '?':
	case '^': case '_': case '`': case '{': case '|': case '}':
	case '~':
		return true;
	default:
		return false;
	}
}

bool
lex_is_dot_atom(struct slice s)
{
	size_t	 i;
	bool	 dot = true;	/* an atom must come now */

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '.' && !dot)
			dot = true;
		else if (lex_is_atext(s.ptr[i]))
			dot = false;
		else
			return false;
	}
	return !dot;
}

static bool
is_fws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
lex_skip_cfws(struct slice s, size_t *pos)
{
	size_t	 depth = 0, i;

	for (i = *pos; i < s.len; i++) {
		if (s.ptr[i] == '(') {
			depth++;
		} else if (depth == 0) {
			if (!is_fws(s.ptr[i]))
				break;
		} else if (s.ptr[i] == ')') {
			depth--;
		} else if (s.ptr[i] == '\\') {
			i++;
		}
	}
	*pos = i < s.len ? i : s.len;
	return depth == 0;
}

static int
put(char *out, size_t max, size_t *len, char c)
{
	if (out == NULL)
		return 0;
	if (*len == max) {
		errno = EMSGSIZE;
		return -1;
	}
	out[(*len)++] = c;
	return 0;
}

static int
quoted_string(struct slice s, size_t *pos, char *out, size_t max, size_t *len)
{
	size_t	 i;
	char	 c;

	for (i = *pos + 1; i < s.len; i++) {
		c = s.ptr[i];
		if (c == '"') {
			*pos = i + 1;
			return 0;
		}
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && ++i < s.len)
			c = s.ptr[i];
		if (put(out, max, len, c) == -1)
			return -1;
	}
	errno = EINVAL;
	return -1;
}

int
lex_word(struct slice s, size_t *pos, char *out, size_t max, size_t *len)
{
	size_t	 i = *pos;

	if (i < s.len && s.ptr[i] == '"')
		return quoted_string(s, pos, out, max, len);
	for (; i < s.len && lex_is_atext(s.ptr[i]); i++)
		if (put(out, max, len, s.ptr[i]) == -1)
			return -1;
	if (i == *pos) {
		errno = EINVAL;
		return -1;
	}
	*pos = i;
	return 0;
}
