/* Contract in imap_string.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/mail/header.h"
#include "lib/mail/imap_string.h"

/* Clients may have a limit on the length of lines, none on literals. */
#define QUOTED_MAX	1000

static bool
can_quote(struct slice s, bool utf8)
{
	unsigned char	 c;
	size_t		 i;

	if (s.len > QUOTED_MAX)
		return false;
	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.ptr[i];
		if (c == '\r' || c == '\n' || (c >= 0x80 && !utf8))
			return false;
	}
	return true;
}

static int
literal(struct buf *out, struct slice s)
{
	char	*p;
	size_t	 i;

	if (buf_addf(out, "{%zu}\r\n", s.len) == -1 ||
	    (p = buf_reserve(out, s.len)) == NULL)
		return -1;
	for (i = 0; i < s.len; i++)
		p[i] = s.ptr[i] == '\0' ? '?' : s.ptr[i];
	out->len += s.len;
	out->ptr[out->len] = '\0';
	return 0;
}

static int
add(struct buf *out, struct slice s, bool utf8)
{
	char	*p;
	size_t	 i;

	if (!can_quote(s, utf8))
		return literal(out, s);
	if ((p = buf_reserve(out, 2 * s.len + 2)) == NULL)
		return -1;
	*p++ = '"';
	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			*p++ = '\\';
		*p++ = s.ptr[i] == '\0' ? '?' : s.ptr[i];
	}
	*p++ = '"';
	out->len = (size_t)(p - out->ptr);
	out->ptr[out->len] = '\0';
	return 0;
}

int
imap_string_add(struct buf *out, struct slice s)
{
	return add(out, s, false);
}

int
imap_string_add_utf8(struct buf *out, struct slice s)
{
	return add(out, s, true);
}

int
imap_nstring_add(struct buf *out, struct slice s)
{
	if (s.ptr == NULL)
		return buf_addstr(out, "NIL");
	return imap_string_add(out, s);
}

int
imap_field_add(struct buf *out, struct slice value)
{
	struct buf	 line;
	int		 rc;

	if (value.ptr == NULL)
		return buf_addstr(out, "NIL");
	buf_init(&line, value.len);
	rc = header_unfold(value, &line);
	if (rc == 0)
		rc = imap_string_add(out, buf_slice(&line));
	buf_free(&line);
	return rc;
}
