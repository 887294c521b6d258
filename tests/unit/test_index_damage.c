/* An index whose pages were damaged at random: no session falls twice. */
#include <sys/resource.h>
#include <signal.h>

#include "tests/unit/index_box.h"

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
/* All that can be asked, of a file that may hold anything. */
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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(a_damaged_index_costs_one_session_at_most),
	};

	log_init("test_index_damage");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
