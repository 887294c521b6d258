/*
 * SELECT, EXAMINE (RFC 9051 6.3.2, 6.3.3) with CONDSTORE and QRESYNC (RFC 7162
 * 3.1.8, 3.2.5), CLOSE and UNSELECT (RFC 9051 6.4.1, 6.4.2).
 */
#include <errno.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/select_resync.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"

#define PROVISIONAL	0x80000000u	/* UIDs from here on are not kept */

static bool
select_parameters(struct session *s, struct resync *r, bool *condstore)
{
	if (!imap_lex_space(&s->lex) || !imap_lex_expect(&s->lex, '('))
		return false;
	do {
		if (imap_lex_keyword(&s->lex, "CONDSTORE"))
			*condstore = true;
		else if (imap_lex_keyword(&s->lex, "QRESYNC")) {
			if (!resync_read(s, r))
				return false;
		} else
			return imap_lex_fail(&s->lex,
			    "There is no such parameter");
	} while (imap_lex_accept(&s->lex, ' '));
	return imap_lex_expect(&s->lex, ')');
}

static bool
select_words(struct session *s, struct buf *name, struct resync *r,
    bool *condstore)
{
	if (!imap_lex_space(&s->lex) || !command_mailbox(s, name))
		return false;
	if (!imap_lex_at_end(&s->lex) && !select_parameters(s, r, condstore))
		return false;
	return imap_lex_end(&s->lex);
}

/* UIDVALIDITY, UIDs and what is recent, as they are now.  0 or -1. */
static int
select_load(struct session *s, bool examine)
{
	struct view	*v = &s->view;

	if (folder_sync(v->folder, FOLDER_QUICK, &v->state) == -1 ||
	    view_load_uids(v, &v->uids) == -1)
		return -1;
	v->read_only = examine || v->state.read_only;
	v->recent = v->state.recent;
	if (!v->read_only && folder_claim_recent(v->folder, &v->recent) == -1)
		v->recent = v->state.recent;
	v->modseq = v->vanished = v->state.modseq;
	return 0;
}

static void
select_first_unseen(struct session *s)
{
	uint32_t	 uid, n;

	if (s->view.state.unseen == 0 ||
	    folder_first_unseen(s->view.folder, &uid) == -1 ||
	    (n = number_set_position(&s->view.uids, uid)) == 0)
		return;
	stream_printf(&s->s, "* OK [UNSEEN %u] The first unread message\r\n",
	    n);
}

static void
select_tell_codes(struct session *s)
{
	const struct view	*v = &s->view;
	uint32_t		 last;

	stream_printf(&s->s, "* OK [UIDVALIDITY %u] UIDs are valid\r\n"
	    "* OK [UIDNEXT %u] The next UID, or less than it\r\n"
	    "* OK [HIGHESTMODSEQ %llu] The latest change\r\n* OK [",
	    v->state.validity, v->state.next,
	    (unsigned long long)v->state.modseq);
	put_mailbox_id(s, v->state.validity);
	stream_printf(&s->s, "] The mailbox by whatever name\r\n");
	last = number_set_at(&v->uids, number_set_count(&v->uids));
	if (last >= PROVISIONAL)
		stream_printf(&s->s, "* NO [UIDNOTSTICKY] New UIDs cannot be "
		    "written down now\r\n");
}

static void
select_tell(struct session *s)
{
	view_flags(s, true);
	view_tell_new(s);
	if (s->enabled & ENABLED_REV2) {
		stream_printf(&s->s, "* LIST () \"/\" ");
		put_mailbox(s, slice_str(s->view.name));
		stream_printf(&s->s, "\r\n");
	} else
		select_first_unseen(s);
	select_tell_codes(s);
}

static void
select_leave(struct session *s)
{
	if (s->view.folder == NULL)
		return;
	view_close(s);
	stream_printf(&s->s, "* OK [CLOSED] The mailbox before is closed\r\n");
}

static enum command_end
select_open(struct session *s, const char *what, struct slice name,
    const struct resync *r)
{
	enum command_end	 end;
	bool			 examine = what[0] == 'E';

	if ((s->view.folder = command_folder(s, what, name, false, &end)) ==
	    NULL)
		return end;
	s->view.name = xstrndup(name.ptr, name.len);
	if (select_load(s, examine) == -1) {
		end = command_failed(s, what);
		view_close(s);
		return end;
	}
	select_tell(s);
	resync_tell(s, r);
	return command_answer(s, COMMAND_OK, "[READ-%s] %s completed",
	    s->view.read_only ? "ONLY" : "WRITE", what);
}

static enum command_end
select_run(struct session *s, const char *what)
{
	enum command_end	 end = COMMAND_LEX;
	struct resync		 r = { .asked = false };
	struct buf		 name;
	bool			 condstore = false;

	buf_init(&name, MAILBOX_NAME_MAX);
	if (select_words(s, &name, &r, &condstore)) {
		select_leave(s);
		if (condstore)
			s->enabled |= ENABLED_CONDSTORE;
		end = select_open(s, what, buf_slice(&name), &r);
	}
	resync_free(&r);
	buf_free(&name);
	return end;
}

enum command_end
cmd_select(struct session *s, bool uid)
{
	(void)uid;
	return select_run(s, "SELECT");
}

enum command_end
cmd_examine(struct session *s, bool uid)
{
	(void)uid;
	return select_run(s, "EXAMINE");
}

/* Expunges without a word.  What cannot be removed stays; the client leaves. */
enum command_end
cmd_close(struct session *s, bool uid)
{
	struct folder_result	 r = { .before = 0 };
	uint32_t		 n = 0;

	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	if (!s->view.read_only) {
		if (folder_expunge(s->view.folder, NULL, false, &r) == -1)
			log_warn("event=imap-failed command=CLOSE user=%s",
			    log_esc(s->who->user));
		n = number_set_count(&r.gone);
		s->expunged += n;
	}
	/* RFC 7162 3.2.8 */
	if (n > 0 && (s->enabled & ENABLED_QRESYNC))
		command_answer(s, COMMAND_OK,
		    "[HIGHESTMODSEQ %llu] CLOSE completed",
		    (unsigned long long)r.after);
	folder_result_free(&r);
	view_close(s);
	return COMMAND_OK;
}

enum command_end
cmd_unselect(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	view_close(s);
	return COMMAND_OK;
}
