/*
 * SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4): the answer as SEARCH or
 * ESEARCH (RFC 4731), "$" (RFC 5182), PARTIAL (RFC 9394), MODSEQ (RFC 7162 3.1.5).
 */
#include <string.h>

#include "imap-session/search_command.h"
#include "lib/base/io.h"

/* What of the result is told, as UIDs. */
struct result {
	const struct search_args	*args;
	const struct number_set		*all;
	struct number_set		 part;	/* PARTIAL */
	uint32_t			 min, max, count;
	bool				 uid;
};

static void
put_word(struct session *s, const char *word)
{
	stream_put(&s->s, word, strlen(word));
}

static uint32_t
number_of(const struct session *s, const struct result *r, uint32_t uid)
{
	return r->uid ? uid : number_set_position(&s->view.uids, uid);
}

static void
put_numbers(struct session *s, const struct result *r,
    const struct number_set *uids)
{
	struct number_set	 numbers = { 0 };

	if (r->uid) {
		put_set(s, uids);
		return;
	}
	number_set_positions(&s->view.uids, uids, &numbers);
	put_set(s, &numbers);
	number_set_free(&numbers);
}

/* Places first to last of the result, or as many as there are. */
static void
take_part(struct result *r)
{
	const struct search_args	*a = r->args;
	struct number_set		 places = { 0 };
	uint32_t			 first = a->first, last = a->last;

	if (first > r->count)
		return;
	if (last > r->count)
		last = r->count;
	if (a->back)
		number_set_add(&places, r->count - last + 1,
		    r->count - first + 1);
	else
		number_set_add(&places, first, last);
	number_set_at_set(r->all, &places, &r->part);
	number_set_free(&places);
}

static bool
only_ends(const struct result *r)
{
	return (r->args->returns & (SEARCH_RETURN_ALL | SEARCH_COUNT)) == 0 &&
	    (r->args->returns & ~(unsigned int)SEARCH_SAVE) != 0;
}

/*
 * What is meant when not all were asked for (RFC 5182 2.1, RFC 9394 3.2, and RFC
 * 7162 3.1.5 for the modification sequence).
 */
static void
meant(const struct result *r, struct number_set *out)
{
	if (!only_ends(r)) {
		number_set_copy(out, r->all);
		return;
	}
	number_set_copy(out, &r->part);
	if ((r->args->returns & SEARCH_MIN) && r->count > 0)
		number_set_add(out, r->min, r->min);
	if ((r->args->returns & SEARCH_MAX) && r->count > 0)
		number_set_add(out, r->max, r->max);
}

static void
put_partial(struct session *s, const struct result *r)
{
	put_word(s, " PARTIAL (");
	stream_put(&s->s, r->args->range.ptr, r->args->range.len);
	put_word(s, " ");
	if (r->part.n == 0)
		put_word(s, "NIL");
	else
		put_numbers(s, r, &r->part);
	put_word(s, ")");
}

static void
put_modseq(struct session *s, const struct result *r, const char *before,
    const char *after)
{
	struct number_set	 set = { 0 };

	if (!r->args->modseq || r->count == 0)
		return;
	meant(r, &set);
	if (set.n > 0) {
		put_word(s, before);
		put_number(s, search_modseq(s, &set));
		put_word(s, after);
	}
	number_set_free(&set);
}

static void
put_esearch(struct session *s, const struct result *r)
{
	unsigned int	 returns = r->args->returns;

	put_word(s, "* ESEARCH (TAG ");
	put_string(s, slice_str(s->lex.tag));
	put_word(s, r->uid ? ") UID" : ")");
	if ((returns & SEARCH_MIN) && r->count > 0) {
		put_word(s, " MIN ");
		put_number(s, number_of(s, r, r->min));
	}
	if ((returns & SEARCH_MAX) && r->count > 0) {
		put_word(s, " MAX ");
		put_number(s, number_of(s, r, r->max));
	}
	if (returns & SEARCH_COUNT) {
		put_word(s, " COUNT ");
		put_number(s, r->count);
	}
	if ((returns & SEARCH_RETURN_ALL) && r->count > 0) {
		put_word(s, " ALL ");
		put_numbers(s, r, r->all);
	}
	if (returns & SEARCH_PARTIAL)
		put_partial(s, r);
	put_modseq(s, r, " MODSEQ ", "");
	put_word(s, "\r\n");
}

static void
put_search(struct session *s, const struct result *r)
{
	struct number_set	 numbers = { 0 };
	uint32_t		 v;
	size_t			 i;

	if (r->uid)
		number_set_copy(&numbers, r->all);
	else
		number_set_positions(&s->view.uids, r->all, &numbers);
	put_word(s, "* SEARCH");
	for (i = 0; i < numbers.n; i++) {
		for (v = numbers.range[i].first;; v++) {
			put_word(s, " ");
			put_number(s, v);
			if (v == numbers.range[i].last)
				break;
		}
	}
	put_modseq(s, r, " (MODSEQ ", ")");
	put_word(s, "\r\n");
	number_set_free(&numbers);
}

static void
tell(struct session *s, struct search_args *args, bool uid,
    const struct number_set *found)
{
	struct result	 r = { .args = args, .all = found, .uid = uid };

	r.count = number_set_count(found);
	if (r.count > 0) {
		r.min = found->range[0].first;
		r.max = found->range[found->n - 1].last;
	}
	/* RFC 9051 6.4.4: IMAP4rev2 knows no SEARCH response. */
	if (!args->extended && (s->enabled & ENABLED_REV2)) {
		args->extended = true;
		args->returns = SEARCH_RETURN_ALL;
	}
	if (args->returns & SEARCH_PARTIAL)
		take_part(&r);
	if (args->returns & SEARCH_SAVE)
		meant(&r, &s->view.saved);
	if (!args->extended)
		put_search(s, &r);
	else if (args->returns != SEARCH_SAVE)
		put_esearch(s, &r);
	number_set_free(&r.part);
}

enum command_end
cmd_search(struct session *s, bool uid)
{
	struct search_args	 args = { 0 };
	struct number_set	 found = { 0 };
	enum command_end	 end = COMMAND_LEX;
	bool			 refused;

	if (search_args_return(&s->lex, &args) &&
	    search_args_charset(&s->lex, (s->enabled & ENABLED_UTF8) != 0) &&
	    search_args_keys(&s->lex, io_time_us() / 1000000, &args))
		end = search_perform(s, "SEARCH", &args, &found);
	/* RFC 5182 2.1: after NO there is nothing in "$". */
	refused = end == COMMAND_NO || (end == COMMAND_LEX && s->lex.no);
	if (refused && (args.returns & SEARCH_SAVE))
		number_set_clear(&s->view.saved);
	if (end == COMMAND_OK)
		tell(s, &args, uid, &found);
	number_set_free(&found);
	search_args_free(&args);
	return end;
}
