/* STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3). */
#include <errno.h>
#include <string.h>

#include "imap-session/command.h"

#define BATCH	128

struct store {
	struct session		*s;
	bool			 uid, silent, conditional;
	struct folder_change	 change;
	struct number_set	 uids;
	struct folder_result	 r;
};

/* "+FLAGS.SILENT" */
static bool
store_op(struct imap_lex *l, struct store *st)
{
	st->change.op = FOLDER_SET;
	if (imap_lex_accept(l, '+'))
		st->change.op = FOLDER_ADD;
	else if (imap_lex_accept(l, '-'))
		st->change.op = FOLDER_REMOVE;
	if (imap_lex_keyword(l, "FLAGS.SILENT"))
		st->silent = true;
	else if (!imap_lex_keyword(l, "FLAGS"))
		return imap_lex_fail(l, "FLAGS expected");
	return true;
}

static bool
store_condition(struct imap_lex *l, struct store *st)
{
	if (!imap_lex_accept(l, '('))
		return true;
	if (!imap_lex_keyword(l, "UNCHANGEDSINCE"))
		return imap_lex_fail(l, "UNCHANGEDSINCE expected");
	st->conditional = true;
	return imap_lex_space(l) &&
	    imap_lex_number64(l, &st->change.unchanged_since) &&
	    imap_lex_expect(l, ')') && imap_lex_space(l);
}

static bool
store_parse(struct store *st, struct slice *set)
{
	struct imap_lex	*l = &st->s->lex;

	st->change.unchanged_since = UINT64_MAX;
	return imap_lex_space(l) && imap_lex_set(l, set) &&
	    imap_lex_space(l) && store_condition(l, st) &&
	    store_op(l, st) && imap_lex_space(l) &&
	    command_flags(st->s, true, !st->s->view.read_only &&
	    st->change.op != FOLDER_REMOVE, &st->change.flags,
	    &st->change.keywords) && imap_lex_end(l);
}

/* A change that was to be silent has a modseq all the same. */
static void
store_put_modseq(struct session *s, const struct letter *l)
{
	bool	 uidonly = (s->enabled & ENABLED_UIDONLY) != 0;

	stream_put(&s->s, "* ", 2);
	put_number(s, uidonly ? l->uid :
	    number_set_position(&s->view.uids, l->uid));
	if (uidonly) {
		stream_put(&s->s, " UIDFETCH (", 11);
	} else {
		stream_put(&s->s, " FETCH (UID ", 12);
		put_number(s, l->uid);
		stream_put(&s->s, " ", 1);
	}
	stream_put(&s->s, "MODSEQ (", 8);
	put_number(s, l->modseq);
	stream_put(&s->s, "))\r\n", 4);
}

/*
 * What became of the letters: of all, unless the client wants no answer; then
 * only the modseqs of those that changed, if it wants modseqs.
 */
static int
store_tell(struct store *st)
{
	struct session		*s = st->s;
	struct number_set	 told = { NULL, 0, 0 };
	struct letter		 letter[BATCH];
	uint32_t		 from = 1;
	ssize_t			 n = 0, i;

	if (st->silent && !(s->enabled & ENABLED_CONDSTORE))
		return 0;
	number_set_copy(&told, st->silent ? &st->r.changed : &st->uids);
	number_set_remove_set(&told, &st->r.failed);
	while (from != 0 && told.n > 0 && !s->s.dead) {
		n = folder_letters_of(s->view.folder, &told, &from, letter,
		    BATCH);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++) {
			if (st->silent)
				store_put_modseq(s, &letter[i]);
			else
				view_put_flags(s, &letter[i]);
		}
	}
	number_set_free(&told);
	return n == -1 ? -1 : 0;
}

/* "[MODIFIED 7,9]": those that somebody changed before us. */
static enum command_end
store_modified(struct store *st)
{
	struct number_set	 numbers = { NULL, 0, 0 };
	struct buf		 set;
	enum command_end	 end = st->r.gone.n > 0 && !st->uid ?
				    COMMAND_NO : COMMAND_OK;

	buf_init(&set, 512 * 1024);
	if (st->uid)
		number_set_copy(&numbers, &st->r.failed);
	else
		number_set_positions(&st->s->view.uids, &st->r.failed,
		    &numbers);
	if (number_set_format(&numbers, &set) == 0)
		end = command_answer(st->s, end, "[MODIFIED %s] Others have "
		    "changed these", buf_cstr(&set));
	number_set_free(&numbers);
	buf_free(&set);
	return end;
}

static enum command_end
store_run(struct store *st)
{
	struct session	*s = st->s;
	int		 rc, saved;

	rc = folder_store(s->view.folder, &st->uids, &st->change, &st->r);
	saved = errno;
	/* A new keyword is told before it is seen. */
	if (st->change.op != FOLDER_REMOVE) {
		s->view.state.keywords |= st->change.keywords;
		view_flags(s, false);
	}
	if (store_tell(st) == 0)
		view_own_change(&s->view, &st->r);
	if (rc == -1) {
		errno = saved;
		return command_failed(s, "STORE");
	}
	if (st->r.failed.n > 0)
		return store_modified(st);
	if (st->r.gone.n > 0 && !st->uid)
		return command_answer(s, COMMAND_NO, "[EXPUNGEISSUED] Some "
		    "messages are no longer there");
	return COMMAND_OK;
}

enum command_end
cmd_store(struct session *s, bool uid)
{
	struct store		 st = { .s = s, .uid = uid };
	struct slice		 set;
	const char		*why;
	enum command_end	 end;

	if (!store_parse(&st, &set))
		return COMMAND_LEX;
	if (s->view.read_only)
		return command_answer(s, COMMAND_NO,
		    "[READ-ONLY] The mailbox is open for reading only");
	if (view_resolve(&s->view, set, uid, &st.uids, &why) == -1) {
		number_set_free(&st.uids);
		return command_answer(s, COMMAND_BAD, "%s", why);
	}
	if (st.conditional)
		session_condstore(s);
	end = st.uids.n == 0 ? COMMAND_OK : store_run(&st);
	folder_result_free(&st.r);
	number_set_free(&st.uids);
	return end;
}
