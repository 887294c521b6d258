/* Contract in search.h.  Here: sets, letters, and keys made of keys. */
#include <errno.h>
#include <string.h>

#include "imap-session/search.h"
#include "imap-session/search_parts.h"
#include "lib/store/trigram.h"

#define BATCH	256	/* letters */

/* --- names ------------------------------------------------------------------ */

static void
resolve_keyword(struct search_key *k, struct account *account)
{
	int	 bit;

	/* RFC 9051 2.3.2: a keyword that is kept like a system flag. */
	if (slice_is(k->name, "$Forwarded")) {
		k->kind = SEARCH_FLAGS;
		k->mask = LETTER_PASSED;
		k->want = k->want ? LETTER_PASSED : 0;
		return;
	}
	bit = account_keyword(account, k->name, false);
	k->mask = bit == -1 ? 0 : 1u << bit;
}

int
search_resolve(struct search_args *args, const struct view *view,
    struct account *account, const char **why)
{
	struct search_key	*k;

	for (k = args->all; k != NULL; k = k->all) {
		if (k->kind == SEARCH_UIDS && view_resolve(view, k->name,
		    k->uid, &k->uids, why) == -1)
			return -1;
		if (k->kind == SEARCH_KEYWORD)
			resolve_keyword(k, account);
	}
	return 0;
}

/* --- letters ---------------------------------------------------------------- */

static bool
within(const struct search_key *k, int64_t when)
{
	return when != LETTER_UNDATED && when >= k->from && when < k->to;
}

/* For keys that cost no more than SEARCH_SAVED. */
static bool
letter_has(const struct search *s, const struct search_key *k,
    const struct letter *l)
{
	const struct search_key	*c;
	bool			 has;

	switch (k->kind) {
	case SEARCH_ALL:
		return true;
	case SEARCH_UIDS:
		return number_set_has(&k->uids, l->uid);
	case SEARCH_RECENT:
		has = s->ctx->recent != 0 && l->uid >= s->ctx->recent;
		return has == (k->number == 1);
	case SEARCH_FLAGS:
		return (l->flags & k->mask) == k->want;
	case SEARCH_KEYWORD:
		return ((l->keywords & k->mask) != 0) == (k->want == 1);
	case SEARCH_MODSEQ:
		return l->modseq >= k->number;
	case SEARCH_LARGER:
		return l->wire != LETTER_UNKNOWN && l->wire > k->number;
	case SEARCH_SMALLER:
		return l->wire < k->number;
	case SEARCH_RECEIVED:
		return within(k, l->received);
	case SEARCH_SAVED:
		return within(k, l->saved);
	case SEARCH_AND:
		for (c = k->child; c != NULL; c = c->next)
			if (!letter_has(s, c, l))
				return false;
		return true;
	case SEARCH_OR:
		return letter_has(s, k->child, l) ||
		    letter_has(s, k->child->next, l);
	case SEARCH_NOT:
		return !letter_has(s, k->child, l);
	case SEARCH_SENT:
	case SEARCH_FIELD:
	case SEARCH_HEADER:
	case SEARCH_EMAILID:
	case SEARCH_BODY:
	case SEARCH_TEXT_KEY:
		break;
	}
	return false;
}

/* Is a kind among this key and those below? */
static bool
asks_for(const struct search_key *k, enum search_kind a, enum search_kind b)
{
	const struct search_key	*c;

	if (k->kind == a || k->kind == b)
		return true;
	for (c = k->child; c != NULL; c = c->next)
		if (asks_for(c, a, b))
			return true;
	return false;
}

static bool
is_of_letters(const struct search_key *k)
{
	return k->cost <= SEARCH_SAVED;
}

/* Letters that have a key or, of an AND, all its cheap ones. */
static int
eval_letters(struct search *s, const struct search_key *k, bool cheap_only,
    const struct number_set *in, struct number_set *out)
{
	struct letter		 l[BATCH];
	const struct search_key	*c;
	uint32_t		 from = 1;
	bool			 wire, received, has;
	ssize_t			 i, n;

	wire = asks_for(k, SEARCH_LARGER, SEARCH_SMALLER);
	received = asks_for(k, SEARCH_RECEIVED, SEARCH_RECEIVED);
	while (from != 0 && (n = folder_letters_of(s->ctx->folder, in, &from,
	    l, BATCH)) != 0) {
		if (n == -1 || ((wire || received) && folder_complete(
		    s->ctx->folder, l, (size_t)n, wire, received) == -1))
			return -1;
		for (i = 0; i < n; i++) {
			if (l[i].uid == 0)
				continue;
			has = true;
			if (!cheap_only)
				has = letter_has(s, k, &l[i]);
			else
				for (c = k->child; c != NULL && has;
				    c = c->next)
					has = !is_of_letters(c) ||
					    letter_has(s, c, &l[i]);
			if (has)
				number_set_add(out, l[i].uid, l[i].uid);
		}
	}
	return 0;
}

/* --- keys made of keys -------------------------------------------------------- */

static int	eval(struct search *, const struct search_key *,
		    const struct number_set *, struct number_set *);

static void
swap(struct number_set *a, struct number_set *b)
{
	struct number_set	 t = *a;

	*a = *b;
	*b = t;
}

static int
eval_and(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	struct number_set	 next = { 0 };
	const struct search_key	*c;
	unsigned int		 cost;
	bool			 letters = false;
	int			 rc = 0;

	number_set_copy(out, in);
	/* What needs no letter at all narrows what is read. */
	for (c = k->child; c != NULL; c = c->next) {
		if (c->kind == SEARCH_UIDS)
			number_set_intersect(out, &c->uids);
		letters |= is_of_letters(c) && c->cost > SEARCH_UIDS;
	}
	if (letters) {
		rc = eval_letters(s, k, true, out, &next);
		swap(out, &next);
	}
	for (cost = SEARCH_ALL; cost < SEARCH_AND && rc == 0; cost++) {
		for (c = k->child; c != NULL && rc == 0; c = c->next) {
			if (c->cost != cost || c->kind == SEARCH_UIDS ||
			    (is_of_letters(c) && letters))
				continue;
			rc = eval(s, c, out, &next);
			swap(out, &next);
		}
	}
	number_set_free(&next);
	return rc;
}

static int
eval_or(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	const struct search_key	*a = k->child, *b = a->next;
	struct number_set	 rest = { 0 }, more = { 0 };
	int			 rc;

	if (a->cost > b->cost) {
		a = b;
		b = k->child;
	}
	rc = eval(s, a, in, out);
	if (rc == 0) {
		number_set_copy(&rest, in);
		number_set_remove_set(&rest, out);
		rc = eval(s, b, &rest, &more);
		number_set_add_set(out, &more);
	}
	number_set_free(&rest);
	number_set_free(&more);
	return rc;
}

static int
eval_not(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	struct number_set	 has = { 0 };
	int			 rc;

	rc = eval(s, k->child, in, &has);
	number_set_copy(out, in);
	number_set_remove_set(out, &has);
	number_set_free(&has);
	return rc;
}

/* UIDs of in that match, out is overwritten.  0 or -1. */
static int
eval(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	number_set_clear(out);
	if (in->n == 0)
		return 0;
	if (is_of_letters(k) && k->cost > SEARCH_UIDS)
		return eval_letters(s, k, false, in, out);
	switch (k->kind) {
	case SEARCH_AND:
		return eval_and(s, k, in, out);
	case SEARCH_OR:
		return eval_or(s, k, in, out);
	case SEARCH_NOT:
		return eval_not(s, k, in, out);
	case SEARCH_ALL:
	case SEARCH_UIDS:
		number_set_copy(out, in);
		if (k->kind == SEARCH_UIDS)
			number_set_intersect(out, &k->uids);
		return 0;
	case SEARCH_SENT:
	case SEARCH_FIELD:
	case SEARCH_HEADER:
	case SEARCH_EMAILID:
		return search_facts(s, k, in, out);
	case SEARCH_BODY:
	case SEARCH_TEXT_KEY:
		return search_body(s, k, in, out);
	case SEARCH_RECENT:
	case SEARCH_FLAGS:
	case SEARCH_KEYWORD:
	case SEARCH_MODSEQ:
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
	case SEARCH_RECEIVED:
	case SEARCH_SAVED:
		break;
	}
	return eval_letters(s, k, false, in, out);
}

int
search_run(const struct search_context *ctx, const struct search_args *args,
    const struct number_set *in, struct number_set *out)
{
	struct search		 s = { .ctx = ctx };
	struct number_set	 there = { 0 };
	int			 rc, saved;

	search_text_init(&s.text);
	number_set_clear(out);
	rc = folder_uids(ctx->folder, &s.live);
	if (rc == 0) {
		number_set_copy(&there, in);
		number_set_intersect(&there, &s.live);
		rc = eval(&s, args->key, &there, out);
	}
	saved = errno;
	if (rc == -1)
		number_set_clear(out);
	number_set_free(&there);
	number_set_free(&s.live);
	trigram_close(s.trigram);
	search_text_free(&s.text);
	errno = saved;
	return rc;
}
