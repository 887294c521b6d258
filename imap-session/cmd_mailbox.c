/*
 * Mailboxes and their names: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE,
 * NAMESPACE (RFC 9051 6.3.4 to 6.3.8, 6.3.10; RFC 6154 3).
 */
#include <errno.h>

#include "imap-session/command.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

/* Uses a mailbox may have: \All and \Flagged would be views of others. */
#define USES	(TREE_ARCHIVE | TREE_DRAFTS | TREE_JUNK | TREE_SENT | TREE_TRASH)

/* Of one word: a mailbox's name, and no more. */
static bool
one_mailbox(struct session *s, struct buf *name)
{
	buf_init(name, MAILBOX_NAME_MAX);
	if (imap_lex_space(&s->lex) && command_mailbox(s, name) &&
	    imap_lex_end(&s->lex))
		return true;
	buf_free(name);
	return false;
}

/* USE (\Sent \Trash) */
static bool
create_uses(struct session *s, unsigned int *uses)
{
	struct slice	 flag;
	unsigned int	 use;

	if (!imap_lex_keyword(&s->lex, "USE") || !imap_lex_space(&s->lex) ||
	    !imap_lex_expect(&s->lex, '('))
		return imap_lex_fail(&s->lex, "Unknown parameter of CREATE");
	while (!imap_lex_accept(&s->lex, ')')) {
		if (*uses != 0 && !imap_lex_space(&s->lex))
			return false;
		if (!imap_lex_flag(&s->lex, &flag))
			return false;
		use = flag.ptr[0] != '\\' ? 0 : tree_use_named((struct slice){
		    flag.ptr + 1, flag.len - 1 });
		if ((use & USES) == 0)
			return imap_lex_refuse(&s->lex,
			    "[USEATTR] No mailbox can have that use");
		*uses |= use;
	}
	return true;
}

static bool
create_words(struct session *s, struct buf *name, unsigned int *uses)
{
	*uses = 0;
	if (!imap_lex_space(&s->lex) || !command_mailbox(s, name))
		return false;
	if (!imap_lex_at_end(&s->lex) && (!imap_lex_space(&s->lex) ||
	    !imap_lex_expect(&s->lex, '(') || !create_uses(s, uses) ||
	    !imap_lex_expect(&s->lex, ')')))
		return false;
	return imap_lex_end(&s->lex);
}

/*
 * The answer has the mailbox's id (RFC 8474 4.1), unless another session has
 * deleted it already.
 */
static enum command_end
created(struct session *s, struct slice name)
{
	char			 dir[MAILBOX_DIR_MAX + 1];
	struct folder_state	 state;
	enum command_end	 end;
	struct folder		*f;

	if (tree_dir(name, dir) == -1 ||
	    (f = folder_open(&s->account, dir)) == NULL)
		return COMMAND_OK;
	end = folder_sync(f, FOLDER_QUICK, &state) == -1 ? COMMAND_OK :
	    command_answer(s, COMMAND_OK, "[MAILBOXID (F%lu)] CREATE "
	    "completed", (unsigned long)state.validity);
	folder_close(f);
	return end;
}

enum command_end
cmd_create(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_LEX;
	struct buf		 name, composed;
	unsigned int		 uses;

	(void)uid;
	buf_init(&name, MAILBOX_NAME_MAX);
	buf_init(&composed, MAILBOX_NAME_MAX);
	if (create_words(s, &name, &uses)) {
		if (mailbox_name_compose(buf_slice(&name), &composed) == -1 ||
		    tree_create(&s->account, buf_slice(&composed), uses) == -1)
			end = errno == ENOTUNIQ ? command_answer(s,
			    COMMAND_NO, "[USEATTR] Another mailbox has that "
			    "use") : command_failed(s, "CREATE");
		else
			end = created(s, buf_slice(&composed));
	}
	buf_free(&name);
	buf_free(&composed);
	return end;
}

enum command_end
cmd_delete(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_OK;
	struct buf		 name;

	(void)uid;
	if (!one_mailbox(s, &name))
		return COMMAND_LEX;
	if (slice_is(buf_slice(&name), "INBOX"))
		end = command_answer(s, COMMAND_NO,
		    "[CANNOT] INBOX cannot be deleted");
	else if (tree_delete(&s->account, buf_slice(&name)) == -1)
		end = command_failed(s, "DELETE");
	buf_free(&name);
	return end;
}

enum command_end
cmd_rename(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_LEX;
	struct buf		 from, to, composed;

	(void)uid;
	buf_init(&from, MAILBOX_NAME_MAX);
	buf_init(&to, MAILBOX_NAME_MAX);
	buf_init(&composed, MAILBOX_NAME_MAX);
	if (imap_lex_space(&s->lex) && command_mailbox(s, &from) &&
	    imap_lex_space(&s->lex) && command_mailbox(s, &to) &&
	    imap_lex_end(&s->lex)) {
		end = COMMAND_OK;
		if (mailbox_name_compose(buf_slice(&to), &composed) == -1 ||
		    tree_rename(&s->account, buf_slice(&from),
		    buf_slice(&composed)) == -1)
			end = command_failed(s, "RENAME");
	}
	buf_free(&from);
	buf_free(&to);
	buf_free(&composed);
	return end;
}

static enum command_end
subscribe(struct session *s, bool on, const char *what)
{
	enum command_end	 end = COMMAND_OK;
	struct buf		 name;

	if (!one_mailbox(s, &name))
		return COMMAND_LEX;
	if (tree_subscribe(&s->account, buf_slice(&name), on) == -1)
		end = command_failed(s, what);
	buf_free(&name);
	return end;
}

enum command_end
cmd_subscribe(struct session *s, bool uid)
{
	(void)uid;
	return subscribe(s, true, "SUBSCRIBE");
}

enum command_end
cmd_unsubscribe(struct session *s, bool uid)
{
	(void)uid;
	return subscribe(s, false, "UNSUBSCRIBE");
}

enum command_end
cmd_namespace(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	stream_printf(&s->s, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return COMMAND_OK;
}
