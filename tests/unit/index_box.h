/* An index in a directory of the test's, and ways to fill and to look at it. */
#ifndef TESTS_INDEX_BOX_H
#define TESTS_INDEX_BOX_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/store/index.h"
#include "tests/unit/tmpdir.h"

#define V	1763740000u	/* its uidvalidity */

static int	 home;

static inline int
setup(void **state)
{
	if (tmpdir_setup(state) == -1)
		return -1;
	home = open(tmpdir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return home == -1 ? -1 : 0;
}

static inline int
teardown(void **state)
{
	close(home);
	return tmpdir_teardown(state);
}

static inline struct index *
must_open(void)
{
	struct index	*ix = index_open(home, false);

	assert_non_null(ix);
	assert_false(index_is_private(ix));
	return ix;
}

static inline struct index_txn *
must_begin(struct index *ix, bool write)
{
	struct index_txn	*t = index_begin(ix, write);

	assert_non_null(t);
	return t;
}

static inline void
add_head(struct index_txn *t, uint32_t validity)
{
	struct index_head	 h = { .validity = validity, .next = 1 };

	assert_int_equal(index_head_put(t, &h), 0);
}

static inline struct letter
make_letter(uint32_t uid, uint64_t modseq, uint32_t flags)
{
	struct letter	 l = { .uid = uid, .modseq = modseq, .flags = flags,
			    .size = uid, .wire = uid + 10,
			    .received = LETTER_UNDATED,
			    .saved = (int64_t)uid * 2 };

	return l;
}

static inline void
put_one(struct index_txn *t, uint32_t validity, struct letter l,
    const char *name)
{
	assert_int_equal(index_put(t, validity, &l, &name, 1), 0);
}

/* Letters first to last with names, in one call. */
static inline void
put_many(struct index_txn *t, uint32_t validity, uint32_t first,
    uint32_t last, uint64_t modseq)
{
	size_t		 n = last - first + 1, i;
	struct letter	*l = calloc(n, sizeof(*l));
	char		(*text)[80] = calloc(n, sizeof(*text));
	const char	**names = calloc(n, sizeof(*names));

	for (i = 0; i < n; i++) {
		l[i] = make_letter(first + (uint32_t)i, modseq, LETTER_SEEN);
		snprintf(text[i], sizeof(text[i]), "1763740000.M123456Q0000000"
		    "abcdefghijklm-%zu.mail.example.org,S=1,W=2:2,S", first +
		    i);
		names[i] = text[i];
	}
	assert_int_equal(index_put(t, validity, l, names, n), 0);
	free(l);
	free(text);
	free(names);
}

/* An index with n letters, closed. */
static inline void
make_index(uint32_t n)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);

	add_head(t, V);
	put_many(t, V, 1, n, 7);
	assert_int_equal(index_commit(t), 0);
	index_close(ix);
}

/* How many letters, or -1 when the mailbox is not known. */
static inline int
letters(struct index *ix)
{
	struct index_txn	*t = index_begin(ix, false);
	struct index_head	 h;
	int			 r;

	if (t == NULL)
		return -2;
	r = index_head(t, V, &h);
	index_abort(t);
	return r == 1 ? (int)h.count : r == 0 ? -1 : -2;
}

static inline int
open_letters(void)
{
	struct index	*ix = must_open();
	int		 n = letters(ix);

	index_close(ix);
	return n;
}

static inline ino_t
inode(const char *name)
{
	struct stat	 st;

	return stat(tmpdir_file(name), &st) == -1 ? 0 : st.st_ino;
}

/* As if the mark had been made so long ago. */
static inline void
age_mark(void)
{
	struct timespec	 old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, tmpdir_file("index/dirty"), old,
	    0), 0);
}

static inline void
remove_index(void)
{
	unlink(tmpdir_file("index/data.mdb"));
	unlink(tmpdir_file("index/lock.mdb"));
	unlink(tmpdir_file("index/opening"));
	unlink(tmpdir_file("index/dirty"));
	rmdir(tmpdir_file("index"));
}

static inline uint32_t
dice(uint32_t n)
{
	static uint32_t	 x = 4711;

	x = x * 1664525u + 1013904223u;
	return (x >> 8) % n;
}

/* The child's result; 1000 and more: killed by a signal. */
static inline int
result(pid_t pid)
{
	int	 status;

	while (waitpid(pid, &status, 0) == -1)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static inline pid_t
must_fork(void)
{
	pid_t	 pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0)
		alarm(60);
	return pid;
}

/* Callbacks that touch all they are given; arg: a sum. */
static inline int
use_piece(const struct index_piece *p, void *arg)
{
	uint64_t	*sum = arg;
	size_t		 i;

	for (i = 0; i < p->n; i++)
		*sum += p->letter[i].uid + p->letter[i].modseq;
	return 0;
}

static inline int
use_name(uint32_t uid, const char *name, void *arg)
{
	*(uint64_t *)arg += uid + strlen(name);
	return 0;
}

static inline int
use_fact(uint32_t uid, struct slice s, void *arg)
{
	size_t	 i;

	for (i = 0; i < s.len; i++)
		*(uint64_t *)arg += uid + (unsigned char)s.ptr[i];
	return 0;
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
