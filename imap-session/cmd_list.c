/*
 * LIST and LSUB (RFC 9051 6.3.9, RFC 3501 6.3.9, RFC 5258, RFC 5819, RFC
 * 6154).
 */
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/status.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

#define PATTERNS	100
#define PATTERN_MAX	MAILBOX_NAME_MAX

enum list_option {
	LIST_SUBSCRIBED = 1,
	LIST_SPECIAL_USE = 2,
	LIST_RECURSIVE = 4,
	LIST_STATUS = 8
};

struct list {
	struct session		*s;
	struct tree		 tree;
	struct buf		 pattern[PATTERNS];	/* UTF-8 */
	size_t			 npatterns;
	unsigned int		 select, answer;	/* enum list_option */
	unsigned int		 status;		/* enum status_item */
	bool			 empty;		/* LIST "" "" */
};

/* The reference goes in front, as written; wildcards are direct in UTF-7. */
static bool
list_pattern(struct list *l, struct slice reference)
{
	struct imap_lex	*lex = &l->s->lex;
	struct slice	 word;
	struct buf	 wire, *p;

	if (!imap_lex_list_mailbox(lex, &word))
		return false;
	if (l->npatterns == PATTERNS ||
	    reference.len + word.len > PATTERN_MAX)
		return imap_lex_fail(lex, "Too many or too long patterns");
	l->empty = word.len == 0;
	buf_init(&wire, 2 * PATTERN_MAX);
	buf_add(&wire, reference.ptr, reference.len);
	buf_add(&wire, word.ptr, word.len);
	p = &l->pattern[l->npatterns++];
	buf_init(p, 4 * PATTERN_MAX);
	/* What is no UTF-7 is no mailbox's name either. */
	if (session_utf8(l->s) || mutf7_decode(buf_slice(&wire), p) == -1) {
		buf_clear(p);
		buf_add(p, wire.ptr, wire.len);
	}
	buf_free(&wire);
	return true;
}

static bool
list_patterns(struct list *l, struct slice reference)
{
	struct imap_lex	*lex = &l->s->lex;

	if (!imap_lex_accept(lex, '('))
		return list_pattern(l, reference);
	do
		if (!list_pattern(l, reference))
			return false;
	while (imap_lex_accept(lex, ' '));
	l->empty = false;
	return imap_lex_expect(lex, ')');
}

/* Of both lists of options; false: it is none of these. */
static bool
list_option(struct imap_lex *lex, unsigned int *set)
{
	if (imap_lex_keyword(lex, "SUBSCRIBED"))
		*set |= LIST_SUBSCRIBED;
	else if (imap_lex_keyword(lex, "SPECIAL-USE"))
		*set |= LIST_SPECIAL_USE;
	else
		return false;
	return true;
}

static bool
list_selection(struct list *l)
{
	struct imap_lex	*lex = &l->s->lex;

	if (imap_lex_accept(lex, ')'))
		return true;
	do {
		if (list_option(lex, &l->select))
			continue;
		if (imap_lex_keyword(lex, "RECURSIVEMATCH"))
			l->select |= LIST_RECURSIVE;
		else if (!imap_lex_keyword(lex, "REMOTE"))
			return imap_lex_fail(lex, "Unknown selection option");
	} while (imap_lex_accept(lex, ' '));
	if (l->select == LIST_RECURSIVE)
		return imap_lex_fail(lex,
		    "RECURSIVEMATCH needs another selection option");
	return imap_lex_expect(lex, ')');
}

static bool
list_return(struct list *l)
{
	struct imap_lex	*lex = &l->s->lex;

	if (!imap_lex_keyword(lex, "RETURN"))
		return imap_lex_fail(lex, "RETURN expected");
	if (!imap_lex_space(lex) || !imap_lex_expect(lex, '('))
		return false;
	if (imap_lex_accept(lex, ')'))
		return true;
	do {
		if (list_option(lex, &l->answer))
			continue;
		if (imap_lex_keyword(lex, "STATUS")) {
			l->answer |= LIST_STATUS;
			if (!imap_lex_space(lex) ||
			    !status_items(l->s, &l->status))
				return false;
		} else if (!imap_lex_keyword(lex, "CHILDREN"))
			return imap_lex_fail(lex, "Unknown return option");
	} while (imap_lex_accept(lex, ' '));
	return imap_lex_expect(lex, ')');
}

static bool
list_words(struct list *l)
{
	struct imap_lex	*lex = &l->s->lex;
	struct slice	 reference;

	if (!imap_lex_space(lex) || (imap_lex_accept(lex, '(') &&
	    (!list_selection(l) || !imap_lex_space(lex))) ||
	    !imap_lex_astring(lex, &reference) || !imap_lex_space(lex) ||
	    !list_patterns(l, reference))
		return false;
	if (!imap_lex_at_end(lex) && (!imap_lex_space(lex) ||
	    !list_return(l)))
		return false;
	return imap_lex_end(lex);
}

static bool
list_matches(const struct list *l, const char *name)
{
	size_t	 i;

	for (i = 0; i < l->npatterns; i++)
		if (mailbox_name_matches(buf_slice(&l->pattern[i]),
		    slice_str(name)))
			return true;
	return false;
}

/* Do the selection options want it? */
static bool
list_selects(const struct list *l, const struct tree_item *item)
{
	if (l->select & LIST_SUBSCRIBED && !item->subscribed)
		return false;
	if (l->select & LIST_SPECIAL_USE && item->uses == 0)
		return false;
	return l->select & LIST_SUBSCRIBED || item->exists || item->children;
}

/* Is there one below that is selected?  Those below follow their parent. */
static bool
list_below(const struct list *l, size_t i)
{
	const char	*name = l->tree.item[i].name;
	size_t		 len = strlen(name);

	while (++i < l->tree.n) {
		if (strncmp(l->tree.item[i].name, name, len) != 0 ||
		    l->tree.item[i].name[len] != '/')
			return false;
		if (list_selects(l, &l->tree.item[i]))
			return true;
	}
	return false;
}

static void
put_attributes(struct list *l, const struct tree_item *item)
{
	struct stream	*out = &l->s->s;
	unsigned int	 use;

	stream_printf(out, item->children ? "\\HasChildren" :
	    "\\HasNoChildren");
	if (!item->exists)
		stream_printf(out, " \\NonExistent");
	/* RFC 9051 7.3.1: the one implies the other, for who knows it. */
	if (!item->exists && !(l->s->enabled & ENABLED_REV2))
		stream_printf(out, " \\Noselect");
	if (item->subscribed &&
	    (l->select | l->answer) & LIST_SUBSCRIBED)
		stream_printf(out, " \\Subscribed");
	for (use = 1; use <= TREE_IMPORTANT; use <<= 1)
		if (item->uses & use)
			stream_printf(out, " \\%s", tree_use_name(use));
}

static void
put_item(struct list *l, const struct tree_item *item, bool below)
{
	stream_printf(&l->s->s, "* LIST (");
	put_attributes(l, item);
	stream_printf(&l->s->s, ") \"/\" ");
	put_mailbox(l->s, slice_str(item->name));
	if (below && l->select & LIST_SUBSCRIBED)
		stream_printf(&l->s->s, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	stream_printf(&l->s->s, "\r\n");
	/* One that is gone by now has no status; RFC 5819 2 allows it. */
	if (l->answer & LIST_STATUS && item->exists)
		status_put(l->s, slice_str(item->name), l->status);
}

static void
list_put(struct list *l)
{
	const struct tree_item	*item;
	bool			 below;
	size_t			 i;

	if (l->empty) {
		stream_printf(&l->s->s, "* LIST (\\Noselect) \"/\" \"\"\r\n");
		return;
	}
	for (i = 0; i < l->tree.n; i++) {
		item = &l->tree.item[i];
		if (!list_matches(l, item->name))
			continue;
		below = l->select & LIST_RECURSIVE && list_below(l, i);
		if (below || list_selects(l, item))
			put_item(l, item, below);
	}
}

static void
list_free(struct list *l)
{
	size_t	 i;

	for (i = 0; i < l->npatterns; i++)
		buf_free(&l->pattern[i]);
	tree_free(&l->tree);
	free(l);
}

static struct list *
list_new(struct session *s)
{
	struct list	*l = xcalloc(1, sizeof(*l));

	l->s = s;
	return l;
}

enum command_end
cmd_list(struct session *s, bool uid)
{
	struct list		*l = list_new(s);
	enum command_end	 end = COMMAND_OK;

	(void)uid;
	if (!list_words(l))
		end = COMMAND_LEX;
	else if (tree_read(&s->account, &l->tree) == -1)
		end = command_failed(s, "LIST");
	else
		list_put(l);
	if (l->status & STATUS_HIGHESTMODSEQ)
		s->enabled |= ENABLED_CONDSTORE;
	list_free(l);
	return end;
}

/* RFC 3501 6.3.9: a level that is not subscribed to but has one below. */
static void
lsub_put(struct list *l)
{
	const struct tree_item	*item;
	size_t			 i;

	for (i = 0; i < l->tree.n; i++) {
		item = &l->tree.item[i];
		if (!list_matches(l, item->name) ||
		    (!item->subscribed && !item->subscribed_below))
			continue;
		stream_printf(&l->s->s, "* LSUB (%s) \"/\" ",
		    item->subscribed ? "" : "\\Noselect");
		put_mailbox(l->s, slice_str(item->name));
		stream_printf(&l->s->s, "\r\n");
	}
}

enum command_end
cmd_lsub(struct session *s, bool uid)
{
	struct list		*l = list_new(s);
	enum command_end	 end = COMMAND_OK;
	struct slice		 reference;

	(void)uid;
	if (!imap_lex_space(&s->lex) || !imap_lex_astring(&s->lex,
	    &reference) || !imap_lex_space(&s->lex) ||
	    !list_pattern(l, reference) || !imap_lex_end(&s->lex))
		end = COMMAND_LEX;
	else if (tree_read(&s->account, &l->tree) == -1)
		end = command_failed(s, "LSUB");
	else
		lsub_put(l);
	list_free(l);
	return end;
}
