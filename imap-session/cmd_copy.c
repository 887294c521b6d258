/* COPY and MOVE (RFC 9051 6.4.7, 6.4.8; RFC 4315 3). */
#include <errno.h>

#include "imap-session/command.h"
#include "lib/base/log.h"

#define SETS_MAX	(512 * 1024)	/* octets of COPYUID's two sets */

struct copy {
	struct session		*s;
	bool			 uid, move;
	struct number_set	 uids;
	struct folder		*to;
	struct folder_copied	 done;
};

static const char *
copy_name(const struct copy *c)
{
	return c->move ? "MOVE" : "COPY";
}

/* Append "COPYUID 7 1:3 4:6".  False: nothing was copied. */
static bool
copy_uids(const struct copy *c, struct buf *out)
{
	struct number_set	 from = { NULL, 0, 0 }, to = { NULL, 0, 0 };
	size_t			 i;
	bool			 ok;

	if (c->done.n == 0)
		return false;
	for (i = 0; i < c->done.n; i++) {
		number_set_add(&from, c->done.from[i], c->done.from[i]);
		number_set_add(&to, c->done.to[i], c->done.to[i]);
	}
	ok = buf_addf(out, "COPYUID %u ", c->done.validity) == 0 &&
	    number_set_format(&from, out) == 0 && buf_addc(out, ' ') == 0 &&
	    number_set_format(&to, out) == 0;
	number_set_free(&from);
	number_set_free(&to);
	return ok;
}

/* RFC 6851 4.3: COPYUID comes before the EXPUNGEs. */
static void
copy_tell_moved(struct copy *c)
{
	struct session	*s = c->s;
	struct buf	 code;

	buf_init(&code, SETS_MAX);
	if (copy_uids(c, &code)) {
		stream_put(&s->s, "* OK [", 6);
		stream_put(&s->s, code.ptr, code.len);
		stream_put(&s->s, "] Moved\r\n", 9);
	}
	buf_free(&code);
	s->expunged += number_set_count(&c->done.source.gone);
	view_expunged(s, &c->done.source.gone);
	view_own_change(&s->view, &c->done.source);
}

/*
 * A COPY that fails leaves the target as it was (RFC 9051 6.4.7); so does one of
 * messages of which some are not there any more.
 */
static void
copy_undo(struct copy *c)
{
	struct folder_result	 r = { 0 };
	struct number_set	 made = { NULL, 0, 0 };
	size_t			 i;

	for (i = 0; i < c->done.n; i++)
		number_set_add(&made, c->done.to[i], c->done.to[i]);
	if (made.n > 0 && folder_expunge(c->to, &made, true, &r) == -1)
		log_warn("event=imap-failed command=COPY user=%s",
		    log_esc(c->s->who->user));
	folder_result_free(&r);
	number_set_free(&made);
}

static enum command_end
copy_answer(struct copy *c)
{
	struct session		*s = c->s;
	const struct view	*v = &s->view;
	struct buf		 code;
	enum command_end	 end = COMMAND_OK;

	if (c->done.n < number_set_count(&c->uids) && !c->uid) {
		if (!c->move)
			copy_undo(c);
		return command_answer(s, COMMAND_NO, "[EXPUNGEISSUED] Some "
		    "messages are no longer there");
	}
	if (c->move) {
		if (s->enabled & ENABLED_CONDSTORE)
			command_answer(s, end, "[HIGHESTMODSEQ %llu] MOVE "
			    "completed", (unsigned long long)
			    (v->modseq < v->vanished ? v->modseq :
			    v->vanished));
		return end;
	}
	buf_init(&code, SETS_MAX);
	if (copy_uids(c, &code))
		command_answer(s, end, "[%s] COPY completed",
		    buf_cstr(&code));
	buf_free(&code);
	return end;
}

static enum command_end
copy_run(struct copy *c)
{
	struct session	*s = c->s;
	int		 rc, saved;

	rc = folder_copy(s->view.folder, &c->uids, c->to, c->move, &c->done);
	saved = errno;
	if (c->move)
		copy_tell_moved(c);
	if (rc == -1) {
		errno = saved;
		return command_failed(s, copy_name(c));
	}
	return copy_answer(c);
}

static enum command_end
copy_or_move(struct session *s, bool uid, bool move)
{
	struct copy		 c = { .s = s, .uid = uid, .move = move };
	struct buf		 name;
	struct slice		 set;
	const char		*why;
	enum command_end	 end = COMMAND_LEX;

	buf_init(&name, 4096);
	if (!imap_lex_space(&s->lex) || !imap_lex_set(&s->lex, &set) ||
	    !imap_lex_space(&s->lex) || !command_mailbox(s, &name) ||
	    !imap_lex_end(&s->lex))
		goto end;
	if (view_resolve(&s->view, set, uid, &c.uids, &why) == -1) {
		end = command_answer(s, COMMAND_BAD, "%s", why);
		goto end;
	}
	if (move && s->view.read_only) {
		end = command_answer(s, COMMAND_NO,
		    "[READ-ONLY] The mailbox is open for reading only");
		goto end;
	}
	c.to = command_folder(s, copy_name(&c), buf_slice(&name), true, &end);
	if (c.to == NULL)
		goto end;
	end = c.uids.n == 0 ? COMMAND_OK : copy_run(&c);
	folder_close(c.to);
	folder_copied_free(&c.done);
end:
	number_set_free(&c.uids);
	buf_free(&name);
	return end;
}

enum command_end
cmd_copy(struct session *s, bool uid)
{
	return copy_or_move(s, uid, false);
}

enum command_end
cmd_move(struct session *s, bool uid)
{
	return copy_or_move(s, uid, true);
}
