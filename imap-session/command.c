/* Contract in command.h. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "imap-session/command.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

#define SEQUENCE	(COMMAND_UID | COMMAND_SEQUENCE)
#define NUMBERED	(SEQUENCE | COMMAND_NO_EXPUNGE)

static const struct command commands[] = {
	{ "APPEND", cmd_append, COMMAND_AUTH, 0 },
	{ "AUTHENTICATE", NULL, COMMAND_ANY, COMMAND_LOGIN },
	{ "CAPABILITY", cmd_capability, COMMAND_ANY, 0 },
	{ "CHECK", cmd_noop, COMMAND_SELECTED, 0 },
	{ "CLOSE", cmd_close, COMMAND_SELECTED, COMMAND_NO_UPDATE },
	{ "COMPRESS", cmd_compress, COMMAND_AUTH, COMMAND_NO_UPDATE },
	{ "COPY", cmd_copy, COMMAND_SELECTED, SEQUENCE },
	{ "CREATE", cmd_create, COMMAND_AUTH, 0 },
	{ "DELETE", cmd_delete, COMMAND_AUTH, 0 },
	{ "ENABLE", cmd_enable, COMMAND_UNSELECTED, 0 },
	{ "EXAMINE", cmd_examine, COMMAND_AUTH, COMMAND_NO_UPDATE },
	{ "EXPUNGE", cmd_expunge, COMMAND_SELECTED, COMMAND_UID },
	{ "FETCH", cmd_fetch, COMMAND_SELECTED, NUMBERED },
	{ "GETMETADATA", cmd_getmetadata, COMMAND_AUTH, 0 },
	{ "GETQUOTA", cmd_getquota, COMMAND_AUTH, 0 },
	{ "GETQUOTAROOT", cmd_getquotaroot, COMMAND_AUTH, 0 },
	{ "ID", cmd_id, COMMAND_ANY, 0 },
	{ "IDLE", cmd_idle, COMMAND_AUTH, COMMAND_NO_UPDATE },
	{ "LIST", cmd_list, COMMAND_AUTH, 0 },
	{ "LOGIN", NULL, COMMAND_ANY, COMMAND_LOGIN },
	{ "LOGOUT", cmd_logout, COMMAND_ANY, COMMAND_NO_UPDATE },
	{ "LSUB", cmd_lsub, COMMAND_AUTH, 0 },
	{ "MOVE", cmd_move, COMMAND_SELECTED, SEQUENCE },
	{ "NAMESPACE", cmd_namespace, COMMAND_AUTH, 0 },
	{ "NOOP", cmd_noop, COMMAND_ANY, 0 },
	{ "NOTIFY", cmd_notify, COMMAND_AUTH, 0 },
	{ "RENAME", cmd_rename, COMMAND_AUTH, 0 },
	{ "REPLACE", cmd_replace, COMMAND_SELECTED, SEQUENCE },
	{ "SEARCH", cmd_search, COMMAND_SELECTED, NUMBERED },
	{ "SELECT", cmd_select, COMMAND_AUTH, COMMAND_NO_UPDATE },
	{ "SETMETADATA", cmd_setmetadata, COMMAND_AUTH, 0 },
	{ "SETQUOTA", cmd_setquota, COMMAND_AUTH, 0 },
	{ "SORT", cmd_sort, COMMAND_SELECTED, NUMBERED },
	{ "STARTTLS", NULL, COMMAND_ANY, COMMAND_LOGIN },
	{ "STATUS", cmd_status, COMMAND_AUTH, 0 },
	{ "STORE", cmd_store, COMMAND_SELECTED, NUMBERED },
	{ "SUBSCRIBE", cmd_subscribe, COMMAND_AUTH, 0 },
	{ "THREAD", cmd_thread, COMMAND_SELECTED, NUMBERED },
	{ "UNSELECT", cmd_unselect, COMMAND_SELECTED, COMMAND_NO_UPDATE },
	{ "UNSUBSCRIBE", cmd_unsubscribe, COMMAND_AUTH, 0 },
};

enum command_end
command_answer(struct session *s, enum command_end end, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	buf_clear(&s->answer);
	if (buf_vaddf(&s->answer, fmt, ap) == -1)
		buf_clear(&s->answer);
	va_end(ap);
	return end;
}

enum command_end
command_failed(struct session *s, const char *what)
{
	const char	*text;

	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		text = "[NONEXISTENT] There is no such mailbox";
		break;
	case EDQUOT:
		text = "[OVERQUOTA] The mailbox would be larger than allowed";
		break;
	case ENOSPC:
		log_warn("event=imap-no-space command=%s user=%s", what,
		    log_esc(s->who->user));
		text = "[LIMIT] There is no room left on the disk";
		break;
	case EROFS:
	case EACCES:
	case EPERM:
		text = "[NOPERM] This may not be changed";
		break;
	case EAGAIN:
	case EBUSY:
		text = "[INUSE] The mailbox is busy, try again later";
		break;
	case EEXIST:
		text = "[ALREADYEXISTS] There is a mailbox of that name";
		break;
	case EINVAL:
	case ENAMETOOLONG:
		text = "[CANNOT] No mailbox can have that name";
		break;
	default:
		log_warn("event=imap-failed command=%s user=%s", what,
		    log_esc(s->who->user));
		text = "[SERVERBUG] Internal error, see the server's log";
		break;
	}
	return command_answer(s, COMMAND_NO, "%s", text);
}

bool
command_mailbox(struct session *s, struct buf *name)
{
	struct slice	 word;

	if (!imap_lex_astring(&s->lex, &word))
		return false;
	switch (mailbox_name_read(word, session_utf8(s), name, NULL)) {
	case MAILBOX_NAME_OK:
		return tree_known(&s->account, name) == 0 ||
		    imap_lex_refuse(&s->lex,
		    "[CANNOT] The mailbox's name is too long");
	case MAILBOX_NAME_EMPTY:
		return imap_lex_refuse(&s->lex,
		    "[CANNOT] A mailbox's name cannot be empty");
	case MAILBOX_NAME_LONG:
		return imap_lex_refuse(&s->lex,
		    "[CANNOT] The mailbox's name is too long");
	case MAILBOX_NAME_BAD:
		break;
	}
	return imap_lex_refuse(&s->lex,
	    "[CANNOT] No mailbox can have that name");
}

struct folder *
command_folder(struct session *s, const char *what, struct slice name,
    bool trycreate, enum command_end *end)
{
	struct folder	*f = NULL;
	struct buf	 dir;

	buf_init(&dir, MAILBOX_DIR_MAX);
	if (mailbox_name_to_dir(name, &dir) == 0)
		f = folder_open(&s->account, buf_cstr(&dir));
	if (f == NULL)
		*end = errno == ENOENT && trycreate ?
		    command_answer(s, COMMAND_NO,
		    "[TRYCREATE] There is no such mailbox") :
		    command_failed(s, what);
	buf_free(&dir);
	return f;
}

static const struct command *
command_find(struct slice name)
{
	size_t	 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* Why a command cannot be given now, or NULL.  RFC 9051 3, RFC 9586 3. */
static const char *
command_reason(const struct session *s, const struct command *c, bool uid)
{
	if (c->flags & COMMAND_LOGIN)
		return "You are logged in already";
	if (uid && !(c->flags & COMMAND_UID))
		return "That command has no UID form";
	if (c->state == COMMAND_SELECTED && s->view.folder == NULL)
		return "No mailbox is selected";
	if (c->state == COMMAND_UNSELECTED && s->view.folder != NULL)
		return "Not while a mailbox is selected";
	if (!uid && (c->flags & COMMAND_SEQUENCE) &&
	    (s->enabled & ENABLED_UIDONLY))
		return "[UIDREQUIRED] Message numbers are not used here";
	return NULL;
}

static void
command_bye(struct session *s, const char *text, enum session_end end)
{
	stream_printf(&s->s, "* BYE %s\r\n", text);
	s->end = end;
}

/* The connection, or the mailbox, has come to its end. */
static void
command_over(struct session *s)
{
	switch (s->lex.status) {
	case STREAM_OK:
	case STREAM_TOOLONG:
	case STREAM_BARE:
		command_bye(s, "The command cannot be followed any more",
		    SESSION_ERRORS);
		return;
	case STREAM_TIMEOUT:
		command_bye(s, "You were silent for too long",
		    SESSION_TIMEOUT);
		return;
	case STREAM_STOP:
		command_bye(s, "[UNAVAILABLE] The server is stopping",
		    SESSION_STOPPED);
		return;
	case STREAM_EOF:
		/* It may be imapd that stops, with a client who still hears. */
		command_bye(s, "The connection is over", SESSION_DROPPED);
		return;
	case STREAM_ERROR:
		s->end = SESSION_DROPPED;
		return;
	}
}

static const char *
command_word(enum command_end end)
{
	switch (end) {
	case COMMAND_OK:	return "OK";
	case COMMAND_NO:	return "NO";
	case COMMAND_BAD:
	case COMMAND_LEX:
	case COMMAND_SENT:	break;
	}
	return "BAD";
}

static void
command_tagged(struct session *s, const char *name, enum command_end end)
{
	if (end == COMMAND_LEX) {
		end = s->lex.no ? COMMAND_NO : COMMAND_BAD;
		command_answer(s, end, "%s", s->lex.error);
	} else if (s->answer.len == 0)
		command_answer(s, end, end == COMMAND_OK ? "%s completed" :
		    "%s failed", name);
	if (end != COMMAND_BAD)
		s->errors = 0;
	else if (++s->errors >= SESSION_BADS && s->end == SESSION_GOES_ON) {
		command_bye(s, "Too many senseless commands", SESSION_ERRORS);
		return;
	}
	stream_printf(&s->s, "%s %s %s\r\n", s->lex.tag, command_word(end),
	    buf_cstr(&s->answer));
}

/* What is left of the command, then news, then the answer. */
static void
command_finish(struct session *s, const struct command *c, bool uid,
    enum command_end end)
{
	enum view_depth	 depth = VIEW_ALL;
	bool		 there = true;

	imap_lex_finish(&s->lex);
	if (s->lex.status != STREAM_OK) {
		command_over(s);
		return;
	}
	if (c != NULL && (end == COMMAND_OK || end == COMMAND_NO) &&
	    !(c->flags & COMMAND_NO_UPDATE) && s->end == SESSION_GOES_ON) {
		if ((c->flags & COMMAND_NO_EXPUNGE) && !uid)
			depth = VIEW_NO_EXPUNGE;
		there = view_update(s, depth);
	}
	/* First what became of the command: an APPEND was done. */
	if (end != COMMAND_SENT)
		command_tagged(s, c == NULL ? "" : c->name, end);
	if (!there)
		command_bye(s, "The selected mailbox is gone", SESSION_LOST);
	if (s->lex.bye && s->end == SESSION_GOES_ON)
		command_over(s);
}

static enum command_end
command_run(struct session *s, struct slice name, const struct command **c,
    bool *uid)
{
	const char	*why;

	if ((*uid = slice_is(name, "UID")) &&
	    (!imap_lex_space(&s->lex) || !imap_lex_atom(&s->lex, &name)))
		return COMMAND_LEX;
	if ((*c = command_find(name)) == NULL)
		return command_answer(s, COMMAND_BAD, "Unknown command");
	if ((why = command_reason(s, *c, *uid)) != NULL)
		return command_answer(s, COMMAND_BAD, "%s", why);
	return (*c)->run(s, *uid);
}

/* From now on it is the client's turn; a parked session was silent before. */
static void
command_ended(struct session *s)
{
	if (s->end == SESSION_PARKED)
		return;
	s->silent = io_monotonic_ms();
	session_stirs(s);
}

void
command_next(struct session *s)
{
	const struct command	*c = NULL;
	enum command_end	 end = COMMAND_LEX;
	struct slice		 name;
	bool			 uid = false, begun;

	begun = imap_lex_begin(&s->lex, &name);
	if (s->lex.status != STREAM_OK) {
		command_over(s);
		return;
	}
	buf_clear(&s->answer);
	s->put.valid = false;
	s->began = s->progress = s->silent = io_monotonic_ms();
	if (begun)
		end = command_run(s, name, &c, &uid);
	command_finish(s, c, uid, end);
	command_ended(s);
}

void
command_idle_again(struct session *s, struct park_idle *idle)
{
	command_finish(s, command_find(SLICE_LIT("IDLE")), false,
	    idle_again(s, idle));
	command_ended(s);
}
