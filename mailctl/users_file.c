/* Contract in users_file.h. */
#include <string.h>

#include "lib/base/text.h"
#include "mailctl/users_file.h"

static void
split(struct slice line, struct users_line *out)
{
	const char	*colon;
	size_t		 i;

	out->n = 1;
	for (i = 0; i < USERS_FIELDS; i++) {
		out->field[i] = line;
		colon = i == USERS_FIELDS - 1 || line.len == 0 ? NULL :
		    memchr(line.ptr, ':', line.len);
		if (colon != NULL)
			out->field[i].len = (size_t)(colon - line.ptr);
		out->n += colon != NULL;
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
users_file_set_field(struct buf *out, struct slice text,
    const struct users_line *l, size_t field, const char *value)
{
	const char	*from = l->field[field].ptr;
	struct buf	 b;
	size_t		 i;
	int		 r = 0;

	if (field < l->n)
		return splice(out, text, from, from + l->field[field].len,
		    value);
	if (value[0] == '\0')
		return buf_add(out, text.ptr, text.len);
	buf_init(&b, out->max);
	for (i = l->n; i <= field && r == 0; i++)
		r = buf_addc(&b, ':');
	if (r == 0)
		r = buf_addstr(&b, value);
	if (r == 0)
		r = splice(out, text, from, from, buf_cstr(&b));
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.len);
	buf_free(&b);
	return r;
}

static bool
is_one_of(struct slice word, const char *const *keys)
{
	static const char	 userdb[] = "userdb_";
	size_t			 len;

	if (word.len > sizeof(userdb) - 1 &&
	    memcmp(word.ptr, userdb, sizeof(userdb) - 1) == 0) {
		word.ptr += sizeof(userdb) - 1;
		word.len -= sizeof(userdb) - 1;
	}
	for (; *keys != NULL; keys++) {
		len = strlen(*keys);
		if (word.len > len && word.ptr[len] == '=' &&
		    memcmp(word.ptr, *keys, len) == 0)
			return true;
	}
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int
users_file_extra(struct buf *out, struct slice extra, const char *const *keys)
{
	struct slice	 rest = extra, gap, word;

	while (rest.len > 0) {
		gap = word = rest;
		for (gap.len = 0; gap.len < rest.len &&
		    is_blank(rest.ptr[gap.len]); )
			gap.len++;
		word.ptr += gap.len;
		for (word.len = 0; gap.len + word.len < rest.len &&
		    !is_blank(word.ptr[word.len]); )
			word.len++;
		rest.ptr += gap.len + word.len;
		rest.len -= gap.len + word.len;
		if (word.len > 0 && is_one_of(word, keys))
			continue;
		if ((out->len > 0 && buf_add(out, gap.ptr, gap.len) == -1) ||
		    buf_add(out, word.ptr, word.len) == -1)
			return -1;
	}
	return 0;
}
