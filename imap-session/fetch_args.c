/* Contract in fetch_args.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/fetch_args.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/imap_string.h"

#define N(t)		(sizeof(t) / sizeof((t)[0]))
#define LABELS_MAX	(256 * 1024)
#define FIELDS_ALL	(FETCH_SECTIONS_MAX * FETCH_FIELDS_MAX)

static const struct {
	const char	*name;
	unsigned int	 items;
	bool		 alone;		/* a macro: not in parentheses */
} words[] = {
	{ "FLAGS", FETCH_FLAGS, false },
	{ "UID", FETCH_UID, false },
	{ "INTERNALDATE", FETCH_INTERNALDATE, false },
	{ "RFC822.SIZE", FETCH_SIZE, false },
	{ "ENVELOPE", FETCH_ENVELOPE, false },
	{ "BODYSTRUCTURE", FETCH_BODYSTRUCTURE, false },
	{ "MODSEQ", FETCH_MODSEQ, false },
	{ "EMAILID", FETCH_EMAILID, false },
	{ "THREADID", FETCH_THREADID, false },
	{ "SAVEDATE", FETCH_SAVEDATE, false },
	{ "FAST", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE, true },
	{ "ALL", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
	    FETCH_ENVELOPE, true },
	{ "FULL", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
	    FETCH_ENVELOPE | FETCH_BODY, true },
};

/* RFC 3501's names of sections. */
static const struct {
	const char		*name;
	enum mime_section	 section;
	bool			 seen;
} old[] = {
	{ "RFC822", MIME_SECTION_ALL, true },
	{ "RFC822.HEADER", MIME_SECTION_HEADER, false },
	{ "RFC822.TEXT", MIME_SECTION_TEXT, true },
};

void
fetch_args_init(struct fetch_args *a)
{
	memset(a, 0, sizeof(*a));
	buf_init(&a->labels, LABELS_MAX);
}

void
fetch_args_free(struct fetch_args *a)
{
	buf_free(&a->labels);
	free(a->number);
	free(a->field);
	fetch_args_init(a);
}

struct fetch_args *
fetch_args_new(void)
{
	struct fetch_args	*a = xmalloc(sizeof(*a));

	fetch_args_init(a);
	return a;
}

void
fetch_args_delete(struct fetch_args *a)
{
	fetch_args_free(a);
	free(a);
}

/* Letters, digits and dots: all that names of items are made of. */
static struct slice
word(struct imap_lex *l)
{
	struct slice	 s = { l->p, 0 };

	if (l->error != NULL)
		return s;
	while (l->p < l->end && (text_is_alnum(*l->p) || *l->p == '.')) {
		l->p++;
		s.len++;
	}
	return s;
}

static void
put(struct fetch_args *a, struct imap_lex *l, const char *s)
{
	if (buf_addstr(&a->labels, s) == -1)
		(void)imap_lex_refuse(l, "[LIMIT] Too many sections");
}

static struct fetch_section *
add_section(struct imap_lex *l, struct fetch_args *a)
{
	struct fetch_section	*s;

	if (a->nsection == FETCH_SECTIONS_MAX) {
		(void)imap_lex_refuse(l, "[LIMIT] Too many sections");
		return NULL;
	}
	s = &a->section[a->nsection++];
	memset(s, 0, sizeof(*s));
	s->label = a->labels.len;
	if (a->number == NULL)
		a->number = xreallocarray(NULL, FETCH_SECTIONS_MAX *
		    FETCH_NUMBERS_MAX, sizeof(*a->number));
	s->number = a->number + a->nnumber;
	return s;
}

static void
end_section(struct fetch_args *a, struct fetch_section *s)
{
	s->label_len = a->labels.len - s->label;
}

/* "1.2.": *rest is what follows it, up to "]" or a blank. */
static bool
part_number(struct imap_lex *l, struct fetch_args *a, struct fetch_section *s)
{
	uint32_t	 n;

	while (text_is_digit(imap_lex_peek(l))) {
		if (s->nnumber == FETCH_NUMBERS_MAX)
			return imap_lex_fail(l, "Part number too deep");
		if (!imap_lex_nz_number(l, &n))
			return false;
		if (s->nnumber > 0)
			put(a, l, ".");
		if (buf_addf(&a->labels, "%" PRIu32, n) == -1)
			put(a, l, "too long");
		a->number[a->nnumber++] = n;
		s->nnumber++;
		if (!imap_lex_accept(l, '.'))
			return true;
		if (!text_is_digit(imap_lex_peek(l))) {
			/* Of the text that follows; "1.]" has none. */
			put(a, l, ".");
			return imap_lex_peek(l) == ']' ?
			    imap_lex_fail(l, "Wrong part number") : true;
		}
	}
	return true;
}

/* SP "(" names ")" */
static bool
field_names(struct imap_lex *l, struct fetch_args *a, struct fetch_section *s)
{
	struct slice	 name;
	size_t		 i;

	if (a->field == NULL)
		a->field = xreallocarray(NULL, FIELDS_ALL,
		    sizeof(*a->field));
	s->field = a->field + a->nfield;
	if (!imap_lex_space(l) || !imap_lex_expect(l, '('))
		return false;
	put(a, l, " (");
	do {
		if (!imap_lex_astring(l, &name))
			return false;
		if (s->nfield == FETCH_FIELDS_MAX)
			return imap_lex_refuse(l,
			    "[LIMIT] Too many names of fields");
		for (i = 0; i < name.len; i++)
			if (name.ptr[i] <= ' ' || name.ptr[i] == ':' ||
			    name.ptr[i] == 0x7f)
				return imap_lex_fail(l,
				    "Not the name of a field");
		if (name.len == 0)
			return imap_lex_fail(l, "Empty name of a field");
		if (s->nfield > 0)
			put(a, l, " ");
		for (i = 0; i < name.len && imap_lex_is_atom(name.ptr[i]); i++)
			;
		if ((i == name.len ? buf_add(&a->labels, name.ptr, name.len) :
		    imap_string_add(&a->labels, name)) == -1)
			return imap_lex_refuse(l, "[LIMIT] Names too long");
		a->field[a->nfield++] = name;
		s->nfield++;
	} while (imap_lex_accept(l, ' '));
	put(a, l, ")");
	return imap_lex_expect(l, ')');
}

/* section-text, without "[" */
static bool
section_text(struct imap_lex *l, struct fetch_args *a,
    struct fetch_section *s)
{
	struct slice	 w = word(l);

	if (slice_is(w, "HEADER")) {
		s->section = MIME_SECTION_HEADER;
		put(a, l, "HEADER");
	} else if (slice_is(w, "TEXT")) {
		s->section = MIME_SECTION_TEXT;
		put(a, l, "TEXT");
	} else if (slice_is(w, "MIME") && s->nnumber > 0) {
		s->section = MIME_SECTION_MIME;
		put(a, l, "MIME");
	} else if (slice_is(w, "HEADER.FIELDS") ||
	    slice_is(w, "HEADER.FIELDS.NOT")) {
		s->kind = FETCH_FIELDS;
		s->section = MIME_SECTION_HEADER;
		s->without = w.len > strlen("HEADER.FIELDS");
		put(a, l, s->without ? "HEADER.FIELDS.NOT" : "HEADER.FIELDS");
		return field_names(l, a, s);
	} else {
		return imap_lex_fail(l, "Unknown section");
	}
	return true;
}

/* "<" number "." nz-number ">" */
static bool
partial(struct imap_lex *l, struct fetch_args *a, struct fetch_section *s)
{
	if (!imap_lex_accept(l, '<'))
		return l->error == NULL;
	s->partial = true;
	if (!imap_lex_number64(l, &s->first) || !imap_lex_expect(l, '.') ||
	    !imap_lex_number64(l, &s->most) || !imap_lex_expect(l, '>'))
		return false;
	if (s->most == 0)
		return imap_lex_fail(l, "Nothing asked for");
	if (buf_addf(&a->labels, "<%" PRIu64 ">", s->first) == -1)
		put(a, l, "too long");
	return true;
}

/* From the "[" on. */
static bool
section(struct imap_lex *l, struct fetch_args *a, enum fetch_kind kind,
    const char *label)
{
	struct fetch_section	*s;

	if ((s = add_section(l, a)) == NULL)
		return false;
	s->kind = kind;
	s->section = MIME_SECTION_ALL;
	put(a, l, label);
	put(a, l, "[");
	if (!imap_lex_expect(l, '[') || !part_number(l, a, s))
		return false;
	if (imap_lex_peek(l) != ']') {
		if (kind != FETCH_OCTETS)
			return imap_lex_fail(l, "Part number expected");
		if (s->nnumber > 0 && a->labels.ptr[a->labels.len - 1] != '.')
			return imap_lex_fail(l, "Wrong part number");
		if (!section_text(l, a, s))
			return false;
	}
	put(a, l, "]");
	if (!imap_lex_expect(l, ']') ||
	    (kind != FETCH_BINARY_SIZE && !partial(l, a, s)))
		return false;
	end_section(a, s);
	return l->error == NULL;
}

static bool
preview(struct imap_lex *l, struct fetch_args *a)
{
	char	*before = l->p;

	a->items |= FETCH_PREVIEW;
	/* A blank may also come before the next item, or a modifier. */
	if (l->end - l->p < 2 || l->p[0] != ' ' || l->p[1] != '(')
		return true;
	l->p += 2;
	if (!imap_lex_keyword(l, "LAZY")) {
		l->p = before;
		return true;
	}
	a->items |= FETCH_PREVIEW_LAZY;
	return imap_lex_expect(l, ')');
}

static bool
old_section(struct imap_lex *l, struct fetch_args *a, size_t i)
{
	struct fetch_section	*s;

	if ((s = add_section(l, a)) == NULL)
		return false;
	s->section = old[i].section;
	put(a, l, old[i].name);
	end_section(a, s);
	a->sets_seen |= old[i].seen;
	return l->error == NULL;
}

static bool
item(struct imap_lex *l, struct fetch_args *a, bool alone)
{
	struct slice	 w = word(l);
	size_t		 i;
	bool		 bracket = imap_lex_peek(l) == '[';

	for (i = 0; i < N(words) && !bracket; i++)
		if ((alone || !words[i].alone) && slice_is(w, words[i].name)) {
			a->items |= words[i].items;
			return true;
		}
	for (i = 0; i < N(old) && !bracket; i++)
		if (slice_is(w, old[i].name))
			return old_section(l, a, i);
	if (slice_is(w, "PREVIEW") && !bracket)
		return preview(l, a);
	if (slice_is(w, "BODY") && !bracket) {
		a->items |= FETCH_BODY;
		return true;
	}
	if (slice_is(w, "BODY") || slice_is(w, "BINARY"))
		a->sets_seen = true;
	if (slice_is(w, "BODY") || slice_is(w, "BODY.PEEK"))
		return section(l, a, FETCH_OCTETS, "BODY");
	if (slice_is(w, "BINARY") || slice_is(w, "BINARY.PEEK"))
		return section(l, a, FETCH_BINARY, "BINARY");
	if (slice_is(w, "BINARY.SIZE"))
		return section(l, a, FETCH_BINARY_SIZE, "BINARY.SIZE");
	return imap_lex_fail(l, "Unknown FETCH item");
}

/* "-1:-10": one end of it. */
static bool
partial_end(struct imap_lex *l, bool *minus, uint32_t *n)
{
	*minus = imap_lex_accept(l, '-');
	return imap_lex_nz_number(l, n);
}

static bool
partial_range(struct imap_lex *l, struct fetch_args *a)
{
	bool		 minus, also;
	uint32_t	 first, last;

	if (a->has_partial)
		return imap_lex_fail(l, "PARTIAL twice");
	a->has_partial = true;
	if (!imap_lex_space(l) || !partial_end(l, &minus, &first) ||
	    !imap_lex_expect(l, ':') || !partial_end(l, &also, &last))
		return false;
	if (minus != also)
		return imap_lex_fail(l, "Both ends of PARTIAL need a sign, "
		    "or none");
	a->from_end = minus;
	a->first = first < last ? first : last;
	a->last = first < last ? last : first;
	return true;
}

static bool
modifier(struct imap_lex *l, struct fetch_args *a)
{
	if (imap_lex_keyword(l, "CHANGEDSINCE")) {
		if (a->has_changed_since)
			return imap_lex_fail(l, "CHANGEDSINCE twice");
		a->has_changed_since = true;
		return imap_lex_space(l) &&
		    imap_lex_number64(l, &a->changed_since);
	}
	if (imap_lex_keyword(l, "VANISHED")) {
		a->vanished = true;
		return true;
	}
	if (imap_lex_keyword(l, "PARTIAL"))
		return partial_range(l, a);
	return imap_lex_fail(l, "Unknown FETCH modifier");
}

bool
fetch_args_parse(struct imap_lex *l, struct fetch_args *a)
{
	if (imap_lex_accept(l, '(')) {
		do {
			if (!item(l, a, false))
				return false;
		} while (imap_lex_accept(l, ' '));
		if (!imap_lex_expect(l, ')'))
			return false;
	} else if (!item(l, a, true)) {
		return false;
	}
	if (imap_lex_accept(l, ' ')) {
		if (!imap_lex_expect(l, '('))
			return false;
		do {
			if (!modifier(l, a))
				return false;
		} while (imap_lex_accept(l, ' '));
		if (!imap_lex_expect(l, ')'))
			return false;
	}
	if (a->vanished && !a->has_changed_since)
		return imap_lex_fail(l, "VANISHED needs CHANGEDSINCE");
	return imap_lex_end(l);
}
