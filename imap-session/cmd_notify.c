/* NOTIFY (RFC 5465), its command and what it means for the selected mailbox. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/fetch_args.h"
#include "imap-session/notify.h"
#include "lib/base/xmalloc.h"

bool
notify_may_tell(const struct session *s)
{
	return s->notify == NULL || (s->notify->selected &&
	    (s->notify->events & NOTIFY_NEW));
}

bool
notify_may_tell_flags(const struct session *s)
{
	return s->notify == NULL || (s->notify->events & NOTIFY_FLAGS);
}

/*
 * A lexer on octets in memory: MessageNew's items are read by what reads
 * FETCH's.
 */
static void
notify_lex_open(struct imap_lex *lex, struct stream *from,
    const struct session *s, const struct buf *text)
{
	stream_init(from, -1, -1, 1, 0);
	memcpy(from->in, text->ptr, text->len);
	from->in_len = text->len;
	imap_lex_init(lex, from, &s->lex.limit);
	lex->utf8 = s->lex.utf8;
}

static void
notify_lex_close(struct imap_lex *lex, struct stream *from)
{
	imap_lex_free(lex);
	stream_free(from);
}

/* Do the items mean something?  lex has why not. */
static bool
notify_check_items(struct session *s, const struct notify *n)
{
	struct imap_lex		 lex;
	struct stream		 from;
	struct fetch_args	*args;
	struct slice		 name;
	struct buf		 text;
	bool			 ok;

	if (n->fetch.len == 0)
		return true;
	buf_init(&text, NOTIFY_FETCH + 64);
	buf_addf(&text, "x FETCH %s\r\n", buf_cstr(&n->fetch));
	notify_lex_open(&lex, &from, s, &text);
	args = fetch_args_new();
	ok = imap_lex_begin(&lex, &name) && imap_lex_space(&lex) &&
	    fetch_args_parse(&lex, args);
	fetch_args_delete(args);
	if (!ok)
		imap_lex_fail(&s->lex, lex.error != NULL ? lex.error :
		    "MessageNew's items cannot be read");
	notify_lex_close(&lex, &from);
	buf_free(&text);
	return ok;
}

/* As if the client had said it; answers go to the client. */
void
notify_fetch(struct session *s, uint32_t first)
{
	struct imap_lex	 lex, own = s->lex;
	struct stream	 from;
	struct slice	 name;
	struct buf	 text, answer = s->answer;

	if (s->notify == NULL || s->notify->fetch.len == 0)
		return;
	buf_init(&text, NOTIFY_FETCH + 64);
	buf_addf(&text, "x FETCH %u:* %s\r\n", first,
	    buf_cstr(&s->notify->fetch));
	notify_lex_open(&lex, &from, s, &text);
	if (imap_lex_begin(&lex, &name)) {
		/* The client's command has its words, and its answer. */
		s->lex = lex;
		buf_init(&s->answer, answer.max);
		cmd_fetch(s, true);
		buf_free(&s->answer);
		s->answer = answer;
		lex = s->lex;
		s->lex = own;
	}
	notify_lex_close(&lex, &from);
	buf_free(&text);
}

static enum command_end
notify_set(struct session *s, struct notify *n)
{
	bool	 unknown = false;
	int	 saved;

	if (!notify_read(s, n, &unknown) || !notify_check_items(s, n)) {
		notify_free(s, n);
		return COMMAND_LEX;
	}
	if (unknown) {
		notify_free(s, n);
		return command_answer(s, COMMAND_NO, "[BADEVENT (MessageNew "
		    "MessageExpunge FlagChange MailboxName SubscriptionChange "
		    "MailboxMetadataChange ServerMetadataChange)] There is no "
		    "such event");
	}
	notify_free(s, s->notify);
	s->notify = n;
	if (notify_begin(s) == 0)
		return COMMAND_OK;
	saved = errno;
	notify_free(s, n);
	s->notify = NULL;
	errno = saved;
	if (errno == E2BIG)
		return command_answer(s, COMMAND_NO, "[NOTIFICATIONOVERFLOW] "
		    "There are too many mailboxes to look after");
	return command_failed(s, "NOTIFY");
}

enum command_end
cmd_notify(struct session *s, bool uid)
{
	struct notify	*n;

	(void)uid;
	if (!imap_lex_space(&s->lex))
		return COMMAND_LEX;
	if (imap_lex_keyword(&s->lex, "SET"))
		return notify_set(s, xcalloc(1, sizeof(*n)));
	if (!imap_lex_keyword(&s->lex, "NONE")) {
		imap_lex_fail(&s->lex, "SET or NONE is wanted");
		return COMMAND_LEX;
	}
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	notify_free(s, s->notify);
	/* Nothing is told, then, not even of the selected mailbox. */
	s->notify = xcalloc(1, sizeof(*s->notify));
	watch_init(&s->notify->w);
	return COMMAND_OK;
}
