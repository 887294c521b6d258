/* EXPUNGE and UID EXPUNGE (RFC 9051 6.4.3, 6.4.9). */
#include <errno.h>

#include "imap-session/command.h"

/* RFC 7162 3.2.7: up to where the client knows all. */
static enum command_end
expunge_answer(struct session *s)
{
	const struct view	*v = &s->view;

	if (!(s->enabled & ENABLED_CONDSTORE))
		return COMMAND_OK;
	return command_answer(s, COMMAND_OK, "[HIGHESTMODSEQ %llu] EXPUNGE "
	    "completed", (unsigned long long)(v->modseq < v->vanished ?
	    v->modseq : v->vanished));
}

/* Only what the client knows of: others may have marked what came since. */
static enum command_end
expunge_run(struct session *s, const struct number_set *uids)
{
	struct folder_result	 r = { 0 };
	int			 rc, saved;

	rc = folder_expunge(s->view.folder, uids, false, &r);
	saved = errno;
	s->expunged += number_set_count(&r.gone);
	view_expunged(s, &r.gone);
	view_own_change(&s->view, &r);
	folder_result_free(&r);
	if (rc == -1) {
		errno = saved;
		return command_failed(s, "EXPUNGE");
	}
	return expunge_answer(s);
}

enum command_end
cmd_expunge(struct session *s, bool uid)
{
	struct number_set	 uids = { NULL, 0, 0 };
	struct slice		 set;
	const char		*why;
	enum command_end	 end;

	if (uid && (!imap_lex_space(&s->lex) || !imap_lex_set(&s->lex, &set)))
		return COMMAND_LEX;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	if (s->view.read_only)
		return command_answer(s, COMMAND_NO,
		    "[READ-ONLY] The mailbox is open for reading only");
	if (!uid)
		number_set_copy(&uids, &s->view.uids);
	else if (view_resolve(&s->view, set, true, &uids, &why) == -1) {
		number_set_free(&uids);
		return command_answer(s, COMMAND_BAD, "%s", why);
	}
	end = uids.n == 0 ? expunge_answer(s) : expunge_run(s, &uids);
	number_set_free(&uids);
	return end;
}
