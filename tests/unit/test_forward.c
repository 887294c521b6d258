/* forward: where a user's mail goes on to, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/mail/forward.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static struct address	 al;
static char		 dir[] = "/tmp/test_forward.XXXXXX";
static int		 home;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	home = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return home == -1 ? -1 : address_make("al", "d.example", &al);
}

static int
teardown(void **state)
{
	(void)state;
	unlinkat(home, FORWARD_FILE, 0);
	close(home);
	return rmdir(dir);
}

static void
files_name_addresses_and_whether_a_copy_stays(void **state)
{
	static const struct {
		const char		*in;
		enum forward_status	 st;
		bool			 keep;
		const char		*out;
	} t[] = {
		{ "", FORWARD_NONE, false, "" },
		{ "\n # nobody\n,,\n", FORWARD_NONE, false, "" },
		{ "bo@x\n", FORWARD_OK, false, "bo@x|" },
		{ "bo@X, cy@y\r\n\tdi@z", FORWARD_OK, false,
		    "bo@x|cy@y|di@z|" },
		{ "<bo@x>\n", FORWARD_OK, false, "bo@x|" },
		{ "bo\n", FORWARD_OK, false, "bo@d.example|" },
		{ "\\al, bo@x\n", FORWARD_OK, true, "bo@x|" },
		{ "\\al@D.example\n", FORWARD_OK, true, "" },
		{ "bo@x\nAL@d.example\n", FORWARD_OK, true, "bo@x|" },
		{ "al\n", FORWARD_OK, true, "" },
		{ "al@x\n", FORWARD_OK, false, "al@x|" },
		{ "bo@x, bo@X, bo@x\n", FORWARD_OK, false, "bo@x|" },
		{ "\"b, o\"@x\n", FORWARD_OK, false, "\"b, o\"@x|" },
		{ "b\xc3\xb6@x\n", FORWARD_OK, false, "b\xc3\xb6@x|" },
	};
	struct forward	 f;
	struct buf	 out, why;
	size_t		 i, k;

	(void)state;
	buf_init(&out, 1000);
	buf_init(&why, 1000);
	for (i = 0; i < N(t); i++) {
		if (forward_parse(slice_str(t[i].in), &al, &f, &why) !=
		    t[i].st)
			fail_msg("%s", t[i].in);
		buf_clear(&out);
		for (k = 0; k < f.n; k++)
			assert_int_equal(buf_addf(&out, "%s|",
			    f.addresses[k]), 0);
		assert_string_equal(buf_cstr(&out), t[i].out);
		assert_int_equal(f.keep, t[i].keep);
		assert_int_equal(why.len, 0);
		forward_free(&f);
	}
	buf_free(&out);
	buf_free(&why);
}

static void
what_is_no_address_is_refused_with_its_line(void **state)
{
	static const struct { const char *in, *why; } t[] = {
		{ "|prog\n", "forward:1: programs" },
		{ "bo@x\n\n\"|prog -x\"\n", "forward:3: programs" },
		{ "\"| prog, x\"\n", "forward:1: programs" },
		{ "/var/mail/x\n", "forward:1: mail is not written" },
		{ "\"/var/mail/x y\"\n", "forward:1: mail is not written" },
		{ ":include:/etc/passwd\n", "forward:1: :include:" },
		{ "\":include:/x\"\n", "forward:1: :include:" },
		{ "bo@x, :fail:\n", "forward:1: :include:" },
		{ "\\bo\n", "forward:1: only" },
		{ "\\al@x\n", "forward:1: only" },
		{ "\\\n", "forward:1: not an address" },
		{ "\\|prog\n", "forward:1: only" },
		{ "bo cy\n", "forward:1: not an address" },
		{ "bo@\n", "forward:1: not an address" },
		{ "Bo <bo@x>\n", "forward:1: not an address" },
		{ "bo@x;cy@y\n", "forward:1: not an address" },
		{ "\"bo@x\n", "forward:1: not an address" },
		{ "b\xf6@x\n", "forward:1: not an address" },
		{ "bo@x\x01\n", "forward:1: not an address" },
	};
	struct forward	 f;
	struct buf	 why;
	size_t		 i;

	(void)state;
	buf_init(&why, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&why);
		if (forward_parse(slice_str(t[i].in), &al, &f, &why) !=
		    FORWARD_BAD)
			fail_msg("%s", t[i].in);
		if (strncmp(buf_cstr(&why), t[i].why, strlen(t[i].why)) != 0)
			fail_msg("%s -> %s", t[i].in, buf_cstr(&why));
		assert_int_equal(f.n, 0);
		assert_null(f.addresses);
		assert_false(f.keep);
	}
	buf_clear(&why);
	assert_int_equal(forward_parse(SLICE_LIT("bo@x\0"), &al, &f, &why),
	    FORWARD_BAD);
	buf_free(&why);
}

static void
a_hundred_addresses_are_enough(void **state)
{
	struct forward	 f;
	struct buf	 text, why;
	size_t		 i;

	(void)state;
	buf_init(&text, 10000);
	buf_init(&why, 1000);
	for (i = 0; i < FORWARD_ADDRESSES; i++)
		assert_int_equal(buf_addf(&text, "u%zu@x\n", i), 0);
	assert_int_equal(forward_parse(buf_slice(&text), &al, &f, &why),
	    FORWARD_OK);
	assert_int_equal(f.n, FORWARD_ADDRESSES);
	forward_free(&f);
	assert_int_equal(buf_addstr(&text, "u0@x\none@more\n"), 0);
	assert_int_equal(forward_parse(buf_slice(&text), &al, &f, &why),
	    FORWARD_BAD);
	assert_string_equal(buf_cstr(&why), "forward:102: too many "
	    "addresses");
	buf_free(&text);
	buf_free(&why);
}

static enum forward_status
read_it(uid_t uid, struct buf *why)
{
	struct forward		 f;
	enum forward_status	 st;

	buf_clear(why);
	st = forward_read(home, uid, &al, &f, why);
	assert_true((st == FORWARD_OK) == (f.n > 0));
	forward_free(&f);
	unlinkat(home, FORWARD_FILE, 0);
	return st;
}

static void
write_it(mode_t mode, size_t size)
{
	int	 fd;

	fd = openat(home, FORWARD_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(io_write_all(fd, "bo@x\n", 5), 0);
	while (size-- > 5)
		assert_int_equal(io_write_all(fd, "\n", 1), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
only_the_owners_own_regular_file_is_believed(void **state)
{
	struct buf	 why;
	uid_t		 me = getuid();

	(void)state;
	buf_init(&why, 1000);
	assert_int_equal(read_it(me, &why), FORWARD_NONE);
	write_it(0600, 5);
	assert_int_equal(read_it(me, &why), FORWARD_OK);
	write_it(0644, 5);
	assert_int_equal(read_it(me, &why), FORWARD_OK);
	write_it(0620, 5);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	assert_non_null(strstr(buf_cstr(&why), "0600"));
	write_it(0602, 5);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	write_it(0600, 5);
	if (me == 0) {
		assert_int_equal(read_it(me + 1, &why), FORWARD_OK);
		write_it(0600, 5);
		assert_int_equal(fchownat(home, FORWARD_FILE, 4711, -1, 0),
		    0);
	}
	assert_int_equal(read_it(me + 1, &why), FORWARD_BAD);
	assert_non_null(strstr(buf_cstr(&why), "somebody else"));
	write_it(0600, FORWARD_MAX);
	assert_int_equal(read_it(me, &why), FORWARD_OK);
	write_it(0600, FORWARD_MAX + 1);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	assert_int_equal(symlinkat("/etc/hostname", home, FORWARD_FILE), 0);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	assert_int_equal(mkfifoat(home, FORWARD_FILE, 0600), 0);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	assert_int_equal(mkdirat(home, FORWARD_FILE, 0700), 0);
	assert_int_equal(read_it(me, &why), FORWARD_BAD);
	assert_int_equal(unlinkat(home, FORWARD_FILE, AT_REMOVEDIR), 0);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(files_name_addresses_and_whether_a_copy_stays),
		cmocka_unit_test(what_is_no_address_is_refused_with_its_line),
		cmocka_unit_test(a_hundred_addresses_are_enough),
		cmocka_unit_test(only_the_owners_own_regular_file_is_believed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
