/* Contract in search_fact.h and search_parts.h.  Keys that facts.h answers. */
#include <errno.h>
#include <string.h>

#include "imap-session/search_fact.h"
#include "imap-session/search_parts.h"
#include "lib/base/io.h"
#include "lib/base/text.h"

#define PORTION		500	/* made between two calls of progress() */
#define FACT_MOST	((size_t)256 * 1024 * 1024)

bool
search_goes_on(const struct search_context *ctx, uint32_t done, uint32_t goal)
{
	if (ctx->progress == NULL || ctx->progress(ctx->arg, done, goal))
		return true;
	errno = ECANCELED;
	return false;
}

struct pass {
	const struct search_context	*ctx;
	enum facts_kind			 kind;
	void				(*fn)(void *, uint32_t, struct slice);
	void				*arg;
	struct number_set		 seen;
};

static int
take(uint32_t uid, struct slice fact, void *arg)
{
	struct pass	*p = arg;

	number_set_add(&p->seen, uid, uid);
	p->fn(p->arg, uid, fact);
	return 0;
}

/* One by one, for those that cannot be kept. */
static void
take_singly(struct pass *p, const struct number_set *left)
{
	struct buf	 fact;
	uint32_t	 uid;

	buf_init(&fact, FACT_MOST);
	for (uid = number_set_next(left, 1); uid != 0;
	    uid = uid == UINT32_MAX ? 0 : number_set_next(left, uid + 1)) {
		buf_clear(&fact);
		if (facts_get(p->ctx->folder, uid, p->kind, &fact) == 0)
			p->fn(p->arg, uid, buf_slice(&fact));
	}
	buf_free(&fact);
}

/* Make those that are not there, and take them. */
static int
take_missing(struct pass *p, const struct number_set *missing)
{
	struct number_set	 some = { 0 };
	uint32_t		 uid, done = 0;
	uint32_t		 goal = number_set_count(missing);
	int			 rc = 0;

	for (uid = number_set_next(missing, 1); uid != 0 && rc == 0;) {
		number_set_clear(&some);
		number_set_clear(&p->seen);
		while (uid != 0 && number_set_count(&some) < PORTION) {
			number_set_add(&some, uid, uid);
			uid = uid == UINT32_MAX ? 0 :
			    number_set_next(missing, uid + 1);
		}
		done += number_set_count(&some);
		(void)facts_make(p->ctx->folder, &some, p->kind);
		(void)folder_facts(p->ctx->folder, p->kind, &some, take, p);
		number_set_remove_set(&some, &p->seen);
		take_singly(p, &some);
		if (!search_goes_on(p->ctx, done, goal))
			rc = -1;
	}
	number_set_free(&some);
	return rc;
}

int
search_each_fact(const struct search_context *ctx, enum facts_kind kind,
    const struct number_set *in, void (*fn)(void *, uint32_t, struct slice),
    void *arg)
{
	struct pass		 p = { ctx, kind, fn, arg, { 0 } };
	struct number_set	 missing = { 0 };
	int			 rc = 0;

	(void)folder_facts(ctx->folder, kind, in, take, &p);
	number_set_copy(&missing, in);
	number_set_remove_set(&missing, &p.seen);
	if (missing.n > 0)
		rc = take_missing(&p, &missing);
	number_set_free(&p.seen);
	number_set_free(&missing);
	return rc;
}

/* --- keys --------------------------------------------------------------------- */

struct matching {
	struct search			*s;
	const struct search_key		*key;
	struct number_set		*out;
	struct number_set		 later;	/* have a long header */
};

/* RFC 8474 5.1, as FETCH has it: "E" and 20 octets in hexadecimal. */
static bool
is_emailid(struct slice name, struct slice digest)
{
	size_t	 i;

	if (name.len != 41 || name.ptr[0] != 'E' || digest.len < 20)
		return false;
	for (i = 0; i < 40; i++)
		if ("0123456789abcdef"[(unsigned char)digest.ptr[i / 2] >>
		    (i % 2 == 0 ? 4 : 0) & 15] != name.ptr[1 + i])
			return false;
	return true;
}

static bool
fact_has(struct search *s, const struct search_key *k, struct slice fact)
{
	struct slice	 run;
	int64_t		 seconds, day;

	switch (k->kind) {
	case SEARCH_EMAILID:
		return is_emailid(k->name, fact);
	case SEARCH_HEADER:
		return search_header_has(&s->text, fact, k->name,
		    buf_slice(&k->text));
	case SEARCH_SENT:
		return facts_date(fact, &seconds, &day) && day >= k->from &&
		    day < k->to;
	default:
		return facts_run(fact, (unsigned int)k->number, &run) &&
		    (k->text.len == 0 || memmem(run.ptr, run.len,
		    k->text.ptr, k->text.len) != NULL);
	}
}

static void
match(void *arg, uint32_t uid, struct slice fact)
{
	struct matching	*m = arg;

	if (m->key->kind == SEARCH_HEADER && fact.len == 0)
		number_set_add(&m->later, uid, uid);
	else if (fact_has(m->s, m->key, fact))
		number_set_add(m->out, uid, uid);
}

/* The header section is too long to be kept. */
static void
match_letter(struct matching *m, uint32_t uid)
{
	int	 fd;

	if ((fd = folder_file(m->s->ctx->folder, uid)) == -1)
		return;
	if (search_text_header_has(&m->s->text, fd, m->key->name,
	    buf_slice(&m->key->text)) == 1)
		number_set_add(m->out, uid, uid);
	io_close(fd);
}

int
search_facts(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	struct matching	 m = { s, k, out, { 0 } };
	enum facts_kind	 kind;
	uint32_t	 uid;
	int		 rc;

	kind = k->kind == SEARCH_HEADER ? FACTS_HEADER :
	    k->kind == SEARCH_EMAILID ? FACTS_DIGEST : FACTS_SEARCH;
	rc = search_each_fact(s->ctx, kind, in, match, &m);
	for (uid = number_set_next(&m.later, 1); uid != 0 && rc == 0;
	    uid = uid == UINT32_MAX ? 0 : number_set_next(&m.later, uid + 1))
		match_letter(&m, uid);
	number_set_free(&m.later);
	return rc;
}
