/* What others made of a message; contracts in index.h. */
#include <errno.h>
#include <string.h>

#include "lib/store/index_parts.h"

#define KINDS		32
#define FACT_MAX	((size_t)64 << 20)

static size_t
fact_key(unsigned char key[INDEX_KEY_MAX], uint32_t validity,
    unsigned int kind, uint32_t uid)
{
	size_t	 len = index_key(key, validity, INDEX_FACTS);

	key[len++] = (unsigned char)kind;
	return index_key_u32(key, len, uid);
}

static int
check_kind(unsigned int kind)
{
	if (kind > 0 && kind < KINDS)
		return 0;
	errno = EINVAL;
	return -1;
}

int
index_fact(struct index_txn *t, uint32_t validity, uint32_t uid,
    unsigned int kind, struct slice *out)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_val		 v;
	int		 r;

	if (check_kind(kind) == -1)
		return -1;
	r = index_get(t, key, fact_key(key, validity, kind, uid), &v);
	if (r == 1) {
		out->ptr = v.mv_data;
		out->len = v.mv_size;
	}
	return r;
}

int
index_fact_put(struct index_txn *t, uint32_t validity, uint32_t uid,
    unsigned int kind, struct slice data)
{
	unsigned char	 key[INDEX_KEY_MAX];

	if (check_kind(kind) == -1)
		return -1;
	if (data.len > FACT_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	return index_put_value(t, key, fact_key(key, validity, kind, uid),
	    data.ptr, data.len);
}

/*
 * Go through the facts of a kind whose UIDs are in the set.  A step to the next
 * fact is cheaper than a search, so one is tried before each.
 */
static int
each(MDB_cursor *c, uint32_t validity, unsigned int kind,
    const struct number_set *uids, int (*fn)(uint32_t, MDB_val *, void *),
    void *arg)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_val		 k, v;
	uint32_t	 uid = number_set_next(uids, 1), at, before = 0;
	size_t		 len;
	bool		 seek = true;
	int		 r;

	while (uid != 0) {
		len = fact_key(key, validity, kind, uid);
		r = seek ? index_seek(c, key, len, 6, &k, &v) :
		    index_step(c, MDB_NEXT, key, 6, &k, &v);
		if (r != 1)
			return r;
		at = k.mv_size != len ? 0 :
		    index_read_u32((const char *)k.mv_data + 6);
		if (at <= before || (seek && at < uid))
			return index_corrupt();
		before = at;
		seek = at < uid;
		if (at > uid)
			uid = number_set_next(uids, at);
		if (at != uid)
			continue;
		if ((r = fn(at, &v, arg)) != 0)
			return r;
		uid = at == UINT32_MAX ? 0 : number_set_next(uids, at + 1);
	}
	return 0;
}

struct facts_walk {
	int	(*fn)(uint32_t, struct slice, void *);
	void	*arg;
};

static int
give(uint32_t uid, MDB_val *v, void *arg)
{
	const struct facts_walk	*w = arg;

	return w->fn(uid, (struct slice){ v->mv_data, v->mv_size }, w->arg);
}

int
index_facts(struct index_txn *t, uint32_t validity, unsigned int kind,
    const struct number_set *uids,
    int (*fn)(uint32_t uid, struct slice, void *), void *arg)
{
	struct facts_walk	 w = { .fn = fn, .arg = arg };
	MDB_cursor		*c;
	int			 r, rc;

	if (check_kind(kind) == -1)
		return -1;
	if ((rc = mdb_cursor_open(t->txn, 1, &c)) != 0)
		return index_fail(rc);
	r = each(c, validity, kind, uids, give, &w);
	mdb_cursor_close(c);
	return r;
}

static int
delete(uint32_t uid, MDB_val *v, void *arg)
{
	int	 rc = mdb_cursor_del(arg, 0);

	(void)uid;
	(void)v;
	return rc == 0 ? 0 : index_fail(rc);
}

int
index_facts_remove(struct index_txn *t, uint32_t validity,
    const struct number_set *uids)
{
	unsigned char	 key[INDEX_KEY_MAX];
	unsigned int	 kind;
	MDB_cursor	*c;
	MDB_val		 k, v;
	int		 r, rc;

	if ((rc = mdb_cursor_open(t->txn, 1, &c)) != 0)
		return index_fail(rc);
	/* From kind to kind that is there. */
	for (kind = 1; kind < KINDS; kind++) {
		r = index_seek(c, key, fact_key(key, validity, kind, 0), 5,
		    &k, &v);
		if (r != 1)
			break;
		if (k.mv_size < 6) {
			r = index_corrupt();
			break;
		}
		kind = ((const unsigned char *)k.mv_data)[5];
		if ((r = each(c, validity, kind, uids, delete, c)) != 0)
			break;
	}
	mdb_cursor_close(c);
	return r == -1 ? -1 : 0;
}
