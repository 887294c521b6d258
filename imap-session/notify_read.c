/* The words of NOTIFY (RFC 5465 8).  Contract in notify.h. */
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/notify.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"

static const struct {
	const char	*name;
	unsigned int	 bit;
} events[] = {
	{ "MessageNew", NOTIFY_NEW },
	{ "MessageExpunge", NOTIFY_EXPUNGE },
	{ "FlagChange", NOTIFY_FLAGS },
	{ "MailboxName", NOTIFY_NAME },
	{ "SubscriptionChange", NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", NOTIFY_METADATA },
	{ "ServerMetadataChange", NOTIFY_SERVER },
};

static const struct {
	const char		*name;
	enum notify_filter	 filter;
} filters[] = {
	{ "selected", NOTIFY_SELECTED },
	{ "selected-delayed", NOTIFY_DELAYED },
	{ "inboxes", NOTIFY_INBOXES },
	{ "personal", NOTIFY_PERSONAL },
	{ "subscribed", NOTIFY_SUBSCRIBED },
	{ "subtree", NOTIFY_SUBTREE },
	{ "mailboxes", NOTIFY_MAILBOXES },
};

static bool
read_filter(struct session *s, struct notify_group *g)
{
	struct slice	 word;
	size_t		 i;

	if (!imap_lex_atom(&s->lex, &word))
		return false;
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (slice_is(word, filters[i].name)) {
			g->filter = filters[i].filter;
			return true;
		}
	return imap_lex_fail(&s->lex, "There is no such set of mailboxes");
}

static bool
read_name(struct session *s, struct notify_group *g)
{
	struct buf	 name;
	bool		 ok;

	if (g->nname == NOTIFY_NAMES)
		return imap_lex_refuse(&s->lex, "[LIMIT] Too many mailboxes");
	buf_init(&name, MAILBOX_NAME_MAX);
	if ((ok = command_mailbox(s, &name))) {
		g->name = xreallocarray(g->name, g->nname + 1,
		    sizeof(*g->name));
		g->name[g->nname++] = xstrndup(name.ptr, name.len);
	}
	buf_free(&name);
	return ok;
}

static bool
read_names(struct session *s, struct notify_group *g)
{
	if (!imap_lex_space(&s->lex))
		return false;
	if (!imap_lex_accept(&s->lex, '('))
		return read_name(s, g);
	do {
		if (!read_name(s, g))
			return false;
	} while (imap_lex_accept(&s->lex, ' '));
	return imap_lex_expect(&s->lex, ')');
}

/*
 * MessageNew's items are kept as they came, to be given to FETCH one day: its
 * syntax is its own business.  Literals are not taken here.
 */
static bool
read_items(struct session *s, struct notify *n)
{
	const char	*begin = s->lex.p;
	char		 c;
	unsigned int	 depth = 0;
	bool		 quoted = false;

	do {
		if ((c = imap_lex_peek(&s->lex)) == '\0')
			return imap_lex_expect(&s->lex, ')');
		if (!imap_lex_accept(&s->lex, c))
			return false;
		if (quoted && c == '\\')
			imap_lex_accept(&s->lex, imap_lex_peek(&s->lex));
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (c == '(') - (c == ')');
	} while (depth > 0);
	buf_clear(&n->fetch);
	if (buf_add(&n->fetch, begin, (size_t)(s->lex.p - begin)) == -1)
		return imap_lex_refuse(&s->lex, "[LIMIT] Too many items");
	return true;
}

static bool
read_event(struct session *s, struct notify *n, struct notify_group *g,
    bool *unknown)
{
	struct slice	 word;
	size_t		 i;

	if (!imap_lex_atom(&s->lex, &word))
		return false;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (slice_is(word, events[i].name))
			break;
	if (i == sizeof(events) / sizeof(events[0])) {
		*unknown = true;
		return true;
	}
	g->events |= events[i].bit;
	if (events[i].bit != NOTIFY_NEW || s->lex.p + 1 >= s->lex.end ||
	    s->lex.p[0] != ' ' || s->lex.p[1] != '(')
		return true;
	if (g->filter != NOTIFY_SELECTED && g->filter != NOTIFY_DELAYED)
		return imap_lex_fail(&s->lex, "MessageNew has items for the "
		    "selected mailbox only");
	return imap_lex_space(&s->lex) && read_items(s, n);
}

static bool
read_events(struct session *s, struct notify *n, struct notify_group *g,
    bool *unknown)
{
	if (imap_lex_keyword(&s->lex, "NONE"))
		return true;
	if (!imap_lex_expect(&s->lex, '('))
		return false;
	do {
		if (!read_event(s, n, g, unknown))
			return false;
	} while (imap_lex_accept(&s->lex, ' '));
	return imap_lex_expect(&s->lex, ')');
}

/* RFC 5465 5: which events need which. */
static bool
read_check(struct session *s, const struct notify_group *g)
{
	unsigned int	 both = g->events & (NOTIFY_NEW | NOTIFY_EXPUNGE);

	if (both != 0 && both != (NOTIFY_NEW | NOTIFY_EXPUNGE))
		return imap_lex_fail(&s->lex,
		    "MessageNew and MessageExpunge go together");
	if ((g->events & NOTIFY_FLAGS) && both == 0)
		return imap_lex_fail(&s->lex,
		    "FlagChange needs MessageNew and MessageExpunge");
	if ((g->filter == NOTIFY_SELECTED || g->filter == NOTIFY_DELAYED) &&
	    (g->events & ~(unsigned int)NOTIFY_MESSAGES))
		return imap_lex_fail(&s->lex,
		    "The selected mailbox has events of messages only");
	return true;
}

static void
group_free(struct notify_group *g)
{
	while (g->nname > 0)
		free(g->name[--g->nname]);
	free(g->name);
}

static bool
read_keep(struct session *s, struct notify *n, const struct notify_group *g)
{
	if (g->filter != NOTIFY_SELECTED && g->filter != NOTIFY_DELAYED) {
		n->group = xreallocarray(n->group, n->ngroup + 1,
		    sizeof(*n->group));
		n->group[n->ngroup++] = *g;
		n->wanted |= g->events;
		return true;
	}
	if (n->selected)
		return imap_lex_fail(&s->lex,
		    "The selected mailbox is there twice");
	n->selected = true;
	n->delayed = g->filter == NOTIFY_DELAYED;
	n->events = g->events;
	return true;
}

static bool
read_group(struct session *s, struct notify *n, bool *unknown)
{
	struct notify_group	 g = { .events = 0 };

	if (!imap_lex_space(&s->lex) || !imap_lex_expect(&s->lex, '(') ||
	    !read_filter(s, &g) ||
	    (g.filter >= NOTIFY_SUBTREE && !read_names(s, &g)) ||
	    !imap_lex_space(&s->lex) ||
	    !read_events(s, n, &g, unknown) ||
	    !imap_lex_expect(&s->lex, ')') ||
	    !read_check(s, &g) || !read_keep(s, n, &g)) {
		group_free(&g);
		return false;
	}
	return true;
}

bool
notify_read(struct session *s, struct notify *n, bool *unknown)
{
	size_t	 groups = 0;

	buf_init(&n->fetch, NOTIFY_FETCH);
	if (s->lex.p < s->lex.end && s->lex.p[0] == ' ' &&
	    s->lex.end - s->lex.p >= 2 && s->lex.p[1] != '(') {
		if (!imap_lex_space(&s->lex))
			return false;
		if (!imap_lex_keyword(&s->lex, "STATUS"))
			return imap_lex_fail(&s->lex,
			    "STATUS or a list is wanted");
		n->status = true;
	}
	do {
		if (groups++ == NOTIFY_GROUPS)
			return imap_lex_refuse(&s->lex,
			    "[LIMIT] Too many groups");
		if (!read_group(s, n, unknown))
			return false;
	} while (!imap_lex_at_end(&s->lex));
	return imap_lex_end(&s->lex);
}

static bool
group_matches(const struct notify_group *g, const struct notify_box *b)
{
	size_t	 i, len;

	switch (g->filter) {
	case NOTIFY_SELECTED:
	case NOTIFY_DELAYED:
		break;
	case NOTIFY_INBOXES:
		return strcmp(b->name, "INBOX") == 0;
	case NOTIFY_PERSONAL:
		return true;
	case NOTIFY_SUBSCRIBED:
		return b->subscribed;
	case NOTIFY_SUBTREE:
	case NOTIFY_MAILBOXES:
		for (i = 0; i < g->nname; i++) {
			len = strlen(g->name[i]);
			if (strncmp(b->name, g->name[i], len) == 0 &&
			    (b->name[len] == '\0' || (b->name[len] == '/' &&
			    g->filter == NOTIFY_SUBTREE)))
				return true;
		}
		break;
	}
	return false;
}

unsigned int
notify_events(const struct notify *n, const struct notify_box *b)
{
	size_t	 i;

	/* The first group that a mailbox is in decides (RFC 5465 6). */
	for (i = 0; i < n->ngroup; i++)
		if (group_matches(&n->group[i], b))
			return n->group[i].events;
	return 0;
}
