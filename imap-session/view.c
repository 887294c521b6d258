/* Contract in view.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/notify.h"
#include "imap-session/view.h"
#include "lib/base/log.h"

#define BATCH		128	/* letters read at a time */
#define SET_MAX		100000	/* ranges in a command */
#define VANISHED_RANGES	500	/* in one response */

static void
put_text(struct session *s, const char *text)
{
	stream_put(&s->s, text, strlen(text));
}

/* Octets of a sequence set to UIDs of the view that are numbered so. */
static int
view_parse(const struct view *v, struct slice set, bool uid,
    struct number_set *out)
{
	uint32_t	 count = number_set_count(&v->uids);

	return number_set_parse(set, uid ? number_set_at(&v->uids, count) :
	    count, SET_MAX, out);
}

int
view_resolve(const struct view *v, struct slice set, bool uid,
    struct number_set *uids, const char **why)
{
	struct number_set	 numbers = { NULL, 0, 0 };

	number_set_clear(uids);
	if (slice_is(set, "$")) {
		number_set_copy(uids, &v->saved);
		number_set_intersect(uids, &v->uids);
		return 0;
	}
	if (view_parse(v, set, uid, uid ? uids : &numbers) == -1) {
		*why = errno == EMSGSIZE ? "Too many ranges in the set" :
		    "That is not a set of numbers";
		return -1;
	}
	if (uid) {
		number_set_intersect(uids, &v->uids);
		return 0;
	}
	if (numbers.n > 0 && numbers.range[numbers.n - 1].last >
	    number_set_count(&v->uids)) {
		*why = "There are not so many messages";
		number_set_free(&numbers);
		return -1;
	}
	number_set_at_set(&v->uids, &numbers, uids);
	number_set_free(&numbers);
	return 0;
}

/* RFC 7162 3.2.10: as UIDs, in responses of bounded length. */
static void
view_vanished(struct session *s, const struct number_set *uids)
{
	struct number_set	 part;
	size_t			 i;

	for (i = 0; i < uids->n; i += part.n) {
		part.range = uids->range + i;
		part.n = uids->n - i;
		if (part.n > VANISHED_RANGES)
			part.n = VANISHED_RANGES;
		put_text(s, "* VANISHED ");
		put_set(s, &part);
		put_text(s, "\r\n");
	}
}

/*
 * From the last one down, so that each number is what it was, and who keeps
 * them in an array need not move much.
 */
static void
view_expunge_numbers(struct session *s, const struct number_set *uids)
{
	struct number_set	 numbers = { NULL, 0, 0 };
	uint32_t		 n;
	size_t			 i;

	number_set_positions(&s->view.uids, uids, &numbers);
	for (i = numbers.n; i-- > 0;)
		for (n = numbers.range[i].last; n >= numbers.range[i].first;
		    n--) {
			put_text(s, "* ");
			put_number(s, n);
			put_text(s, " EXPUNGE\r\n");
		}
	number_set_free(&numbers);
}

void
view_expunged(struct session *s, const struct number_set *uids)
{
	struct number_set	 gone = { NULL, 0, 0 };

	number_set_copy(&gone, uids);
	number_set_intersect(&gone, &s->view.uids);
	if (gone.n > 0) {
		if (s->enabled & (ENABLED_QRESYNC | ENABLED_UIDONLY))
			view_vanished(s, &gone);
		else
			view_expunge_numbers(s, &gone);
		number_set_remove_set(&s->view.uids, &gone);
		number_set_remove_set(&s->view.saved, &gone);
	}
	number_set_free(&gone);
}

/* UIDs of the view that are not in the mailbox any more, by looking. */
static int
view_missing(struct session *s, struct number_set *gone)
{
	struct number_set	 now = { NULL, 0, 0 };

	if (folder_uids(s->view.folder, &now) == -1)
		return -1;
	number_set_copy(gone, &s->view.uids);
	number_set_remove_set(gone, &now);
	number_set_free(&now);
	return 0;
}

static void
view_tell_expunged(struct session *s, uint64_t until)
{
	struct number_set	 gone = { NULL, 0, 0 };

	if (folder_vanished(s->view.folder, s->view.vanished, &gone) != 1 &&
	    view_missing(s, &gone) == -1) {
		number_set_free(&gone);
		return;		/* the next time, then */
	}
	view_expunged(s, &gone);
	s->view.vanished = until;
	number_set_free(&gone);
}

int
view_load_uids(const struct view *v, struct number_set *out)
{
	if (folder_uids(v->folder, out) == -1)
		return -1;
	number_set_remove(out, v->state.next, UINT32_MAX);
	return 0;
}

static uint32_t
view_recent(const struct view *v)
{
	uint32_t	 before;

	if (v->recent == 0)
		return 0;
	/* The position of the first recent one, less one. */
	before = number_set_next(&v->uids, v->recent);
	if (before == 0)
		return 0;
	return number_set_count(&v->uids) -
	    number_set_position(&v->uids, before) + 1;
}

/* New letters: those from UID next on.  1, 0 when there are none, -1. */
static int
view_take_new(struct session *s, uint32_t next)
{
	struct number_set	 now = { NULL, 0, 0 };
	uint32_t		 before = number_set_count(&s->view.uids);
	uint32_t		 recent;

	if (view_load_uids(&s->view, &now) == -1)
		return -1;
	if (next > 1)
		number_set_remove(&now, 1, next - 1);
	number_set_add_set(&s->view.uids, &now);
	number_set_free(&now);
	if (number_set_count(&s->view.uids) == before)
		return 0;
	/* Taken, so that they are new to nobody else. */
	if (!s->view.read_only)
		folder_claim_recent(s->view.folder, &recent);
	return 1;
}

void
view_tell_new(struct session *s)
{
	put_text(s, "* ");
	put_number(s, number_set_count(&s->view.uids));
	put_text(s, " EXISTS\r\n");
	if (s->enabled & ENABLED_REV2)
		return;
	put_text(s, "* ");
	put_number(s, view_recent(&s->view));
	put_text(s, " RECENT\r\n");
}

void
view_put_flags(struct session *s, const struct letter *l)
{
	bool	 uidonly = (s->enabled & ENABLED_UIDONLY) != 0;

	put_text(s, "* ");
	put_number(s, uidonly ? l->uid :
	    number_set_position(&s->view.uids, l->uid));
	if (uidonly)
		put_text(s, " UIDFETCH (FLAGS ");
	else {
		put_text(s, " FETCH (UID ");
		put_number(s, l->uid);
		put_text(s, " FLAGS ");
	}
	put_flags(s, l);
	if (s->enabled & ENABLED_CONDSTORE) {
		put_text(s, " MODSEQ (");
		put_number(s, l->modseq);
		put_text(s, ")");
	}
	put_text(s, ")\r\n");
}

int
view_tell_flags(struct session *s, uint64_t since, uint32_t next,
    const struct number_set *known)
{
	struct letter	 letter[BATCH];
	uint32_t	 from = 1;
	ssize_t		 n, i;

	while ((n = folder_letters(s->view.folder, from, since, letter,
	    BATCH)) > 0) {
		for (i = 0; i < n && letter[i].uid < next; i++)
			if (number_set_has(&s->view.uids, letter[i].uid) &&
			    (known == NULL ||
			    number_set_has(known, letter[i].uid)))
				view_put_flags(s, &letter[i]);
		if (i < n || letter[n - 1].uid == UINT32_MAX)
			return 0;
		from = letter[n - 1].uid + 1;
	}
	return n == 0 ? 0 : -1;
}

bool
view_gone(int err)
{
	return err == ENOENT || err == ENOTDIR;
}

bool
view_differs(const struct view *v, const struct folder_state *now)
{
	return now->modseq != v->modseq || now->modseq != v->vanished ||
	    now->next != v->state.next ||
	    now->keywords != v->state.keywords ||
	    now->validity != v->state.validity;
}

/* 1 when there is news, 0, -1 when the mailbox is gone. */
static int
view_look(struct session *s, struct folder_state *now)
{
	struct view		*v = &s->view;
	enum folder_depth	 depth = v->closely ? FOLDER_FULL :
				    FOLDER_QUICK;

	v->closely = false;
	if (folder_sync(v->folder, depth, now) == -1) {
		if (view_gone(errno))
			return -1;
		/* It can still be read as it was known. */
		log_warn("event=imap-sync-failed user=%s mailbox=%s",
		    log_esc(s->who->user), log_esc(v->name));
		return 0;
	}
	if (now->validity != v->state.validity)
		return -1;
	return view_differs(v, now);
}

bool
view_update(struct session *s, enum view_depth depth)
{
	struct view		*v = &s->view;
	struct folder_state	 now;
	uint32_t		 next = v->state.next;
	int			 news;

	if (v->folder == NULL || !notify_may_tell(s))
		return true;
	if ((news = view_look(s, &now)) != 1)
		return news == 0;
	v->state = now;
	if (depth == VIEW_ALL && now.modseq != v->vanished)
		view_tell_expunged(s, now.modseq);
	if (now.next != next && (news = view_take_new(s, next)) == 1) {
		view_tell_new(s);
		notify_fetch(s, next);
	}
	if (news == -1)
		v->state.next = next;	/* at the next moment, then */
	view_flags(s, false);
	if (now.modseq != v->modseq && (!notify_may_tell_flags(s) ||
	    view_tell_flags(s, v->modseq, next, NULL) == 0))
		v->modseq = now.modseq;
	return true;
}

void
view_own_change(struct view *v, const struct folder_result *r)
{
	/*
	 * Only when nobody else changed something in between: else the client
	 * would miss that.
	 */
	if (v->modseq == r->before)
		v->modseq = r->after;
	if (v->vanished == r->before)
		v->vanished = r->after;
}

void
view_close(struct session *s)
{
	struct view	*v = &s->view;

	folder_close(v->folder);
	free(v->name);
	number_set_free(&v->uids);
	number_set_free(&v->saved);
	memset(v, 0, sizeof(*v));
}
