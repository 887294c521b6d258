/* Contract in preview.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#include "lib/mail/html_text.h"
#include "lib/mail/mime_param.h"
#include "lib/mail/preview.h"

#define LOOK	(64 * 1024)	/* octets of a part, decoded */
#define PARTS	4		/* that turn out to say nothing */

struct line {
	char	 text[PREVIEW_MAX];
	size_t	 len, chars;
	bool	 blank;		/* one is due */
	bool	 starts;	/* a line of the letter starts here */
	bool	 quoted;	/* ... with ">" */
};

static bool
is_blank(ucs4_t u)
{
	return u <= 0x20 || (u >= 0x7f && u <= 0xa0) || u == 0x2007 ||
	    u == 0x202f || u == 0x2028 || u == 0x2029 || u == 0x3000;
}

/* Mailing services fill the space behind their words with these. */
static bool
is_nothing(ucs4_t u, bool after_blank)
{
	return u == 0xad || u == 0x34f || u == 0x200b || u == 0xfeff ||
	    (after_blank && (u == 0x200c || u == 0x200d)) ||
	    /* May turn other text around (Unicode's bidi controls). */
	    (u >= 0x202a && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069);
}

/* False: the line is full. */
static bool
add(struct line *l, ucs4_t u, bool plain)
{
	int	 n;

	if (u == '\n')
		l->starts = true;
	if (is_blank(u)) {
		l->blank = l->len > 0;
		return true;
	}
	if (l->starts)
		l->quoted = plain && u == '>';
	l->starts = false;
	if (l->quoted || is_nothing(u, l->blank || l->len == 0))
		return true;
	if (l->blank) {
		if (l->chars + 2 > PREVIEW_CHARS)
			return false;
		l->text[l->len++] = ' ';
		l->chars++;
		l->blank = false;
	}
	n = u8_uctomb((uint8_t *)l->text + l->len, u,
	    (ptrdiff_t)(sizeof(l->text) - l->len));
	if (n <= 0)
		return false;
	l->len += (size_t)n;
	return ++l->chars < PREVIEW_CHARS;
}

/* Take whole characters; *used of them. */
static bool
add_text(struct line *l, struct slice s, bool plain, size_t *used)
{
	ucs4_t	 u;
	int	 n;

	for (*used = 0; *used < s.len; *used += (size_t)n) {
		n = u8_mbtoucr(&u, (const uint8_t *)s.ptr + *used,
		    s.len - *used);
		if (n == -2)
			return true;
		if (n <= 0) {
			n = 1;
			u = 0xfffd;
		}
		if (!add(l, u, plain))
			return false;
	}
	return true;
}

static int
read_part(const struct mime *m, uint32_t part, bool html, part_read rd,
    void *ctx, struct line *l)
{
	struct part_text	 t;
	struct html_text	 h;
	struct buf		 raw, text;
	struct slice		 s;
	size_t			 seen = 0, used;
	int			 rc;

	memset(l, 0, sizeof(*l));
	l->starts = true;
	buf_init(&raw, PART_TEXT_MOST);
	buf_init(&text, 4 * PART_TEXT_MOST);
	html_text_begin(&h);
	part_text_begin(&t, m, part, true, rd, ctx);
	while ((rc = part_text_next(&t, &raw)) != -1) {
		seen += raw.len;
		s = buf_slice(&raw);
		if (html) {
			if ((rc = html_text_feed(&h, s, &text)) == -1)
				break;
			s = buf_slice(&text);
		}
		if (!add_text(l, s, !html, &used) || rc == 0 || seen > LOOK) {
			rc = 0;
			break;
		}
		buf_consume(html ? &text : &raw, used);
		if (html)
			buf_clear(&raw);
	}
	part_text_end(&t);
	buf_free(&raw);
	buf_free(&text);
	return rc;
}

static bool
is_attachment(const struct mime *m, uint32_t part)
{
	struct mime_params	 params;
	struct slice		 v;
	bool			 yes;

	if (!mime_field(m, part, MIME_KEEP_DISPOSITION, 0, &v))
		return false;
	mime_params_init(&params);
	mime_params_parse(&params, v, MIME_PARAMS_DISPOSITION);
	yes = slice_is(params.type, "attachment");
	mime_params_free(&params);
	return yes;
}

int
preview(const struct mime *m, part_read rd, void *ctx, struct buf *out)
{
	struct content_type	 t;
	struct line		 l;
	uint32_t		 i;
	int			 parts = 0;
	bool			 html;

	for (i = 0; i < m->nparts && parts < PARTS; i++) {
		if (m->part[i].kind != MIME_PART_LEAF ||
		    m->part[i].body.len == 0)
			continue;
		mime_type(m, i, &t);
		html = strcmp(t.subtype, "html") == 0;
		if (strcmp(t.type, "text") != 0 ||
		    (!html && strcmp(t.subtype, "plain") != 0) ||
		    is_attachment(m, i))
			continue;
		if (read_part(m, i, html, rd, ctx, &l) == -1)
			return -1;
		if (l.len > 0)
			return buf_add(out, l.text, l.len);
		parts++;
	}
	return 0;
}
