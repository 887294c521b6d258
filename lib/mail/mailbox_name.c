/* Contract in mailbox_name.h. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/base/text.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/mailbox_name.h"

static const struct slice	 inbox = { "INBOX", 5 };

static bool
starts_with_inbox(struct slice s)
{
	return s.len >= inbox.len &&
	    strncasecmp(s.ptr, inbox.ptr, inbox.len) == 0 &&
	    (s.len == inbox.len || s.ptr[inbox.len] == '/');
}

/* Control characters and line separators: nobody could see or type them. */
static bool
has_control(struct slice s)
{
	const uint8_t	*p = (const uint8_t *)s.ptr;
	size_t		 i;
	ucs4_t		 c;
	int		 n;

	for (i = 0; i < s.len; i += (size_t)n) {
		n = u8_mbtouc(&c, p + i, s.len - i);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
		    c == 0x2029 || c == 0xfffe || c == 0xffff)
			return true;
	}
	return false;
}

static const char *
check_levels(struct slice s)
{
	size_t	 i, levels = 1;
	char	 last = '/';

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '.')
			return "Mailbox names here hold no '.'";
		if (s.ptr[i] == '/' && last == '/')
			return "Empty level in the mailbox name";
		if (s.ptr[i] == '/')
			levels++;
		last = s.ptr[i];
	}
	if (last == '/')
		return "Empty level in the mailbox name";
	return levels > MAILBOX_NAME_LEVELS ? "Too many levels" : NULL;
}

static const char *
check(struct slice s)
{
	if (!text_is_utf8(s))
		return "Mailbox name is neither UTF-8 nor modified UTF-7";
	if (has_control(s))
		return "Control character in the mailbox name";
	return check_levels(s);
}

static enum mailbox_name_status
read_name(struct slice wire, bool utf8, struct buf *name, const char **why)
{
	struct slice	 s;
	bool		 coded = !utf8 && text_is_ascii(wire);

	if (coded && mutf7_decode(wire, name) == -1) {
		*why = "Mailbox name is not modified UTF-7";
		return MAILBOX_NAME_BAD;
	}
	if (!coded)
		buf_add(name, wire.ptr, wire.len);
	if (name->len > 0 && name->ptr[name->len - 1] == '/')
		name->ptr[--name->len] = '\0';
	s = buf_slice(name);
	*why = "Mailbox name is empty";
	if (s.len == 0)
		return MAILBOX_NAME_EMPTY;
	*why = "Mailbox name is too long";
	if (s.len > MAILBOX_NAME_MAX)
		return MAILBOX_NAME_LONG;
	if ((*why = check(s)) != NULL)
		return MAILBOX_NAME_BAD;
	if (starts_with_inbox(s))
		memcpy(name->ptr, inbox.ptr, inbox.len);
	return MAILBOX_NAME_OK;
}

enum mailbox_name_status
mailbox_name_read(struct slice wire, bool utf8, struct buf *out,
    const char **why)
{
	enum mailbox_name_status	 st;
	const char			*text = "Mailbox name is too long";
	struct buf			 name;

	buf_init(&name, 4 * MAILBOX_NAME_MAX);
	/* UTF-7 is no shorter than half of what it stands for. */
	st = MAILBOX_NAME_LONG;
	if (wire.len <= 2 * MAILBOX_NAME_MAX)
		st = read_name(wire, utf8, &name, &text);
	if (st == MAILBOX_NAME_OK && buf_add(out, name.ptr, name.len) == -1) {
		text = "Mailbox name is too long";
		st = MAILBOX_NAME_LONG;
	}
	buf_free(&name);
	if (why != NULL)
		*why = st == MAILBOX_NAME_OK ? NULL : text;
	return st;
}

int
mailbox_name_compose(struct slice name, struct buf *out)
{
	uint8_t	*s;
	size_t	 len;
	int	 r;

	if (text_is_ascii(name))
		return buf_add(out, name.ptr, name.len);
	s = u8_normalize(UNINORM_NFC, (const uint8_t *)name.ptr, name.len,
	    NULL, &len);
	if (s == NULL)
		return -1;
	r = buf_add(out, s, len);
	free(s);
	return r;
}

int
mailbox_name_put(struct buf *out, struct slice name, bool utf8)
{
	struct buf	 coded;
	int		 r = -1;

	buf_init(&coded, 4 * MAILBOX_NAME_MAX);
	if (utf8 ? buf_add(&coded, name.ptr, name.len) == 0 :
	    mutf7_encode(name, &coded) == 0)
		r = utf8 ? imap_string_add_utf8(out, buf_slice(&coded)) :
		    imap_string_add(out, buf_slice(&coded));
	buf_free(&coded);
	return r;
}

int
mailbox_name_to_dir(struct slice name, struct buf *out)
{
	size_t	 at = out->len, i;

	if (slice_eq(name, inbox))
		return buf_addc(out, '.');
	if (name.len == 0 || check(name) != NULL) {
		errno = EINVAL;
		return -1;
	}
	if (buf_addc(out, '.') == -1 || mutf7_encode(name, out) == -1 ||
	    out->len - at > MAILBOX_DIR_MAX) {
		buf_cut(out, at);
		errno = ENAMETOOLONG;
		return -1;
	}
	for (i = at; i < out->len; i++)
		if (out->ptr[i] == '/')
			out->ptr[i] = '.';
	return 0;
}

/* A name's directory is one only: else two would be one mailbox. */
static bool
is_its_dir(struct slice name, const char *dir)
{
	struct buf	 back;
	bool		 same;

	buf_init(&back, MAILBOX_DIR_MAX + 1);
	same = mailbox_name_to_dir(name, &back) == 0 &&
	    strcmp(buf_cstr(&back), dir) == 0;
	buf_free(&back);
	return same;
}

int
mailbox_name_from_dir(const char *dir, struct buf *out)
{
	size_t		 at = out->len, i;
	char		 levels[MAILBOX_DIR_MAX + 1];
	size_t		 len = strlen(dir);
	struct slice	 name;

	if (strcmp(dir, ".") == 0)
		return buf_add(out, inbox.ptr, inbox.len);
	if (len < 2 || len > MAILBOX_DIR_MAX || dir[0] != '.')
		goto bad;
	/* '.' is no digit of base 64, so the levels may be parted first. */
	for (i = 1; i < len; i++)
		levels[i - 1] = dir[i] == '.' ? '/' : dir[i];
	if (mutf7_decode((struct slice){ levels, len - 1 }, out) == -1)
		goto bad;
	name.ptr = out->ptr + at;
	name.len = out->len - at;
	if (name.len > MAILBOX_NAME_MAX || slice_eq(name, inbox) ||
	    (starts_with_inbox(name) &&
	    memcmp(name.ptr, inbox.ptr, inbox.len) != 0) ||
	    !is_its_dir(name, dir))
		goto bad;
	return 0;
bad:
	buf_cut(out, at);
	errno = EINVAL;
	return -1;
}

/* One row of the table pattern x name at a time: no backtracking. */
bool
mailbox_name_matches(struct slice pattern, struct slice name)
{
	bool	 row[MAILBOX_NAME_MAX + 2] = { true }, diagonal, was, fold;
	size_t	 i, j;
	char	 p, c;

	if (name.len > MAILBOX_NAME_MAX)
		return false;
	fold = starts_with_inbox(name);
	for (i = 0; i < pattern.len; i++) {
		p = pattern.ptr[i];
		diagonal = row[0];
		row[0] = row[0] && (p == '*' || p == '%');
		for (j = 1; j <= name.len; j++) {
			c = name.ptr[j - 1];
			was = row[j];
			if (p == '*' || (p == '%' && c != '/'))
				row[j] = row[j] || row[j - 1];
			else if (p != '%')
				row[j] = diagonal && (p == c || (fold &&
				    j <= inbox.len &&
				    text_lower(p) == text_lower(c)));
			diagonal = was;
		}
	}
	return row[name.len];
}
