/* The index: against a model, then against what can happen to its files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/boot.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/index.h"
#include "tests/unit/tmpdir.h"

#define V	1763740000u

static int	 home;

static int
setup(void **state)
{
	if (tmpdir_setup(state) == -1)
		return -1;
	home = open(tmpdir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return home == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	close(home);
	return tmpdir_teardown(state);
}

static struct index *
must_open(void)
{
	struct index	*ix = index_open(home, false);

	assert_non_null(ix);
	assert_false(index_is_private(ix));
	return ix;
}

static struct index_txn *
must_begin(struct index *ix, bool write)
{
	struct index_txn	*t = index_begin(ix, write);

	assert_non_null(t);
	return t;
}

static void
add_head(struct index_txn *t, uint32_t validity)
{
	struct index_head	 h = { .validity = validity, .next = 1 };

	assert_int_equal(index_head_put(t, &h), 0);
}

static struct letter
make_letter(uint32_t uid, uint64_t modseq, uint32_t flags)
{
	struct letter	 l = { .uid = uid, .modseq = modseq, .flags = flags,
			    .size = uid, .wire = uid + 10,
			    .received = LETTER_UNDATED,
			    .saved = (int64_t)uid * 2 };

	return l;
}

static void
put_one(struct index_txn *t, uint32_t validity, struct letter l,
    const char *name)
{
	assert_int_equal(index_put(t, validity, &l, &name, 1), 0);
}

/* Letters first to last with names, in one call. */
static void
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
static void
make_index(uint32_t n)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);

	add_head(t, V);
	put_many(t, V, 1, n, 7);
	assert_int_equal(index_commit(t), 0);
	index_close(ix);
}

#ifdef __SANITIZE_ADDRESS__
/* Die by a signal, as without it. */
const char	*__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "abort_on_error=1:allocator_may_return_null=1:"
	    "max_allocation_size_mb=256";
}
#endif

/* --- the model ----------------------------------------------------------- */

#define UIDS	3000

static struct {
	bool		 there;
	struct letter	 letter;
	char		 name[40];
	bool		 fact[3];
	char		 octets[3][12];
	uint64_t	 vanished;
} model[UIDS + 1];

static uint32_t
dice(uint32_t n)
{
	static uint32_t	 x = 4711;

	x = x * 1664525u + 1013904223u;
	return (x >> 8) % n;
}

struct check {
	uint32_t	 uid;		/* the next to come */
	uint32_t	 last;
	uint64_t	 since;
};

static void
check_letter(const struct letter *l)
{
	assert_true(model[l->uid].there);
	assert_memory_equal(l, &model[l->uid].letter, sizeof(*l));
}

static int
check_piece(const struct index_piece *p, void *arg)
{
	struct check	*c = arg;
	uint32_t	 unseen = 0;
	uint64_t	 modseq = 0;
	size_t		 i;

	assert_int_equal(p->first, p->letter[0].uid);
	assert_int_equal(p->last, p->letter[p->n - 1].uid);
	assert_int_equal(p->dense, p->last - p->first + 1 == p->n);
	for (i = 0; i < p->n; i++) {
		check_letter(&p->letter[i]);
		if (!(p->letter[i].flags & LETTER_SEEN))
			unseen++;
		if (p->letter[i].modseq > modseq)
			modseq = p->letter[i].modseq;
		/* Those left out are none, or not above since. */
		for (; c->uid < p->letter[i].uid; c->uid++)
			if (c->uid <= c->last && model[c->uid].there)
				assert_true(c->since != 0 &&
				    model[c->uid].letter.modseq <= c->since);
		if (c->uid == p->letter[i].uid)
			c->uid++;
	}
	assert_int_equal(p->unseen, unseen);
	assert_int_equal(p->modseq, modseq);
	assert_true(c->since == 0 || modseq > c->since);
	return 0;
}

static void
check_walk(struct index_txn *t, uint32_t first, uint32_t last, uint64_t since)
{
	struct check	 c = { .uid = first, .last = last, .since = since };

	assert_int_equal(index_walk(t, V, first, last, since, check_piece,
	    &c), 0);
	for (; c.uid <= last && c.uid <= UIDS; c.uid++)
		if (model[c.uid].there)
			assert_true(since != 0 &&
			    model[c.uid].letter.modseq <= since);
}

static int
check_name(uint32_t uid, const char *name, void *arg)
{
	struct check	*c = arg;

	for (; c->uid < uid; c->uid++)
		assert_false(model[c->uid].there);
	assert_string_equal(name, model[uid].name);
	c->uid = uid + 1;
	return 0;
}

static int
check_fact(uint32_t uid, struct slice s, void *arg)
{
	struct check	*c = arg;
	size_t		 kind = (size_t)c->since;

	for (; c->uid < uid; c->uid++)
		assert_false(model[c->uid].fact[kind]);
	assert_true(model[uid].fact[kind]);
	assert_true(slice_eq(s, slice_str(model[uid].octets[kind])));
	c->uid = uid + 1;
	return 0;
}

static void
check_head(struct index_txn *t)
{
	struct index_head	 h;
	uint32_t		 n = 0, unseen = 0, deleted = 0, unsized = 0, i;
	uint64_t		 octets = 0;

	for (i = 1; i <= UIDS; i++) {
		if (!model[i].there)
			continue;
		n++;
		unseen += !(model[i].letter.flags & LETTER_SEEN);
		deleted += !!(model[i].letter.flags & LETTER_DELETED);
		if (model[i].letter.wire == LETTER_UNKNOWN)
			unsized++;
		else
			octets += model[i].letter.wire;
	}
	assert_int_equal(index_head(t, V, &h), 1);
	assert_int_equal(h.count, n);
	assert_int_equal(h.unseen, unseen);
	assert_int_equal(h.deleted, deleted);
	assert_int_equal(h.unsized, unsized);
	assert_int_equal(h.octets, octets);
}

static void
check_all(struct index_txn *t)
{
	struct check		 c = { .uid = 1 };
	struct number_set	 uids = { 0 }, all = { 0 };
	struct letter		 l;
	const char		*name;
	uint32_t		 i, first;

	check_head(t);
	check_walk(t, 1, UINT32_MAX, 0);
	first = 1 + dice(UIDS);
	check_walk(t, first, first + dice(500), 0);
	check_walk(t, 1, UINT32_MAX, dice(100));
	assert_int_equal(index_names(t, V, 1, UINT32_MAX, check_name, &c), 0);
	assert_int_equal(index_uids(t, V, &uids), 0);
	for (i = 1; i <= UIDS; i++)
		assert_int_equal(number_set_has(&uids, i), model[i].there);
	for (i = 0; i < 50; i++) {
		first = 1 + dice(UIDS);
		assert_int_equal(index_letter(t, V, first, &l),
		    model[first].there);
		assert_int_equal(index_name(t, V, first, &name),
		    model[first].there);
		if (model[first].there) {
			check_letter(&l);
			assert_string_equal(name, model[first].name);
		}
	}
	number_set_add(&all, 1, UIDS);
	for (i = 0; i < 3; i++) {
		c = (struct check){ .uid = 1, .since = i };
		assert_int_equal(index_facts(t, V, 1 + i * 15, &all,
		    check_fact, &c), 0);
		for (; c.uid <= UIDS; c.uid++)
			assert_false(model[c.uid].fact[i]);
	}
	number_set_free(&uids);
	number_set_free(&all);
}

static void
check_vanished(struct index_txn *t)
{
	struct number_set	 set = { 0 };
	uint64_t		 since = dice(100);
	uint32_t		 i;

	assert_int_equal(index_vanished(t, V, since, &set), 1);
	for (i = 1; i <= UIDS; i++)
		assert_int_equal(number_set_has(&set, i),
		    model[i].vanished > since);
	number_set_free(&set);
}

/* Some letters from a random place on, new and old ones. */
static void
random_put(struct index_txn *t, uint32_t *top, uint64_t modseq)
{
	static char	 text[600][40];
	struct letter	 l[600];
	const char	*names[600];
	uint32_t	 uid, n = 0, max = 1 + dice(dice(10) == 0 ? 599 : 20);
	bool		 append = dice(2) == 0, bare = dice(3) == 0;

	uid = append ? *top + 1 : 1 + dice(UIDS);
	for (; n < max && uid <= UIDS;
	    uid += 1 + (dice(8) == 0 ? dice(4) : 0)) {
		if (model[uid].vanished != 0 || (bare && !model[uid].there))
			continue;
		l[n] = make_letter(uid, modseq, dice(32));
		if (dice(5) == 0)
			l[n].wire = LETTER_UNKNOWN;
		snprintf(text[n], sizeof(text[n]), "%u.%u:2,", uid,
		    dice(1000000));
		names[n] = bare || (model[uid].there && dice(3) == 0) ? NULL :
		    text[n];
		model[uid].there = true;
		model[uid].letter = l[n];
		if (names[n] != NULL)
			snprintf(model[uid].name, sizeof(model[uid].name),
			    "%s", text[n]);
		n++;
		if (uid > *top)
			*top = uid;
	}
	assert_int_equal(index_put(t, V, l, bare ? NULL : names, n), 0);
}

static void
random_remove(struct index_txn *t, uint64_t modseq)
{
	struct number_set	 set = { 0 };
	uint32_t		 uid, i, n = dice(6) == 0 ? 100 : 1 + dice(4);
	uint32_t		 last;

	for (i = 0; i < n; i++) {
		uid = 1 + dice(UIDS);
		last = uid + (dice(4) == 0 ? dice(60) : 0);
		number_set_add(&set, uid, last > UIDS ? UIDS : last);
	}
	assert_int_equal(index_remove(t, V, &set, modseq), 0);
	for (uid = 1; uid <= UIDS; uid++) {
		if (!number_set_has(&set, uid) || !model[uid].there)
			continue;
		memset(&model[uid], 0, sizeof(model[uid]));
		model[uid].vanished = modseq;
	}
	number_set_free(&set);
}

static void
random_facts(struct index_txn *t)
{
	uint32_t	 i, uid, kind;

	for (i = 0; i < 20; i++) {
		uid = 1 + dice(UIDS);
		kind = dice(3);
		if (!model[uid].there)
			continue;
		snprintf(model[uid].octets[kind], 12, "%u", dice(100000));
		model[uid].fact[kind] = true;
		assert_int_equal(index_fact_put(t, V, uid, 1 + kind * 15,
		    slice_str(model[uid].octets[kind])), 0);
	}
}

static void
random_operations_do_as_the_model_does(void **state)
{
	struct index		*ix = must_open();
	struct index_txn	*t;
	uint32_t		 round, top = 0, other = 0;
	struct number_set	 set = { 0 };

	(void)state;
	memset(model, 0, sizeof(model));
	t = must_begin(ix, true);
	add_head(t, V);
	add_head(t, V + 1);
	assert_int_equal(index_commit(t), 0);
	for (round = 1; round < 400; round++) {
		t = must_begin(ix, true);
		if (dice(3) != 0)
			random_put(t, &top, 1 + round / 4);
		if (dice(3) == 0)
			random_remove(t, 1 + round / 4);
		if (dice(2) == 0)
			random_facts(t);
		/* A neighbour that must not be disturbed. */
		put_one(t, V + 1, make_letter(++other, round, 0), "n");
		if (dice(4) == 0)
			check_all(t);
		assert_int_equal(index_commit(t), 0);
		t = must_begin(ix, false);
		check_all(t);
		check_vanished(t);
		assert_int_equal(index_uids(t, V + 1, &set), 0);
		assert_int_equal(number_set_count(&set), other);
		index_abort(t);
		if (dice(40) == 0) {
			index_close(ix);
			ix = must_open();
		}
	}
	t = must_begin(ix, true);
	assert_int_equal(index_forget(t, V), 0);
	assert_int_equal(index_commit(t), 0);
	t = must_begin(ix, false);
	assert_int_equal(index_uids(t, V, &set), 0);
	assert_int_equal(number_set_count(&set), 0);
	assert_int_equal(index_uids(t, V + 1, &set), 0);
	assert_int_equal(number_set_count(&set), other);
	index_abort(t);
	number_set_free(&set);
	index_close(ix);
}

/* --- calls --------------------------------------------------------------- */

static void
what_is_no_use_is_refused(void **state)
{
	struct index		*ix = must_open();
	struct letter		 l[2] = { make_letter(2, 1, 0),
				    make_letter(2, 1, 0) };
	struct index_head	 h = { .validity = 0 };
	struct number_set	 set = { 0 };
	struct index_txn	*t;
	struct slice		 s;

	(void)state;
	assert_null(index_open(home, false));
	assert_int_equal(errno, EBUSY);
	t = must_begin(ix, false);
	assert_null(index_begin(ix, true));
	assert_int_equal(errno, EBUSY);
	assert_int_equal(index_head(t, V, &h), 0);
	assert_int_equal(index_letter(t, V, 1, &l[0]), 0);
	assert_int_equal(index_fact(t, V, 1, 1, &s), 0);
	assert_int_equal(index_fact(t, V, 1, 0, &s), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(index_fact(t, V, 1, 32, &s), -1);
	assert_int_equal(index_vanished(t, V, 0, &set), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(index_fact_put(t, V, 1, 1, SLICE_LIT("x")), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(index_commit(t), 0);
	t = must_begin(ix, true);
	assert_int_equal(index_put(t, V, l, NULL, 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(index_remove(t, V, &set, 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(index_head_put(t, &h), -1);
	assert_int_equal(errno, EINVAL);
	add_head(t, V);
	assert_int_equal(index_put(t, V, l, NULL, 2), -1);
	assert_int_equal(errno, EINVAL);
	l[0].uid = 0;
	assert_int_equal(index_put(t, V, l, NULL, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(index_put(t, V, l, NULL, 0), 0);
	index_abort(t);
	index_abort(NULL);
	t = must_begin(ix, false);
	assert_int_equal(index_head(t, V, &h), 0);
	index_abort(t);
	index_close(ix);
	index_close(NULL);
}

static void
the_head_keeps_its_own_counts(void **state)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);
	struct index_head	 h = { .validity = V, .next = 5, .count = 77,
				    .unseen = 3, .modseq = 10, .octets = 9,
				    .forgotten = 4, .scanned = 99 };

	(void)state;
	assert_int_equal(index_head_put(t, &h), 0);
	put_one(t, V, make_letter(1, 50, LETTER_DELETED), "a");
	assert_int_equal(index_head(t, V, &h), 1);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.unseen, 1);
	assert_int_equal(h.deleted, 1);
	assert_int_equal(h.octets, 11);
	assert_int_equal(h.modseq, 50);
	assert_int_equal(h.forgotten, 4);
	assert_int_equal(h.next, 5);
	h.modseq = 20;
	h.forgotten = 0;
	h.count = 0;
	h.recent = 6;
	assert_int_equal(index_head_put(t, &h), 0);
	assert_int_equal(index_commit(t), 0);
	index_close(ix);
	ix = must_open();
	t = must_begin(ix, false);
	assert_int_equal(index_head(t, V, &h), 1);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.modseq, 50);
	assert_int_equal(h.forgotten, 4);
	assert_int_equal(h.recent, 6);
	assert_int_equal(h.scanned, 99);
	index_abort(t);
	index_close(ix);
}

static void
the_largest_uid_is_one_like_others(void **state)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);
	struct number_set	 set = { 0 };
	struct letter		 l;

	(void)state;
	add_head(t, UINT32_MAX);
	put_one(t, UINT32_MAX, make_letter(UINT32_MAX, 1, 0), "z");
	put_one(t, UINT32_MAX, make_letter(UINT32_MAX - 1, 1, 0), "y");
	put_one(t, UINT32_MAX, make_letter(UINT32_MAX, 2, 0), "zz");
	assert_int_equal(index_fact_put(t, UINT32_MAX, UINT32_MAX, 31,
	    SLICE_LIT("")), 0);
	assert_int_equal(index_letter(t, UINT32_MAX, UINT32_MAX, &l), 1);
	assert_int_equal(l.modseq, 2);
	number_set_add(&set, 1, UINT32_MAX);
	assert_int_equal(index_remove(t, UINT32_MAX, &set, UINT64_MAX), 0);
	assert_int_equal(index_uids(t, UINT32_MAX, &set), 0);
	assert_int_equal(set.n, 0);
	assert_int_equal(index_vanished(t, UINT32_MAX, 5, &set), 1);
	assert_int_equal(number_set_count(&set), 2);
	assert_int_equal(index_vanished(t, UINT32_MAX, UINT64_MAX, &set), 1);
	assert_int_equal(set.n, 0);
	assert_int_equal(index_commit(t), 0);
	number_set_free(&set);
	index_close(ix);
}

static void
history_is_bounded(void **state)
{
	struct index		*ix = must_open();
	struct index_txn	*t = must_begin(ix, true);
	struct number_set	 set = { 0 };
	struct index_head	 h;
	uint32_t		 i;

	(void)state;
	add_head(t, V);
	put_many(t, V, 1, 12000, 5);
	for (i = 1; i <= 12000; i++) {
		number_set_clear(&set);
		number_set_add(&set, i, i);
		assert_int_equal(index_remove(t, V, &set, 100 + i), 0);
	}
	assert_int_equal(index_head(t, V, &h), 1);
	assert_int_equal(h.count, 0);
	assert_int_equal(h.modseq, 12100);
	assert_in_range(h.forgotten, 100 + 2000, 100 + 5000);
	assert_int_equal(index_vanished(t, V, h.forgotten, &set), 1);
	assert_int_equal(number_set_count(&set), 12100 - h.forgotten);
	assert_int_equal(index_vanished(t, V, h.forgotten - 1, &set), 0);
	/* One by one at the same modseq: every other, in one entry. */
	put_many(t, V, 20001, 20100, 13000);
	for (i = 20001; i < 20100; i += 2) {
		number_set_clear(&set);
		number_set_add(&set, i, i);
		assert_int_equal(index_remove(t, V, &set, 13001), 0);
	}
	assert_int_equal(index_vanished(t, V, 13000, &set), 1);
	assert_int_equal(number_set_count(&set), 50);
	assert_int_equal(index_commit(t), 0);
	number_set_free(&set);
	index_close(ix);
}

/* --- files --------------------------------------------------------------- */

/* How many letters, or -1 when the mailbox is not known. */
static int
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

static int
open_letters(void)
{
	struct index	*ix = must_open();
	int		 n = letters(ix);

	index_close(ix);
	return n;
}

static ino_t
inode(const char *name)
{
	struct stat	 st;

	return stat(tmpdir_file(name), &st) == -1 ? 0 : st.st_ino;
}

/* As if the mark had been made so long ago. */
static void
age_mark(void)
{
	struct timespec	 old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, tmpdir_file("index/dirty"), old,
	    0), 0);
}

static void
what_was_written_in_this_boot_is_believed(void **state)
{
	struct buf	 b;
	char		 want[200];

	(void)state;
	make_index(300);
	buf_init(&b, 1000);
	tmpdir_read("index/dirty", &b);
	snprintf(want, sizeof(want), "%s ", boot_id());
	assert_memory_equal(buf_cstr(&b), want, strlen(want));
	assert_int_equal(open_letters(), 300);
	/* Long ago: the last one out syncs, and takes the mark away. */
	age_mark();
	assert_int_equal(open_letters(), 300);
	assert_int_equal(inode("index/dirty"), 0);
	assert_int_equal(open_letters(), 300);
	assert_int_equal(inode("index/dirty"), 0);
	buf_free(&b);
}

static void
what_another_boot_left_is_discarded(void **state)
{
	static const char	*const t[] = {
		"", "x", "11111111-2222-3333-4444-555555555555 1 1\n", "- 1 1\n"
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		make_index(10);
		tmpdir_write("index/dirty", t[i], strlen(t[i]));
		assert_int_equal(open_letters(), -1);
	}
	/* This boot, another file. */
	make_index(10);
	tmpdir_read("index/dirty", &b);
	assert_int_equal(rename(tmpdir_file("index/data.mdb"),
	    tmpdir_file("old")), 0);
	assert_int_equal(open_letters(), -1);
	make_index(11);
	tmpdir_write("index/dirty", b.ptr, b.len);
	assert_int_equal(open_letters(), -1);
	buf_free(&b);
}

static void
a_copy_is_not_the_index(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 1 << 24);
	make_index(10);
	age_mark();
	assert_int_equal(open_letters(), 10);
	tmpdir_read("index/data.mdb", &b);
	tmpdir_write("copy", b.ptr, b.len);
	assert_int_equal(rename(tmpdir_file("copy"),
	    tmpdir_file("index/data.mdb")), 0);
	assert_int_equal(open_letters(), -1);
	buf_free(&b);
}

static void
what_is_no_index_is_replaced(void **state)
{
	char	 junk[20000];

	(void)state;
	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(mkdir(tmpdir_file("index"), 0700), 0);
	tmpdir_write("index/data.mdb", "x", 1);
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/data.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	memset(junk, 0, sizeof(junk));
	tmpdir_write("index/data.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/data.mdb", "", 0);
	assert_int_equal(open_letters(), -1);
	unlink(tmpdir_file("index/data.mdb"));
	assert_int_equal(symlink("/etc/passwd",
	    tmpdir_file("index/data.mdb")), 0);
	assert_int_equal(open_letters(), -1);
	unlink(tmpdir_file("index/data.mdb"));
	assert_int_equal(mkfifo(tmpdir_file("index/data.mdb"), 0600), 0);
	assert_int_equal(open_letters(), -1);
	tmpdir_write("index/lock.mdb", junk, sizeof(junk));
	assert_int_equal(open_letters(), -1);
	make_index(5);
	assert_int_equal(open_letters(), 5);
}

static void
a_truncated_index_is_discarded(void **state)
{
	static const off_t	 len[] = { 100, 4096, 8192, 12288, 40960 };
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		make_index(1000);
		assert_int_equal(open_letters(), 1000);
		assert_int_equal(truncate(tmpdir_file("index/data.mdb"),
		    len[i]), 0);
		assert_int_equal(open_letters(), -1);
	}
}

static void
a_place_that_is_none_means_a_private_one(void **state)
{
	struct index		*ix;
	struct index_txn	*t;

	(void)state;
	tmpdir_write("index", "", 0);
	ix = index_open(home, false);
	assert_non_null(ix);
	assert_true(index_is_private(ix));
	assert_false(index_is_gone(ix));
	t = must_begin(ix, true);
	add_head(t, V);
	put_many(t, V, 1, 10000, 3);
	assert_int_equal(index_commit(t), 0);
	assert_int_equal(letters(ix), 10000);
	index_discard(ix, "a test");
	ix = index_open(home, true);
	assert_non_null(ix);
	assert_true(index_is_private(ix));
	assert_int_equal(letters(ix), -1);
	index_close(ix);
	unlink(tmpdir_file("index"));
	/* Nothing is left of them. */
	assert_int_equal(tmpdir_count(".", NULL), 0);
	/* A link to elsewhere is not followed. */
	assert_int_equal(mkdir(tmpdir_file("else"), 0700), 0);
	assert_int_equal(symlink("else", tmpdir_file("index")), 0);
	ix = index_open(home, false);
	assert_true(index_is_private(ix));
	index_close(ix);
	assert_int_equal(tmpdir_count("else", NULL), 0);
}

static void
remove_index(void)
{
	unlink(tmpdir_file("index/data.mdb"));
	unlink(tmpdir_file("index/lock.mdb"));
	unlink(tmpdir_file("index/opening"));
	unlink(tmpdir_file("index/dirty"));
	rmdir(tmpdir_file("index"));
}

static void
one_removed_under_us_is_gone(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	ino_t			 ino;

	(void)state;
	make_index(10);
	ix = must_open();
	assert_false(index_is_gone(ix));
	remove_index();
	assert_true(index_is_gone(ix));
	/* What is mapped can still be read. */
	assert_int_equal(letters(ix), 10);
	index_discard(ix, "gone");
	assert_int_equal(inode("index"), 0);
	make_index(20);
	/* Discarding the old one leaves another's new one alone. */
	ix = must_open();
	assert_int_equal(rename(tmpdir_file("index"), tmpdir_file("old")), 0);
	assert_true(index_is_gone(ix));
	index_close(ix);
	make_index(30);
	ino = inode("index/data.mdb");
	ix = must_open();
	unlink(tmpdir_file("index/data.mdb"));
	tmpdir_write("index/data.mdb", "another", 7);
	assert_true(index_is_gone(ix));
	assert_true(inode("index/data.mdb") != ino);
	ino = inode("index/data.mdb");
	index_discard(ix, "gone");
	assert_int_equal(inode("index/data.mdb"), ino);
	/* A write to one that is gone is harmless. */
	make_index(40);
	ix = must_open();
	remove_index();
	if ((t = index_begin(ix, true)) != NULL) {
		put_many(t, V, 41, 50, 3);
		index_commit(t);
	}
	index_close(ix);
	make_index(50);
	assert_int_equal(open_letters(), 50);
}

/* --- several processes --------------------------------------------------- */

/* The child's result; 1000 and more: killed by a signal. */
static int
result(pid_t pid)
{
	int	 status;

	while (waitpid(pid, &status, 0) == -1)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static pid_t
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

static void
processes_write_in_turn(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	pid_t			 pid[4];
	uint32_t		 i, j;
	const char		*name = "n";
	struct letter		 l;

	(void)state;
	make_index(1);
	for (i = 0; i < 4; i++) {
		if ((pid[i] = must_fork()) != 0)
			continue;
		if ((ix = index_open(home, false)) == NULL ||
		    index_is_private(ix))
			_exit(1);
		for (j = 0; j < 200; j++) {
			l = make_letter(2 + j * 4 + i, j, 0);
			if ((t = index_begin(ix, true)) == NULL)
				_exit(2);
			if (index_put(t, V, &l, &name, 1) == -1 ||
			    index_commit(t) == -1)
				_exit(3);
		}
		index_close(ix);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(result(pid[i]), 0);
	assert_int_equal(open_letters(), 801);
}

static void
one_killed_in_its_first_look_takes_the_index_along(void **state)
{
	struct index	*ix;
	pid_t		 pid;

	(void)state;
	make_index(10);
	if ((pid = must_fork()) == 0) {
		index_open(home, false);
		raise(SIGKILL);
	}
	assert_int_equal(result(pid), 1000 + SIGKILL);
	assert_int_equal(open_letters(), -1);
	/* After it a killed session means nothing, in a transaction even. */
	make_index(10);
	if ((pid = must_fork()) == 0) {
		ix = index_open(home, false);
		letters(ix);
		index_begin(ix, true);
		raise(SIGKILL);
	}
	assert_int_equal(result(pid), 1000 + SIGKILL);
	assert_int_equal(open_letters(), 10);
	make_index(10);
}

static void
a_mark_stays_while_another_may_write(void **state)
{
	struct index		*ix;
	struct index_txn	*t;
	pid_t			 pid;
	int			 up[2], down[2];
	char			 c;

	(void)state;
	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	make_index(10);
	if ((pid = must_fork()) == 0) {
		ix = index_open(home, false);
		t = index_begin(ix, true);
		if (t == NULL || index_commit(t) == -1 ||
		    write(up[1], "", 1) != 1 || read(down[0], &c, 1) != 1)
			_exit(1);
		index_close(ix);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	age_mark();
	assert_int_equal(open_letters(), 10);
	assert_true(inode("index/dirty") != 0);
	assert_int_equal(write(down[1], "", 1), 1);
	assert_int_equal(result(pid), 0);
	assert_int_equal(inode("index/dirty"), 0);
	close(up[0]);
	close(up[1]);
	close(down[0]);
	close(down[1]);
}

/* All that can be asked, of a file that may hold anything. */
static int
use_piece(const struct index_piece *p, void *arg)
{
	uint64_t	*sum = arg;
	size_t		 i;

	for (i = 0; i < p->n; i++)
		*sum += p->letter[i].uid + p->letter[i].modseq;
	return 0;
}

static int
use_name(uint32_t uid, const char *name, void *arg)
{
	*(uint64_t *)arg += uid + strlen(name);
	return 0;
}

static int
use_fact(uint32_t uid, struct slice s, void *arg)
{
	size_t	 i;

	for (i = 0; i < s.len; i++)
		*(uint64_t *)arg += uid + (unsigned char)s.ptr[i];
	return 0;
}

static void
use_all(struct index *ix)
{
	struct number_set	 set = { 0 }, all = { 0 };
	struct index_txn	*t;
	struct letter		 l = make_letter(77, 9, 0);
	const char		*name = "changed";
	volatile uint64_t	 kept;
	uint64_t		 sum = 0;

	number_set_add(&all, 1, UINT32_MAX);
	if ((t = index_begin(ix, false)) != NULL) {
		index_walk(t, V, 1, UINT32_MAX, 0, use_piece, &sum);
		index_names(t, V, 1, UINT32_MAX, use_name, &sum);
		index_uids(t, V, &set);
		index_vanished(t, V, 0, &set);
		index_facts(t, V, 3, &all, use_fact, &sum);
		index_abort(t);
	}
	if ((t = index_begin(ix, true)) != NULL) {
		number_set_clear(&set);
		number_set_add(&set, 100, 200);
		if (index_put(t, V, &l, &name, 1) == 0 &&
		    index_remove(t, V, &set, 10) == 0)
			index_commit(t);
		else
			index_abort(t);
	}
	kept = sum;
	(void)kept;
	number_set_free(&set);
	number_set_free(&all);
}

/* In place, so that the inode is the index's. */
static void
restore(const struct buf *b, const struct buf *mark)
{
	tmpdir_write("index/data.mdb", b->ptr, b->len);
	tmpdir_write("index/dirty", mark->ptr, mark->len);
}

static void
damage(struct buf *b)
{
	size_t	 page = dice((uint32_t)(b->len / 4096));
	size_t	 at, n;
	char	*p;

	/* Heads of pages and nodes are where it hurts. */
	for (n = 1 + dice(4); n > 0; n--) {
		at = dice(3) == 0 ? dice(4096) : dice(64);
		p = b->ptr + page * 4096 + at;
		switch (dice(4)) {
		case 0:
			*p ^= (char)(1 << dice(8));
			break;
		case 1:
			*p = (char)dice(256);
			break;
		case 2:
			*p = '\377';
			break;
		default:
			memset(b->ptr + page * 4096, (int)dice(256),
			    dice(2) == 0 ? 4096 : 16);
			break;
		}
	}
}

/*
 * A session that looks at everything, with the limit of memory that a session
 * has: LMDB may take a number on a page for one of pages to note.
 */
static int
session(void)
{
	struct rlimit	 none = { 0, 0 };
	struct index	*ix;
	pid_t		 pid;

	if ((pid = must_fork()) == 0) {
		setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
		setrlimit(RLIMIT_DATA, &(struct rlimit){ 1 << 28, 1 << 28 });
#endif
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		if ((ix = index_open(home, false)) == NULL)
			_exit(2);
		use_all(ix);
		index_close(ix);
		_exit(0);
	}
	return result(pid);
}

/* An index with something of every kind, in *b, and its mark. */
static void
make_rich(struct buf *b, struct buf *mark)
{
	struct index		*ix;
	struct index_txn	*t;
	struct number_set	 set = { 0 };
	uint32_t		 i;

	make_index(400);
	ix = must_open();
	t = must_begin(ix, true);
	for (i = 1; i <= 400; i += 2)
		assert_int_equal(index_fact_put(t, V, i, 3,
		    SLICE_LIT("(\"a date\" \"a subject\" NIL NIL)")), 0);
	number_set_add(&set, 33, 44);
	number_set_add(&set, 300, 390);
	assert_int_equal(index_remove(t, V, &set, 8), 0);
	assert_int_equal(index_commit(t), 0);
	index_close(ix);
	number_set_free(&set);
	tmpdir_read("index/data.mdb", b);
	tmpdir_read("index/dirty", mark);
}

static void
a_damaged_index_costs_one_session_at_most(void **state)
{
	struct buf	 good, bad, mark;
	int		 i, r, died = 0;
	ino_t		 ino;

	(void)state;
	buf_init(&good, 1 << 24);
	buf_init(&bad, 1 << 24);
	buf_init(&mark, 1000);
	make_rich(&good, &mark);
	for (i = 0; i < 300; i++) {
		ino = inode("index/data.mdb");
		buf_clear(&bad);
		buf_add(&bad, good.ptr, good.len);
		damage(&bad);
		restore(&bad, &mark);
		if ((r = session()) != 0) {
			died++;
			assert_true(r > 1000);
			assert_int_not_equal(r, 1000 + SIGALRM);
			/* Not a second time. */
			assert_int_equal(session(), 0);
		}
		if (inode("index/data.mdb") != ino) {
			remove_index();
			make_rich(&good, &mark);
		}
	}
	print_message("%d of %d sessions died\n", died, i);
	buf_free(&good);
	buf_free(&bad);
	buf_free(&mark);
}

/* --- figures ------------------------------------------------------------- */

static double
now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
figure(const char *what, double since)
{
	print_message("%-44s %8.3f ms\n", what, now() - since);
}

static void
figures(void **state)
{
	static struct letter	 l[10000];
	struct number_set	 set = { 0 };
	struct index		*ix;
	struct index_txn	*t;
	uint64_t		 sum = 0;
	double			 at;
	uint32_t		 i;

	(void)state;
	at = now();
	make_index(100000);
	figure("100,000 letters into a new index", at);
	at = now();
	for (i = 0; i < 10; i++)
		index_close(must_open());
	figure("open and close, 10 times", at);
	ix = must_open();
	for (i = 0; i < 2; i++) {
		at = now();
		t = must_begin(ix, false);
		index_uids(t, V, &set);
		index_abort(t);
		figure("UIDs of 100,000", at);
		at = now();
		t = must_begin(ix, false);
		index_walk(t, V, 1, UINT32_MAX, 0, use_piece, &sum);
		index_abort(t);
		figure("walk over 100,000", at);
		at = now();
		t = must_begin(ix, false);
		index_names(t, V, 1, UINT32_MAX, use_name, &sum);
		index_abort(t);
		figure("names of 100,000", at);
	}
	for (i = 0; i < 10000; i++)
		l[i] = make_letter(1 + i, 9, 0);
	at = now();
	t = must_begin(ix, true);
	assert_int_equal(index_put(t, V, l, NULL, 10000), 0);
	assert_int_equal(index_commit(t), 0);
	figure("flags of 10,000 in a row", at);
	at = now();
	t = must_begin(ix, true);
	put_many(t, V, 1, 10000, 10);
	assert_int_equal(index_commit(t), 0);
	figure("flags and names of 10,000 in a row", at);
	for (i = 0; i < 10000; i++)
		l[i] = make_letter(1 + i * 10, 11, 0);
	at = now();
	t = must_begin(ix, true);
	assert_int_equal(index_put(t, V, l, NULL, 10000), 0);
	assert_int_equal(index_commit(t), 0);
	figure("flags of every 10th", at);
	at = now();
	t = must_begin(ix, true);
	for (i = 1; i <= 10000; i++)
		assert_int_equal(index_fact_put(t, V, i, 1, (struct slice){
		    (const char *)l, 500 }), 0);
	assert_int_equal(index_commit(t), 0);
	figure("10,000 facts of 500 octets", at);
	number_set_clear(&set);
	number_set_add(&set, 1, 10000);
	at = now();
	t = must_begin(ix, false);
	index_facts(t, V, 1, &set, use_fact, &sum);
	index_abort(t);
	figure("reading them", at);
	at = now();
	t = must_begin(ix, true);
	assert_int_equal(index_remove(t, V, &set, 12), 0);
	assert_int_equal(index_commit(t), 0);
	figure("removing these 10,000", at);
	l[0] = make_letter(50000, 13, 0);
	at = now();
	for (i = 0; i < 1000; i++) {
		t = must_begin(ix, true);
		index_put(t, V, l, NULL, 1);
		index_commit(t);
	}
	figure("one letter, 1,000 times", at);
	number_set_free(&set);
	index_close(ix);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(random_operations_do_as_the_model_does),
		T(what_is_no_use_is_refused),
		T(the_head_keeps_its_own_counts),
		T(the_largest_uid_is_one_like_others),
		T(history_is_bounded),
		T(what_was_written_in_this_boot_is_believed),
		T(what_another_boot_left_is_discarded),
		T(a_copy_is_not_the_index),
		T(what_is_no_index_is_replaced),
		T(a_truncated_index_is_discarded),
		T(a_place_that_is_none_means_a_private_one),
		T(one_removed_under_us_is_gone),
		T(processes_write_in_turn),
		T(one_killed_in_its_first_look_takes_the_index_along),
		T(a_mark_stays_while_another_may_write),
		T(a_damaged_index_costs_one_session_at_most),
		T(figures),
	};

	log_init("test_index");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
