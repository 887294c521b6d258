/* Contract in facts_form.h. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "imap-session/facts.h"
#include "imap-session/facts_form.h"
#include "imap-session/wire.h"
#include "lib/mail/address_read.h"
#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/imap_body.h"

#define RUN_HEAD	4
#define DAY		86400

/* --- runs ------------------------------------------------------------------ */

/* A run begins: where its length goes. */
static size_t
begin_run(struct buf *out)
{
	size_t	 at = out->len;

	return buf_add(out, "\0\0\0", RUN_HEAD) == -1 ? SIZE_MAX : at;
}

static int
end_run(struct buf *out, size_t at)
{
	uint32_t	 len = (uint32_t)(out->len - at - RUN_HEAD);

	memcpy(out->ptr + at, &len, sizeof(len));
	return 0;
}

bool
facts_run(struct slice fact, unsigned int n, struct slice *run)
{
	uint32_t	 len;

	for (;;) {
		if (fact.len < RUN_HEAD)
			return false;
		memcpy(&len, fact.ptr, sizeof(len));
		fact.ptr += RUN_HEAD;
		fact.len -= RUN_HEAD;
		if (len > fact.len)
			return false;
		if (n-- == 0)
			break;
		fact.ptr += len;
		fact.len -= len;
	}
	run->ptr = fact.ptr;
	run->len = len;
	return true;
}

struct slice
facts_body(struct slice structure, bool extended, bool global)
{
	struct slice	 run = SLICE_LIT("");

	if (global && facts_run(structure, extended ?
	    FACTS_BODYSTRUCTURE_GLOBAL : FACTS_BODY_GLOBAL, &run))
		return run;
	(void)facts_run(structure, extended ? FACTS_BODYSTRUCTURE :
	    FACTS_BODY, &run);
	return run;
}

bool
facts_date(struct slice search, int64_t *seconds, int64_t *day)
{
	struct slice	 run;

	if (!facts_run(search, FACTS_DATE, &run) ||
	    run.len != sizeof(*seconds) + sizeof(*day))
		return false;
	memcpy(seconds, run.ptr, sizeof(*seconds));
	memcpy(day, run.ptr + sizeof(*seconds), sizeof(*day));
	return true;
}

/* --- structure -------------------------------------------------------------- */

/* BODY and BODYSTRUCTURE. */
static int
body_runs(const struct mime *m, unsigned int flags, struct buf *out)
{
	struct buf	 structure;
	size_t		 at;
	int		 rc = -1;

	buf_init(&structure, IMAP_BODY_MAX);
	if ((at = begin_run(out)) != SIZE_MAX &&
	    imap_body_add_both(out, &structure, m, 0, flags) == 0 &&
	    end_run(out, at) == 0 && (at = begin_run(out)) != SIZE_MAX &&
	    buf_add(out, structure.ptr, structure.len) == 0)
		rc = end_run(out, at);
	buf_free(&structure);
	return rc;
}

int
facts_form_structure(const struct mime *m, struct buf *out)
{
	size_t	 at;

	if ((at = begin_run(out)) == SIZE_MAX ||
	    imap_envelope_add(out, m, 0) == -1 || end_run(out, at) == -1)
		return -1;
	if (body_runs(m, 0, out) == -1)
		return -1;
	return m->has_global ? body_runs(m, IMAP_BODY_GLOBAL, out) : 0;
}

/* --- search ----------------------------------------------------------------- */

struct form {
	const struct mime	*m;
	struct buf		*out;
	struct buf		 text;	/* of one field, decoded */
	struct buf		 from_name, to_name;	/* runs to come */
};

/* The fields of a name, decoded, in casemap form. */
static int
fields_run(struct form *f, enum mime_keep which, bool all)
{
	struct slice	 v;
	size_t		 at, i;

	if ((at = begin_run(f->out)) == SIZE_MAX)
		return -1;
	for (i = 0; (i == 0 || all) && mime_field(f->m, 0, which, i, &v);
	    i++) {
		buf_clear(&f->text);
		if ((i > 0 && buf_addc(f->out, '\n') == -1) ||
		    encoded_word_text(v, &f->text) == -1 ||
		    casemap(buf_slice(&f->text), f->out) == -1)
			return -1;
	}
	return end_run(f->out, at);
}

static int
base_run(struct form *f, bool *reply)
{
	struct slice	 v;
	size_t		 at;

	buf_clear(&f->text);
	if ((at = begin_run(f->out)) == SIZE_MAX)
		return -1;
	if (mime_field(f->m, 0, MIME_KEEP_SUBJECT, 0, &v) &&
	    (base_subject(v, &f->text, reply) == -1 ||
	    casemap(buf_slice(&f->text), f->out) == -1))
		return -1;
	return end_run(f->out, at);
}

struct first {
	struct form	*f;
	struct buf	*name;		/* NULL: nobody wants it */
	int		 rc;
};

/* RFC 5957 3: the display name or, without one, the address. */
static int
take_name(struct first *first, const struct address_item *a)
{
	struct buf	*text = &first->f->text;
	int		 rc;

	buf_clear(text);
	if (a->name.len > 0) {
		rc = encoded_word_text(a->name, text);
	} else {
		rc = buf_add(text, a->local.ptr, a->local.len);
		if (rc == 0 && a->domain.len > 0 &&
		    (rc = buf_addc(text, '@')) == 0)
			rc = buf_add(text, a->domain.ptr, a->domain.len);
	}
	return rc == 0 ? casemap(buf_slice(text), first->name) : -1;
}

/* The first address; a group's name stands for it (RFC 9051 7.5.2). */
static int
take_first(const struct address_item *a, void *arg)
{
	struct first	*first = arg;
	struct buf	*out = first->f->out;
	size_t		 before = out->len;

	if (a->kind != ADDRESS_ITEM_GROUP) {
		first->rc = casemap(a->local, out);
		if (first->rc == 0 && first->name != NULL)
			first->rc = take_name(first, a);
		return 1;
	}
	buf_clear(&first->f->text);
	if ((first->rc = encoded_word_text(a->name, &first->f->text)) == 0)
		first->rc = casemap(buf_slice(&first->f->text), out);
	if (first->rc == 0 && first->name != NULL && out->len > before)
		first->rc = buf_add(first->name, out->ptr + before,
		    out->len - before);
	return 1;
}

/* The key of the first address, and its name for a run to come. */
static int
first_run(struct form *f, enum mime_keep which, struct buf *name)
{
	struct first	 first = { f, name, 0 };
	struct slice	 v;
	size_t		 at, i;

	if ((at = begin_run(f->out)) == SIZE_MAX)
		return -1;
	for (i = 0; mime_field(f->m, 0, which, i, &v); i++)
		if (address_read(v, take_first, &first) != 0)
			break;
	return first.rc == -1 ? -1 : end_run(f->out, at);
}

static int
name_run(struct form *f, const struct buf *name)
{
	size_t	 at;

	if ((at = begin_run(f->out)) == SIZE_MAX ||
	    buf_add(f->out, name->ptr, name->len) == -1)
		return -1;
	return end_run(f->out, at);
}

/*
 * The next "<left@right>" of a value, without quotes, folds and comments
 * (RFC 5322 3.6.4, RFC 5256 2.2); *pos goes on.  False: no more.
 */
static bool
next_id(struct slice v, size_t *pos, struct buf *id)
{
	bool	 quoted = false, at = false;
	size_t	 i;
	char	 c;

again:
	buf_clear(id);
	at = quoted = false;
	for (i = *pos; i < v.len && v.ptr[i] != '<'; i++)
		;
	for (i++; i < v.len; i++) {
		c = v.ptr[i];
		if (c == '\\' && quoted && i + 1 < v.len) {
			c = v.ptr[++i];
		} else if (c == '"') {
			quoted = !quoted;
			continue;
		} else if (!quoted && c == '>') {
			*pos = i + 1;
			if (at && id->ptr[id->len - 1] != '@')
				return true;
			goto again;
		} else if (!quoted && c == '<') {
			*pos = i;
			goto again;
		} else if (!quoted && c == '@') {
			at = id->len > 0;
		}
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (buf_addc(id, c) == -1)
			break;
	}
	*pos = v.len;
	return false;
}

/* The ids of a field, at most max, LF between.  Their number, or -1. */
static int
add_ids(struct form *f, enum mime_keep which, int max)
{
	struct slice	 v;
	size_t		 i, pos;
	int		 n = 0;

	for (i = 0; n < max && mime_field(f->m, 0, which, i, &v); i++) {
		pos = 0;
		while (n < max && next_id(v, &pos, &f->text)) {
			if ((n++ > 0 && buf_addc(f->out, '\n') == -1) ||
			    buf_add(f->out, f->text.ptr, f->text.len) == -1)
				return -1;
		}
	}
	return n;
}

static int
ids_runs(struct form *f)
{
	size_t	 at;
	int	 n;

	if ((at = begin_run(f->out)) == SIZE_MAX ||
	    add_ids(f, MIME_KEEP_MESSAGE_ID, 1) == -1 ||
	    end_run(f->out, at) == -1 ||
	    (at = begin_run(f->out)) == SIZE_MAX ||
	    (n = add_ids(f, MIME_KEEP_REFERENCES, INT32_MAX)) == -1)
		return -1;
	if (n == 0 && add_ids(f, MIME_KEEP_IN_REPLY_TO, 1) == -1)
		return -1;
	return end_run(f->out, at);
}

static int
date_run(struct form *f)
{
	struct slice	 v;
	size_t		 at;
	int64_t		 seconds, day;
	time_t		 t;
	long		 zone;

	if ((at = begin_run(f->out)) == SIZE_MAX)
		return -1;
	if (mime_field(f->m, 0, MIME_KEEP_DATE, 0, &v) &&
	    date_parse_zone(v, &t, &zone) == 0) {
		seconds = t;
		day = (seconds + zone) / DAY - ((seconds + zone) % DAY < 0);
		if (buf_add(f->out, &seconds, sizeof(seconds)) == -1 ||
		    buf_add(f->out, &day, sizeof(day)) == -1)
			return -1;
	}
	return end_run(f->out, at);
}

static int
search_runs(struct form *f)
{
	bool	 reply = false;
	size_t	 at;

	if (fields_run(f, MIME_KEEP_SUBJECT, false) == -1 ||
	    base_run(f, &reply) == -1 ||
	    fields_run(f, MIME_KEEP_FROM, true) == -1 ||
	    fields_run(f, MIME_KEEP_TO, true) == -1 ||
	    fields_run(f, MIME_KEEP_CC, true) == -1 ||
	    fields_run(f, MIME_KEEP_BCC, true) == -1 ||
	    first_run(f, MIME_KEEP_FROM, &f->from_name) == -1 ||
	    first_run(f, MIME_KEEP_TO, &f->to_name) == -1 ||
	    first_run(f, MIME_KEEP_CC, NULL) == -1 ||
	    name_run(f, &f->from_name) == -1 ||
	    name_run(f, &f->to_name) == -1 ||
	    ids_runs(f) == -1)
		return -1;
	if ((at = begin_run(f->out)) == SIZE_MAX ||
	    (reply && buf_addc(f->out, '1') == -1) ||
	    end_run(f->out, at) == -1)
		return -1;
	return date_run(f);
}

int
facts_form_search(const struct mime *m, struct buf *out)
{
	struct form	 f = { .m = m, .out = out };
	int		 rc;

	buf_init(&f.text, 8 * MIME_KEPT_OCTETS);
	buf_init(&f.from_name, out->max);
	buf_init(&f.to_name, out->max);
	rc = search_runs(&f);
	buf_free(&f.text);
	buf_free(&f.from_name);
	buf_free(&f.to_name);
	return rc;
}

/* --- header ------------------------------------------------------------------ */

int
facts_form_header(struct mime *m, struct slice start, struct buf *out)
{
	const struct mime_span	*h;

	mime_parse_slice(m, start);
	h = &m->part[0].header;
	if (h->wire > FACTS_HEADER_MAX)
		return 0;
	start.ptr += h->offset;
	start.len = (size_t)h->len;
	return wire_add(out, start, false);
}
