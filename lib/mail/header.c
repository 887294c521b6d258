/* Contract in header.h. */
#include <errno.h>

#include "lib/base/text.h"
#include "lib/mail/header.h"

#define LINE_MAX_WISHED	78	/* RFC 5322 2.1.1 */
#define LINE_ENCODED	76	/* RFC 2047 2: lines with encoded words */

/* The octet after the line that starts at pos. */
static size_t
line_after(struct slice msg, size_t pos)
{
	const char	*lf;

	lf = memchr(msg.ptr + pos, '\n', msg.len - pos);
	return lf == NULL ? msg.len : (size_t)(lf - msg.ptr) + 1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_white(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* Find the name and colon of a field line.  False when there is none. */
static bool
field_name(struct slice msg, size_t pos, struct slice *name, size_t *colon)
{
	size_t	 i = pos;

	while (i < msg.len && msg.ptr[i] > ' ' && msg.ptr[i] < 0x7f &&
	    msg.ptr[i] != ':')
		i++;
	name->ptr = msg.ptr + pos;
	name->len = i - pos;
	/* RFC 5322 4.5: blanks before the colon are old, not wrong. */
	while (i < msg.len && is_blank(msg.ptr[i]))
		i++;
	*colon = i;
	return name->len > 0 && i < msg.len && msg.ptr[i] == ':';
}

bool
header_next(struct slice msg, size_t *pos, struct header_field *field)
{
	size_t	 start = *pos, colon, end;

	if (start >= msg.len)
		return false;
	if (msg.ptr[start] == '\n') {
		*pos = start + 1;
		return false;
	}
	if (msg.ptr[start] == '\r' && start + 1 < msg.len &&
	    msg.ptr[start + 1] == '\n') {
		*pos = start + 2;
		return false;
	}
	if (!field_name(msg, start, &field->name, &colon))
		return false;

	end = line_after(msg, colon);
	while (end < msg.len && is_blank(msg.ptr[end]))
		end = line_after(msg, end);
	*pos = end;
	field->whole.ptr = msg.ptr + start;
	field->whole.len = end - start;
	if (end > colon + 1 && msg.ptr[end - 1] == '\n') {
		end--;
		if (end > colon + 1 && msg.ptr[end - 1] == '\r')
			end--;
	}
	field->value.ptr = msg.ptr + colon + 1;
	field->value.len = end - colon - 1;
	return true;
}

/* Is the line before pos empty, which is what header_next() stops behind? */
static bool
ends_header(struct slice msg, size_t pos)
{
	if (msg.ptr[--pos] != '\n')
		return false;
	if (pos > 0 && msg.ptr[pos - 1] == '\r')
		pos--;
	return pos == 0 || msg.ptr[pos - 1] == '\n';
}

bool
header_next_lenient(struct slice msg, size_t *pos, struct header_field *field)
{
	size_t	 at;

	while (!header_next(msg, pos, field)) {
		at = *pos;
		if (at < msg.len && msg.ptr[at] == '>')
			at++;
		if (msg.len - at <= 5 || memcmp(msg.ptr + at, "From ", 5) != 0)
			return false;
		/* After the empty line there is no header any more. */
		if (*pos > 0 && ends_header(msg, *pos))
			return false;
		*pos = line_after(msg, *pos);
	}
	return true;
}

bool
header_find(struct slice msg, const char *name, struct header_field *field)
{
	size_t	 pos = 0;

	while (header_next(msg, &pos, field))
		if (slice_is(field->name, name))
			return true;
	return false;
}

size_t
header_count(struct slice msg, const char *name)
{
	struct header_field	 field;
	size_t			 n = 0, pos = 0;

	while (header_next(msg, &pos, &field))
		if (slice_is(field.name, name))
			n++;
	return n;
}

int
header_unfold(struct slice value, struct buf *out)
{
	size_t	 before = out->len, i, start;

	/* Blanks that a fold leaves at the ends are ends too. */
	while (value.len > 0 && is_white(value.ptr[0])) {
		value.ptr++;
		value.len--;
	}
	while (value.len > 0 && is_white(value.ptr[value.len - 1]))
		value.len--;
	for (i = start = 0; i <= value.len; i++) {
		if (i < value.len && value.ptr[i] != '\r' &&
		    value.ptr[i] != '\n')
			continue;
		if (buf_add(out, value.ptr + start, i - start) == -1) {
			buf_cut(out, before);
			return -1;
		}
		start = i + 1;
	}
	return 0;
}

/* A field being written: where it is going, and how full its line is. */
struct writer {
	struct buf	*out;
	size_t		 column;
	bool		 first;		/* no word written yet */
	bool		 failed;
};

static void
put(struct writer *w, const char *p, size_t len)
{
	if (buf_add(w->out, p, len) == -1)
		w->failed = true;
	w->column += len;
}

static void
fold(struct writer *w)
{
	put(w, "\r\n", 2);
	w->column = 0;
}

/* Blanks and a word that stays as it is. */
static void
put_word(struct writer *w, struct slice blanks, struct slice word)
{
	if (!w->first &&
	    w->column + blanks.len + word.len > LINE_MAX_WISHED)
		fold(w);
	put(w, blanks.ptr, blanks.len);
	put(w, word.ptr, word.len);
	w->first = false;
}

/* Octets of the UTF-8 character at p; 1 for what is no UTF-8. */
static size_t
char_len(struct slice s, size_t i)
{
	unsigned char	 c = (unsigned char)s.ptr[i];
	size_t		 n;

	n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
	return n > s.len - i ? 1 : n;
}

/*
 * One character in RFC 2047 4.2 "Q" form; only what may stand in a phrase
 * (RFC 2047 5) is left alone.  Returns its length, at most 12.
 */
static size_t
encode_char(struct slice s, size_t i, size_t n, char out[12])
{
	static const char	 hex[] = "0123456789ABCDEF";
	unsigned char		 c = (unsigned char)s.ptr[i];
	size_t			 k, len = 0;

	if (n == 1 && (text_is_alnum((char)c) || c == '-' || c == ' ')) {
		out[0] = c == ' ' ? '_' : (char)c;
		return 1;
	}
	for (k = 0; k < n; k++) {
		c = (unsigned char)s.ptr[i + k];
		out[len++] = '=';
		out[len++] = hex[c >> 4];
		out[len++] = hex[c & 15];
	}
	return len;
}

/* The text as encoded words, characters never split (RFC 2047 5). */
static void
put_encoded(struct writer *w, struct slice blanks, struct slice text,
    const char *open)
{
	char	 enc[12];
	size_t	 i, n, len;
	bool	 inside = false;

	for (i = 0; i < text.len; i += n) {
		n = char_len(text, i);
		len = encode_char(text, i, n, enc);
		if (inside && w->column + len + 2 > LINE_ENCODED) {
			put(w, "?=", 2);
			inside = false;
			blanks = SLICE_LIT(" ");
		}
		if (!inside) {
			if (!w->first && w->column + blanks.len +
			    strlen(open) + len + 2 > LINE_ENCODED)
				fold(w);
			put(w, blanks.ptr, blanks.len);
			put(w, open, strlen(open));
			inside = true;
			w->first = false;
		}
		put(w, enc, len);
	}
	put(w, "?=", 2);
}

static bool
must_encode(struct slice word)
{
	/* What only looks like an encoded word must not be decoded. */
	return !text_is_ascii(word) ||
	    (word.len > 2 && memcmp(word.ptr, "=?", 2) == 0);
}

/* Cut blanks and the word after them off the text. */
static bool
next_word(struct slice *text, struct slice *blanks, struct slice *word)
{
	size_t	 i = 0;

	blanks->ptr = text->ptr;
	while (i < text->len && is_blank(text->ptr[i]))
		i++;
	blanks->len = i;
	word->ptr = text->ptr + i;
	while (i < text->len && !is_blank(text->ptr[i]))
		i++;
	word->len = i - blanks->len;
	text->ptr += i;
	text->len -= i;
	return word->len > 0;
}

static void
put_text(struct writer *w, struct slice text, bool encode)
{
	struct slice	 blanks, word, more, b, x;
	const char	*open;

	open = text_is_utf8(text) ? "=?utf-8?Q?" : "=?unknown-8bit?Q?";
	while (next_word(&text, &blanks, &word)) {
		if (!encode || !must_encode(word)) {
			put_word(w, blanks, word);
			continue;
		}
		/*
		 * Readers drop blanks between encoded words, so neighbours
		 * are encoded as one run with their blanks inside.
		 */
		more = text;
		while (next_word(&more, &b, &x) && must_encode(x)) {
			word.len = (size_t)(x.ptr + x.len - word.ptr);
			text = more;
		}
		put_encoded(w, blanks, word, open);
	}
}

int
header_add(struct buf *out, const char *name, const char *text, bool encode)
{
	struct writer	 w = { .out = out, .first = true };
	size_t		 before = out->len;

	if (strpbrk(text, "\r\n") != NULL) {
		errno = EINVAL;
		return -1;
	}
	put(&w, name, strlen(name));
	put(&w, ": ", 2);
	put_text(&w, text_trim(slice_str(text)), encode);
	put(&w, "\r\n", 2);
	if (!w.failed)
		return 0;
	buf_cut(out, before);
	errno = EMSGSIZE;
	return -1;
}
