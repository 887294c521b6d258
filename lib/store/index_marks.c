/*
 * What makes an index believed.
 *
 * `dirty' holds the boot, the device and the inode of data.mdb: there were
 * writes that nobody synced.  While the kernel runs that took them they are
 * whole; after another boot they may be anything.  It is made, durably, before
 * the first write, and removed when all was synced.
 *
 * `opening' has an octet for each session that looks at an index for the first
 * time, and the session holds a lock on it.  An octet that is set and not
 * locked is that of a session that died then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/store/durable.h"
#include "lib/store/index_parts.h"

#define DIRTY_MAX	128
/*
 * Short sessions leave the mark and the fsync to a later one: of many a minute
 * one pays.
 */
#define SETTLE_SECONDS	60

static struct index	*volatile busy;

/* What `dirty' holds for this boot and file. */
static int
make_dirty(dev_t dev, ino_t ino, char out[DIRTY_MAX])
{
	return snprintf(out, DIRTY_MAX, "%s %llu %llu\n", boot_id(),
	    (unsigned long long)dev, (unsigned long long)ino);
}

/* 1: it is there and of this boot and file; 0: of another; -1: none. */
static int
read_dirty(const struct index *ix, dev_t dev, ino_t ino)
{
	char	 text[DIRTY_MAX], want[DIRTY_MAX];
	ssize_t	 n;
	int	 fd, len;

	fd = openat(ix->dirfd, "dirty",
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? -1 : 0;
	n = pread(fd, text, sizeof(text), 0);
	io_close(fd);
	len = make_dirty(dev, ino, want);
	return want[0] != '-' && n == len && memcmp(text, want, (size_t)n) == 0;
}

static const char *
check_file(const struct index *ix, const char *name, struct stat *st)
{
	if (fstatat(ix->dirfd, name, st, AT_SYMLINK_NOFOLLOW) == -1) {
		memset(st, 0, sizeof(*st));
		return errno == ENOENT ? NULL : "cannot be looked at";
	}
	return S_ISREG(st->st_mode) ? NULL : "is no file";
}

static bool
somebody_died(const struct index *ix)
{
	char	 slot[INDEX_SLOTS];
	bool	 died = false;
	ssize_t	 n;
	int	 i;

	n = io_pread_full(ix->lockfd, slot, sizeof(slot), INDEX_SLOT);
	for (i = 0; i < n && !died; i++) {
		if (slot[i] == 0 || filelock_octet(ix->lockfd, INDEX_SLOT + i,
		    F_WRLCK, 0) == -1)
			continue;
		/* Its owner may have cleared it before it let go. */
		died = io_pread_full(ix->lockfd, slot + i, 1,
		    INDEX_SLOT + i) == 1 && slot[i] != 0;
		filelock_free(ix->lockfd, INDEX_SLOT + i);
	}
	return died;
}

const char *
index_marks_check(struct index *ix)
{
	struct stat	 st, lock;
	const char	*why;

	if ((why = check_file(ix, "lock.mdb", &lock)) != NULL ||
	    (why = check_file(ix, "data.mdb", &st)) != NULL)
		return why;
	if (st.st_ino == 0) {
		/* Removed by a person or a crash: so is what belonged to it. */
		index_marks_remove(ix);
		return NULL;
	}
	/* Who has it open locks a file that nobody else finds. */
	if (lock.st_ino == 0)
		return "its lock was removed";
	if (read_dirty(ix, st.st_dev, st.st_ino) == 0)
		return "not synced before the last boot, or another file";
	if (somebody_died(ix))
		return "a session died at it";
	return NULL;
}

void
index_marks_opening(struct index *ix)
{
	char	 slot[INDEX_SLOTS] = { 0 }, one = 1;
	int	 i;

	if (io_pread_full(ix->lockfd, slot, sizeof(slot), INDEX_SLOT) == -1)
		return;
	for (i = 0; i < INDEX_SLOTS; i++) {
		if (slot[i] != 0 || filelock_octet(ix->lockfd, INDEX_SLOT + i,
		    F_WRLCK, 0) == -1)
			continue;
		/* Without room for the octet it goes unmarked. */
		if (io_pwrite_all(ix->lockfd, &one, 1, INDEX_SLOT + i) == 0) {
			ix->slot = i;
			return;
		}
		filelock_free(ix->lockfd, INDEX_SLOT + i);
		return;
	}
}

void
index_marks_opened(struct index *ix)
{
	char	 zero = 0;

	if (ix->slot == -1)
		return;
	io_pwrite_all(ix->lockfd, &zero, 1, INDEX_SLOT + ix->slot);
	filelock_free(ix->lockfd, INDEX_SLOT + ix->slot);
	ix->slot = -1;
}

static int
write_dirty(struct index *ix)
{
	char	 text[DIRTY_MAX];
	int	 fd, len, r = -1;

	fd = openat(ix->dirfd, "dirty", O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd == -1)
		return -1;
	len = make_dirty(ix->dev, ix->ino, text);
	if (io_write_all(fd, text, (size_t)len) == 0)
		r = durable_sync(fd, ix->dirfd, NULL);
	io_close(fd);
	return r;
}

int
index_marks_dirty(struct index *ix)
{
	int	 r = 0;

	if (ix->marked || ix->alone)
		return 0;
	/* Held until close, so that nobody takes the mark away. */
	if (filelock_octet(ix->lockfd, INDEX_WRITER, F_RDLCK, INDEX_WAIT_MS) ==
	    -1 || filelock_octet(ix->lockfd, INDEX_MARK, F_WRLCK,
	    INDEX_WAIT_MS) == -1)
		return -1;
	if (read_dirty(ix, ix->dev, ix->ino) != 1)
		r = write_dirty(ix);
	filelock_free(ix->lockfd, INDEX_MARK);
	ix->marked = r == 0;
	return r;
}

/* Is the data.mdb that lies there ours? */
static bool
is_ours(const struct index *ix)
{
	struct stat	 st;

	return fstatat(ix->dirfd, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == ix->dev && st.st_ino == ix->ino;
}

void
index_marks_clean(struct index *ix)
{
	struct stat	 st, lock;
	int64_t		 now = io_time_us() / 1000000;

	if (ix->alone || ix->env == NULL || fstatat(ix->dirfd, "dirty", &st,
	    AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (now >= st.st_mtime && now - st.st_mtime < SETTLE_SECONDS)
		return;
	if (filelock_octet(ix->lockfd, INDEX_WRITER, F_WRLCK, 0) == -1)
		return;
	/* Locks on a removed file keep nobody away. */
	if (fstat(ix->lockfd, &lock) == 0 && lock.st_nlink > 0 &&
	    is_ours(ix) && mdb_env_sync(ix->env, 1) == 0)
		unlinkat(ix->dirfd, "dirty", 0);
	filelock_free(ix->lockfd, INDEX_WRITER);
}

void
index_marks_remove(struct index *ix)
{
	static const char	 none[INDEX_SLOTS];

	if (ix->ino != 0 && !is_ours(ix))
		return;
	/* In this order: what is left of a crash here is not believed. */
	unlinkat(ix->dirfd, "data.mdb", 0);
	unlinkat(ix->dirfd, "lock.mdb", 0);
	unlinkat(ix->dirfd, "dirty", 0);
	io_pwrite_all(ix->lockfd, none, sizeof(none), INDEX_SLOT);
}

/*
 * Only for what a damaged page can do to LMDB.  The signal's own action
 * follows, because the instruction is done again.
 */
static void
crashed(int sig)
{
	const struct index	*ix = busy;

	busy = NULL;
	if (ix != NULL && !ix->alone && (ix->ino == 0 || is_ours(ix))) {
		unlinkat(ix->dirfd, "data.mdb", 0);
		unlinkat(ix->dirfd, "lock.mdb", 0);
		unlinkat(ix->dirfd, "dirty", 0);
	}
	if (sig == SIGABRT)
		raise(sig);
}

void
index_marks_watch(void)
{
	static const int	 sigs[] = { SIGBUS, SIGSEGV, SIGFPE, SIGABRT };
	struct sigaction	 sa = { .sa_handler = crashed,
				    .sa_flags = (int)SA_RESETHAND };
	size_t			 i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
}

void
index_marks_busy(struct index *ix)
{
	busy = ix;
}
