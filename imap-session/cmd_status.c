/* STATUS; contract of the rest in status.h. */
#include <errno.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/status.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

/* In the order in which they are told. */
static const struct {
	const char		*name;
	enum status_item	 item;
} items_known[] = {
	{ "MESSAGES", STATUS_MESSAGES },
	{ "RECENT", STATUS_RECENT },
	{ "UIDNEXT", STATUS_UIDNEXT },
	{ "UIDVALIDITY", STATUS_UIDVALIDITY },
	{ "UNSEEN", STATUS_UNSEEN },
	{ "DELETED", STATUS_DELETED },
	{ "SIZE", STATUS_SIZE },
	{ "HIGHESTMODSEQ", STATUS_HIGHESTMODSEQ },
	{ "APPENDLIMIT", STATUS_APPENDLIMIT },
	{ "MAILBOXID", STATUS_MAILBOXID },
	{ "DELETED-STORAGE", STATUS_DELETED_STORAGE },
};
#define NITEMS	(sizeof(items_known) / sizeof(items_known[0]))

static bool
status_item(struct session *s, unsigned int *items)
{
	size_t	 i;

	for (i = 0; i < NITEMS; i++)
		if (imap_lex_keyword(&s->lex, items_known[i].name)) {
			*items |= items_known[i].item;
			return true;
		}
	return imap_lex_fail(&s->lex, "Unknown status item");
}

bool
status_items(struct session *s, unsigned int *items)
{
	*items = 0;
	if (!imap_lex_expect(&s->lex, '('))
		return false;
	do
		if (!status_item(s, items))
			return false;
	while (imap_lex_accept(&s->lex, ' '));
	return imap_lex_expect(&s->lex, ')');
}

struct status {
	struct folder_state	 state;
	uint64_t		 octets, deleted, recent;
};

/* Recent: to whom selects it next. */
static int
count_recent(struct folder *f, struct status *st)
{
	struct number_set	 uids = { 0 };
	int			 r;

	st->recent = 0;
	if (st->state.recent >= st->state.next)
		return 0;
	if ((r = folder_uids(f, &uids)) == 0) {
		number_set_remove(&uids, 1, st->state.recent - 1);
		st->recent = number_set_count(&uids);
	}
	number_set_free(&uids);
	return r;
}

static int
status_read(struct folder *f, unsigned int items, struct status *st)
{
	memset(st, 0, sizeof(*st));
	if (folder_sync(f, FOLDER_QUICK, &st->state) == -1 ||
	    (items & STATUS_SIZE && folder_octets(f, false,
	    &st->octets) == -1) ||
	    (items & STATUS_DELETED_STORAGE && folder_octets(f, true,
	    &st->deleted) == -1) ||
	    (items & STATUS_RECENT && count_recent(f, st) == -1))
		return -1;
	return 0;
}

static uint64_t
status_number(const struct session *s, const struct status *st,
    enum status_item item)
{
	switch (item) {
	case STATUS_MESSAGES:		return st->state.count;
	case STATUS_RECENT:		return st->recent;
	case STATUS_UIDNEXT:		return st->state.next;
	case STATUS_UIDVALIDITY:
	case STATUS_MAILBOXID:		return st->state.validity;
	case STATUS_UNSEEN:		return st->state.unseen;
	case STATUS_DELETED:		return st->state.deleted;
	case STATUS_SIZE:		return st->octets;
	case STATUS_HIGHESTMODSEQ:	return st->state.modseq;
	case STATUS_APPENDLIMIT:	return s->conf->message_size;
	case STATUS_DELETED_STORAGE:	return st->deleted;
	}
	return 0;
}

int
status_put(struct session *s, struct slice name, unsigned int items)
{
	enum status_item	 item;
	struct status		 st;
	struct folder		*f;
	char			 dir[MAILBOX_DIR_MAX + 1];
	const char		*blank = "";
	size_t			 i;
	int			 r, saved;

	if (tree_dir(name, dir) == -1 ||
	    (f = folder_open(&s->account, dir)) == NULL)
		return -1;
	r = status_read(f, items, &st);
	saved = errno;
	folder_close(f);
	errno = saved;
	if (r == -1)
		return -1;
	stream_printf(&s->s, "* STATUS ");
	put_mailbox(s, name);
	stream_printf(&s->s, " (");
	for (i = 0; i < NITEMS; i++) {
		item = items_known[i].item;
		if (!(items & item))
			continue;
		stream_printf(&s->s, item == STATUS_MAILBOXID ?
		    "%s%s (F%llu)" : "%s%s %llu", blank, items_known[i].name,
		    (unsigned long long)status_number(s, &st, item));
		blank = " ";
	}
	stream_printf(&s->s, ")\r\n");
	return 0;
}

enum command_end
cmd_status(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_LEX;
	unsigned int		 items;
	struct buf		 name;

	(void)uid;
	buf_init(&name, MAILBOX_NAME_MAX);
	if (imap_lex_space(&s->lex) && command_mailbox(s, &name) &&
	    imap_lex_space(&s->lex) && status_items(s, &items) &&
	    imap_lex_end(&s->lex)) {
		/* Asking for it enables it: RFC 7162 3.1. */
		if (items & STATUS_HIGHESTMODSEQ)
			s->enabled |= ENABLED_CONDSTORE;
		end = status_put(s, buf_slice(&name), items) == 0 ?
		    COMMAND_OK : command_failed(s, "STATUS");
	}
	buf_free(&name);
	return end;
}
