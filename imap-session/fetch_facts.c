/*
 * Facts for FETCH (fetch.h): read from the index for a batch of letters in one
 * walk, what is missing made in between.
 */
#include <errno.h>
#include <string.h>

#include "imap-session/fetch.h"

#define TEXT_MAX	(16 * 1024 * 1024)	/* of a batch; more comes
						 * letter by letter */
#define STRUCTURE \
	((unsigned int)(FETCH_ENVELOPE | FETCH_BODY | FETCH_BODYSTRUCTURE))

static void
add(struct fetch *f, enum facts_kind kind, bool lazy)
{
	struct fetch_facts	*ff = &f->facts[f->nfacts++];

	ff->kind = kind;
	ff->lazy = lazy;
	buf_init(&ff->text, TEXT_MAX);
}

/* Is it of the message's header, which is kept? */
static bool
is_header(const struct fetch_section *s)
{
	return s->nnumber == 0 && s->section == MIME_SECTION_HEADER &&
	    (s->kind == FETCH_OCTETS || s->kind == FETCH_FIELDS);
}

void
fetch_facts_init(struct fetch *f)
{
	size_t	 i;

	for (i = 0; i < f->args.nsection; i++)
		if (!is_header(&f->args.section[i]))
			f->uses_file = true;
	if (f->items & STRUCTURE)
		add(f, FACTS_STRUCTURE, false);
	/* Who reads the file anyway has the header there. */
	if (f->args.nsection > 0 && !f->uses_file)
		add(f, FACTS_HEADER, false);
	if (f->items & FETCH_PREVIEW)
		add(f, FACTS_PREVIEW, f->items & FETCH_PREVIEW_LAZY);
	if (f->items & FETCH_EMAILID)
		add(f, FACTS_DIGEST, false);
}

void
fetch_facts_free(struct fetch *f)
{
	size_t	 i;

	for (i = 0; i < f->nfacts; i++)
		buf_free(&f->facts[i].text);
}

/* " ENVELOPE (...) BODY (...)": as asked for. */
static int
add_structure(const struct fetch *f, struct slice fact, struct buf *out)
{
	bool		 global = session_utf8(f->s);
	struct slice	 run;

	if (f->items & FETCH_ENVELOPE) {
		if (!facts_run(fact, FACTS_ENVELOPE, &run))
			return -1;
		if (buf_add(out, " ENVELOPE ", 10) == -1 ||
		    buf_add(out, run.ptr, run.len) == -1)
			return -1;
	}
	if (f->items & FETCH_BODY) {
		run = facts_body(fact, false, global);
		if (run.len == 0 || buf_add(out, " BODY ", 6) == -1 ||
		    buf_add(out, run.ptr, run.len) == -1)
			return -1;
	}
	if (f->items & FETCH_BODYSTRUCTURE) {
		run = facts_body(fact, true, global);
		if (run.len == 0 || buf_add(out, " BODYSTRUCTURE ", 15) == -1
		    || buf_add(out, run.ptr, run.len) == -1)
			return -1;
	}
	return 0;
}

static int
add_text(const struct fetch *f, enum facts_kind kind, struct slice fact,
    struct buf *out)
{
	if (kind == FACTS_STRUCTURE)
		return add_structure(f, fact, out);
	return buf_add(out, fact.ptr, fact.len);
}

struct walk {
	struct fetch		*f;
	struct fetch_facts	*ff;
	size_t			 i;
	size_t			 found;
};

static int
take(uint32_t uid, struct slice fact, void *arg)
{
	struct walk		*w = arg;
	struct fetch		*f = w->f;
	struct buf		*out = &w->ff->text;
	struct fetch_text	*t;
	size_t			 before = out->len;

	while (w->i < f->n && f->letter[w->i].uid < uid)
		w->i++;
	if (w->i == f->n || f->letter[w->i].uid != uid)
		return 0;
	t = &w->ff->of[w->i];
	if (add_text(f, w->ff->kind, fact, out) == -1) {
		buf_cut(out, before);
		return 0;
	}
	t->offset = before;
	t->len = out->len - before;
	t->there = true;
	w->found++;
	return 0;
}

/* The letters of the batch that have no text yet. */
static void
missing(const struct fetch *f, const struct fetch_facts *ff,
    struct number_set *out)
{
	size_t	 i;

	number_set_clear(out);
	for (i = 0; i < f->n; i++)
		if (!ff->of[i].there && f->letter[i].uid != 0)
			number_set_add(out, f->letter[i].uid,
			    f->letter[i].uid);
}

static void
load(struct fetch *f, struct fetch_facts *ff)
{
	struct folder		*folder = f->s->view.folder;
	struct number_set	 uids = { NULL, 0, 0 };
	struct walk		 w = { .f = f, .ff = ff };

	buf_clear(&ff->text);
	memset(ff->of, 0, sizeof(ff->of));
	missing(f, ff, &uids);
	(void)folder_facts(folder, ff->kind, &uids, take, &w);
	if (w.found < f->n && !ff->lazy) {
		missing(f, ff, &uids);
		(void)facts_make(folder, &uids, ff->kind);
		w.i = 0;
		(void)folder_facts(folder, ff->kind, &uids, take, &w);
	}
	number_set_free(&uids);
}

void
fetch_facts_load(struct fetch *f)
{
	size_t	 i;

	for (i = 0; i < f->nfacts; i++)
		load(f, &f->facts[i]);
}

/* What the index does not have: too large, or no index. */
static bool
make_text(struct fetch *f, struct fetch_facts *ff, size_t i)
{
	struct buf		 fact;
	struct fetch_text	*t = &ff->of[i];
	int			 rc;

	buf_init(&fact, SIZE_MAX / 2);
	rc = facts_get(f->s->view.folder, f->letter[i].uid, ff->kind, &fact);
	if (rc == 0) {
		buf_free(&ff->text);
		memset(ff->of, 0, sizeof(ff->of));
		ff->text.max = SIZE_MAX / 2;
		rc = add_text(f, ff->kind, buf_slice(&fact), &ff->text);
		ff->text.max = TEXT_MAX > ff->text.len ? TEXT_MAX :
		    ff->text.len;
	}
	if (rc == 0) {
		t->offset = 0;
		t->len = ff->text.len;
		t->there = true;
	}
	buf_free(&fact);
	return rc == 0;
}

bool
fetch_facts_text(struct fetch *f, enum facts_kind kind, size_t i,
    struct slice *text)
{
	struct fetch_facts	*ff = f->facts;

	while (ff->kind != kind)
		ff++;
	if (!ff->of[i].there && (ff->lazy || !make_text(f, ff, i)))
		return false;
	text->ptr = buf_cstr(&ff->text) + ff->of[i].offset;
	text->len = ff->of[i].len;
	return true;
}
