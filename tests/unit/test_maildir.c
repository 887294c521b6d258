/* Maildir names, delivery, and what a failure or a second try leaves. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/lf_reader.h"
#include "lib/store/maildir.h"
#include "tests/unit/fail_fsync.h"
#include "tests/unit/tmpdir.h"

#define ID	"1mj1f50abcdefghjkmnp"
#define BASE	"1763740000.M000042Q" ID "-1.mail.example.org"
#define HEAD	"Return-Path: <>\r\nDelivered-To: bob@example.org\r\n"

static int
setup(void **state)
{
	fsyncs = fsync_fails_at = 0;
	return tmpdir_setup(state);
}

static void
names_are_taken_apart(void **state)
{
	static const struct {
		const char *name, *base, *info;
		uint64_t size, wire;
		uint32_t validity, uid;
	} t[] = {
		{ BASE ",S=10,W=12", BASE, NULL, 10, 12, 0, 0 },
		{ BASE ",S=10,W=12,I=t65qig.17:2,FS", BASE, "FS", 10, 12,
		    1763864440, 17 },
		{ "x:2,", "x", "", UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,W=3,U=5,S=2:2,S", "x", "S", 2, 3, 0, 0 },
		{ "x,S=1,S=2", "x", NULL, 1, UINT64_MAX, 0, 0 },
		{ "x,S=a,S=2", "x", NULL, 2, UINT64_MAX, 0, 0 },
		{ "x,S=-1", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,S=", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,S=9223372036854775808", "x", NULL, UINT64_MAX,
		    UINT64_MAX, 0, 0 },
		{ "x,S", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,,S=4", "x", NULL, 4, UINT64_MAX, 0, 0 },
		{ "x:1,S", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x:2", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x:2,S,S=3", "x", "S,S=3", UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=1z141z3.4294967295", "x", NULL, UINT64_MAX,
		    UINT64_MAX, UINT32_MAX, UINT32_MAX },
		{ "x,I=1z141z4.1", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=5.0", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=0.5", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=.5", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=5.", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=5", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=T.5", "x", NULL, UINT64_MAX, UINT64_MAX, 0, 0 },
		{ "x,I=1.4294967296", "x", NULL, UINT64_MAX, UINT64_MAX,
		    0, 0 },
		{ "x,I=1.2,I=3.4", "x", NULL, UINT64_MAX, UINT64_MAX, 1, 2 },
	};
	struct maildir_name	 n;
	char			 long_name[300];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(maildir_name_parse(t[i].name, &n));
		assert_true(slice_eq(n.base, slice_str(t[i].base)));
		assert_true(n.size == t[i].size && n.wire == t[i].wire);
		assert_int_equal(n.validity, t[i].validity);
		assert_int_equal(n.uid, t[i].uid);
		assert_int_equal(n.has_info, t[i].info != NULL);
		assert_true(slice_eq(n.info,
		    slice_str(t[i].info == NULL ? "" : t[i].info)));
	}
	assert_false(maildir_name_parse("", &n));
	assert_false(maildir_name_parse(".", &n));
	assert_false(maildir_name_parse(".hidden", &n));
	assert_false(maildir_name_parse("a/b", &n));
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = '\0';
	assert_false(maildir_name_parse(long_name, &n));
	long_name[255] = '\0';
	assert_true(maildir_name_parse(long_name, &n));
}

static void
the_time_of_a_name_is_its_first_number(void **state)
{
	static const struct { const char *name; int64_t t; } t[] = {
		{ BASE, 1763740000 }, { "1.x", 1 }, { "1", 0 }, { "x.1", 0 },
		{ "", 0 }, { "-1.x", 0 }, { "999999999999.x", 999999999999 },
		{ "9999999999999.x", 0 }, { "12a.x", 0 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_true(maildir_name_time(t[i].name) == t[i].t);
}

static void
making_needs_a_place_to_be_in(void **state)
{
	(void)state;
	assert_int_equal(maildir_make(tmpdir_file("org/bob/Maildir")), 0);
	assert_int_equal(maildir_make(tmpdir_file("org/bob/Maildir")), 0);
	assert_int_equal(tmpdir_count("org/bob/Maildir", NULL), 3);
	assert_int_equal(maildir_make(tmpdir_file("mail/org/bob/Maildir")),
	    -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tmpdir_count("mail", NULL), -1);
	tmpdir_write("file", "", 0);
	assert_int_equal(maildir_make(tmpdir_file("file/Maildir")), -1);
	assert_int_equal(errno, ENOTDIR);
}

/* Deliver content, written behind "ENVELOPE", to box with HEAD in front. */
static int
deliver_to(const char *box, const char *content, size_t len, bool again,
    uint64_t *stored)
{
	struct maildir_delivery	 d = {
		.host = "mail.example.org", .id = ID, .number = 1,
		.arrived = INT64_C(1763740000000042), .again = again,
		.head = SLICE_LIT(HEAD), .offset = 8, .len = len,
	};
	char			*file = xmalloc(len + 8);
	int			 r, saved;

	memcpy(file, "ENVELOPE", 8);
	memcpy(file + 8, content, len);
	tmpdir_write("spool", file, len + 8);
	free(file);
	d.dir = tmpdir_file(box);
	d.fd = open(tmpdir_file("spool"), O_RDONLY);
	r = maildir_deliver(&d, stored);
	saved = errno;
	close(d.fd);
	errno = saved;
	return r;
}

static int
deliver(const char *content, bool again, uint64_t *stored)
{
	return deliver_to("Maildir", content, strlen(content), again, stored);
}

/* What POP3 would send of the stored octets. */
static void
to_wire(const struct buf *in, struct buf *out)
{
	size_t	 i;

	buf_clear(out);
	for (i = 0; i < in->len; i++) {
		if (in->ptr[i] == '\n' && (i == 0 || in->ptr[i - 1] != '\r'))
			buf_addc(out, '\r');
		buf_addc(out, in->ptr[i]);
	}
}

/* The one message of Maildir: HEAD and content on the wire, true to its name */
static void
check_box(const char *box, const char *content, size_t len)
{
	struct maildir_name	 m;
	struct buf		 in, out;
	char			 name[256], path[300];

	snprintf(path, sizeof(path), "%s/tmp", box);
	assert_int_equal(tmpdir_count(path, NULL), 0);
	snprintf(path, sizeof(path), "%s/new", box);
	assert_int_equal(tmpdir_count(path, name), 1);
	assert_true(maildir_name_parse(name, &m));
	assert_true(slice_eq(m.base, slice_str(BASE)));
	buf_init(&in, 10000000);
	buf_init(&out, 10000000);
	snprintf(path, sizeof(path), "%s/new/%s", box, name);
	tmpdir_read(path, &in);
	to_wire(&in, &out);
	assert_int_equal(in.len, m.size);
	assert_int_equal(out.len, m.wire);
	assert_int_equal(out.len, len + strlen(HEAD));
	assert_memory_equal(out.ptr, HEAD, strlen(HEAD));
	assert_memory_equal(out.ptr + strlen(HEAD), content, len);
	buf_free(&in);
	buf_free(&out);
}

static void
a_letter_comes_out_as_it_went_in(void **state)
{
	static const char	*const t[] = {
		"", "\r\n", "a\r\nb\r\n", "a\rb\r\n", "a\r\r\nb\r\n",
		"\r\r\r\n", "no end", "end\r", "\r", "\r\r",
		"\xe4\xff\x80\r\n\r\n.\r\n..\r\nFrom x\r\n",
	};
	uint64_t		 stored;
	char			 box[32];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(box, sizeof(box), "Maildir%zu", i);
		assert_int_equal(deliver_to(box, t[i], strlen(t[i]), false,
		    &stored), 0);
		check_box(box, t[i], strlen(t[i]));
	}
}

static void
line_ends_survive_every_cut_between_pieces(void **state)
{
	static const char	*const t[] = {
		"\r\n", "\r\r\n", "\r\r\r\n", "\rx", "x\r\n\r\n",
	};
	const size_t		 size = 2 * LF_READER_PIECE + 100;
	uint64_t		 stored;
	char			*data = xmalloc(size), box[32];
	size_t			 i, at;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (at = LF_READER_PIECE - 5; at <= LF_READER_PIECE + 1;
		    at++) {
			memset(data, 'x', size);
			memcpy(data + at, t[i], strlen(t[i]));
			memcpy(data + at + LF_READER_PIECE - 1, t[i],
			    strlen(t[i]));
			snprintf(box, sizeof(box), "M%zu.%zu", i, at);
			assert_int_equal(deliver_to(box, data, size, false,
			    &stored), 0);
			check_box(box, data, size);
		}
	free(data);
}

static void
bare_lfs_become_line_ends(void **state)
{
	struct buf	 b;
	uint64_t	 stored = 0;
	char		 name[256];

	(void)state;
	assert_int_equal(deliver("a\nb\r\n\n", false, &stored), 0);
	assert_int_equal(stored, strlen(HEAD) - 2 + 5);
	assert_int_equal(tmpdir_count("Maildir/new", name), 1);
	buf_init(&b, 100);
	buf_addf(&b, BASE ",S=%zu,W=%zu", strlen(HEAD) + 3,
	    strlen(HEAD) + 8);
	assert_string_equal(name, buf_cstr(&b));
	buf_free(&b);
}

static void
two_fsyncs_and_either_failing_leaves_nothing(void **state)
{
	uint64_t	 stored;

	(void)state;
	assert_int_equal(maildir_make(tmpdir_file("Maildir")), 0);
	for (fsync_fails_at = 1; fsync_fails_at < 3; fsync_fails_at++) {
		fsyncs = 0;
		assert_int_equal(deliver("x\r\n", false, &stored), -1);
		assert_int_equal(errno, EIO);
		assert_int_equal(tmpdir_count("Maildir/tmp", NULL), 0);
		assert_int_equal(tmpdir_count("Maildir/new", NULL), 0);
	}
	fsyncs = 0;
	assert_int_equal(deliver("x\r\n", false, &stored), 0);
	assert_int_equal(fsyncs, 2);
}

static void
one_fsync_is_enough_where_the_journal_is_ordered(void **state)
{
	uint64_t	 stored;

	(void)state;
	ordered = true;
	assert_int_equal(maildir_make(tmpdir_file("Maildir")), 0);
	fsync_fails_at = 1;
	fsyncs = 0;
	assert_int_equal(deliver("x\r\n", false, &stored), -1);
	assert_int_equal(tmpdir_count("Maildir/new", NULL), 0);
	fsyncs = fsync_fails_at = 0;
	assert_int_equal(deliver("x\r\n", false, &stored), 0);
	ordered = false;
	assert_int_equal(fsyncs, 1);
	assert_int_equal(tmpdir_count("Maildir/new", NULL), 1);
}

/* Begin and finish three letters and something that is done already. */
static void
finish_three(int error[4])
{
	struct maildir_delivery	 d = { .host = "h", .id = ID, .len = 3 };
	struct maildir_pending	 pending[4], *p[4];
	uint64_t		 stored;
	unsigned int		 i;

	tmpdir_write("spool", "x\r\n", 3);
	d.dir = tmpdir_file("Maildir");
	d.fd = open(tmpdir_file("spool"), O_RDONLY);
	for (i = 0; i < 4; i++) {
		p[i] = &pending[i];
		d.number = i;
		if (i == 1)
			pending[i] = (struct maildir_pending){ .fd = -1 };
		else
			assert_int_equal(maildir_begin(&d, &stored, p[i]), 0);
	}
	fsyncs = 0;
	maildir_finish(p, error, 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(pending[i].fd, -1);
	close(d.fd);
}

static void
letters_are_made_durable_together(void **state)
{
	static const struct {
		bool	 ordered;
		int	 fails_at, fsyncs, error[4], left;
	} t[] = {
		{ true, 0, 1, { 0, 0, 0, 0 }, 3 },
		/* Nobody knows about any of them. */
		{ true, 1, 1, { EIO, 0, EIO, EIO }, 0 },
		{ false, 0, 6, { 0, 0, 0, 0 }, 3 },
		{ false, 3, 5, { 0, 0, EIO, 0 }, 2 },
		{ false, 6, 6, { 0, 0, 0, EIO }, 2 },
	};
	char	 dir[64];
	int	 error[4];
	size_t	 i, k;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(maildir_make(tmpdir_file("Maildir")), 0);
		ordered = t[i].ordered;
		fsync_fails_at = t[i].fails_at;
		finish_three(error);
		assert_int_equal(fsyncs, t[i].fsyncs);
		for (k = 0; k < 4; k++)
			assert_int_equal(error[k], t[i].error[k]);
		assert_int_equal(tmpdir_count("Maildir/new", NULL),
		    t[i].left);
		assert_int_equal(tmpdir_count("Maildir/tmp", NULL), 0);
		ordered = false;
		fsync_fails_at = 0;
		snprintf(dir, sizeof(dir), "done%zu", i);
		assert_int_equal(rename(tmpdir_file("Maildir"),
		    tmpdir_file(dir)), 0);
	}
}

static void
no_room_leaves_nothing(void **state)
{
	struct rlimit	 old, small;
	uint64_t	 stored;
	char		*data = xcalloc(1, 300000);
	int		 r, e;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	memset(data, 'x', 299999);
	tmpdir_write("spool", data, 8);
	assert_int_equal(deliver("x", false, &stored), 0);
	/* The spool file is written under no limit; the delivery is not. */
	{
		struct maildir_delivery	 d = {
			.dir = tmpdir_file("Maildir"), .host = "h", .id = ID,
			.number = 2, .len = 299999,
		};

		tmpdir_write("spool", data, 299999);
		d.fd = open(tmpdir_file("spool"), O_RDONLY);
		small = old;
		small.rlim_cur = 100000;
		setrlimit(RLIMIT_FSIZE, &small);
		r = maildir_deliver(&d, &stored);
		e = errno;
		setrlimit(RLIMIT_FSIZE, &old);
		close(d.fd);
	}
	assert_int_equal(r, -1);
	assert_int_equal(e, EFBIG);
	assert_int_equal(tmpdir_count("Maildir/tmp", NULL), 0);
	assert_int_equal(tmpdir_count("Maildir/new", NULL), 1);
	free(data);
}

static void
a_second_try_finds_the_first(void **state)
{
	uint64_t	 stored = 0, first = 0;
	char		 name[256], from[300], to[300];

	(void)state;
	assert_int_equal(deliver("hello\r\n", false, &first), 0);
	/* In new/, told or not. */
	assert_int_equal(deliver("hello\r\n", false, &stored), 0);
	assert_int_equal(deliver("hello\r\n", true, &stored), 0);
	assert_int_equal(stored, first);
	assert_int_equal(tmpdir_count("Maildir/new", name), 1);
	assert_int_equal(tmpdir_count("Maildir/tmp", NULL), 0);
	/* In cur/, with a UID and flags. */
	snprintf(from, sizeof(from), "Maildir/new/%s", name);
	snprintf(to, sizeof(to), "Maildir/cur/%s,I=1.2:2,S", name);
	assert_int_equal(rename(tmpdir_file(from), tmpdir_file(to)), 0);
	stored = 0;
	fsyncs = 0;
	assert_int_equal(deliver("hello\r\n", true, &stored), 0);
	assert_int_equal(stored, first);
	assert_int_equal(fsyncs, 2);
	assert_int_equal(tmpdir_count("Maildir/new", NULL), 0);
	assert_int_equal(tmpdir_count("Maildir/cur", NULL), 1);
}

static void
what_a_crash_tore_is_replaced(void **state)
{
	uint64_t	 stored = 0;
	char		 name[256], path[300], to[300];

	(void)state;
	assert_int_equal(deliver("hello\r\n", false, &stored), 0);
	assert_int_equal(tmpdir_count("Maildir/new", name), 1);
	snprintf(path, sizeof(path), "Maildir/new/%s", name);
	assert_int_equal(truncate(tmpdir_file(path), 3), 0);
	assert_int_equal(deliver("hello\r\n", false, &stored), 0);
	check_box("Maildir", "hello\r\n", 7);

	assert_int_equal(truncate(tmpdir_file(path), 3), 0);
	tmpdir_write("Maildir/tmp/" BASE "~1", "he", 2);
	assert_int_equal(deliver("hello\r\n", true, &stored), 0);
	check_box("Maildir", "hello\r\n", 7);

	assert_int_equal(truncate(tmpdir_file(path), 0), 0);
	snprintf(to, sizeof(to), "Maildir/cur/%s:2,S", name);
	assert_int_equal(rename(tmpdir_file(path), tmpdir_file(to)), 0);
	assert_int_equal(deliver("hello\r\n", true, &stored), 0);
	check_box("Maildir", "hello\r\n", 7);
	assert_int_equal(tmpdir_count("Maildir/cur", NULL), 0);
}

/* Put zeroes into the file, from one offset up to another. */
static void
blank(const char *path, off_t from, off_t to)
{
	int	 fd = open(tmpdir_file(path), O_WRONLY);

	assert_int_not_equal(fd, -1);
	for (; from < to; from++)
		assert_int_equal(pwrite(fd, "", 1, from), 1);
	close(fd);
}

/* Of the right length: ext4 leaves such after a loss of power. */
static void
zeroes_are_no_letter(void **state)
{
	const size_t	 len = LF_READER_PIECE + 5000;
	uint64_t	 stored = 0;
	char		 name[256], path[300], to[300];
	char		*data = xmalloc(len);
	const struct {
		off_t	 from, to;
		bool	 again, cur;
	} t[] = {
		{ 0, 4096, true, false },
		{ 0, 4096, false, false },
		{ 0, 4096, true, true },
		{ 100, 101, true, false },
		{ 0, (off_t)len, true, false },
		{ LF_READER_PIECE + 1000, (off_t)len, true, false },
		{ LF_READER_PIECE + 1000, (off_t)len, false, false },
		{ (off_t)len - 1, (off_t)len, true, true },
	};
	size_t		 i;

	(void)state;
	memset(data, 'x', len);
	assert_int_equal(deliver_to("Maildir", data, len, false, &stored), 0);
	assert_int_equal(tmpdir_count("Maildir/new", name), 1);
	snprintf(path, sizeof(path), "Maildir/new/%s", name);
	snprintf(to, sizeof(to), "Maildir/cur/%s:2,S", name);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		blank(path, t[i].from, t[i].to);
		if (t[i].cur)
			assert_int_equal(rename(tmpdir_file(path),
			    tmpdir_file(to)), 0);
		assert_int_equal(deliver_to("Maildir", data, len, t[i].again,
		    &stored), 0);
		check_box("Maildir", data, len);
		assert_int_equal(tmpdir_count("Maildir/cur", NULL), 0);
	}
	free(data);
}

static void
what_is_not_a_delivery_is_refused(void **state)
{
	struct maildir_delivery	 d = {
		.host = "h/../:,x", .id = ID, .number = 7, .len = 4
	};
	char			 big[20000], name[256];
	uint64_t		 stored;

	(void)state;
	tmpdir_write("spool", "abc", 3);
	d.dir = tmpdir_file("Maildir");
	d.fd = open(tmpdir_file("spool"), O_RDONLY);
	/* The file is shorter than was said. */
	assert_int_equal(maildir_deliver(&d, &stored), -1);
	assert_int_equal(errno, EIO);
	d.len = 3;
	memset(big, 'x', sizeof(big));
	d.head = (struct slice){ big, sizeof(big) };
	assert_int_equal(maildir_deliver(&d, &stored), -1);
	assert_int_equal(errno, EINVAL);
	d.head.len = 0;
	/* A host's name cannot leave the directory or forge a key. */
	assert_int_equal(maildir_deliver(&d, &stored), 0);
	assert_int_equal(tmpdir_count("Maildir/new", name), 1);
	assert_string_equal(name, "0.M000000Q" ID "-7.h_..___x,S=3,W=3");
	/* Nor make the name too long. */
	big[sizeof(big) - 1] = '\0';
	d.host = big;
	assert_int_equal(maildir_deliver(&d, &stored), 0);
	assert_int_equal(tmpdir_count("Maildir/new", NULL), 2);
	big[5000] = '\0';
	d.dir = big;
	assert_int_equal(maildir_deliver(&d, &stored), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	close(d.fd);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, tmpdir_teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(names_are_taken_apart),
		T(the_time_of_a_name_is_its_first_number),
		T(making_needs_a_place_to_be_in),
		T(a_letter_comes_out_as_it_went_in),
		T(line_ends_survive_every_cut_between_pieces),
		T(bare_lfs_become_line_ends),
		T(two_fsyncs_and_either_failing_leaves_nothing),
		T(one_fsync_is_enough_where_the_journal_is_ordered),
		T(letters_are_made_durable_together),
		T(no_room_leaves_nothing),
		T(a_second_try_finds_the_first),
		T(what_a_crash_tore_is_replaced),
		T(zeroes_are_no_letter),
		T(what_is_not_a_delivery_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
