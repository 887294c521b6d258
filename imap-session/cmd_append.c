/*
 * APPEND (RFC 9051 6.3.12; MULTIAPPEND, RFC 3502; CATENATE, RFC 4469) and
 * REPLACE (RFC 8508).
 */
#include <errno.h>

#include "imap-session/append_data.h"

struct target {
	struct append	 a;
	struct buf	 name;		/* of the mailbox */
	bool		 replace;
	uint32_t	 uid;		/* the one that is replaced */
};

/* [flags SP] [date-time SP] octets */
static bool
append_one(struct append *a)
{
	struct imap_lex	*l = &a->s->lex;
	uint32_t	 flags = 0, keywords = 0;
	int64_t		 date = LETTER_UNDATED;

	a->end = COMMAND_LEX;
	if (!imap_lex_space(l))
		return false;
	if (imap_lex_peek(l) == '(' && (!command_flags(a->s, false, true,
	    &flags, &keywords) || !imap_lex_space(l)))
		return false;
	if (imap_lex_peek(l) == '"' && (!imap_lex_date_time(l, &date) ||
	    !imap_lex_space(l)))
		return false;
	return append_message(a, flags, keywords, date);
}

/* "* OK [APPENDUID 7 5]": before the old one goes (RFC 8508 3.1). */
static enum command_end
append_replaced(struct target *t, uint32_t validity, uint32_t uid)
{
	struct session		*s = t->a.s;
	struct folder_result	 r = { 0 };
	struct number_set	 uids = { NULL, 0, 0 };
	int			 rc, saved;

	stream_printf(&s->s, "* OK [APPENDUID %u %u] The new message is "
	    "there\r\n", validity, uid);
	number_set_add(&uids, t->uid, t->uid);
	rc = folder_expunge(s->view.folder, &uids, true, &r);
	saved = errno;
	s->expunged += number_set_count(&r.gone);
	view_expunged(s, &r.gone);
	view_own_change(&s->view, &r);
	folder_result_free(&r);
	number_set_free(&uids);
	errno = saved;
	return rc == -1 ? command_failed(s, "REPLACE") : COMMAND_OK;
}

static enum command_end
append_commit(struct target *t)
{
	struct append	*a = &t->a;
	struct session	*s = a->s;
	uint32_t	 validity, first;
	int		 rc;

	rc = folder_append_commit(a->to, &validity, &first);
	a->to = NULL;
	if (rc == -1)
		return command_failed(s, a->what);
	s->appended += a->count;
	if (t->replace)
		return append_replaced(t, validity, first);
	if (a->count == 1)
		return command_answer(s, COMMAND_OK, "[APPENDUID %u %u] "
		    "APPEND completed", validity, first);
	return command_answer(s, COMMAND_OK, "[APPENDUID %u %u:%u] APPEND "
	    "completed", validity, first, first + a->count - 1);
}

static enum command_end
append_messages(struct target *t)
{
	struct append	*a = &t->a;
	struct imap_lex	*l = &a->s->lex;

	if ((a->to = folder_append_new(a->folder)) == NULL)
		return command_failed(a->s, a->what);
	do {
		if (!append_one(a))
			return a->end;
	} while (!t->replace && !imap_lex_at_end(l));
	if (!imap_lex_end(l))
		return COMMAND_LEX;
	return append_commit(t);
}

/* The name, then everything else into the mailbox. */
static enum command_end
append_run(struct target *t)
{
	struct session		*s = t->a.s;
	enum command_end	 end = COMMAND_LEX;

	buf_init(&t->name, 4096);
	if (imap_lex_space(&s->lex) && command_mailbox(s, &t->name) &&
	    (t->a.folder = command_folder(s, t->a.what,
	    buf_slice(&t->name), true, &end)) != NULL)
		end = append_messages(t);
	if (t->a.to != NULL)
		folder_append_abort(t->a.to);
	folder_close(t->a.folder);
	buf_free(&t->name);
	return end;
}

enum command_end
cmd_append(struct session *s, bool uid)
{
	struct target	 t = { .a = { .s = s, .what = "APPEND" } };

	(void)uid;
	return append_run(&t);
}

enum command_end
cmd_replace(struct session *s, bool uid)
{
	struct target		 t = { .a = { .s = s, .what = "REPLACE" },
	    .replace = true };
	struct number_set	 uids = { NULL, 0, 0 };
	struct slice		 set;
	const char		*why;
	uint32_t		 count;

	if (!imap_lex_space(&s->lex) || !imap_lex_set(&s->lex, &set))
		return COMMAND_LEX;
	if (view_resolve(&s->view, set, uid, &uids, &why) == -1) {
		number_set_free(&uids);
		return command_answer(s, COMMAND_BAD, "%s", why);
	}
	count = number_set_count(&uids);
	t.uid = number_set_at(&uids, 1);
	number_set_free(&uids);
	if (s->view.read_only)
		return command_answer(s, COMMAND_NO,
		    "[READ-ONLY] The mailbox is open for reading only");
	if (count > 1)
		return command_answer(s, COMMAND_BAD,
		    "One message is replaced at a time");
	if (count == 0)
		return command_answer(s, COMMAND_NO,
		    "[NONEXISTENT] There is no such message");
	return append_run(&t);
}
