/* Contract in content_type.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/content_type.h"
#include "lib/mail/lex.h"

/* RFC 2045 5.1 */
static bool
is_token(char c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '@': case ',': case ';':
	case ':': case '\\': case '"': case '/': case '[': case ']': case '?':
	case '=':
		return false;
	default:
		return c > ' ' && c < 0x7f;
	}
}

/* Take a token in lower case.  False: none, or longer than size - 1. */
static bool
take_token(struct slice s, size_t *pos, char *out, size_t size)
{
	size_t	 len = 0;

	if (!lex_skip_cfws(s, pos))
		return false;
	while (*pos < s.len && is_token(s.ptr[*pos]) && len < size - 1)
		out[len++] = text_lower(s.ptr[(*pos)++]);
	out[len] = '\0';
	return len > 0 && (*pos == s.len || !is_token(s.ptr[*pos]));
}

static bool
take_char(struct slice s, size_t *pos, char c)
{
	if (!lex_skip_cfws(s, pos) || *pos == s.len || s.ptr[*pos] != c)
		return false;
	(*pos)++;
	return true;
}

/*
 * A parameter's value.  Many write boundary=----=_x without the quotes that
 * "=" asks for, so a bare one goes up to a blank or semicolon.
 */
static bool
take_value(struct slice s, size_t *pos, char *out, size_t max, size_t *len)
{
	char	 c;

	*len = 0;
	if (!lex_skip_cfws(s, pos) || *pos == s.len)
		return false;
	if (s.ptr[*pos] == '"')
		return lex_word(s, pos, out, max, len) == 0;
	for (; *pos < s.len; (*pos)++) {
		c = s.ptr[*pos];
		if (c == ';' || c == ' ' || c == '\t' || c == '\r' ||
		    c == '\n')
			break;
		if (*len == max)
			return false;
		out[(*len)++] = c;
	}
	return *len > 0;
}

/* Printable ASCII, not ending in a blank, else nothing. */
static void
keep_boundary(struct content_type *out, const char *value, size_t len)
{
	size_t	 i;

	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	for (i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] == 0x7f)
			return;
	memcpy(out->boundary, value, len);
	out->boundary[len] = '\0';
	out->boundary_len = len;
}

int
content_type_parse(struct slice s, struct content_type *out)
{
	char	 name[64], value[1024];
	size_t	 pos = 0, len;

	memset(out, 0, sizeof(*out));
	if (!take_token(s, &pos, out->type, sizeof(out->type)) ||
	    !take_char(s, &pos, '/') ||
	    !take_token(s, &pos, out->subtype, sizeof(out->subtype))) {
		memset(out, 0, sizeof(*out));
		errno = EINVAL;
		return -1;
	}
	while (take_char(s, &pos, ';')) {
		if (!take_token(s, &pos, name, sizeof(name)))
			continue;	/* an empty parameter */
		if (!take_char(s, &pos, '=') ||
		    !take_value(s, &pos, value, sizeof(value), &len))
			break;
		if (strcmp(name, "boundary") == 0) {
			if (len <= CONTENT_TYPE_BOUNDARY)
				keep_boundary(out, value, len);
			break;
		}
	}
	return 0;
}

enum transfer_encoding
transfer_encoding_parse(struct slice s)
{
	char	 token[32];
	size_t	 pos = 0;

	if (!take_token(s, &pos, token, sizeof(token)))
		return TRANSFER_UNKNOWN;
	if (strcmp(token, "7bit") == 0 || strcmp(token, "8bit") == 0 ||
	    strcmp(token, "binary") == 0)
		return TRANSFER_IDENTITY;
	if (strcmp(token, "quoted-printable") == 0)
		return TRANSFER_QP;
	if (strcmp(token, "base64") == 0)
		return TRANSFER_BASE64;
	return TRANSFER_UNKNOWN;
}
