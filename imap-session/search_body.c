/* Contract in search_parts.h.  BODY and TEXT. */
#include <errno.h>
#include <string.h>

#include "imap-session/search_parts.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/store/trigram.h"

/*
 * Letters are added to the search index when this part of them, at least, would
 * be read anyway.
 */
#define WORTH	4

static bool
add_text(void *arg, struct slice piece)
{
	struct trigram	*t = arg;

	if (piece.ptr != NULL)
		return trigram_text(t, piece);
	trigram_break(t);
	return true;
}

/* 0, or -1: the index takes no more. */
static int
add_letter(struct search *s, uint32_t uid)
{
	int	 fd, rc = -1;

	trigram_letter(s->trigram, uid);
	if ((fd = folder_file(s->ctx->folder, uid)) != -1) {
		rc = search_text_walk(&s->text, fd, true, add_text,
		    s->trigram);
		io_close(fd);
	}
	if (rc == -1)
		trigram_anything(s->trigram);
	return trigram_letter_end(s->trigram);
}

/* Those of set above uid. */
static void
above(const struct number_set *set, uint32_t uid, struct number_set *out)
{
	number_set_copy(out, set);
	if (uid > 0)
		number_set_remove(out, 1, uid);
}

/* 0; -1 with errno ECANCELED only. */
static int
add_letters(struct search *s, uint32_t covered)
{
	uint32_t	 uid, done = 0, goal;
	int		 rc = 0;

	goal = number_set_count(&s->live);
	for (uid = covered; uid != UINT32_MAX &&
	    (uid = number_set_next(&s->live, uid + 1)) != 0;) {
		if (done == 0)
			done = number_set_position(&s->live, uid) - 1;
		if (add_letter(s, uid) == -1) {
			log_warn("event=text-index-failed uid=%u", uid);
			return 0;
		}
		if (!search_goes_on(s->ctx, ++done, goal)) {
			rc = -1;
			break;
		}
	}
	return rc;
}

/* Bring the index up to date if that is worth while.  0; -1 ECANCELED. */
static int
update(struct search *s, const struct number_set *in)
{
	struct number_set	 live = { 0 }, asked = { 0 };
	uint32_t		 covered;
	int			 rc = 0;

	if (trigram_begin(s->trigram, &s->live, &covered) == -1)
		return 0;
	above(&s->live, covered, &live);
	above(in, covered, &asked);
	if (live.n > 0 && number_set_count(&asked) >=
	    number_set_count(&live) / WORTH)
		rc = add_letters(s, covered);
	(void)trigram_end(s->trigram);
	if (rc == -1)
		errno = ECANCELED;
	number_set_free(&live);
	number_set_free(&asked);
	return rc;
}

/* Those of in that may hold the needle.  0; -1 ECANCELED. */
static int
narrow(struct search *s, struct slice needle, const struct number_set *in,
    struct number_set *out)
{
	struct number_set	 rest = { 0 };
	uint32_t		 covered;

	number_set_copy(out, in);
	if (needle.len < TRIGRAM_SHORTEST)
		return 0;
	if (!s->tried) {
		s->tried = true;
		s->trigram = trigram_open(s->ctx->homefd, s->ctx->validity);
		if (s->trigram != NULL && update(s, in) == -1)
			return -1;
	}
	if (s->trigram == NULL)
		return 0;
	if (trigram_candidates(s->trigram, needle, &rest, &covered) == 0) {
		number_set_intersect(&rest, in);
		above(in, covered, out);
		number_set_add_set(out, &rest);
	}
	number_set_free(&rest);
	return 0;
}

static bool
look_in_letter(struct search *s, const struct search_key *k, uint32_t uid)
{
	int	 fd, rc;

	if ((fd = folder_file(s->ctx->folder, uid)) == -1)
		return false;
	rc = search_text_has(&s->text, fd, k->kind == SEARCH_TEXT_KEY,
	    buf_slice(&k->text));
	if (rc == -1)
		log_warn("event=letter-unreadable folder=%s uid=%u",
		    log_esc(folder_dir(s->ctx->folder)), uid);
	io_close(fd);
	return rc == 1;
}

int
search_body(struct search *s, const struct search_key *k,
    const struct number_set *in, struct number_set *out)
{
	struct number_set	 maybe = { 0 };
	uint32_t		 uid, done = 0, goal;
	int			 rc;

	if (k->text.len == 0) {
		number_set_copy(out, in);
		return 0;
	}
	rc = narrow(s, buf_slice(&k->text), in, &maybe);
	goal = number_set_count(&maybe);
	for (uid = number_set_next(&maybe, 1); uid != 0 && rc == 0;
	    uid = uid == UINT32_MAX ? 0 : number_set_next(&maybe, uid + 1)) {
		if (look_in_letter(s, k, uid))
			number_set_add(out, uid, uid);
		if (!search_goes_on(s->ctx, ++done, goal))
			rc = -1;
	}
	number_set_free(&maybe);
	return rc;
}
