/* Transactions; contracts in index.h and index_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/filelock.h"
#include "lib/store/index_parts.h"

/* Of pages that LMDB keeps; see index_reopen(). */
#define OCTETS_KEPT	(512 * 1024)

static int
begin_read(struct index *ix)
{
	int	 rc, again;

	for (again = 0; again < 2; again++) {
		if (ix->reader != NULL)
			rc = mdb_txn_renew(ix->reader);
		else
			rc = mdb_txn_begin(ix->env, NULL, MDB_RDONLY,
			    &ix->reader);
		if (rc == 0)
			return 0;
		if (ix->reader != NULL)
			mdb_txn_abort(ix->reader);
		ix->reader = NULL;
		/* Another process had a larger map. */
		if (rc == MDB_MAP_RESIZED)
			mdb_env_set_mapsize(ix->env, 0);
		else if (rc == MDB_READERS_FULL)
			mdb_reader_check(ix->env, NULL);
		else
			break;
	}
	return index_fail(rc);
}

static int
put_root(struct index_txn *t)
{
	struct index_root	 root = { .version = INDEX_VERSION,
				    .letter = sizeof(struct letter),
				    .record = sizeof(struct index_record),
				    .piece = INDEX_PIECE,
				    .inode = t->index->ino };
	unsigned char		 key[INDEX_KEY_MAX];

	if (t->index->rooted)
		return 0;
	return index_put_value(t, key, index_key(key, 0, INDEX_HEAD), &root,
	    sizeof(root));
}

static int
begin_write(struct index *ix)
{
	struct index_txn	*t = &ix->txn;
	int			 rc, saved;

	if (!ix->alone && (index_marks_dirty(ix) == -1 ||
	    filelock_octet(ix->lockfd, INDEX_WRITE, F_WRLCK, INDEX_WAIT_MS) ==
	    -1))
		return -1;
	rc = mdb_txn_begin(ix->env, NULL, 0, &t->txn);
	if (rc == MDB_MAP_RESIZED) {
		mdb_env_set_mapsize(ix->env, 0);
		rc = mdb_txn_begin(ix->env, NULL, 0, &t->txn);
	}
	if (rc == 0 && put_root(t) == 0)
		return 0;
	if (rc != 0) {
		t->txn = NULL;
		index_fail(rc);
	}
	saved = errno;
	index_end(t);
	filelock_free(ix->lockfd, INDEX_WRITE);
	errno = saved;
	return -1;
}

struct index_txn *
index_begin(struct index *ix, bool write)
{
	struct index_txn	*t = &ix->txn;
	MDB_dbi			 dbi;

	if (t->txn != NULL) {
		errno = EBUSY;
		return NULL;
	}
	if (ix->env == NULL && !ix->resting) {
		errno = EIO;
		return NULL;
	}
	index_marks_busy(ix);
	t->write = write;
	t->loaded = t->changed = false;
	t->cursor = NULL;
	if (index_wake(ix) == -1 ||
	    (write ? begin_write(ix) == -1 : begin_read(ix) == -1)) {
		index_marks_busy(NULL);
		return NULL;
	}
	if (!write)
		t->txn = ix->reader;
	mdb_dbi_open(t->txn, NULL, 0, &dbi);
	return t;
}

static void
close_cursor(struct index_txn *t)
{
	if (t->cursor != NULL)
		mdb_cursor_close(t->cursor);
	t->cursor = NULL;
}

/* After the end of it. */
static void
ended(struct index_txn *t)
{
	t->txn = NULL;
	if (t->write && !t->index->alone)
		filelock_free(t->index->lockfd, INDEX_WRITE);
	index_marks_busy(NULL);
}

void
index_end(struct index_txn *t)
{
	if (t == NULL || t->txn == NULL)
		return;
	close_cursor(t);
	if (t->write)
		mdb_txn_abort(t->txn);
	else
		mdb_txn_reset(t->txn);
	ended(t);
}

void
index_abort(struct index_txn *t)
{
	if (t == NULL || t->txn == NULL)
		return;
	index_end(t);
	index_marks_opened(t->index);
}

/* What LMDB took at the end and gave back unwritten: see check_size(). */
static void
extend_file(struct index *ix)
{
	MDB_envinfo	 info;
	MDB_stat	 db;
	struct stat	 st;
	off_t		 want;
	int		 fd;

	if (mdb_env_info(ix->env, &info) != 0 ||
	    mdb_env_stat(ix->env, &db) != 0 ||
	    mdb_env_get_fd(ix->env, &fd) != 0 || fstat(fd, &st) == -1)
		return;
	want = (off_t)(info.me_last_pgno + 1) * (off_t)db.ms_psize;
	/* Where it cannot be done, the next session makes an index anew. */
	if (st.st_size < want)
		(void)fallocate(fd, 0, st.st_size, want - st.st_size);
}

int
index_commit(struct index_txn *t)
{
	struct index	*ix = t->index;
	int		 rc, saved;

	if (!t->write) {
		index_abort(t);
		return 0;
	}
	if (index_record_flush(t) == -1) {
		saved = errno;
		index_abort(t);
		errno = saved;
		return -1;
	}
	close_cursor(t);
	rc = mdb_txn_commit(t->txn);
	if (rc == 0) {
		ix->rooted = true;
		extend_file(ix);
	}
	ended(t);
	if (rc != 0)
		return index_fail(rc);
	index_marks_opened(ix);
	if (t->octets > OCTETS_KEPT) {
		if (index_reopen(ix) == -1)
			return -1;
		malloc_trim(0);
	}
	return 0;
}
