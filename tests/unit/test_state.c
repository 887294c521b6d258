/* The state file: round trips, changes in place, damage. */
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

#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "lib/store/state.h"

#define HEAD	"merpati-state 2\narrived 17\nsize 5\nfrom a@b\nwarned -\n"

static char	 dir[] = "/tmp/merpati-state-XXXXXX";
static int	 dirfd_;

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ == -1 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlinkat(dirfd_, "x.s", 0);
	close(dirfd_);
	return rmdir(dir);
}

static int
write_file(const char *text, size_t len)
{
	int	 fd;

	fd = openat(dirfd_, "x.s", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, len), len);
	return fd;
}

static void
what_is_written_is_read(void **state)
{
	struct state	 s, t;
	const char	*why;
	int		 fd;

	(void)state;
	state_init(&s);
	s.arrived = 1763740000;
	s.size = 12345;
	s.from = xstrdup("");
	state_add(&s, "bob smith+x@example.org", "rfc822;a=b@c", NULL,
	    NOTIFY_FAILURE | NOTIFY_DELAY);
	state_add(&s, "carol@example.com", NULL, "owner-l@example.com",
	    0)->expand = true;
	state_note(&s.rcpts[1], 98, "4.2.2", NULL, "full");
	state_note(&s.rcpts[1], 99, "4.2.2", "mx one.test", "full\nup");
	fd = state_create(dirfd_, "x.s", &s, true);
	assert_int_not_equal(fd, -1);
	assert_int_equal(state_read(fd, &t, &why), STATE_OK);
	assert_int_equal(t.arrived, 1763740000);
	assert_int_equal(t.size, 12345);
	assert_string_equal(t.from, "");
	assert_false(t.warned);
	assert_int_equal(t.nrcpts, 2);
	assert_string_equal(t.rcpts[0].address, "bob smith+x@example.org");
	assert_string_equal(t.rcpts[0].orcpt, "rfc822;a=b@c");
	assert_null(t.rcpts[0].owner);
	assert_int_equal(t.rcpts[0].notify, NOTIFY_FAILURE | NOTIFY_DELAY);
	assert_string_equal(t.rcpts[1].owner, "owner-l@example.com");
	assert_true(t.rcpts[1].expand && !t.rcpts[0].expand);
	assert_int_equal(t.rcpts[1].notify, 0);
	assert_string_equal(t.rcpts[1].code, "4.2.2");
	assert_string_equal(t.rcpts[1].text, "full up");
	assert_string_equal(t.rcpts[1].host, "mx one.test");
	assert_int_equal(t.rcpts[1].tries, 2);
	assert_int_equal(t.rcpts[0].tries, 0);
	assert_false(t.old);
	assert_int_equal(t.rcpts[1].offset, s.rcpts[1].offset);
	assert_int_equal(t.end, s.end);
	state_free(&s);
	state_free(&t);
	close(fd);
}

static void
changes_in_place_are_read_back(void **state)
{
	struct state	 s, t;
	struct stat	 st;
	const char	*why;
	int		 fd;

	(void)state;
	state_init(&s);
	s.from = xstrdup("a@b");
	state_add(&s, "b@c", NULL, NULL, 0);
	state_add(&s, "d@e", NULL, NULL, 0);
	state_add(&s, "f@g", NULL, NULL, 0);
	fd = state_create(dirfd_, "x.s", &s, false);
	assert_int_not_equal(fd, -1);
	assert_int_equal(state_set_letter(fd, &s.rcpts[0], STATE_DONE, 0), 0);
	assert_int_equal(state_add_try(fd, &s, 5, -1, "4.4.1", NULL, "away"), 0);
	assert_int_equal(state_add_try(fd, &s, 6, 2, "5.1.1", "mx.test",
	    "no\r\nuser"), 0);
	assert_int_equal(state_set_letter(fd, &s.rcpts[2], STATE_BOUNCING,
	    12), 0);
	assert_int_equal(state_set_letter(fd, &s.rcpts[2], STATE_BOUNCING,
	    STATE_BATCHES + 1), -1);
	assert_int_equal(state_set_warned(fd, &s), 0);
	assert_int_equal(state_set_next(fd, 4102444800), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 4102444800);
	assert_int_equal(state_read(fd, &t, &why), STATE_OK);
	assert_true(t.warned);
	assert_int_equal(t.tries, 2);
	assert_int_equal(t.rcpts[0].letter, STATE_DONE);
	assert_null(t.rcpts[0].text);
	assert_string_equal(t.rcpts[1].code, "4.4.1");
	assert_int_equal(t.rcpts[1].when, 5);
	assert_null(t.rcpts[1].host);
	assert_int_equal(t.rcpts[1].tries, 1);
	assert_string_equal(t.rcpts[2].host, "mx.test");
	assert_int_equal(t.rcpts[2].tries, 1);
	assert_int_equal(t.rcpts[2].letter, STATE_BOUNCING);
	assert_int_equal(t.rcpts[2].batch, 12);
	assert_string_equal(t.rcpts[2].text, "no  user");
	assert_int_equal(t.end, st.st_size);
	state_free(&s);
	state_free(&t);
	close(fd);
}

static void
a_torn_last_line_is_overwritten(void **state)
{
	struct state	 s, t;
	const char	*why;
	static const char text[] = HEAD "rcpts 1\nP 0000 c@d\nend\n"
	    "5 0 4.0.0 - first\nrubbish\n7 0 4.0";
	int		 fd = write_file(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(state_read(fd, &s, &why), STATE_OK);
	assert_int_equal(s.rcpts[0].when, 5);
	assert_int_equal(state_add_try(fd, &s, 8, 0, "4.1.0", "h",
	    "second one"), 0);
	assert_int_equal(state_read(fd, &t, &why), STATE_OK);
	assert_int_equal(t.rcpts[0].when, 8);
	assert_string_equal(t.rcpts[0].text, "second one");
	state_free(&s);
	state_free(&t);
	close(fd);
}

static void
format_1_is_read_and_kept_until_written_anew(void **state)
{
	static const char	 text[] = "merpati-state 1\narrived 17\nsize 5\n"
	    "from a@b\nwarned -\nrcpts 1\nP 0000 c@d\nend\n"
	    "5 0 4.0.0 first of all\n";
	struct state		 s, t;
	const char		*why;
	int			 fd = write_file(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(state_read(fd, &s, &why), STATE_OK);
	assert_true(s.old);
	assert_string_equal(s.rcpts[0].text, "first of all");
	assert_int_equal(state_add_try(fd, &s, 8, 0, "4.1.0", "h", "more"),
	    0);
	state_free(&s);
	assert_int_equal(state_read(fd, &s, &why), STATE_OK);
	assert_string_equal(s.rcpts[0].text, "more");
	assert_null(s.rcpts[0].host);
	close(fd);
	fd = state_create(dirfd_, "x.s", &s, false);
	assert_int_equal(state_read(fd, &t, &why), STATE_OK);
	assert_false(t.old);
	assert_int_equal(t.rcpts[0].tries, 2);
	assert_string_equal(t.rcpts[0].text, "more");
	state_free(&s);
	state_free(&t);
	close(fd);
}

static void
damage_is_noticed(void **state)
{
	static const struct {
		const char		*name, *text;
		size_t			 len;
		enum state_status	 want;
	} cases[] = {
#define CASE(n, t, w)	{ n, t, sizeof(t) - 1, w }
		CASE("empty", "", STATE_PARTIAL),
		CASE("zeros", "\0\0\0\0\0\0", STATE_PARTIAL),
		CASE("cut", HEAD "rcpts 1\nP 0000 c@d\nen", STATE_PARTIAL),
		CASE("cut and zeros", HEAD "rcpts 1\nP 00\0\0\0\nend\n",
		    STATE_PARTIAL),
		CASE("a tail of zeros", HEAD "rcpts 1\nP 0000 c@d\nend\n\0\0",
		    STATE_OK),
		CASE("wrong first line", "merpati 1\nend\n", STATE_CORRUPT),
		CASE("count too low", HEAD "rcpts 1\nP 0000 c@d\nP 0000 e@f\n"
		    "end\n", STATE_CORRUPT),
		CASE("count too high", HEAD "rcpts 2\nP 0000 c@d\nend\n",
		    STATE_CORRUPT),
		CASE("no recipients", HEAD "rcpts 0\nend\n", STATE_CORRUPT),
		CASE("huge count", HEAD "rcpts 99999999999\nend\n",
		    STATE_CORRUPT),
		CASE("bad letter", HEAD "rcpts 1\nX 0000 c@d\nend\n",
		    STATE_CORRUPT),
		CASE("short batch", HEAD "rcpts 1\nP 000 c@d\nend\n",
		    STATE_CORRUPT),
		CASE("bad batch", HEAD "rcpts 1\nP 00x0 c@d\nend\n",
		    STATE_CORRUPT),
		CASE("no address", HEAD "rcpts 1\nP 0000 \nend\n",
		    STATE_CORRUPT),
		CASE("control in address", HEAD "rcpts 1\nP 0000 c+0A@d\n"
		    "end\n", STATE_CORRUPT),
		CASE("unknown option", HEAD "rcpts 1\nP 0000 c@d x=y\nend\n",
		    STATE_CORRUPT),
		CASE("twice orcpt", HEAD "rcpts 1\nP 0000 c@d orcpt=a orcpt=b"
		    "\nend\n", STATE_CORRUPT),
		CASE("bad notify", HEAD "rcpts 1\nP 0000 c@d notify=MAYBE\n"
		    "end\n", STATE_CORRUPT),
		CASE("empty notify", HEAD "rcpts 1\nP 0000 c@d notify=\nend\n",
		    STATE_CORRUPT),
		CASE("try of nobody", HEAD "rcpts 1\nP 0000 c@d\nend\n"
		    "5 7 4.0.0 x\n-1 0 4 y\n\n", STATE_OK),
#undef CASE
	};
	struct state	 s;
	const char	*why;
	size_t		 i;
	int		 fd;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = write_file(cases[i].text, cases[i].len);
		if (state_read(fd, &s, &why) != cases[i].want)
			fail_msg("%s", cases[i].name);
		state_free(&s);
		close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(changes_in_place_are_read_back),
		cmocka_unit_test(a_torn_last_line_is_overwritten),
		cmocka_unit_test(format_1_is_read_and_kept_until_written_anew),
		cmocka_unit_test(damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
