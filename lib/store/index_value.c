/* Keys and values; contracts in index_parts.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "lib/store/index_parts.h"

uint32_t
index_read_u32(const void *p)
{
	uint32_t	 v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

uint64_t
index_read_u64(const void *p)
{
	uint64_t	 v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

size_t
index_key_u32(unsigned char *key, size_t len, uint32_t v)
{
	v = htobe32(v);
	memcpy(key + len, &v, sizeof(v));
	return len + sizeof(v);
}

size_t
index_key_u64(unsigned char *key, size_t len, uint64_t v)
{
	v = htobe64(v);
	memcpy(key + len, &v, sizeof(v));
	return len + sizeof(v);
}

size_t
index_key(unsigned char key[INDEX_KEY_MAX], uint32_t validity,
    enum index_kind kind)
{
	index_key_u32(key, 0, validity);
	key[4] = (unsigned char)kind;
	return 5;
}

static MDB_val
key_val(const unsigned char *key, size_t len)
{
	return (MDB_val){ .mv_size = len,
	    .mv_data = (void *)(uintptr_t)key };
}

int
index_get(struct index_txn *t, const unsigned char *key, size_t len,
    MDB_val *v)
{
	MDB_val	 k = key_val(key, len);
	int	 rc = mdb_get(t->txn, 1, &k, v);

	if (rc == MDB_NOTFOUND)
		return 0;
	return rc == 0 ? 1 : index_fail(rc);
}

int
index_put_room(struct index_txn *t, const unsigned char *key, size_t len,
    size_t size, void **out)
{
	MDB_val	 k = key_val(key, len), v = { .mv_size = size };
	int	 rc;

	if (!t->write) {
		errno = EROFS;
		return -1;
	}
	if ((rc = mdb_put(t->txn, 1, &k, &v, MDB_RESERVE)) != 0)
		return index_fail(rc);
	t->octets += size;
	*out = v.mv_data;
	return 0;
}

int
index_put_value(struct index_txn *t, const unsigned char *key, size_t len,
    const void *data, size_t size)
{
	void	*room = NULL;

	if (index_put_room(t, key, len, size, &room) == -1)
		return -1;
	if (size > 0)
		memcpy(room, data, size);
	return 0;
}

int
index_del(struct index_txn *t, const unsigned char *key, size_t len)
{
	MDB_val	 k = key_val(key, len);
	int	 rc;

	if (!t->write) {
		errno = EROFS;
		return -1;
	}
	rc = mdb_del(t->txn, 1, &k, NULL);
	return rc == 0 || rc == MDB_NOTFOUND ? 0 : index_fail(rc);
}

int
index_step(MDB_cursor *c, MDB_cursor_op op, const unsigned char *key,
    size_t prefix, MDB_val *found, MDB_val *value)
{
	int	 rc = mdb_cursor_get(c, found, value, op);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return index_fail(rc);
	return found->mv_size >= prefix &&
	    memcmp(found->mv_data, key, prefix) == 0;
}

int
index_seek(MDB_cursor *c, const unsigned char *key, size_t len,
    size_t prefix, MDB_val *found, MDB_val *value)
{
	*found = key_val(key, len);
	return index_step(c, MDB_SET_RANGE, key, prefix, found, value);
}
