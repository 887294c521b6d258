/* Contract in index.h; what lies where in index_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/index_parts.h"

#define DIRECTORY	"index"
#define READERS		510
#define LOCK_FILE	"lock.mdb"
#define LOCK_SIZE	32768	/* what LMDB makes it for so many readers */
#define MAP_LEAST	((size_t)16 << 20)
#define MAP_PRIVATE_MAX	((size_t)1 << 30)

/* LMDB's locks are the process's: a second open would take them away. */
static const struct index	*shared;
static pid_t			 shared_by;

int
index_fail(int code)
{
	switch (code) {
	case MDB_MAP_FULL:
	case MDB_MAP_RESIZED:
	case MDB_TXN_FULL:
		errno = EFBIG;
		break;
	case MDB_READERS_FULL:
		errno = EAGAIN;
		break;
	default:
		errno = code > 0 ? code : EBADMSG;
		break;
	}
	return -1;
}

int
index_corrupt(void)
{
	errno = EBADMSG;
	return -1;
}

/* Virtual: as much as we may have. */
static size_t
map_size(void)
{
	struct rlimit	 rl;
	size_t		 size = (size_t)1 << (sizeof(size_t) > 4 ? 36 : 29);

	if (getrlimit(RLIMIT_AS, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
		while (size > MAP_LEAST && size > rl.rlim_cur / 4)
			size /= 2;
	return size;
}

static void
close_env(struct index *ix)
{
	if (ix->reader != NULL)
		mdb_txn_abort(ix->reader);
	ix->reader = NULL;
	if (ix->env != NULL)
		mdb_env_close(ix->env);
	ix->env = NULL;
}

/*
 * The map must reach no further than the file, or a look at its end is SIGBUS.
 * What LMDB took for itself and gave back without writing may lie behind;
 * index_commit() sees to that.
 */
static int
check_size(const struct index *ix)
{
	MDB_envinfo	 info;
	MDB_stat	 db;
	struct stat	 st;
	int		 fd;

	if (mdb_env_info(ix->env, &info) != 0 ||
	    mdb_env_stat(ix->env, &db) != 0 ||
	    mdb_env_get_fd(ix->env, &fd) != 0)
		return index_corrupt();
	if (fstat(fd, &st) == -1)
		return -1;
	if (!ix->alone && (st.st_dev != ix->dev || st.st_ino != ix->ino) &&
	    ix->ino != 0) {
		errno = ESTALE;
		return -1;
	}
	if (db.ms_psize == 0 || (uint64_t)st.st_size / db.ms_psize <
	    (uint64_t)info.me_last_pgno + 1)
		return index_corrupt();
	return 0;
}

/* The file, or directory, that fd is. */
static int
open_env(struct index *ix, int fd, unsigned int flags)
{
	char	 path[64];
	size_t	 size = map_size();
	int	 rc;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ix->alone && size > MAP_PRIVATE_MAX)
		size = MAP_PRIVATE_MAX;
	for (;; size /= 4) {
		if ((rc = mdb_env_create(&ix->env)) != 0)
			break;
		if ((rc = mdb_env_set_mapsize(ix->env, size)) == 0 &&
		    (rc = mdb_env_set_maxreaders(ix->env, READERS)) == 0)
			rc = mdb_env_open(ix->env, path, MDB_NOSYNC | flags,
			    0600);
		if (rc != ENOMEM || size <= MAP_LEAST)
			break;
		close_env(ix);
	}
	if (rc == 0 && check_size(ix) == 0)
		return 0;
	if (rc != 0)
		index_fail(rc);
	rc = errno;
	close_env(ix);
	errno = rc;
	return -1;
}

/* Readers of a process that was killed keep pages from being used again. */
static void
forget_dead_readers(struct index *ix)
{
	MDB_envinfo	 info;
	int		 dead;

	if (mdb_env_info(ix->env, &info) == 0 && info.me_numreaders > 1)
		mdb_reader_check(ix->env, &dead);
}

/* Is this the index we know?  An empty one is, and gets its root later. */
static int
check_root(struct index *ix)
{
	struct index_root	 root;
	unsigned char		 key[INDEX_KEY_MAX];
	MDB_val			 v;
	MDB_stat		 st;
	int			 r;

	if (index_begin(ix, false) == NULL)
		return -1;
	r = index_get(&ix->txn, key, index_key(key, 0, INDEX_HEAD), &v);
	if (r == 0 && (mdb_stat(ix->txn.txn, 1, &st) != 0 ||
	    st.ms_entries > 0))
		r = index_corrupt();
	if (r == 1) {
		ix->rooted = true;
		r = 0;
		memset(&root, 0, sizeof(root));
		if (v.mv_size == sizeof(root))
			memcpy(&root, v.mv_data, sizeof(root));
		if (root.version != INDEX_VERSION ||
		    root.letter != sizeof(struct letter) ||
		    root.record != sizeof(struct index_record) ||
		    root.piece != INDEX_PIECE || root.inode != ix->ino)
			r = index_corrupt();
	}
	index_end(&ix->txn);
	return r;
}

/*
 * LMDB maps its lock file with holes in it: on a full disk to touch one is SIGBUS.
 * So it is given its blocks before.  0, or -1 with errno.
 */
static int
fill_lock_file(const struct index *ix)
{
	struct stat	 st;
	int		 fd, r, saved;

	if (fstatat(ix->dirfd, LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size >= LOCK_SIZE && st.st_blocks >= LOCK_SIZE / 512)
		return 0;
	fd = openat(ix->dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd == -1)
		return -1;
	r = fallocate(fd, 0, 0, LOCK_SIZE);
	/* Where it cannot be asked for, there is nothing to be done. */
	if (r == -1 && (errno == EOPNOTSUPP || errno == ENOSYS))
		r = 0;
	saved = errno;
	io_close(fd);
	errno = saved;
	return r;
}

/* With the gate held. */
static int
open_files(struct index *ix)
{
	struct stat	 st;
	int		 fd;

	index_marks_opening(ix);
	ix->ino = 0;
	ix->rooted = false;
	if (fill_lock_file(ix) == -1 || open_env(ix, ix->dirfd, 0) == -1)
		return -1;
	/* Of what is open: its name may be another file's by now. */
	if (mdb_env_get_fd(ix->env, &fd) != 0 || fstat(fd, &st) == -1) {
		close_env(ix);
		return index_corrupt();
	}
	ix->dev = st.st_dev;
	ix->ino = st.st_ino;
	if (index_is_gone(ix)) {
		close_env(ix);
		errno = ESTALE;
		return -1;
	}
	forget_dead_readers(ix);
	if (check_root(ix) == -1) {
		close_env(ix);
		return -1;
	}
	return 0;
}

static void
log_discarded(const char *why)
{
	log_info("event=index-discarded reason=%s", log_esc(why));
}

/* Is it the place that is bad, and not what lies there? */
static bool
is_place(int error)
{
	static const int	 place[] = { EACCES, EAGAIN, EDQUOT, EMFILE,
				    ENFILE, ENOENT, ENOSPC, EPERM, EROFS,
				    ESTALE };
	size_t			 i;

	for (i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		if (error == place[i])
			return true;
	return false;
}

/* What lies there, or when that is no good a new one. */
static int
open_or_make(struct index *ix)
{
	const char	*why = index_marks_check(ix);
	int		 saved;

	index_marks_watch();
	index_marks_busy(ix);
	if (why == NULL) {
		if (open_files(ix) == 0)
			return 0;
		saved = errno;
		index_marks_opened(ix);
		errno = saved;
		if (is_place(errno))
			return -1;
		why = "cannot be read";
	}
	log_discarded(why);
	ix->ino = 0;
	index_marks_remove(ix);
	return open_files(ix);
}

/* 1, 0 when the directory was made or removed meanwhile, -1. */
static int
open_gate(struct index *ix)
{
	struct stat	 st, now;

	ix->dirfd = openat(ix->homefd, DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ix->dirfd == -1 && errno == ENOENT) {
		if (mkdirat(ix->homefd, DIRECTORY, 0700) == -1 &&
		    errno != EEXIST)
			return -1;
		return 0;
	}
	if (ix->dirfd == -1)
		return -1;
	ix->lockfd = openat(ix->dirfd, "opening", O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, 0600);
	if (ix->lockfd == -1)
		return errno == ENOENT ? 0 : -1;
	if (filelock_octet(ix->lockfd, INDEX_GATE, F_WRLCK, INDEX_WAIT_MS) ==
	    -1)
		return -1;
	if (fstat(ix->lockfd, &st) == -1)
		return -1;
	return fstatat(ix->dirfd, "opening", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == now.st_ino && st.st_dev == now.st_dev;
}

static void
close_gate(struct index *ix)
{
	io_close(ix->lockfd);
	io_close(ix->dirfd);
	ix->lockfd = ix->dirfd = -1;
}

static int
open_shared(struct index *ix)
{
	int	 r, i;

	if (shared != NULL && shared_by == getpid()) {
		errno = EBUSY;
		return -1;
	}
	for (i = 0; i < 5; i++) {
		if ((r = open_gate(ix)) == -1)
			break;
		if (r == 1 && open_or_make(ix) == 0) {
			index_marks_busy(NULL);
			filelock_free(ix->lockfd, INDEX_GATE);
			shared = ix;
			shared_by = getpid();
			return 0;
		}
		index_marks_busy(NULL);
		if (r == 1 && errno != ESTALE && errno != ENOENT)
			break;
		close_gate(ix);
		errno = ESTALE;
	}
	r = errno;
	close_gate(ix);
	errno = r;
	return -1;
}

static int
open_private(struct index *ix)
{
	int	 fd, r;

	ix->alone = true;
	ix->rooted = false;
	if ((fd = memfd_create("index", MFD_CLOEXEC)) == -1)
		return -1;
	r = open_env(ix, fd, MDB_NOSUBDIR | MDB_NOLOCK);
	io_close(fd);
	return r;
}

struct index *
index_open(int homefd, bool alone)
{
	struct index	*ix = xcalloc(1, sizeof(*ix));
	int		 saved;

	ix->homefd = homefd;
	ix->dirfd = ix->lockfd = ix->slot = -1;
	ix->txn.index = ix;
	if (!alone) {
		if (open_shared(ix) == 0)
			return ix;
		if (errno == EBUSY)
			goto fail;
		log_warn("event=index-private");
	}
	if (open_private(ix) == 0)
		return ix;
fail:
	saved = errno;
	free(ix);
	errno = saved;
	return NULL;
}

void
index_close(struct index *ix)
{
	if (ix == NULL)
		return;
	index_abort(&ix->txn);
	index_marks_busy(ix);
	/* There may be something to sync. */
	(void)index_wake(ix);
	index_marks_clean(ix);
	close_env(ix);
	index_marks_busy(NULL);
	index_marks_opened(ix);
	close_gate(ix);
	if (shared == ix)
		shared = NULL;
	free(ix);
}

bool
index_is_private(const struct index *ix)
{
	return ix->alone;
}

void
index_discard(struct index *ix, const char *why)
{
	log_discarded(why);
	index_abort(&ix->txn);
	if (!ix->alone && filelock_octet(ix->lockfd, INDEX_GATE, F_WRLCK,
	    INDEX_WAIT_MS) == 0) {
		index_marks_remove(ix);
		filelock_free(ix->lockfd, INDEX_GATE);
	}
	/* Nothing of it is worth a sync. */
	close_env(ix);
	ix->resting = false;
	index_close(ix);
}

bool
index_is_gone(const struct index *ix)
{
	struct stat	 st;

	return !ix->alone && (fstatat(ix->homefd, DIRECTORY "/data.mdb", &st,
	    AT_SYMLINK_NOFOLLOW) == -1 || st.st_dev != ix->dev ||
	    st.st_ino != ix->ino);
}

/*
 * LMDB keeps the pages of a large transaction for the next one.  A session that
 * then waits for an hour does not need them.
 */
int
index_reopen(struct index *ix)
{
	struct index_txn	*t = &ix->txn;
	int			 r;

	t->octets = 0;
	if (ix->alone)
		return 0;
	if (filelock_octet(ix->lockfd, INDEX_GATE, F_WRLCK, 0) == -1)
		return 0;
	if (!index_is_gone(ix)) {
		close_env(ix);
		r = open_env(ix, ix->dirfd, 0);
	} else
		r = 0;
	filelock_free(ix->lockfd, INDEX_GATE);
	return r;
}

/* The files stay as they are, and so do our marks. */
void
index_rest(struct index *ix)
{
	if (ix->alone || ix->env == NULL || ix->txn.txn != NULL)
		return;
	close_env(ix);
	ix->resting = true;
}

int
index_wake(struct index *ix)
{
	int	 r = -1, saved;

	if (!ix->resting)
		return 0;
	if (filelock_octet(ix->lockfd, INDEX_GATE, F_WRLCK, INDEX_WAIT_MS) ==
	    -1)
		return -1;
	if (index_is_gone(ix))
		errno = ESTALE;
	else
		r = open_env(ix, ix->dirfd, 0);
	saved = errno;
	filelock_free(ix->lockfd, INDEX_GATE);
	ix->resting = r == -1;
	/* Want of memory or descriptors says nothing against the index. */
	errno = saved == ESTALE || saved == EBADMSG ? saved : EAGAIN;
	return r;
}
