/* The index beside a model in memory, by random operations. */
#include "tests/unit/index_box.h"

#define UIDS	3000

static struct {
	bool		 there;
	struct letter	 letter;
	char		 name[40];
	bool		 fact[3];
	char		 octets[3][12];
	uint64_t	 vanished;
} model[UIDS + 1];

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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(random_operations_do_as_the_model_does),
	};

	log_init("test_index_model");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
