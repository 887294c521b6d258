/*
 * Reading letters and names; contracts in index.h.
 *
 * What is in the file is checked before it is used: lengths, and the order of
 * UIDs, that no caller comes to harm.
 */
#include <errno.h>
#include <string.h>

#include "lib/store/index_parts.h"

#define RUN_ALIGN	(_Alignof(struct letter))

/* Small values lie anywhere in a page: then a copy is made. */
static const struct letter *
aligned(struct index *ix, const char *p, size_t n)
{
	if ((uintptr_t)p % RUN_ALIGN == 0)
		return (const struct letter *)(const void *)p;
	memcpy(ix->scratch, p, n * sizeof(struct letter));
	return ix->scratch;
}

/* Take a value apart; the header only unless letters. */
static int
read_run(struct index_txn *t, const MDB_val *k, const MDB_val *v,
    bool letters, struct index_piece *p)
{
	struct index_run	 run;
	const struct letter	*l;
	size_t			 i;

	if (k->mv_size != 9 || v->mv_size < sizeof(run))
		return index_corrupt();
	memcpy(&run, v->mv_data, sizeof(run));
	if (run.n == 0 || run.n > INDEX_PIECE || v->mv_size != sizeof(run) +
	    run.n * sizeof(struct letter) || run.first == 0 ||
	    run.first > run.last || run.last - run.first < run.n - 1 ||
	    run.first != index_read_u32((const char *)k->mv_data + 5))
		return index_corrupt();
	p->n = run.n;
	p->unseen = run.unseen;
	p->modseq = run.modseq;
	p->first = run.first;
	p->last = run.last;
	p->dense = run.last - run.first == run.n - 1;
	p->letter = NULL;
	if (!letters)
		return 1;
	l = aligned(t->index, (const char *)v->mv_data + sizeof(run), run.n);
	if (l[0].uid != run.first || l[run.n - 1].uid != run.last)
		return index_corrupt();
	for (i = 1; i < run.n; i++)
		if (l[i].uid <= l[i - 1].uid)
			return index_corrupt();
	p->letter = l;
	return 1;
}

/* The transaction's cursor. */
static MDB_cursor *
cursor(struct index_txn *t)
{
	int	 rc;

	if (t->cursor == NULL &&
	    (rc = mdb_cursor_open(t->txn, 1, &t->cursor)) != 0) {
		t->cursor = NULL;
		index_fail(rc);
	}
	return t->cursor;
}

/* Key and value at or below uid. */
static int
seek_at(struct index_txn *t, uint32_t validity, uint32_t uid, MDB_val *k,
    MDB_val *v)
{
	unsigned char	 key[INDEX_KEY_MAX];
	size_t		 len;
	int		 r;

	if (cursor(t) == NULL)
		return -1;
	len = index_key_u32(key, index_key(key, validity, INDEX_LETTERS),
	    uid);
	r = index_seek(t->cursor, key, len, 5, k, v);
	if (r == -1 || (r == 1 && k->mv_size == len &&
	    memcmp(k->mv_data, key, len) == 0))
		return r;
	/* Past it, or past the end of all: the one before. */
	return index_step(t->cursor, MDB_PREV, key, 5, k, v);
}

static int
seek_from(struct index_txn *t, uint32_t validity, uint32_t uid, MDB_val *k,
    MDB_val *v)
{
	unsigned char	 key[INDEX_KEY_MAX];
	size_t		 len;

	if (cursor(t) == NULL)
		return -1;
	len = index_key_u32(key, index_key(key, validity, INDEX_LETTERS),
	    uid);
	return index_seek(t->cursor, key, len, 5, k, v);
}

static int
seek_next(struct index_txn *t, uint32_t validity, MDB_val *k, MDB_val *v)
{
	unsigned char	 key[INDEX_KEY_MAX];

	index_key(key, validity, INDEX_LETTERS);
	return index_step(t->cursor, MDB_NEXT, key, 5, k, v);
}

int
index_piece_at(struct index_txn *t, uint32_t validity, uint32_t uid,
    struct index_piece *p)
{
	MDB_val	 k, v;
	int	 r;

	r = seek_at(t, validity, uid, &k, &v);
	return r == 1 ? read_run(t, &k, &v, true, p) : r;
}

int
index_piece_from(struct index_txn *t, uint32_t validity, uint32_t uid,
    struct index_piece *p)
{
	MDB_val	 k, v;
	int	 r;

	r = seek_from(t, validity, uid, &k, &v);
	return r == 1 ? read_run(t, &k, &v, true, p) : r;
}

/*
 * Each piece that may hold first to last, in order.  Pages that lead in
 * circles are found out by UIDs that do not ascend.
 */
static int
walk(struct index_txn *t, uint32_t validity, uint32_t first, uint32_t last,
    bool letters, uint64_t since,
    int (*fn)(const struct index_piece *, void *), void *arg)
{
	struct index_piece	 p;
	MDB_val			 k, v;
	uint32_t		 end = 0;
	int			 r;

	r = seek_at(t, validity, first, &k, &v);
	if (r == 0)
		r = seek_from(t, validity, first, &k, &v);
	for (; r == 1; r = seek_next(t, validity, &k, &v)) {
		if (read_run(t, &k, &v, false, &p) == -1)
			return -1;
		if (p.first <= end)
			return index_corrupt();
		end = p.last;
		if (p.first > last)
			return 0;
		if (p.last < first || (since != 0 && p.modseq <= since))
			continue;
		if ((letters || !p.dense) &&
		    read_run(t, &k, &v, true, &p) == -1)
			return -1;
		if ((r = fn(&p, arg)) != 0)
			return r;
	}
	return r;
}

int
index_walk(struct index_txn *t, uint32_t validity, uint32_t first,
    uint32_t last, uint64_t since,
    int (*fn)(const struct index_piece *, void *), void *arg)
{
	return walk(t, validity, first, last, true, since, fn, arg);
}

static int
add_uids(const struct index_piece *p, void *arg)
{
	struct number_set	*out = arg;
	size_t			 i, j;

	if (p->dense) {
		number_set_add(out, p->first, p->last);
		return 0;
	}
	for (i = 0; i < p->n; i = j) {
		for (j = i + 1; j < p->n &&
		    p->letter[j].uid == p->letter[j - 1].uid + 1; j++)
			;
		number_set_add(out, p->letter[i].uid, p->letter[j - 1].uid);
	}
	return 0;
}

int
index_uids(struct index_txn *t, uint32_t validity, struct number_set *out)
{
	number_set_clear(out);
	return walk(t, validity, 0, UINT32_MAX, false, 0, add_uids, out);
}

/* Where uid is in a piece; n when it is not. */
static size_t
place(const struct index_piece *p, uint32_t uid)
{
	size_t	 low = 0, high = p->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (p->letter[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->n && p->letter[low].uid == uid ? low : p->n;
}

int
index_letter(struct index_txn *t, uint32_t validity, uint32_t uid,
    struct letter *out)
{
	struct index_piece	 p;
	size_t			 i;
	int			 r;

	if ((r = index_piece_at(t, validity, uid, &p)) != 1)
		return r;
	if ((i = place(&p, uid)) == p.n)
		return 0;
	*out = p.letter[i];
	return 1;
}

int
index_piece_names(struct index_txn *t, uint32_t validity,
    const struct index_piece *p, struct index_names *names)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_val		 v;
	uint32_t	 n;
	int		 r;

	r = index_get(t, key, index_key_u32(key, index_key(key, validity,
	    INDEX_NAMES), p->first), &v);
	if (r != 1)
		return r == 0 ? index_corrupt() : -1;
	if (v.mv_size < sizeof(n) + 2 * p->n + 1)
		return index_corrupt();
	memcpy(&n, v.mv_data, sizeof(n));
	names->n = n;
	names->at = (const char *)v.mv_data + sizeof(n);
	names->text = names->at + 2 * p->n;
	names->len = v.mv_size - sizeof(n) - 2 * p->n;
	/* The last NUL ends whatever begins before it. */
	if (n != p->n || names->text[names->len - 1] != '\0')
		return index_corrupt();
	return 1;
}

const char *
index_names_at(const struct index_names *names, size_t i)
{
	uint16_t	 at;

	memcpy(&at, names->at + 2 * i, sizeof(at));
	if (at >= names->len)
		at = (uint16_t)(names->len - 1);
	return names->text + at;
}

int
index_name(struct index_txn *t, uint32_t validity, uint32_t uid,
    const char **name)
{
	struct index_piece	 p;
	struct index_names	 names;
	size_t			 i;
	int			 r;

	if ((r = index_piece_at(t, validity, uid, &p)) != 1)
		return r;
	if ((i = place(&p, uid)) == p.n)
		return 0;
	if (index_piece_names(t, validity, &p, &names) == -1)
		return -1;
	*name = index_names_at(&names, i);
	return 1;
}

struct names_walk {
	struct index_txn	*t;
	uint32_t		 validity, first, last;
	int			(*fn)(uint32_t, const char *, void *);
	void			*arg;
};

static int
walk_names(const struct index_piece *p, void *arg)
{
	const struct names_walk	*w = arg;
	struct index_names	 names;
	size_t			 i;
	int			 r;

	if (index_piece_names(w->t, w->validity, p, &names) == -1)
		return -1;
	for (i = 0; i < p->n; i++) {
		if (p->letter[i].uid < w->first || p->letter[i].uid > w->last)
			continue;
		r = w->fn(p->letter[i].uid, index_names_at(&names, i),
		    w->arg);
		if (r != 0)
			return r;
	}
	return 0;
}

int
index_names(struct index_txn *t, uint32_t validity, uint32_t first,
    uint32_t last, int (*fn)(uint32_t uid, const char *name, void *),
    void *arg)
{
	struct names_walk	 w = { .t = t, .validity = validity,
				    .first = first, .last = last, .fn = fn,
				    .arg = arg };

	return walk(t, validity, first, last, true, 0, walk_names, &w);
}
