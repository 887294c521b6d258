/* FETCH and UID FETCH (RFC 9051 6.4.5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/fetch.h"
#include "lib/base/xmalloc.h"

#define SET_MAX		32768
#define VANISHED_RANGES	500	/* in one response */

static void
fetch_begin(struct fetch *f, struct session *s, bool uid)
{
	f->s = s;
	f->uid = uid;
	fetch_args_init(&f->args);
	buf_init(&f->scratch, FACTS_HEADER_MAX + 1024);
}

static void
fetch_end(struct fetch *f)
{
	struct session	*s = f->s;

	if (f->file != NULL)
		fetch_file_close(f->file);
	if (s->file != NULL && fetch_file_is_small(s->file))
		fetch_forget(s);
	fetch_facts_free(f);
	fetch_args_free(&f->args);
	number_set_free(&f->uids);
	buf_free(&f->scratch);
	free(f);
}

void
fetch_forget(struct session *s)
{
	if (s->file == NULL)
		return;
	fetch_file_free(s->file);
	free(s->file);
	s->file = NULL;
}

/* The words of the command; what stands in the way of it. */
static bool
fetch_parse(struct fetch *f, struct slice *set)
{
	struct imap_lex	*l = &f->s->lex;

	if (!imap_lex_space(l) || !imap_lex_set(l, set) ||
	    !imap_lex_space(l) || !fetch_args_parse(l, &f->args))
		return false;
	if (!f->args.vanished)
		return true;
	/* RFC 7162 3.2.6 */
	if (!f->uid)
		return imap_lex_fail(l, "VANISHED is for UID FETCH");
	if (!(f->s->enabled & ENABLED_QRESYNC))
		return imap_lex_fail(l, "VANISHED needs ENABLE QRESYNC");
	return true;
}

/* Items that are told though nobody asked, and what they need. */
static void
fetch_settle(struct fetch *f)
{
	struct session	*s = f->s;

	f->items = f->args.items;
	if (f->uid && !(s->enabled & ENABLED_UIDONLY))
		f->items |= FETCH_UID;
	if (f->args.has_changed_since)
		f->items |= FETCH_MODSEQ;
	if (f->items & FETCH_MODSEQ)
		session_condstore(s);
	fetch_facts_init(f);
	if (f->args.nsection == 0)
		return;
	if (s->file == NULL) {
		s->file = xmalloc(sizeof(*s->file));
		fetch_file_init(s->file);
	}
	f->file = s->file;
}

/* --- VANISHED (EARLIER), RFC 7162 3.2.6 ---------------------------------------- */

/*
 * UIDs of the set that were asked for and are gone.  When history does not
 * reach so far back, all that are not there.
 */
static int
fetch_vanished_uids(struct fetch *f, struct slice set, struct number_set *out)
{
	struct view		*v = &f->s->view;
	struct number_set	 asked = { NULL, 0, 0 };
	uint32_t		 largest;
	int			 rc;

	largest = number_set_at(&v->uids, number_set_count(&v->uids));
	if (slice_is(set, "$"))
		number_set_copy(&asked, &v->saved);
	else if (number_set_parse(set, largest, SET_MAX, &asked) == -1)
		return -1;
	rc = folder_vanished(v->folder, f->args.changed_since, out);
	if (rc == 0 && v->state.next > 1) {
		number_set_clear(out);
		number_set_add(out, 1, v->state.next - 1);
	}
	if (rc != -1) {
		/* What the client still has a number for comes later. */
		number_set_remove_set(out, &v->uids);
		number_set_intersect(out, &asked);
	}
	number_set_free(&asked);
	return rc == -1 ? -1 : 0;
}

static void
fetch_vanished(struct fetch *f, struct slice set)
{
	struct number_set	 gone = { NULL, 0, 0 }, part;
	struct session		*s = f->s;
	size_t			 i;

	if (fetch_vanished_uids(f, set, &gone) == -1)
		number_set_clear(&gone);
	for (i = 0; i < gone.n; i += part.n) {
		part.range = gone.range + i;
		part.n = gone.n - i < VANISHED_RANGES ? gone.n - i :
		    VANISHED_RANGES;
		stream_put(&s->s, "* VANISHED (EARLIER) ", 21);
		put_set(s, &part);
		stream_put(&s->s, "\r\n", 2);
	}
	number_set_free(&gone);
}

/* --- PARTIAL, RFC 9394 3.3 ------------------------------------------------------ */

/* Of the UIDs, those that changed. */
static int
fetch_changed(struct fetch *f)
{
	struct number_set	 changed = { NULL, 0, 0 };
	uint32_t		 from = 1;
	ssize_t			 n, i;

	do {
		n = folder_letters_of(f->s->view.folder, &f->uids, &from,
		    f->letter, FETCH_BATCH);
		for (i = 0; i < n; i++)
			if (f->letter[i].modseq > f->args.changed_since)
				number_set_add(&changed, f->letter[i].uid,
				    f->letter[i].uid);
	} while (n > 0 && from != 0);
	if (n == -1) {
		number_set_free(&changed);
		return -1;
	}
	number_set_free(&f->uids);
	f->uids = changed;
	return 0;
}

/* Of those, the ones in the range, which may be counted from the end. */
static int
fetch_partial(struct fetch *f)
{
	struct number_set	 where = { NULL, 0, 0 }, out = { NULL, 0, 0 };
	uint32_t		 count, first = f->args.first;
	uint32_t		 last = f->args.last;

	if (f->args.has_changed_since && fetch_changed(f) == -1)
		return -1;
	count = number_set_count(&f->uids);
	if (first <= count) {
		if (last > count)
			last = count;
		if (f->args.from_end)
			number_set_add(&where, count - last + 1,
			    count - first + 1);
		else
			number_set_add(&where, first, last);
	}
	number_set_at_set(&f->uids, &where, &out);
	number_set_free(&where);
	number_set_free(&f->uids);
	f->uids = out;
	return 0;
}

/* --- letters ------------------------------------------------------------------- */

/* Only those that changed. */
static void
fetch_filter(struct fetch *f)
{
	size_t	 i, n = 0;

	if (!f->args.has_changed_since)
		return;
	for (i = 0; i < f->n; i++)
		if (f->letter[i].modseq > f->args.changed_since)
			f->letter[n++] = f->letter[i];
	f->n = n;
}

/* Take over what a letter's flags are now. */
static void
fetch_refresh(struct fetch *f, const struct number_set *changed)
{
	struct letter	 now[FETCH_BATCH];
	uint32_t	 from = 1;
	ssize_t		 n, i;
	size_t		 k = 0;

	while (from != 0 && (n = folder_letters_of(f->s->view.folder, changed,
	    &from, now, FETCH_BATCH)) > 0) {
		for (i = 0; i < n; i++) {
			while (k < f->n && f->letter[k].uid < now[i].uid)
				k++;
			if (k == f->n)
				return;
			if (f->letter[k].uid != now[i].uid)
				continue;
			f->letter[k].flags = now[i].flags;
			f->letter[k].keywords = now[i].keywords;
			f->letter[k].modseq = now[i].modseq;
			f->tell_flags[k] = true;
		}
	}
}

/*
 * Who fetches a body has seen it (RFC 9051 6.4.5): all of the batch at once.
 * That it cannot be written down is no reason not to show the letter.
 */
static void
fetch_see(struct fetch *f)
{
	const struct folder_change	 seen = { .op = FOLDER_ADD,
	    .flags = LETTER_SEEN, .unchanged_since = UINT64_MAX };
	struct folder_result		 r = { 0 };
	struct number_set		 uids = { NULL, 0, 0 };
	size_t				 i;

	memset(f->tell_flags, 0, f->n * sizeof(f->tell_flags[0]));
	if (!f->args.sets_seen || f->s->view.read_only)
		return;
	for (i = 0; i < f->n; i++)
		if (!(f->letter[i].flags & LETTER_SEEN))
			number_set_add(&uids, f->letter[i].uid,
			    f->letter[i].uid);
	if (uids.n > 0) {
		(void)folder_store(f->s->view.folder, &uids, &seen, &r);
		fetch_refresh(f, &r.changed);
		view_own_change(&f->s->view, &r);
		folder_result_free(&r);
	}
	number_set_free(&uids);
}

static int
fetch_batch(struct fetch *f)
{
	struct folder	*folder = f->s->view.folder;
	size_t		 i;

	fetch_filter(f);
	if (f->n == 0)
		return 0;
	fetch_see(f);
	if ((f->items & (FETCH_SIZE | FETCH_INTERNALDATE)) &&
	    folder_complete(folder, f->letter, f->n, f->items & FETCH_SIZE,
	    f->items & FETCH_INTERNALDATE) == -1)
		return -1;
	fetch_facts_load(f);
	for (i = 0; i < f->n && !f->s->s.dead; i++)
		fetch_put(f, i);
	return 0;
}

static int
fetch_letters(struct fetch *f)
{
	uint32_t	 from = 1, met = 0, goal = number_set_count(&f->uids);
	ssize_t		 n;

	while (from != 0 && met < goal && !f->s->s.dead) {
		n = folder_letters_of(f->s->view.folder, &f->uids, &from,
		    f->letter, FETCH_BATCH);
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		met += (uint32_t)n;
		f->n = (size_t)n;
		if (fetch_batch(f) == -1)
			return -1;
		session_progress(f->s, met, goal);
	}
	if (met < goal)
		f->gone = true;
	return 0;
}

/* RFC 9051 7.1 and RFC 2180 4.1: what was there was sent. */
static enum command_end
fetch_answer(const struct fetch *f)
{
	if (f->unknown_cte)
		return command_answer(f->s, COMMAND_NO, "[UNKNOWN-CTE] The "
		    "encoding of a part is not known");
	if (f->failed)
		return command_answer(f->s, COMMAND_NO, "[SERVERBUG] Some "
		    "messages could not be read");
	if (f->gone && !f->uid)
		return command_answer(f->s, COMMAND_NO, "[EXPUNGEISSUED] "
		    "Some messages are no longer there");
	return COMMAND_OK;
}

static enum command_end
fetch_run(struct fetch *f, struct slice set)
{
	const char	*why;

	if (view_resolve(&f->s->view, set, f->uid, &f->uids, &why) == -1)
		return command_answer(f->s, COMMAND_BAD, "%s", why);
	fetch_settle(f);
	if (f->args.vanished)
		fetch_vanished(f, set);
	if ((f->args.has_partial && fetch_partial(f) == -1) ||
	    fetch_letters(f) == -1)
		return command_failed(f->s, "FETCH");
	return fetch_answer(f);
}

enum command_end
cmd_fetch(struct session *s, bool uid)
{
	struct fetch		*f = xcalloc(1, sizeof(*f));
	struct slice		 set;
	enum command_end	 end;

	fetch_begin(f, s, uid);
	end = fetch_parse(f, &set) ? fetch_run(f, set) : COMMAND_LEX;
	fetch_end(f);
	return end;
}
