/* UIDs that vanished, by modseq; contracts in index.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/store/index_parts.h"

/* Of a mailbox.  What goes then is a quarter, so that it is seldom. */
#define ENTRIES_MAX	10000
#define OCTETS_MAX	(1024 * 1024)

struct pair {
	uint32_t	 first, last;
};

static int
forget_oldest(struct index_txn *t, struct index_record *rec,
    MDB_cursor *c, const unsigned char *key)
{
	MDB_val	 k, v;
	int	 r, rc;

	r = index_seek(c, key, 5, 5, &k, &v);
	while (r == 1 && (rec->entries > ENTRIES_MAX / 4 * 3 ||
	    rec->octets > OCTETS_MAX / 4 * 3)) {
		if (k.mv_size != 13)
			return index_corrupt();
		rec->head.forgotten = index_read_u64((const char *)k.mv_data +
		    5);
		rec->entries--;
		rec->octets -= (uint32_t)v.mv_size;
		if ((rc = mdb_cursor_del(c, 0)) != 0)
			return index_fail(rc);
		r = index_step(c, MDB_NEXT, key, 5, &k, &v);
	}
	if (r == 0)
		rec->entries = rec->octets = 0;
	index_record_changed(t);
	return r == -1 ? -1 : 0;
}

static int
bound(struct index_txn *t, uint32_t validity, struct index_record *rec)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_cursor	*c;
	int		 r, rc;

	if (rec->entries <= ENTRIES_MAX && rec->octets <= OCTETS_MAX)
		return 0;
	if ((rc = mdb_cursor_open(t->txn, 1, &c)) != 0)
		return index_fail(rc);
	index_key(key, validity, INDEX_VANISHED);
	r = forget_oldest(t, rec, c, key);
	mdb_cursor_close(c);
	return r;
}

/* Append the pairs of a value. */
static int
read_pairs(const MDB_val *v, struct number_range **out, size_t *n,
    size_t *room)
{
	struct pair	 p;
	size_t		 i, more = v->mv_size / sizeof(p);

	if (v->mv_size % sizeof(p) != 0 || v->mv_size > 2 * OCTETS_MAX)
		return index_corrupt();
	if (*n + more > *room) {
		*room = 2 * (*n + more);
		*out = xreallocarray(*out, *room, sizeof(**out));
	}
	for (i = 0; i < more; i++) {
		memcpy(&p, (const char *)v->mv_data + i * sizeof(p),
		    sizeof(p));
		(*out)[*n].first = p.first;
		(*out)[(*n)++].last = p.last;
	}
	return 0;
}

static int
compare(const void *va, const void *vb)
{
	const struct number_range	*a = va, *b = vb;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* By their first ones, so that each is added at the end. */
static void
add_ranges(struct number_set *out, struct number_range *range, size_t n)
{
	size_t	 i;

	if (n > 0)
		qsort(range, n, sizeof(*range), compare);
	for (i = 0; i < n; i++)
		number_set_add(out, range[i].first, range[i].last);
}

/* Add what is noted under this modseq already; 1 when there was. */
static int
add_noted(struct index_txn *t, const unsigned char *key, size_t len,
    struct index_record *rec, struct number_set *all)
{
	struct number_range	*range = NULL;
	size_t			 n = 0, room = 0;
	MDB_val			 v;
	int			 r;

	if ((r = index_get(t, key, len, &v)) != 1)
		return r;
	if (read_pairs(&v, &range, &n, &room) == -1)
		r = -1;
	else {
		add_ranges(all, range, n);
		rec->entries--;
		rec->octets -= (uint32_t)v.mv_size;
	}
	free(range);
	return r;
}

int
index_vanished_put(struct index_txn *t, uint32_t validity,
    const struct number_set *uids, uint64_t modseq)
{
	struct index_record	*rec = index_record(t, validity);
	struct number_set	 all = { 0 };
	unsigned char		 key[INDEX_KEY_MAX];
	struct pair		 p;
	size_t			 i, len;
	void			*room;
	int			 r = -1;

	if (rec == NULL)
		return -1;
	len = index_key_u64(key, index_key(key, validity, INDEX_VANISHED),
	    modseq);
	number_set_copy(&all, uids);
	if (add_noted(t, key, len, rec, &all) == -1)
		goto out;
	/* More than we keep at all: then it is not known. */
	if (all.n > OCTETS_MAX / sizeof(p)) {
		number_set_clear(&all);
		rec->head.forgotten = modseq;
	}
	if (index_put_room(t, key, len, all.n * sizeof(p), &room) == -1)
		goto out;
	for (i = 0; i < all.n; i++) {
		p.first = all.range[i].first;
		p.last = all.range[i].last;
		memcpy((char *)room + i * sizeof(p), &p, sizeof(p));
	}
	rec->entries++;
	rec->octets += (uint32_t)(all.n * sizeof(p));
	index_record_changed(t);
	r = bound(t, validity, rec);
out:
	number_set_free(&all);
	return r;
}

int
index_vanished(struct index_txn *t, uint32_t validity, uint64_t since,
    struct number_set *out)
{
	struct index_record	*rec;
	struct number_range	*range = NULL;
	size_t			 n = 0, room = 0, len;
	unsigned char		 key[INDEX_KEY_MAX];
	MDB_cursor		*c;
	MDB_val			 k, v;
	int			 r = 0, rc;

	number_set_clear(out);
	if ((rec = index_record(t, validity)) == NULL)
		return -1;
	if ((rc = mdb_cursor_open(t->txn, 1, &c)) != 0)
		return index_fail(rc);
	len = index_key_u64(key, index_key(key, validity, INDEX_VANISHED),
	    since == UINT64_MAX ? since : since + 1);
	if (since != UINT64_MAX)
		r = index_seek(c, key, len, 5, &k, &v);
	for (; r == 1; r = index_step(c, MDB_NEXT, key, 5, &k, &v)) {
		if (n > 2 * OCTETS_MAX / sizeof(struct pair)) {
			r = index_corrupt();	/* in circles */
			break;
		}
		if (read_pairs(&v, &range, &n, &room) == -1) {
			r = -1;
			break;
		}
	}
	mdb_cursor_close(c);
	if (r == 0) {
		add_ranges(out, range, n);
		r = since >= rec->head.forgotten;
	}
	free(range);
	return r;
}
