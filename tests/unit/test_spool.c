/* Ids, the layout, and writing: what a failure at each step leaves. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/spool.h"
#include "tests/unit/fail_fsync.h"
#include "tests/unit/tmpdir.h"

/* The system's calls, made to fail on demand. */
static int	 write_error, write_short;

ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	char	*p;
	size_t	 len = 0;
	ssize_t	 r;
	int	 i;

	if (write_error != 0) {
		errno = write_error;
		return -1;
	}
	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	p = malloc(len);
	for (i = 0, len = 0; i < n; len += iov[i++].iov_len)
		if (iov[i].iov_len > 0)
			memcpy(p + len, iov[i].iov_base, iov[i].iov_len);
	if (write_short > 0 && len > (size_t)write_short)
		len = (size_t)write_short;
	r = pwrite(fd, p, len, off);
	free(p);
	return r;
}

static struct spool	 sp;

static int
setup(void **state)
{
	fsyncs = fsync_fails_at = write_error = write_short = 0;
	if (tmpdir_setup(state) == -1)
		return -1;
	return spool_make(tmpdir_path) == -1 ? -1 :
	    spool_open(&sp, tmpdir_path);
}

static int
teardown(void **state)
{
	spool_close(&sp);
	return tmpdir_teardown(state);
}

static void
fill(struct envelope *env, size_t rcpts)
{
	char	 name[64];
	size_t	 i;

	envelope_init(env);
	env->arrived = INT64_C(1763740000123456);
	env->from = xstrdup("alice@example.org");
	for (i = 0; i < rcpts; i++) {
		snprintf(name, sizeof(name), "user%zu@example.org", i);
		envelope_add_rcpt(env, name, NULL, 0);
	}
}

/* The file below the spool: whole, with this content behind this head. */
static void
check_file(const char *dir, const char *id, const char *content, size_t len,
    const char *head, size_t rcpts)
{
	struct envelope	 env;
	struct buf	 b;
	char		 name[300];
	const char	*why = "";
	int		 fd;

	snprintf(name, sizeof(name), "%s/%s", dir, id);
	fd = open(tmpdir_file(name), O_RDONLY);
	assert_int_not_equal(fd, -1);
	if (envelope_read(fd, &env, &why) != ENVELOPE_OK)
		fail_msg("%s", why);
	close(fd);
	assert_int_equal(env.size, len);
	assert_int_equal(env.head, strlen(head));
	assert_int_equal(env.nrcpts, rcpts);
	buf_init(&b, 100000000);
	tmpdir_read(name, &b);
	assert_memory_equal(b.ptr + env.block - env.head, head, env.head);
	assert_memory_equal(b.ptr + env.block, content, len);
	buf_free(&b);
	envelope_free(&env);
}

static void
ids_are_ordered_by_time_and_never_the_same(void **state)
{
	char	 a[SPOOL_ID_LEN + 1], b[SPOOL_ID_LEN + 1], q[64];
	int	 i;

	(void)state;
	spool_id_new(a, INT64_C(1763740000999999));
	assert_true(spool_id_valid(a));
	assert_int_equal(spool_id_time(a), 1763740000);
	for (i = 0; i < 100; i++) {
		spool_id_new(b, INT64_C(1763740000000000));
		assert_memory_equal(a, b, 7);
		assert_string_not_equal(a, b);
		assert_true(spool_id_valid(b));
	}
	spool_id_new(b, INT64_C(1763740001000000));
	assert_true(strcmp(a, b) < 0);
	spool_queue_name("1mj1f50abcdefghjkmnp", q);
	assert_string_equal(q, "queue/np/1mj1f50abcdefghjkmnp");
}

static void
an_id_is_twenty_of_its_characters(void **state)
{
	static const struct { const char *id; bool ok; } t[] = {
		{ "0123456789abcdefghjk", true },
		{ "mnpqrstvwxyz00000000", true },
		{ "0123456789abcdefghj", false },
		{ "0123456789abcdefghjkm", false },
		{ "", false },
		{ "0123456789abcdefghjK", false },
		{ "0123456789abcdefghji", false },
		{ "0123456789abcdefghjl", false },
		{ "0123456789abcdefghjo", false },
		{ "0123456789abcdefghju", false },
		{ "../../../etc/passwd0", false },
		{ ".123456789abcdefghjk", false },
		{ "0123456789abcdefgh.s", false },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(spool_id_valid(t[i].id), t[i].ok);
	assert_int_equal(spool_id_time("short"), 0);
}

static void
a_derived_id_depends_on_all_it_is_made_of(void **state)
{
	const char	*id = "1mj1f50abcdefghjkmnp";
	char		 a[SPOOL_ID_LEN + 1], b[SPOOL_ID_LEN + 1];

	(void)state;
	spool_id_derive(a, id, 1, "bounce");
	assert_true(spool_id_valid(a));
	assert_memory_equal(a, id, 7);
	spool_id_derive(b, id, 1, "bounce");
	assert_string_equal(a, b);
	spool_id_derive(b, id, 2, "bounce");
	assert_string_not_equal(a, b);
	spool_id_derive(b, id, 1, "warning");
	assert_string_not_equal(a, b);
	spool_id_derive(b, "1mj1f50abcdefghjkmnq", 1, "bounce");
	assert_string_not_equal(a, b);
}

static void
making_the_layout_again_is_harmless(void **state)
{
	char	 name[256];

	(void)state;
	assert_int_equal(spool_make(tmpdir_path), 0);
	assert_int_equal(tmpdir_count(".", name), 5);
	assert_int_equal(tmpdir_count("queue", name), 1024);
	assert_int_equal(spool_make(tmpdir_file("no/where")), -1);
	assert_int_equal(errno, ENOENT);
}

static void
a_small_letter_is_written_whole(void **state)
{
	static const size_t	 sizes[] = { 0, 1, 2000, SPOOL_MEMORY };
	struct spool_writer	*w;
	struct envelope		 env;
	struct stat		 st;
	char			*data = xmalloc(SPOOL_MEMORY);
	char			 id[SPOOL_ID_LEN + 1], name[64];
	bool			 sync_failed;
	size_t			 i;

	(void)state;
	memset(data, 'x', SPOOL_MEMORY);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_short = i == 2 ? 17 : i == 3 ? 5000 : 0;
		fill(&env, 1 + i * 200);
		spool_id_new(id, env.arrived);
		w = spool_writer_new(&sp, id);
		assert_int_equal(spool_writer_add(w, data, sizes[i]), 0);
		assert_int_equal(spool_writer_size(w), sizes[i]);
		assert_int_equal(spool_writer_front(w).len, sizes[i]);
		assert_int_equal(tmpdir_count("tmp", NULL), 0);
		fsyncs = 0;
		assert_int_equal(spool_writer_commit(w, &env,
		    SLICE_LIT("X: y\r\n"), &sync_failed), 0);
		assert_int_equal(fsyncs, 2);
		assert_int_equal(tmpdir_count("tmp", NULL), 0);
		check_file("new", id, data, sizes[i], "X: y\r\n",
		    1 + i * 200);
		snprintf(name, sizeof(name), "new/%s", id);
		assert_int_equal(stat(tmpdir_file(name), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0440);
		envelope_free(&env);
	}
	free(data);
}

/* Octets whose place can be told from their value. */
static char *
pattern(size_t len)
{
	char	*p = xmalloc(len);
	size_t	 i;

	for (i = 0; i < len; i++)
		p[i] = (char)(i * 7 + i / 251 + i / 65536);
	return p;
}

static void
a_large_message_goes_to_disk_as_it_comes(void **state)
{
	static const struct { size_t size, piece, rcpts; uint32_t room; } t[] =
	{
		{ SPOOL_MEMORY + 1, 1000, 1, 0 },
		{ SPOOL_MEMORY + 1, SPOOL_MEMORY + 1, 1, 4096 },
		{ 1000000, 77777, 10, 0 },
		{ 1000000, 300000, 10, 65536 },
		{ 1000000, 100, 3000, 0 },	/* outgrows its room */
		{ 3000000, 65536, 1000, 4096 },
	};
	struct spool_writer	*w;
	struct envelope		 env;
	char			 id[SPOOL_ID_LEN + 1], *data;
	bool			 sync_failed;
	size_t			 i, n, off;

	(void)state;
	data = pattern(3000000);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fill(&env, t[i].rcpts);
		spool_id_new(id, env.arrived);
		w = spool_writer_new(&sp, id);
		if (t[i].room != 0)
			spool_writer_reserve(w, t[i].room);
		for (off = 0; off < t[i].size; off += n) {
			n = t[i].size - off < t[i].piece ?
			    t[i].size - off : t[i].piece;
			assert_int_equal(spool_writer_add(w, data + off, n),
			    0);
		}
		assert_int_equal(spool_writer_size(w), t[i].size);
		assert_int_equal(spool_writer_front(w).len, SPOOL_MEMORY);
		assert_memory_equal(spool_writer_front(w).ptr, data,
		    SPOOL_MEMORY);
		assert_int_equal(tmpdir_count("tmp", NULL), 1);
		assert_int_equal(spool_writer_commit(w, &env,
		    SLICE_LIT("X: y\r\n"), &sync_failed), 0);
		assert_int_equal(tmpdir_count("tmp", NULL), 0);
		check_file("new", id, data, t[i].size, "X: y\r\n",
		    t[i].rcpts);
		envelope_free(&env);
	}
	free(data);
}

static void
what_cannot_be_written_leaves_nothing(void **state)
{
	static const struct { int write_error, fsync_at, err; } t[] = {
		{ ENOSPC, 0, ENOSPC }, { EDQUOT, 0, EDQUOT },
		{ 0, 1, EIO }, { 0, 2, EIO },
	};
	struct spool_writer	*w;
	struct envelope		 env;
	char			 id[SPOOL_ID_LEN + 1];
	bool			 sync_failed;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		write_error = t[i].write_error;
		fsync_fails_at = t[i].fsync_at;
		fsyncs = 0;
		fill(&env, 1);
		spool_id_new(id, env.arrived);
		w = spool_writer_new(&sp, id);
		spool_writer_add(w, "hello\r\n", 7);
		assert_int_equal(spool_writer_commit(w, &env,
		    (struct slice){ NULL, 0 }, &sync_failed), -1);
		assert_int_equal(errno, t[i].err);
		assert_int_equal(sync_failed, t[i].fsync_at != 0);
		assert_int_equal(tmpdir_count("tmp", NULL), 0);
		assert_int_equal(tmpdir_count("new", NULL), 0);
		envelope_free(&env);
	}
}

static void
an_id_in_use_is_not_replaced(void **state)
{
	const char		*id = "1mj1f50abcdefghjkmnp";
	struct spool_writer	*w;
	struct envelope		 env;
	bool			 sync_failed;
	int			 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fill(&env, 1);
		w = spool_writer_new(&sp, id);
		spool_writer_add(w, i == 0 ? "one\r\n" : "two\r\n", 5);
		assert_int_equal(spool_writer_commit(w, &env,
		    (struct slice){ NULL, 0 }, &sync_failed), -i);
		envelope_free(&env);
	}
	assert_int_equal(errno, EEXIST);
	assert_int_equal(tmpdir_count("tmp", NULL), 0);
	check_file("new", id, "one\r\n", 5, "", 1);
}

static void
an_envelope_that_cannot_be_said_is_refused(void **state)
{
	struct spool_writer	*w;
	struct envelope		 env;
	bool			 sync_failed;

	(void)state;
	fill(&env, 1);
	env.client_helo = xstrdup("a\nb");
	w = spool_writer_new(&sp, "1mj1f50abcdefghjkmnp");
	assert_int_equal(spool_writer_commit(w, &env,
	    (struct slice){ NULL, 0 }, &sync_failed), -1);
	assert_int_equal(errno, EINVAL);
	assert_false(sync_failed);
	assert_int_equal(tmpdir_count("new", NULL), 0);
	envelope_free(&env);
}

static void
an_aborted_message_leaves_nothing(void **state)
{
	struct spool_writer	*w;
	char			*data = pattern(SPOOL_MEMORY + 5);

	(void)state;
	spool_writer_abort(NULL);
	w = spool_writer_new(&sp, "1mj1f50abcdefghjkmnp");
	assert_int_equal(spool_writer_add(w, data, 5), 0);
	spool_writer_abort(w);
	w = spool_writer_new(&sp, "1mj1f50abcdefghjkmnp");
	assert_int_equal(spool_writer_add(w, data, SPOOL_MEMORY + 5), 0);
	assert_int_equal(tmpdir_count("tmp", NULL), 1);
	spool_writer_abort(w);
	assert_int_equal(tmpdir_count("tmp", NULL), 0);
	free(data);
}

static void
only_old_leavings_are_swept(void **state)
{
	(void)state;
	tmpdir_write("tmp/1mj1f50abcdefghjkmnp", "x", 1);
	tmpdir_write("tmp/README", "x", 1);
	tmpdir_write("new/1mj1f50abcdefghjkmnp", "", 0);
	tmpdir_write("new/1mj1f50abcdefghjkmnq", "x", 1);
	assert_int_equal(spool_sweep(tmpdir_path, 3600), 0);
	assert_int_equal(tmpdir_count("tmp", NULL), 2);
	assert_int_equal(tmpdir_count("new", NULL), 2);
	assert_int_equal(spool_sweep(tmpdir_path, 0), 2);
	assert_int_equal(tmpdir_count("tmp", NULL), 1);
	assert_int_equal(tmpdir_count("new", NULL), 1);
	assert_int_equal(spool_sweep(tmpdir_file("none"), 0), -1);
	assert_int_equal(errno, ENOENT);
}

static void
the_bell_never_blocks_and_finds_a_new_reader(void **state)
{
	const char	*id = "1mj1f50abcdefghjkmnp";
	char		 got[64];
	int		 fd, i;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	spool_ring(&sp, id);		/* nobody there */
	for (i = 0; i < 2; i++) {
		fd = open(tmpdir_file("trigger"), O_RDONLY | O_NONBLOCK);
		spool_ring(&sp, id);
		assert_int_equal(read(fd, got, sizeof(got)), 21);
		assert_memory_equal(got, "1mj1f50abcdefghjkmnp\n", 21);
		close(fd);
		spool_ring(&sp, id);	/* gone again */
	}
	fd = open(tmpdir_file("trigger"), O_RDONLY | O_NONBLOCK);
	for (i = 0; i < 10000; i++)	/* full */
		spool_ring(&sp, id);
	close(fd);
}

static void
a_bounce_written_twice_is_one_file(void **state)
{
	const char	*id = "1mj1f50abcdefghjkmnp";
	struct envelope	 env;

	(void)state;
	fill(&env, 1);
	tmpdir_write("queue/np/.1mj1f50abcdefghjkmnp", "rest", 4);
	assert_int_equal(spool_write_queued(&sp, id, &env,
	    SLICE_LIT("bounce\r\n")), 0);
	check_file("queue/np", id, "bounce\r\n", 8, "", 1);
	assert_int_equal(spool_write_queued(&sp, id, &env,
	    SLICE_LIT("other\r\n")), 0);
	check_file("queue/np", id, "bounce\r\n", 8, "", 1);
	assert_int_equal(tmpdir_count("queue/np", NULL), 1);

	/* A torn file under the name is replaced. */
	unlink(tmpdir_file("queue/np/1mj1f50abcdefghjkmnp"));
	tmpdir_write("queue/np/1mj1f50abcdefghjkmnp", "merpati 1\n", 10);
	assert_int_equal(spool_write_queued(&sp, id, &env,
	    SLICE_LIT("other\r\n")), 0);
	check_file("queue/np", id, "other\r\n", 7, "", 1);

	write_error = ENOSPC;
	assert_int_equal(spool_write_queued(&sp, "1mj1f50abcdefghjkmnq", &env,
	    SLICE_LIT("x\r\n")), -1);
	assert_int_equal(errno, ENOSPC);
	write_error = 0;
	fsyncs = 0;
	fsync_fails_at = 1;
	assert_int_equal(spool_write_queued(&sp, "1mj1f50abcdefghjkmnq", &env,
	    SLICE_LIT("x\r\n")), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(tmpdir_count("queue/nq", NULL), 0);
	envelope_free(&env);
}

static void
room_is_told_and_a_missing_spool_is_an_error(void **state)
{
	struct spool	 none;
	uint64_t	 octets = 0, inodes = 0;

	(void)state;
	assert_int_equal(spool_free(&sp, &octets, &inodes), 0);
	assert_true(octets > 0 && inodes > 0);
	assert_int_equal(spool_open(&none, tmpdir_file("none")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(spool_open(&none, tmpdir_file("tmp")), -1);
	assert_int_equal(errno, ENOENT);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(ids_are_ordered_by_time_and_never_the_same),
		T(an_id_is_twenty_of_its_characters),
		T(a_derived_id_depends_on_all_it_is_made_of),
		T(making_the_layout_again_is_harmless),
		T(a_small_letter_is_written_whole),
		T(a_large_message_goes_to_disk_as_it_comes),
		T(what_cannot_be_written_leaves_nothing),
		T(an_id_in_use_is_not_replaced),
		T(an_envelope_that_cannot_be_said_is_refused),
		T(an_aborted_message_leaves_nothing),
		T(only_old_leavings_are_swept),
		T(the_bell_never_blocks_and_finds_a_new_reader),
		T(a_bounce_written_twice_is_one_file),
		T(room_is_told_and_a_missing_spool_is_an_error),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
