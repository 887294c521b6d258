/* What is known of a mailbox as a whole; contracts in index.h. */
#include <errno.h>
#include <string.h>

#include "lib/store/index_parts.h"

int
index_record_flush(struct index_txn *t)
{
	unsigned char	 key[INDEX_KEY_MAX];

	if (!t->changed)
		return 0;
	t->changed = false;
	return index_put_value(t, key, index_key(key,
	    t->record.head.validity, INDEX_HEAD), &t->record,
	    sizeof(t->record));
}

/* 1, 0, -1. */
static int
load_record(struct index_txn *t, uint32_t validity)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_val		 v;
	int		 r;

	if (t->loaded && t->record.head.validity == validity)
		return 1;
	if (validity == 0) {
		errno = EINVAL;
		return -1;
	}
	if (index_record_flush(t) == -1)
		return -1;
	t->loaded = false;
	r = index_get(t, key, index_key(key, validity, INDEX_HEAD), &v);
	if (r != 1)
		return r;
	if (v.mv_size != sizeof(t->record))
		return index_corrupt();
	memcpy(&t->record, v.mv_data, sizeof(t->record));
	if (t->record.head.validity != validity)
		return index_corrupt();
	t->loaded = true;
	return 1;
}

struct index_record *
index_record(struct index_txn *t, uint32_t validity)
{
	int	 r = load_record(t, validity);

	if (r == 0)
		errno = ENOENT;
	return r == 1 ? &t->record : NULL;
}

void
index_record_changed(struct index_txn *t)
{
	t->changed = true;
}

int
index_head(struct index_txn *t, uint32_t validity, struct index_head *head)
{
	int	 r = load_record(t, validity);

	if (r == 1)
		*head = t->record.head;
	return r;
}

int
index_head_put(struct index_txn *t, const struct index_head *head)
{
	struct index_head	*own = &t->record.head, old;
	int			 r = load_record(t, head->validity);

	if (r == -1)
		return -1;
	if (r == 0) {
		memset(&t->record, 0, sizeof(t->record));
		t->loaded = true;
	}
	old = *own;
	*own = *head;
	own->count = old.count;
	own->unseen = old.unseen;
	own->deleted = old.deleted;
	own->octets = old.octets;
	own->unsized = old.unsized;
	if (own->modseq < old.modseq)
		own->modseq = old.modseq;
	if (own->forgotten < old.forgotten)
		own->forgotten = old.forgotten;
	t->changed = true;
	return 0;
}

int
index_forget(struct index_txn *t, uint32_t validity)
{
	unsigned char	 key[INDEX_KEY_MAX];
	MDB_cursor	*c;
	MDB_val		 k, v;
	int		 r, rc;

	if (index_record_flush(t) == -1)
		return -1;
	t->loaded = false;
	if ((rc = mdb_cursor_open(t->txn, 1, &c)) != 0)
		return index_fail(rc);
	index_key(key, validity, INDEX_HEAD);
	r = validity == 0 ? 0 : index_seek(c, key, 4, 4, &k, &v);
	while (r == 1) {
		if ((rc = mdb_cursor_del(c, 0)) != 0)
			r = index_fail(rc);
		else
			r = index_step(c, MDB_NEXT, key, 4, &k, &v);
	}
	mdb_cursor_close(c);
	return r;
}
