/* THREAD and UID THREAD (RFC 5256). */
#include <stdlib.h>

#include "imap-session/search_command.h"
#include "imap-session/search_fact.h"
#include "imap-session/search_rows.h"
#include "imap-session/thread.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"

struct filling {
	struct search_rows	*rows;
	struct thread_message	*message;
	bool			 references;
};

static void
fill(void *arg, uint32_t uid, struct slice fact)
{
	struct filling		*f = arg;
	struct thread_message	*m;
	struct slice		 run;
	int64_t			 seconds, day;
	size_t			 i;

	if ((i = search_rows_find(f->rows, uid)) == SIZE_MAX)
		return;
	m = &f->message[i];
	if (facts_date(fact, &seconds, &day))
		m->date = seconds;
	if (facts_run(fact, FACTS_BASE_SUBJECT, &run))
		m->subject = search_rows_keep(f->rows, run);
	if (!f->references)
		return;
	if (facts_run(fact, FACTS_MESSAGE_ID, &run))
		m->id = search_rows_keep(f->rows, run);
	if (facts_run(fact, FACTS_REFERENCES, &run))
		m->references = search_rows_keep(f->rows, run);
	if (facts_run(fact, FACTS_REPLY, &run))
		m->reply = run.len > 0;
}

static void
put(void *arg, const char *text, size_t len)
{
	struct session	*s = arg;

	stream_put(&s->s, text, len);
}

static void
put_threads(struct session *s, const struct filling *f)
{
	struct thread	 t;

	if (f->references)
		thread_references(&t, f->message, f->rows->n);
	else
		thread_ordered_subject(&t, f->message, f->rows->n);
	stream_put(&s->s, "* THREAD", 8);
	thread_put(&t, put, s);
	stream_put(&s->s, "\r\n", 2);
	thread_free(&t);
}

static enum command_end
thread_found(struct session *s, bool references, bool uid,
    const struct number_set *found)
{
	struct search_context	 ctx;
	struct search_rows	 rows;
	struct filling		 f = { &rows, NULL, references };
	enum command_end	 end = COMMAND_OK;
	size_t			 i;

	search_context_of(s, &ctx);
	if (search_rows_read(&rows, &ctx, found, false, true) == -1)
		return command_failed(s, "THREAD");
	f.message = xcalloc(rows.n + 1, sizeof(*f.message));
	for (i = 0; i < rows.n; i++) {
		f.message[i].number = uid ? rows.row[i].uid :
		    number_set_position(&s->view.uids, rows.row[i].uid);
		f.message[i].date = rows.row[i].received;
	}
	if (search_each_fact(&ctx, FACTS_SEARCH, found, fill, &f) == -1)
		end = command_failed(s, "THREAD");
	else
		put_threads(s, &f);
	free(f.message);
	search_rows_free(&rows);
	return end;
}

static bool
read_algorithm(struct session *s, bool *references)
{
	if (!imap_lex_space(&s->lex))
		return false;
	*references = imap_lex_keyword(&s->lex, "REFERENCES");
	return *references || imap_lex_keyword(&s->lex, "ORDEREDSUBJECT") ?
	    true : imap_lex_fail(&s->lex, "There is no such algorithm");
}

enum command_end
cmd_thread(struct session *s, bool uid)
{
	struct search_args	 args = { 0 };
	struct number_set	 found = { 0 };
	enum command_end	 end = COMMAND_LEX;
	bool			 references;

	if (read_algorithm(s, &references) &&
	    search_args_charset_name(&s->lex) &&
	    search_args_keys(&s->lex, io_time_us() / 1000000, &args))
		end = search_perform(s, "THREAD", &args, &found);
	if (end == COMMAND_OK)
		end = thread_found(s, references, uid, &found);
	number_set_free(&found);
	search_args_free(&args);
	return end;
}
