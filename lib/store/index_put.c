/*
 * Changing letters; contracts in index.h.
 *
 * The letters of a piece and what is put among them are merged in memory, and
 * written as one piece or several.  In order, as mail comes, pieces fill up
 * wholly; in the middle a full one is halved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/store/index_parts.h"

#define GROUP		384		/* put at a time */
#define RUN_MAX		(GROUP + INDEX_PIECE)
#define SPARSE		(INDEX_PIECE * 3 / 4)	/* merge up to this */
#define NAME_MAX_LEN	260		/* "new/" and 255, NUL */

struct run {
	size_t		 n;
	struct letter	 letter[RUN_MAX];
	uint32_t	 at[RUN_MAX];	/* in text */
	char		*text;
	size_t		 len, size;
};

static void
run_add(struct run *run, const struct letter *l, const char *name)
{
	size_t	 len = strnlen(name, NAME_MAX_LEN - 1);

	if (run->len + len + 1 > run->size) {
		run->size = 2 * (run->len + len + 1);
		run->text = xreallocarray(run->text, run->size, 1);
	}
	run->letter[run->n] = *l;
	run->at[run->n++] = (uint32_t)run->len;
	memcpy(run->text + run->len, name, len);
	run->text[run->len + len] = '\0';
	run->len += len + 1;
}

static void
run_clear(struct run *run)
{
	run->n = run->len = 0;
}

static void
run_free(struct run *run)
{
	free(run->text);
	free(run);
}

static struct run *
run_new(void)
{
	struct run	*run = xmalloc(sizeof(*run));

	run->text = NULL;
	run->size = 0;
	run_clear(run);
	return run;
}

/* What a letter counts for in the head: add it, or take it away. */
static void
count(struct index_record *rec, const struct letter *l, bool add)
{
	const uint32_t		 one = add ? 1 : UINT32_MAX;
	struct index_head	*h = &rec->head;

	h->count += one;
	if (!(l->flags & LETTER_SEEN))
		h->unseen += one;
	if (l->flags & LETTER_DELETED)
		h->deleted += one;
	if (l->wire == LETTER_UNKNOWN)
		h->unsized += one;
	else
		h->octets += add ? l->wire : -l->wire;
	if (add && l->modseq > h->modseq)
		h->modseq = l->modseq;
}

static int
put_letters(struct index_txn *t, uint32_t validity, const struct letter *l,
    size_t n)
{
	struct index_run	 run = { .n = (uint32_t)n, .first = l[0].uid,
				    .last = l[n - 1].uid };
	unsigned char		 key[INDEX_KEY_MAX];
	char			*room;
	void			*p;
	size_t			 i;

	for (i = 0; i < n; i++) {
		if (!(l[i].flags & LETTER_SEEN))
			run.unseen++;
		if (l[i].modseq > run.modseq)
			run.modseq = l[i].modseq;
	}
	if (index_put_room(t, key, index_key_u32(key, index_key(key, validity,
	    INDEX_LETTERS), run.first), sizeof(run) + n * sizeof(*l), &p) ==
	    -1)
		return -1;
	room = p;
	memcpy(room, &run, sizeof(run));
	memcpy(room + sizeof(run), l, n * sizeof(*l));
	return 0;
}

static int
put_names(struct index_txn *t, uint32_t validity, const struct run *run,
    size_t from, size_t n)
{
	unsigned char	 key[INDEX_KEY_MAX];
	uint32_t	 number = (uint32_t)n;
	uint16_t	 at;
	size_t		 i, len, start = run->at[from];
	char		*room;
	void		*p;

	len = (from + n == run->n ? run->len : run->at[from + n]) - start;
	if (index_put_room(t, key, index_key_u32(key, index_key(key, validity,
	    INDEX_NAMES), run->letter[from].uid), sizeof(number) + 2 * n +
	    len, &p) == -1)
		return -1;
	room = p;
	memcpy(room, &number, sizeof(number));
	room += sizeof(number);
	for (i = 0; i < n; i++, room += sizeof(at)) {
		at = (uint16_t)(run->at[from + i] - start);
		memcpy(room, &at, sizeof(at));
	}
	memcpy(room, run->text + start, len);
	return 0;
}

static int
delete_piece(struct index_txn *t, uint32_t validity, uint32_t first)
{
	unsigned char	 key[INDEX_KEY_MAX];

	if (index_del(t, key, index_key_u32(key, index_key(key, validity,
	    INDEX_LETTERS), first)) == -1)
		return -1;
	return index_del(t, key, index_key_u32(key, index_key(key, validity,
	    INDEX_NAMES), first));
}

/* Write it as pieces, of the same size unless they are to be full. */
static int
put_run(struct index_txn *t, uint32_t validity, const struct run *run,
    bool full)
{
	size_t	 i, n, pieces = (run->n + INDEX_PIECE - 1) / INDEX_PIECE;

	for (i = 0; i < run->n; i += n, pieces--) {
		n = full ? INDEX_PIECE : (run->n - i + pieces - 1) / pieces;
		if (n > run->n - i)
			n = run->n - i;
		if (put_letters(t, validity, run->letter + i, n) == -1 ||
		    put_names(t, validity, run, i, n) == -1)
			return -1;
	}
	return 0;
}

/* --- put ----------------------------------------------------------------- */

struct put {
	struct index_txn	*t;
	struct index_record	*rec;
	uint32_t		 validity;
	const struct letter	*letter;
	const char *const	*names;
	size_t			 n;
};

static const char *
name_of(const struct put *put, size_t i)
{
	return put->names == NULL ? NULL : put->names[i];
}

/* Merge n letters from i on with the old ones. */
static int
merge(struct put *put, size_t i, size_t n, const struct index_piece *old,
    struct run *run)
{
	struct index_names	 names;
	const struct letter	*l;
	const char		*name;
	size_t			 j = 0, end = i + n;

	if (index_piece_names(put->t, put->validity, old, &names) == -1)
		return -1;
	while (i < end || j < old->n) {
		if (i == end || (j < old->n &&
		    old->letter[j].uid < put->letter[i].uid)) {
			run_add(run, &old->letter[j], index_names_at(&names,
			    j));
			j++;
			continue;
		}
		l = &put->letter[i];
		name = name_of(put, i++);
		if (j < old->n && old->letter[j].uid == l->uid) {
			count(put->rec, &old->letter[j], false);
			if (name == NULL)
				name = index_names_at(&names, j);
			j++;
		}
		count(put->rec, l, true);
		run_add(run, l, name == NULL ? "" : name);
	}
	return 0;
}

/*
 * The common change of flags alone: when all n are there and none has a name,
 * the names need not be touched.  1 when done, 0, -1.
 */
static int
replace(struct put *put, size_t i, size_t n, const struct index_piece *old)
{
	struct letter	 l[INDEX_PIECE];
	size_t		 j, k;

	for (j = 0, k = i; k < i + n; k++, j++) {
		while (j < old->n && old->letter[j].uid < put->letter[k].uid)
			j++;
		if (j == old->n || old->letter[j].uid != put->letter[k].uid ||
		    name_of(put, k) != NULL)
			return 0;
	}
	memcpy(l, old->letter, old->n * sizeof(*l));
	for (j = 0, k = i; k < i + n; k++) {
		while (l[j].uid < put->letter[k].uid)
			j++;
		count(put->rec, &l[j], false);
		l[j] = put->letter[k];
		count(put->rec, &l[j], true);
	}
	return put_letters(put->t, put->validity, l, old->n) == -1 ? -1 : 1;
}

/* How many from i on have UIDs below end. */
static size_t
group(const struct put *put, size_t i, uint64_t end)
{
	size_t	 n;

	for (n = 0; n < GROUP && i + n < put->n &&
	    put->letter[i + n].uid < end; n++)
		;
	return n;
}

/* The letters from i on that go to one piece.  How many, or -1. */
static int
put_group(struct put *put, size_t i, struct run *run)
{
	const uint32_t		 uid = put->letter[i].uid;
	struct index_piece	 old, after;
	uint64_t		 end = UINT64_MAX;
	size_t			 n, j;
	int			 has, more, r;

	if ((has = index_piece_at(put->t, put->validity, uid, &old)) == -1)
		return -1;
	/* Before all others: to the first one. */
	if (has == 0 && (has = index_piece_from(put->t, put->validity, uid,
	    &old)) == -1)
		return -1;
	if (has == 1 && old.last == UINT32_MAX)
		more = 0;
	else if ((more = index_piece_from(put->t, put->validity,
	    has == 1 ? old.last + 1 : uid, &after)) == -1)
		return -1;
	if (more == 1)
		end = after.first;
	/* The look after it may have used the place of a copy. */
	if (has == 1 && index_piece_from(put->t, put->validity, old.first,
	    &old) != 1)
		return -1;
	n = group(put, i, end);
	run_clear(run);
	if (has == 1 && uid > old.last && old.n == INDEX_PIECE)
		has = 0;	/* a full one stays as it is */
	if (has == 1) {
		if ((r = replace(put, i, n, &old)) != 0)
			return r == 1 ? (int)n : -1;
		if (merge(put, i, n, &old, run) == -1)
			return -1;
		if ((run->letter[0].uid != old.first ||
		    run->n > INDEX_PIECE) && delete_piece(put->t,
		    put->validity, old.first) == -1)
			return -1;
	} else {
		for (j = i; j < i + n; j++) {
			count(put->rec, &put->letter[j], true);
			run_add(run, &put->letter[j], name_of(put, j) == NULL ?
			    "" : name_of(put, j));
		}
	}
	return put_run(put->t, put->validity, run, more == 0) == -1 ? -1 :
	    (int)n;
}

static bool
is_ascending(const struct letter *l, size_t n)
{
	size_t	 i;

	if (n > 0 && l[0].uid == 0)
		return false;
	for (i = 1; i < n; i++)
		if (l[i].uid <= l[i - 1].uid)
			return false;
	return true;
}

int
index_put(struct index_txn *t, uint32_t validity, const struct letter *letter,
    const char *const *names, size_t n)
{
	struct put	 put = { .t = t, .validity = validity,
			    .letter = letter, .names = names, .n = n };
	struct run	*run;
	size_t		 i;
	int		 r = 0;

	if (!is_ascending(letter, n)) {
		errno = EINVAL;
		return -1;
	}
	if ((put.rec = index_record(t, validity)) == NULL)
		return -1;
	if (n > 0)
		index_record_changed(t);
	run = run_new();
	for (i = 0; i < n; i += (size_t)r)
		if ((r = put_group(&put, i, run)) == -1)
			break;
	run_free(run);
	return r == -1 ? -1 : 0;
}

/* --- remove -------------------------------------------------------------- */

struct removal {
	struct index_txn		*t;
	struct index_record		*rec;
	uint32_t			 validity;
	const struct number_set		*uids;
	struct number_set		 gone;
	struct run			*run;	/* stays, to be written */
};

static int
flush_run(struct removal *rm)
{
	int	 r = put_run(rm->t, rm->validity, rm->run, false);

	run_clear(rm->run);
	return r;
}

/*
 * Take a piece off the disk and what stays of it into memory, with what is
 * there already when both together are few.
 */
static int
take_piece(struct removal *rm, struct index_piece *p)
{
	struct index_names	 names;
	const struct letter	*l;
	struct run		*run = rm->run, *part = run_new();
	size_t			 i;
	int			 r = -1;

	if (index_piece_names(rm->t, rm->validity, p, &names) == -1)
		goto out;
	for (i = 0; i < p->n; i++) {
		l = &p->letter[i];
		if (!number_set_has(rm->uids, l->uid)) {
			run_add(part, l, index_names_at(&names, i));
			continue;
		}
		count(rm->rec, l, false);
		number_set_add(&rm->gone, l->uid, l->uid);
	}
	if (run->n > 0 && run->n + part->n > SPARSE && flush_run(rm) == -1)
		goto out;
	for (i = 0; i < part->n; i++)
		run_add(run, &part->letter[i], part->text + part->at[i]);
	r = delete_piece(rm->t, rm->validity, p->first);
out:
	run_free(part);
	return r;
}

static bool
has_some(const struct removal *rm, const struct index_piece *p)
{
	size_t	 i;

	for (i = 0; i < p->n; i++)
		if (number_set_has(rm->uids, p->letter[i].uid))
			return true;
	return false;
}

/* The piece that holds uid, or the next one.  1, 0, -1. */
static int
piece_near(struct removal *rm, uint32_t uid, struct index_piece *p)
{
	int	 r = index_piece_at(rm->t, rm->validity, uid, p);

	if (r == -1 || (r == 1 && p->last >= uid))
		return r;
	return index_piece_from(rm->t, rm->validity, uid, p);
}

static int
remove_letters(struct removal *rm)
{
	struct index_piece	 p;
	uint32_t		 uid = number_set_next(rm->uids, 1);
	uint32_t		 last = 0;	/* of the piece before */
	bool			 some;
	int			 r = 1;

	while (uid != 0 && last != UINT32_MAX) {
		/* While some are in memory the neighbour, which may join. */
		r = rm->run->n == 0 ? piece_near(rm, uid, &p) :
		    index_piece_from(rm->t, rm->validity, last + 1, &p);
		if (r != 1)
			break;
		some = has_some(rm, &p);
		if (!some && rm->run->n > 0 && rm->run->n + p.n > SPARSE) {
			if (flush_run(rm) == -1)
				return -1;
			continue;
		}
		last = p.last;
		if ((some || rm->run->n > 0) && take_piece(rm, &p) == -1)
			return -1;
		if (uid <= last)
			uid = last == UINT32_MAX ? 0 :
			    number_set_next(rm->uids, last + 1);
	}
	if (r == 1 && rm->run->n > 0 && last != UINT32_MAX) {
		r = index_piece_from(rm->t, rm->validity, last + 1, &p);
		if (r == 1 && rm->run->n + p.n <= SPARSE)
			r = take_piece(rm, &p);
	}
	return r == -1 || flush_run(rm) == -1 ? -1 : 0;
}

int
index_remove(struct index_txn *t, uint32_t validity,
    const struct number_set *uids, uint64_t modseq)
{
	struct removal	 rm = { .t = t, .validity = validity, .uids = uids };
	int		 r;

	if ((rm.rec = index_record(t, validity)) == NULL)
		return -1;
	rm.run = run_new();
	r = remove_letters(&rm);
	run_free(rm.run);
	if (r == 0 && rm.gone.n > 0) {
		index_record_changed(t);
		if (rm.rec->head.modseq < modseq)
			rm.rec->head.modseq = modseq;
		if (index_facts_remove(t, validity, &rm.gone) == -1 ||
		    index_vanished_put(t, validity, &rm.gone, modseq) == -1)
			r = -1;
	}
	number_set_free(&rm.gone);
	return r;
}
