/* SORT and UID SORT (RFC 5256, RFC 5957). */
#include <stdlib.h>
#include <string.h>

#include "imap-session/search_command.h"
#include "imap-session/search_fact.h"
#include "imap-session/search_rows.h"
#include "imap-session/sort.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"

/* The texts wanted of a message's facts, copied. */
static void
take_texts(const struct sort_order *o, struct search_rows *rows,
    struct sort_row *row, struct slice fact)
{
	static const enum facts_search	 runs[SORT_TEXTS] = {
		FACTS_BASE_SUBJECT, FACTS_FROM_KEY, FACTS_TO_KEY,
		FACTS_CC_KEY, FACTS_FROM_NAME, FACTS_TO_NAME
	};
	struct slice	 run;
	size_t		 i;

	for (i = 0; i < SORT_TEXTS; i++)
		if (sort_order_has(o, (enum sort_by)(SORT_SUBJECT + i)) &&
		    facts_run(fact, runs[i], &run))
			row->text[i] = search_rows_keep(rows, run);
}

struct filling {
	const struct sort_order	*order;
	struct search_rows	*rows;
	struct sort_row		*row;
};

static void
fill(void *arg, uint32_t uid, struct slice fact)
{
	struct filling	*f = arg;
	struct sort_row	*row;
	int64_t		 seconds, day;
	size_t		 i;

	if ((i = search_rows_find(f->rows, uid)) == SIZE_MAX)
		return;
	row = &f->row[i];
	if (facts_date(fact, &seconds, &day))
		row->date = seconds;
	take_texts(f->order, f->rows, row, fact);
}

static bool
needs_facts(const struct sort_order *o)
{
	int	 by;

	for (by = SORT_SUBJECT; by < SORT_BY; by++)
		if (sort_order_has(o, (enum sort_by)by))
			return true;
	return sort_order_has(o, SORT_DATE);
}

/* Sort and answer. */
static enum command_end
sort_found(struct session *s, const struct sort_order *o, bool uid,
    const struct number_set *found)
{
	struct search_context	 ctx;
	struct search_rows	 rows;
	struct filling		 f = { o, &rows, NULL };
	enum command_end	 end = COMMAND_OK;
	size_t			 i;

	search_context_of(s, &ctx);
	if (search_rows_read(&rows, &ctx, found, sort_order_has(o, SORT_SIZE),
	    true) == -1)
		return command_failed(s, "SORT");
	f.row = xcalloc(rows.n + 1, sizeof(*f.row));
	for (i = 0; i < rows.n; i++) {
		f.row[i].uid = rows.row[i].uid;
		f.row[i].arrival = f.row[i].date = rows.row[i].received;
		f.row[i].size = rows.row[i].wire;
	}
	if (needs_facts(o) && search_each_fact(&ctx,
	    FACTS_SEARCH, found, fill, &f) == -1)
		end = command_failed(s, "SORT");
	if (end == COMMAND_OK) {
		sort_rows(f.row, rows.n, o);
		stream_put(&s->s, "* SORT", 6);
		for (i = 0; i < rows.n; i++) {
			stream_put(&s->s, " ", 1);
			put_number(s, uid ? f.row[i].uid :
			    number_set_position(&s->view.uids, f.row[i].uid));
		}
		stream_put(&s->s, "\r\n", 2);
	}
	free(f.row);
	search_rows_free(&rows);
	return end;
}

enum command_end
cmd_sort(struct session *s, bool uid)
{
	struct search_args	 args = { 0 };
	struct number_set	 found = { 0 };
	struct sort_order	 order;
	enum command_end	 end = COMMAND_LEX;

	if (imap_lex_space(&s->lex) && sort_order_read(&s->lex, &order) &&
	    search_args_charset_name(&s->lex) &&
	    search_args_keys(&s->lex, io_time_us() / 1000000, &args))
		end = search_perform(s, "SORT", &args, &found);
	if (end == COMMAND_OK)
		end = sort_found(s, &order, uid, &found);
	number_set_free(&found);
	search_args_free(&args);
	return end;
}
