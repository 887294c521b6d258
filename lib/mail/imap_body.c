/* BODY and BODYSTRUCTURE (contract in imap_body.h). */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "lib/mail/imap_body.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/mime_param.h"

#define EMPTY_TEXT \
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0"

struct writer {
	struct buf		*out;
	const struct mime	*m;
	unsigned int		 flags;
	struct buf		*basic;		/* what out has, without */
	size_t			 copied;	/* extensions, up to here */
	bool			 failed;	/* nothing more is written */
	struct mime_params	 params;
};

static void
put(struct writer *w, const char *s)
{
	if (buf_addstr(w->out, s) == -1)
		w->failed = true;
}

/*
 * BODY is BODYSTRUCTURE without what is written between these two: so both are
 * made in one go.
 */
static void
begin_extension(struct writer *w)
{
	if (w->basic == NULL || w->failed)
		return;
	if (buf_add(w->basic, w->out->ptr + w->copied,
	    w->out->len - w->copied) == -1)
		w->failed = true;
}

static void
end_extension(struct writer *w)
{
	w->copied = w->out->len;
}

static void
put_string(struct writer *w, struct slice s)
{
	if (imap_nstring_add(w->out, s) == -1)
		w->failed = true;
}

static void
put_field(struct writer *w, uint32_t part, enum mime_keep which)
{
	struct slice	 v = { NULL, 0 };

	(void)mime_field(w->m, part, which, 0, &v);
	put(w, " ");
	if (imap_field_add(w->out, v) == -1)
		w->failed = true;
}

/* " (NAME VALUE ...)" of what was parsed last; charset: add the default. */
static void
put_params(struct writer *w, bool charset)
{
	const struct mime_params	*p = &w->params;
	const char			*between = " (";
	size_t				 i;

	for (i = 0; i < p->n; i++) {
		put(w, between);
		put_string(w, p->param[i].name);
		put(w, " ");
		put_string(w, p->param[i].value);
		between = " ";
		if (slice_is(p->param[i].name, "charset"))
			charset = false;
	}
	if (charset) {
		put(w, between);
		put(w, "\"charset\" \"us-ascii\"");
		between = " ";
	}
	put(w, between[1] == '(' ? " NIL" : ")");
}

/* False: there is none of use, and the parameters are none. */
static bool
parse_type(struct writer *w, uint32_t part)
{
	struct content_type	 t;
	struct slice		 v;

	w->params.n = 0;
	if (!mime_field(w->m, part, MIME_KEEP_TYPE, 0, &v) ||
	    content_type_parse(v, &t) == -1)
		return false;
	mime_params_parse(&w->params, v, MIME_PARAMS_TYPE);
	return true;
}

static void
put_type(struct writer *w, uint32_t part, const struct content_type *t,
    bool show_as_octets)
{
	bool	 given = parse_type(w, part);

	if (show_as_octets) {
		put(w, "\"application\" \"octet-stream\"");
	} else if (given && w->params.type.len == strlen(t->type) &&
	    w->params.subtype.len == strlen(t->subtype)) {
		put_string(w, w->params.type);
		put(w, " ");
		put_string(w, w->params.subtype);
	} else {
		put_string(w, slice_str(t->type));
		put(w, " ");
		put_string(w, slice_str(t->subtype));
	}
	put_params(w, !show_as_octets && strcmp(t->type, "text") == 0);
}

static void
put_transfer(struct writer *w, uint32_t part)
{
	struct slice	 v;

	put(w, " ");
	w->params.type.len = 0;
	if (mime_field(w->m, part, MIME_KEEP_TRANSFER, 0, &v))
		mime_params_parse(&w->params, v, MIME_PARAMS_DISPOSITION);
	put_string(w, w->params.type.len > 0 ? w->params.type :
	    SLICE_LIT("7bit"));
}

static void
put_disposition(struct writer *w, uint32_t part)
{
	struct slice	 v;

	w->params.type.len = 0;
	if (mime_field(w->m, part, MIME_KEEP_DISPOSITION, 0, &v))
		mime_params_parse(&w->params, v, MIME_PARAMS_DISPOSITION);
	if (w->params.type.len == 0) {
		put(w, " NIL");
		return;
	}
	put(w, " (");
	put_string(w, w->params.type);
	put_params(w, false);
	put(w, ")");
}

/* RFC 3282 2: tags with commas and comments between. */
static void
put_language(struct writer *w, uint32_t part)
{
	const char	*between = " (";
	struct slice	 v, tag;
	size_t		 i, depth = 0;
	char		 c;

	tag.len = 0;
	if (!mime_field(w->m, part, MIME_KEEP_LANGUAGE, 0, &v))
		v.len = 0;
	for (i = 0; i <= v.len; i++) {
		c = i < v.len ? v.ptr[i] : ',';
		if (depth == 0 && c != '\0' &&
		    strchr(" \t\r\n,()", c) == NULL) {
			if (tag.len++ == 0)
				tag.ptr = v.ptr + i;
			continue;
		}
		depth += c == '(';
		depth -= c == ')' && depth > 0;
		if (tag.len > 0) {
			put(w, between);
			put_string(w, tag);
			between = " ";
		}
		tag.len = 0;
	}
	put(w, between[1] == '(' ? " NIL" : ")");
}

static void
put_extension(struct writer *w, uint32_t part)
{
	put_disposition(w, part);
	put_language(w, part);
	put_field(w, part, MIME_KEEP_LOCATION);
}

/*
 * Up to where the parts inside come.  All of a part but those is written by
 * begin and end, so that their recursion is a loop.
 */
static void
begin_multipart(struct writer *w, uint32_t part)
{
	put(w, "(");
	if (w->m->part[part].child != MIME_NONE)
		return;
	put(w, EMPTY_TEXT);
	if (w->flags & IMAP_BODY_EXTENDED) {
		begin_extension(w);
		put(w, " NIL NIL NIL NIL");
		end_extension(w);
	}
	put(w, ")");
}

static void
end_multipart(struct writer *w, uint32_t part)
{
	struct content_type	 t;

	mime_type(w->m, part, &t);
	parse_type(w, part);
	put(w, " ");
	put_string(w, w->params.subtype.len == strlen(t.subtype) ?
	    w->params.subtype : slice_str(t.subtype));
	if (w->flags & IMAP_BODY_EXTENDED) {
		begin_extension(w);
		put_params(w, false);
		put_extension(w, part);
		end_extension(w);
	}
	put(w, ")");
}

/* True: what is shown of it goes on with the message inside. */
static bool
shows_message(const struct writer *w, uint32_t part,
    const struct content_type *t)
{
	return w->m->part[part].kind == MIME_PART_MESSAGE &&
	    (strcmp(t->subtype, "rfc822") == 0 ||
	    (w->flags & IMAP_BODY_GLOBAL) != 0);
}

static void
end_single(struct writer *w, uint32_t part, bool lines)
{
	if (lines && buf_addf(w->out, " %" PRIu32,
	    w->m->part[part].body.lines) == -1)
		w->failed = true;
	if (w->flags & IMAP_BODY_EXTENDED) {
		begin_extension(w);
		put_field(w, part, MIME_KEEP_MD5);
		put_extension(w, part);
		end_extension(w);
	}
	put(w, ")");
}

/* True: the message inside comes next, then end_single(). */
static bool
begin_single(struct writer *w, uint32_t part)
{
	const struct mime_part	*p = &w->m->part[part];
	struct content_type	 t;
	bool			 message, octets;

	mime_type(w->m, part, &t);
	message = shows_message(w, part, &t);
	octets = p->message_type && !message &&
	    (strcmp(t.subtype, "rfc822") == 0 ||
	    (w->flags & IMAP_BODY_GLOBAL) != 0);
	put(w, "(");
	put_type(w, part, &t, octets);
	put_field(w, part, MIME_KEEP_ID);
	put_field(w, part, MIME_KEEP_DESCRIPTION);
	put_transfer(w, part);
	if (buf_addf(w->out, " %" PRIu64, p->body.wire) == -1)
		w->failed = true;
	if (!message) {
		end_single(w, part, strcmp(t.type, "text") == 0);
		return false;
	}
	put(w, " ");
	if (imap_envelope_add(w->out, w->m, p->child) == -1)
		w->failed = true;
	put(w, " ");
	return true;
}

static bool
begin(struct writer *w, uint32_t part)
{
	if (w->m->part[part].kind != MIME_PART_MULTIPART)
		return begin_single(w, part);
	begin_multipart(w, part);
	return w->m->part[part].child != MIME_NONE;
}

static void
end(struct writer *w, uint32_t part)
{
	if (w->m->part[part].kind == MIME_PART_MULTIPART)
		end_multipart(w, part);
	else
		end_single(w, part, true);
}

static void
write_parts(struct writer *w, uint32_t part)
{
	const struct mime	*m = w->m;
	uint32_t		 at = part;

	for (;;) {
		if (w->failed)
			break;
		if (begin(w, at)) {
			at = m->part[at].child;
			continue;
		}
		if (m->part[at].kind == MIME_PART_MULTIPART)
			end(w, at);
		while (at != part && m->part[at].next == MIME_NONE) {
			at = m->part[at].parent;
			end(w, at);
		}
		if (at == part)
			break;
		at = m->part[at].next;
	}
}

static int
body_add(struct buf *out, struct buf *basic, const struct mime *m,
    uint32_t part, unsigned int flags)
{
	struct writer	 w;

	/* Not all of it: the parameters are many. */
	w.out = out;
	w.basic = basic;
	w.copied = out->len;
	w.m = m;
	w.flags = flags;
	w.failed = false;
	mime_params_init(&w.params);
	write_parts(&w, part);
	begin_extension(&w);		/* there is none: the rest */
	mime_params_free(&w.params);
	return w.failed ? -1 : 0;
}

int
imap_body_add(struct buf *out, const struct mime *m, uint32_t part,
    unsigned int flags)
{
	return body_add(out, NULL, m, part, flags);
}

int
imap_body_add_both(struct buf *body, struct buf *structure,
    const struct mime *m, uint32_t part, unsigned int flags)
{
	return body_add(structure, body, m, part, flags | IMAP_BODY_EXTENDED);
}
