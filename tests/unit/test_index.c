/* lib/store/index: calls and what they cost. */
#include <time.h>

#include "tests/unit/index_box.h"

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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(what_is_no_use_is_refused),
		T(the_head_keeps_its_own_counts),
		T(the_largest_uid_is_one_like_others),
		T(history_is_bounded),
		T(figures),
	};

	log_init("test_index");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
