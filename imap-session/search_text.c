/* Contract in search_text.h. */
#include <errno.h>
#include <string.h>

#include "imap-session/search_args.h"
#include "imap-session/search_text.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/casemap.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/header.h"
#include "lib/mail/html_text.h"
#include "lib/mail/mime_param.h"
#include "lib/mail/part_text.h"

#define WHOLE		(256 * 1024)	/* letters up to this are read at once */
#define HEADER_MOST	(4 * 1024 * 1024)	/* of a part, if it is not */
#define SOME		1024		/* octets looked at at a time */
#define FIELD_MOST	(8 * HEADER_MOST)	/* decoded */
/* A code point of 3 octets may decompose into 18 of 3. */
#define FORM_MOST	(18 * FIELD_MOST)

struct walk {
	struct search_text	*t;
	search_text_fn		*fn;
	void			*arg;
	bool			 stop;
};

void
search_text_init(struct search_text *t)
{
	memset(t, 0, sizeof(*t));
	mime_init(&t->mime);
	buf_init(&t->file, WHOLE);
	buf_init(&t->header, HEADER_MOST);
	buf_init(&t->raw, FIELD_MOST);
	buf_init(&t->plain, FIELD_MOST);
	buf_init(&t->form, FORM_MOST);
	buf_init(&t->piece, FORM_MOST);
	buf_init(&t->seen, 2 * FORM_MOST);
}

void
search_text_free(struct search_text *t)
{
	mime_free(&t->mime);
	buf_free(&t->file);
	buf_free(&t->header);
	buf_free(&t->raw);
	buf_free(&t->plain);
	buf_free(&t->form);
	buf_free(&t->piece);
	buf_free(&t->seen);
}

/* --- the letter ---------------------------------------------------------------- */

static int
parse(struct search_text *t, int fd)
{
	t->fd = fd;
	buf_clear(&t->file);
	if (io_pread_buf(fd, &t->file, WHOLE, 0) == -1)
		return -1;
	t->whole = t->file.len < WHOLE;
	if (!t->whole)
		return mime_parse_file(&t->mime, fd);
	mime_parse_slice(&t->mime, buf_slice(&t->file));
	return 0;
}

static ssize_t
read_part(void *ctx, void *buf, size_t size, uint64_t offset)
{
	struct search_text	*t = ctx;
	struct slice		 all = buf_slice(&t->file);

	return t->whole ? part_read_slice(&all, buf, size, offset) :
	    part_read_fd(&t->fd, buf, size, offset);
}

/* A header section, borrowed.  0 or -1. */
static int
header_of(struct search_text *t, const struct mime_span *span,
    struct slice *out)
{
	size_t	 len = span->len < HEADER_MOST ? (size_t)span->len :
		    HEADER_MOST;

	if (t->whole) {
		*out = (struct slice){ t->file.ptr + span->offset, len };
		return 0;
	}
	buf_clear(&t->header);
	if (io_pread_buf(t->fd, &t->header, len, (off_t)span->offset) == -1)
		return -1;
	*out = buf_slice(&t->header);
	return 0;
}

/* --- pieces -------------------------------------------------------------------- */

static void
apart(struct walk *w)
{
	w->t->blank = false;
	if (!w->stop)
		w->stop = !w->fn(w->arg, (struct slice){ NULL, 0 });
}

static int
hand_out_some(struct walk *w, struct slice utf8)
{
	struct search_text	*t = w->t;

	buf_clear(&t->form);
	buf_clear(&t->piece);
	if (casemap(utf8, &t->form) == -1 ||
	    search_squeeze(buf_slice(&t->form), &t->blank, &t->piece) == -1)
		return -1;
	if (t->piece.len > 0 && !w->stop)
		w->stop = !w->fn(w->arg, buf_slice(&t->piece));
	return 0;
}

/* Little by little, as what is looked for may come soon. */
static int
hand_out(struct walk *w, struct slice utf8)
{
	struct slice	 some;

	while (utf8.len > SOME && !w->stop) {
		some = (struct slice){ utf8.ptr, SOME };
		while (some.len > SOME - 4 &&
		    ((unsigned char)utf8.ptr[some.len] & 0xc0) == 0x80)
			some.len--;
		if (hand_out_some(w, some) == -1)
			return -1;
		utf8.ptr += some.len;
		utf8.len -= some.len;
	}
	return w->stop ? 0 : hand_out_some(w, utf8);
}

static int
hand_out_html(struct walk *w, struct html_text *html, struct slice utf8)
{
	buf_clear(&w->t->plain);
	if (html_text_feed(html, utf8, &w->t->plain) == -1)
		return -1;
	return hand_out(w, buf_slice(&w->t->plain));
}

/* html: as it is read. */
static int
walk_body(struct walk *w, uint32_t part, bool html)
{
	struct part_text	 text;
	struct html_text	 state;
	int			 more, rc = 0;

	if (html)
		html_text_begin(&state);
	part_text_begin(&text, &w->t->mime, part, true, read_part, w->t);
	do {
		buf_clear(&w->t->raw);
		more = part_text_next(&text, &w->t->raw);
		if (more == -1)
			rc = -1;
		else
			rc = html ? hand_out_html(w, &state,
			    buf_slice(&w->t->raw)) :
			    hand_out(w, buf_slice(&w->t->raw));
	} while (more == 1 && rc == 0 && !w->stop);
	part_text_end(&text);
	apart(w);
	return rc;
}

static bool
is_searched(const struct content_type *type)
{
	return strcmp(type->type, "text") == 0 ||
	    strcmp(type->type, "message") == 0;
}

static int
walk_part(struct walk *w, uint32_t part)
{
	struct content_type	 type;

	if (w->t->mime.part[part].kind != MIME_PART_LEAF)
		return 0;
	mime_type(&w->t->mime, part, &type);
	if (!is_searched(&type))
		return 0;
	if (walk_body(w, part, false) == -1)
		return -1;
	if (w->stop || strcmp(type.subtype, "html") != 0)
		return 0;
	return walk_body(w, part, true);
}

/* --- header fields --------------------------------------------------------------- */

static int
hand_out_decoded(struct walk *w, struct slice name, struct slice value)
{
	buf_clear(&w->t->raw);
	if (encoded_word_param(name, value, &w->t->raw) == -1)
		return -1;
	return hand_out(w, buf_slice(&w->t->raw));
}

/* RFC 2231's values, which encoded_word_text() leaves as they are. */
static int
walk_params(struct walk *w, const struct header_field *f)
{
	struct mime_params	 params;
	bool			 type = slice_is(f->name, "Content-Type");
	size_t			 i;
	int			 rc = 0;

	if (!type && !slice_is(f->name, "Content-Disposition"))
		return 0;
	if (memchr(f->value.ptr, '*', f->value.len) == NULL)
		return 0;
	mime_params_init(&params);
	mime_params_parse(&params, f->value, type ? MIME_PARAMS_TYPE :
	    MIME_PARAMS_DISPOSITION);
	for (i = 0; i < params.n && rc == 0 && !w->stop; i++) {
		rc = hand_out_decoded(w, params.param[i].name,
		    params.param[i].value);
		apart(w);
	}
	mime_params_free(&params);
	return rc;
}

static int
walk_field(struct walk *w, const struct header_field *f)
{
	if (hand_out(w, f->name) == -1 ||
	    hand_out(w, SLICE_LIT(": ")) == -1 ||
	    hand_out_decoded(w, SLICE_LIT(""), f->value) == -1)
		return -1;
	apart(w);
	return walk_params(w, f);
}

static int
walk_header(struct walk *w, uint32_t part)
{
	struct header_field	 f;
	struct slice		 header;
	size_t			 pos = 0;

	if (header_of(w->t, &w->t->mime.part[part].header, &header) == -1)
		return -1;
	while (!w->stop && header_next_lenient(header, &pos, &f))
		if (walk_field(w, &f) == -1)
			return -1;
	return 0;
}

int
search_text_walk(struct search_text *t, int fd, bool headers,
    search_text_fn *fn, void *arg)
{
	struct walk	 w = { t, fn, arg, false };
	uint32_t	 i;

	if (parse(t, fd) == -1)
		return -1;
	t->blank = false;
	for (i = 0; i < t->mime.nparts && !w.stop; i++)
		if ((headers && walk_header(&w, i) == -1) ||
		    (!w.stop && walk_part(&w, i) == -1))
			return -1;
	return 0;
}

/* --- looking --------------------------------------------------------------------- */

struct looking {
	struct search_text	*t;
	struct slice		 needle;
	int			 found;		/* -1: errno */
};

/* What was seen is kept as far as a needle may have begun in it. */
static bool
look(void *arg, struct slice piece)
{
	struct looking	*l = arg;
	struct buf	*seen = &l->t->seen;

	if (piece.ptr == NULL) {
		buf_clear(seen);
		return true;
	}
	if (seen->len >= l->needle.len)
		buf_consume(seen, seen->len - (l->needle.len - 1));
	if (seen->len > 0 && buf_add(seen, piece.ptr, piece.len) == -1) {
		l->found = -1;
		return false;
	}
	if (seen->len > 0)
		piece = buf_slice(seen);
	if (memmem(piece.ptr, piece.len, l->needle.ptr, l->needle.len) !=
	    NULL) {
		l->found = 1;
		return false;
	}
	if (seen->len > 0)
		return true;
	if (piece.len >= l->needle.len) {
		piece.ptr += piece.len - (l->needle.len - 1);
		piece.len = l->needle.len - 1;
	}
	if (buf_add(seen, piece.ptr, piece.len) == -1) {
		l->found = -1;
		return false;
	}
	return true;
}

int
search_text_has(struct search_text *t, int fd, bool headers,
    struct slice needle)
{
	struct looking	 l = { t, needle, 0 };

	if (needle.len == 0)
		return 1;
	buf_clear(&t->seen);
	if (search_text_walk(t, fd, headers, look, &l) == -1)
		return -1;
	return l.found;
}

bool
search_header_has(struct search_text *t, struct slice header,
    struct slice name, struct slice needle)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next_lenient(header, &pos, &f)) {
		if (f.name.len != name.len ||
		    strncasecmp(f.name.ptr, name.ptr, name.len) != 0)
			continue;
		if (needle.len == 0)
			return true;
		buf_clear(&t->raw);
		buf_clear(&t->form);
		if (encoded_word_text(f.value, &t->raw) == 0 &&
		    casemap(buf_slice(&t->raw), &t->form) == 0 &&
		    memmem(t->form.ptr, t->form.len, needle.ptr,
		    needle.len) != NULL)
			return true;
	}
	return false;
}

int
search_text_header_has(struct search_text *t, int fd, struct slice name,
    struct slice needle)
{
	struct slice	 header;

	if (parse(t, fd) == -1 ||
	    header_of(t, &t->mime.part[0].header, &header) == -1)
		return -1;
	return search_header_has(t, header, name, needle) ? 1 : 0;
}
