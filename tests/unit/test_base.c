/* buf, text, log: octets in, octets out. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/file_stamp.h"
#include "lib/base/filelock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

static void
buf_refuses_to_pass_its_maximum(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "def", 3), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "abc");
	assert_int_equal(buf_addf(&b, "%d", 42), 0);
	assert_string_equal(buf_cstr(&b), "abc42");
	assert_int_equal(buf_addc(&b, 'x'), -1);
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "c42");
	buf_cut(&b, 1);
	assert_int_equal(b.len, 1);
	assert_string_equal(buf_cstr(&b), "c");
	buf_free(&b);
	buf_cut(&b, 0);
	assert_string_equal(buf_cstr(&b), "");
}

static void
buf_grows_over_many_small_pieces(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf_addc(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(b.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.ptr[i], 'a' + (int)(i % 26));
	buf_free(&b);
}

static void
numbers_are_only_digits_within_their_bound(void **state)
{
	static const struct { const char *in; uint64_t max; int err; } t[] = {
		{ "0", 10, 0 }, { "10", 10, 0 }, { "007", 10, 0 },
		{ "11", 10, ERANGE }, { "", 10, EINVAL },
		{ " 1", 10, EINVAL }, { "+1", 10, EINVAL },
		{ "-1", 10, EINVAL }, { "1 ", 10, EINVAL },
		{ "0x1", 10, EINVAL }, { "2", 1, ERANGE }, { "1", 1, 0 },
		{ "18446744073709551615", UINT64_MAX, 0 },
		{ "18446744073709551616", UINT64_MAX, ERANGE },
		{ "99999999999999999999999", UINT64_MAX, ERANGE },
	};
	uint64_t	 v;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		errno = 0;
		if (text_u64(slice_str(t[i].in), t[i].max, &v) == 0)
			errno = 0;
		assert_int_equal(errno, t[i].err);
	}
}

static void
a_text_is_taken_line_by_line(void **state)
{
	struct slice	 text = SLICE_LIT("one\n\n\0three\r\nlast"), line;

	(void)state;
	assert_true(text_next_line(&text, &line));
	assert_true(slice_eq(line, SLICE_LIT("one")));
	assert_true(text_next_line(&text, &line));
	assert_int_equal(line.len, 0);
	assert_true(text_next_line(&text, &line));
	assert_true(slice_eq(line, SLICE_LIT("\0three\r")));
	assert_true(text_next_line(&text, &line));
	assert_true(slice_eq(line, SLICE_LIT("last")));
	assert_int_equal(text.len, 0);
	assert_false(text_next_line(&text, &line));
	text = SLICE_LIT("\n");
	assert_true(text_next_line(&text, &line));
	assert_int_equal(line.len, 0);
	assert_false(text_next_line(&text, &line));
}

static void
words_are_cut_off(void **state)
{
	struct slice	 s = SLICE_LIT("a bc  d"), none = { NULL, 0 };

	(void)state;
	assert_true(slice_eq(text_cut(&s, ' '), SLICE_LIT("a")));
	assert_true(slice_eq(text_cut(&s, ' '), SLICE_LIT("bc")));
	assert_true(slice_eq(text_cut(&s, ' '), SLICE_LIT("")));
	assert_true(slice_eq(s, SLICE_LIT("d")));
	assert_true(slice_eq(text_cut(&s, ' '), SLICE_LIT("d")));
	assert_true(slice_eq(text_cut(&s, ' '), SLICE_LIT("")));
	assert_int_equal(text_cut(&none, ' ').len, 0);
	assert_true(text_is_ascii(none));
	assert_true(text_is_ascii(SLICE_LIT("\0\x7f~")));
	assert_false(text_is_ascii(SLICE_LIT("abc\x80")));
}

static void
xtext_round_trips_every_octet(void **state)
{
	struct buf	 enc, dec;
	char		 all[256];
	size_t		 i;
	int		 utf8;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&enc, 4096);
	buf_init(&dec, 4096);
	for (utf8 = 0; utf8 < 2; utf8++) {
		buf_clear(&enc);
		buf_clear(&dec);
		assert_int_equal(text_xencode(&enc,
		    (struct slice){ all, 256 }, utf8), 0);
		assert_null(memchr(enc.ptr, '\n', enc.len));
		assert_null(memchr(enc.ptr, ' ', enc.len));
		assert_int_equal(text_xdecode(&dec, buf_slice(&enc)), 0);
		assert_int_equal(dec.len, 256);
		assert_memory_equal(dec.ptr, all, 256);
	}
	assert_int_equal(text_xdecode(&dec, SLICE_LIT("a+4")), -1);
	assert_int_equal(text_xdecode(&dec, SLICE_LIT("a+4g")), -1);
	buf_free(&enc);
	buf_free(&dec);
}

static void
log_values_cannot_forge_a_field_or_line(void **state)
{
	(void)state;
	assert_string_equal(log_esc("plain"), "plain");
	assert_string_equal(log_esc(""), "\"\"");
	assert_string_equal(log_esc(NULL), "-");
	assert_string_equal(log_esc("a b=c"), "\"a b=c\"");
	assert_string_equal(log_esc("x\nevent=fake"),
	    "\"x\\x0aevent=fake\"");
	assert_string_equal(log_esc("say \"hi\"\\"),
	    "\"say \\x22hi\\x22\\x5c\"");
	assert_string_equal(log_esc("caf\xc3\xa9"), "caf\xc3\xa9");
	assert_string_equal(log_esc("caf\xe9"), "\"caf\\xe9\"");
	assert_string_equal(log_esc("\xc2\x9b" "31m"),
	    "\"\\xc2\\x9b31m\"");
}

static void
slices_are_ordered_by_their_octets(void **state)
{
	static const struct slice	 t[] = { { NULL, 0 },
	    SLICE_LIT("\0"), SLICE_LIT("\0a"), SLICE_LIT("a"),
	    SLICE_LIT("a\0"), SLICE_LIT("ab"), SLICE_LIT("b"),
	    SLICE_LIT("\xff") };
	size_t				 i, k;
	int				 d;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
			d = slice_compare(t[i], t[k]);
			assert_int_equal((d > 0) - (d < 0),
			    (i > k) - (i < k));
		}
}

static void
hash_is_fnv_1a_of_octets(void **state)
{
	(void)state;
	assert_int_equal(hash_str(""), 0x811c9dc5u);
	assert_int_equal(hash_str("a"), 0xe40c292cu);
	assert_int_equal(hash_str("foobar"), 0xbf9cf968u);
	assert_int_equal(hash_octets("\xff", 1), 0x7a0b824eu);
	assert_int_not_equal(hash_octets("a\0", 2), hash_str("a"));
}

static void
note_begun(void *arg)
{
	++*(int *)arg;
}

/* What one read(2) finds of the writes to standard error. */
static size_t
read_log(int fd, char *out, size_t size)
{
	ssize_t	 n = read(fd, out, size - 1);

	out[n == -1 ? 0 : n] = '\0';
	return strlen(out);
}

static void
lines_that_wait_are_written_together_and_in_order(void **state)
{
	char	 got[3 * LOG_GATHER_MAX], name[200];
	int	 fds[2], old = dup(STDERR_FILENO), begun = 0, i;
	size_t	 n, all = 0;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_init("t");
	log_later("event=early");
	assert_int_equal(read_log(fds[0], got, sizeof(got)), 15);
	log_gather(note_begun, &begun);
	log_later("event=a");
	log_later("event=b");
	assert_int_equal(begun, 1);
	assert_int_equal(read_log(fds[0], got, sizeof(got)), 0);
	log_flush();
	read_log(fds[0], got, sizeof(got));
	assert_string_equal(got, "t: event=a\nt: event=b\n");
	log_flush();
	assert_int_equal(read_log(fds[0], got, sizeof(got)), 0);
	/* Another kind does not overtake them. */
	log_later("event=c");
	errno = EIO;
	log_info("event=d");
	assert_int_equal(errno, EIO);
	read_log(fds[0], got, sizeof(got));
	assert_string_equal(got, "t: event=c\nt: event=d\n");
	/* Nor do they grow past what a pipe takes at once. */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	begun = 0;
	for (i = 0; i < 50; i++) {
		log_later("event=long name=%s", name);
		n = read_log(fds[0], got, sizeof(got));
		assert_in_range(n, 0, LOG_GATHER_MAX);
		all += n;
	}
	assert_int_equal(begun, 3);
	log_gather(NULL, NULL);
	all += read_log(fds[0], got, sizeof(got));
	assert_int_equal(all, 50 * strlen("t: event=long name=\n") +
	    50 * strlen(name));
	log_later("event=late");
	assert_int_equal(read_log(fds[0], got, sizeof(got)), 14);
	dup2(old, STDERR_FILENO);
	close(old);
	close(fds[0]);
	close(fds[1]);
	log_init("merpati");
}

static void
octets_of_a_file_are_locked_apart(void **state)
{
	char	 path[] = "/tmp/test_base.XXXXXX";
	int	 one, other;

	(void)state;
	assert_true((one = mkstemp(path)) != -1);
	assert_true((other = open(path, O_RDWR | O_CLOEXEC)) != -1);
	unlink(path);
	assert_int_equal(filelock_octet(one, 3, F_WRLCK, 0), 0);
	assert_int_equal(filelock_octet(other, 3, F_RDLCK, 2), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(filelock_octet(other, 4, F_WRLCK, 0), 0);
	assert_int_equal(filelock_wait(one, F_WRLCK, 0), -1);
	assert_int_equal(errno, EAGAIN);
	filelock_free(one, 3);
	assert_int_equal(filelock_octet(other, 3, F_RDLCK, 0), 0);
	assert_int_equal(filelock_octet(one, 3, F_RDLCK, 0), 0);
	assert_int_equal(filelock_octet(one, 3, F_WRLCK, 0), -1);
	close(other);
	assert_int_equal(filelock_wait(one, F_WRLCK, 0), 0);
	close(one);
	assert_int_equal(filelock_wait(one, F_WRLCK, 0), -1);
	assert_int_equal(errno, EBADF);
}

static void
a_file_that_others_may_read_now_is_another(void **state)
{
	struct file_stamp	 s = { .error = 0 };
	struct stat		 before, after;
	char			 path[] = "/tmp/test_base.XXXXXX";
	int			 fd;

	(void)state;
	assert_true((fd = mkstemp(path)) != -1);
	assert_true(file_stamp_changed(&s, path));
	assert_false(file_stamp_changed(&s, path));
	assert_int_equal(fstat(fd, &before), 0);
	/* The kernel's clock for this may stand still for some milliseconds. */
	do {
		assert_int_equal(fchmod(fd, 0640), 0);
		assert_int_equal(fstat(fd, &after), 0);
	} while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
	    before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
	assert_true(file_stamp_changed(&s, path));
	assert_false(file_stamp_changed(&s, path));
	assert_false(file_stamp_alike(&before, &after));
	unlink(path);
	assert_true(file_stamp_changed(&s, path));
	assert_int_equal(s.error, ENOENT);
	close(fd);
}

static void
put_time(const char *path, time_t seconds)
{
	struct timespec	 t[2] = { { .tv_sec = seconds },
			    { .tv_sec = seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static int64_t
since(const struct stat *st)
{
	struct timespec	 now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)(now.tv_sec - st->st_mtim.tv_sec) * 1000 +
	    (now.tv_nsec - st->st_mtim.tv_nsec) / 1000000;
}

static void
a_file_that_is_being_written_is_left(void **state)
{
	struct file_stamp	 s[2] = { { .error = 0 }, { .error = 0 } };
	struct stat		 st;
	char			 one[] = "/tmp/test_base.XXXXXX";
	char			 two[] = "/tmp/test_base.XXXXXX";
	const char		*const path[2] = { one, two };
	bool			 rested;
	int			 fd, other;

	(void)state;
	assert_true((fd = mkstemp(one)) != -1);
	assert_true((other = mkstemp(two)) != -1);
	put_time(one, 1000);
	put_time(two, 1000);
	assert_true(file_stamp_rested(s, path, 2));
	assert_true(file_stamp_changed(&s[0], one));
	assert_true(file_stamp_changed(&s[1], two));
	assert_false(file_stamp_rested(s, path, 2));
	/* One that is whole waits for the other. */
	put_time(one, 2000);
	assert_int_equal(write(other, "x", 1), 1);
	rested = file_stamp_rested(s, path, 2);
	assert_int_equal(fstat(other, &st), 0);
	assert_true(!rested || since(&st) >= FILE_STAMP_REST_MS);
	put_time(two, 2000);
	assert_true(file_stamp_rested(s, path, 2));
	assert_true(file_stamp_changed(&s[0], one));
	assert_true(file_stamp_changed(&s[1], two));
	/* Who sets the clock back waits for nothing. */
	put_time(one, time(NULL) + 1000);
	assert_true(file_stamp_rested(s, path, 2));
	(void)file_stamp_changed(&s[0], one);
	/* An editor's way to write. */
	unlink(one);
	assert_false(file_stamp_rested(s, path, 2));
	assert_true(file_stamp_rested(s, path, 2));
	unlink(two);
	close(fd);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(buf_refuses_to_pass_its_maximum),
		cmocka_unit_test(buf_grows_over_many_small_pieces),
		cmocka_unit_test(numbers_are_only_digits_within_their_bound),
		cmocka_unit_test(a_text_is_taken_line_by_line),
		cmocka_unit_test(words_are_cut_off),
		cmocka_unit_test(xtext_round_trips_every_octet),
		cmocka_unit_test(slices_are_ordered_by_their_octets),
		cmocka_unit_test(hash_is_fnv_1a_of_octets),
		cmocka_unit_test(
		    lines_that_wait_are_written_together_and_in_order),
		cmocka_unit_test(log_values_cannot_forge_a_field_or_line),
		cmocka_unit_test(octets_of_a_file_are_locked_apart),
		cmocka_unit_test(a_file_that_others_may_read_now_is_another),
		cmocka_unit_test(a_file_that_is_being_written_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
