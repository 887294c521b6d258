/* Contract in users_file.h. */
#include <string.h>

#include "lib/base/text.h"
#include "mailctl/users_file.h"

static void
split(struct slice line, struct users_line *out)
{
	const char	*colon;
	size_t		 i;

	for (i = 0; i < USERS_FIELDS; i++) {
		out->field[i] = line;
		colon = i == USERS_FIELDS - 1 || line.len == 0 ? NULL :
		    memchr(line.ptr, ':', line.len);
		if (colon != NULL)
			out->field[i].len = (size_t)(colon - line.ptr);
		line.ptr += out->field[i].len + (colon != NULL);
		line.len -= out->field[i].len + (colon != NULL);
	}
}

static bool
is_user(struct slice line)
{
	struct slice	 t = text_trim(line);

	return t.len > 0 && line.ptr[0] != '#' &&
	    memchr(line.ptr, ':', line.len) != NULL;
}

bool
users_file_next(struct slice text, size_t *pos, struct users_line *out)
{
	struct slice	 line;
	const char	*nl;

	while (*pos < text.len) {
		line.ptr = text.ptr + *pos;
		line.len = text.len - *pos;
		nl = memchr(line.ptr, '\n', line.len);
		if (nl != NULL)
			line.len = (size_t)(nl - line.ptr);
		out->whole.ptr = line.ptr;
		out->whole.len = line.len + (nl != NULL);
		*pos += out->whole.len;
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (is_user(line)) {
			split(line, out);
			return true;
		}
	}
	return false;
}

static bool
names(struct slice field, const char *address, const char *hostname)
{
	const char	*at = strrchr(address, '@');
	struct slice	 local;

	if (slice_is(field, address))
		return true;
	if (at == NULL || memchr(field.ptr, '@', field.len) != NULL ||
	    strcasecmp(at + 1, hostname) != 0)
		return false;
	local.ptr = address;
	local.len = (size_t)(at - address);
	return field.len == local.len &&
	    strncasecmp(field.ptr, local.ptr, local.len) == 0;
}

bool
users_file_find(struct slice text, const char *address, const char *hostname,
    struct users_line *out)
{
	size_t	 pos = 0;

	while (users_file_next(text, &pos, out))
		if (out->field[0].len > 0 &&
		    names(out->field[0], address, hostname))
			return true;
	return false;
}

int
users_file_add(struct buf *out, struct slice text, const char *line)
{
	if (buf_add(out, text.ptr, text.len) == -1)
		return -1;
	if (text.len > 0 && text.ptr[text.len - 1] != '\n' &&
	    buf_addc(out, '\n') == -1)
		return -1;
	return buf_addf(out, "%s\n", line);
}

/* The text with the octets from..to of it replaced. */
static int
splice(struct buf *out, struct slice text, const char *from, const char *to,
    const char *new)
{
	if (buf_add(out, text.ptr, (size_t)(from - text.ptr)) == -1 ||
	    buf_addstr(out, new) == -1)
		return -1;
	return buf_add(out, to, (size_t)(text.ptr + text.len - to));
}

int
users_file_del(struct buf *out, struct slice text, const struct users_line *l)
{
	return splice(out, text, l->whole.ptr, l->whole.ptr + l->whole.len,
	    "");
}

int
users_file_set_secret(struct buf *out, struct slice text,
    const struct users_line *l, const char *secret)
{
	return splice(out, text, l->field[1].ptr,
	    l->field[1].ptr + l->field[1].len, secret);
}
