/* Contract in select_resync.h. */
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/select_resync.h"

#define SET_MAX		100000	/* ranges in a command */
#define VANISHED_RANGES	500	/* in one response */

/* A set without "*" or "$". */
static bool
resync_set(struct session *s, struct number_set *out)
{
	struct slice	 set;

	if (!imap_lex_set(&s->lex, &set))
		return false;
	if (memchr(set.ptr, '*', set.len) != NULL ||
	    number_set_parse(set, 0, SET_MAX, out) == -1)
		return imap_lex_fail(&s->lex,
		    "QRESYNC wants a set of known numbers");
	return true;
}

static bool
resync_pairs(struct session *s, struct resync *r)
{
	if (!imap_lex_expect(&s->lex, '(') ||
	    !resync_set(s, &r->numbers) ||
	    !imap_lex_space(&s->lex) ||
	    !resync_set(s, &r->uids) ||
	    !imap_lex_expect(&s->lex, ')'))
		return false;
	if (s->enabled & ENABLED_UIDONLY)
		return imap_lex_fail(&s->lex,
		    "[UIDREQUIRED] Message numbers are not used here");
	if (number_set_count(&r->numbers) != number_set_count(&r->uids))
		return imap_lex_fail(&s->lex,
		    "As many message numbers as UIDs are wanted");
	return true;
}

static bool
resync_list(struct session *s, struct resync *r)
{
	if (!imap_lex_nz_number(&s->lex, &r->validity) ||
	    !imap_lex_space(&s->lex) ||
	    !imap_lex_number64(&s->lex, &r->modseq))
		return false;
	if (r->modseq == 0)
		return imap_lex_fail(&s->lex,
		    "A modification sequence is 1 or more");
	if (!imap_lex_accept(&s->lex, ' '))
		return true;
	if (imap_lex_peek(&s->lex) != '(') {
		if (!resync_set(s, &r->known))
			return false;
		r->limited = true;
		if (!imap_lex_accept(&s->lex, ' '))
			return true;
	}
	return resync_pairs(s, r);
}

bool
resync_read(struct session *s, struct resync *r)
{
	if (!(s->enabled & ENABLED_QRESYNC))
		return imap_lex_fail(&s->lex, "QRESYNC is not enabled");
	if (r->asked)
		return imap_lex_fail(&s->lex, "QRESYNC is there twice");
	r->asked = true;
	return imap_lex_space(&s->lex) && imap_lex_expect(&s->lex, '(') &&
	    resync_list(s, r) && imap_lex_expect(&s->lex, ')');
}

/*
 * The last UID up to which the client's pairs are still right: then nothing below it
 * can have vanished but what it knows of.  0 when none is.
 */
static uint32_t
resync_matched(const struct session *s, const struct resync *r)
{
	uint32_t	 i, uid, last = 0, n = number_set_count(&r->uids);

	for (i = 1; i <= n; i++) {
		uid = number_set_at(&r->uids, i);
		if (number_set_position(&s->view.uids, uid) !=
		    number_set_at(&r->numbers, i))
			break;
		last = uid;
	}
	return last;
}

/*
 * What vanished is not known any more: all that is not there, of what the
 * client may have (RFC 7162 3.2.5.1).
 */
static void
resync_not_there(const struct session *s, const struct resync *r,
    struct number_set *gone)
{
	uint32_t	 matched;

	number_set_clear(gone);
	if (r->limited)
		number_set_copy(gone, &r->known);
	else if (s->view.state.next > 1)
		number_set_add(gone, 1, s->view.state.next - 1);
	if ((matched = resync_matched(s, r)) > 0)
		number_set_remove(gone, 1, matched);
}

static void
resync_tell_vanished(struct session *s, const struct resync *r)
{
	struct number_set	 gone = { NULL, 0, 0 }, part;
	size_t			 i;

	if (folder_vanished(s->view.folder, r->modseq, &gone) != 1)
		resync_not_there(s, r, &gone);
	else if (r->limited)
		number_set_intersect(&gone, &r->known);
	number_set_remove_set(&gone, &s->view.uids);
	for (i = 0; i < gone.n; i += part.n) {
		part.range = gone.range + i;
		part.n = gone.n - i;
		if (part.n > VANISHED_RANGES)
			part.n = VANISHED_RANGES;
		stream_printf(&s->s, "* VANISHED (EARLIER) ");
		put_set(s, &part);
		stream_printf(&s->s, "\r\n");
	}
	number_set_free(&gone);
}

void
resync_tell(struct session *s, const struct resync *r)
{
	if (!r->asked || r->validity != s->view.state.validity)
		return;
	resync_tell_vanished(s, r);
	if (r->modseq < s->view.state.modseq)
		view_tell_flags(s, r->modseq, UINT32_MAX,
		    r->limited ? &r->known : NULL);
}

void
resync_free(struct resync *r)
{
	number_set_free(&r->known);
	number_set_free(&r->numbers);
	number_set_free(&r->uids);
}
