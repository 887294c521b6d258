/* The ledger: deaths are counted over restarts, innocents are not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue-runner/poison.h"

#define A	"1abcdefaaaaaaaaaaaaa"
#define B	"1abcdefbbbbbbbbbbbbb"

static char	 dir[] = "/tmp/merpati-poison-XXXXXX";
static int	 fd = -1;

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlinkat(fd, "poison", 0);
	close(fd);
	return rmdir(dir);
}

/* A process that dies while it parses id. */
static void
die_of(const char *id)
{
	struct poison	*p;
	pid_t		 pid;
	int		 status;

	if ((pid = fork()) == 0) {
		p = poison_open(fd);
		if (p == NULL || !poison_begin(p, id))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
the_third_death_condemns(void **state)
{
	struct poison	*p;
	int		 i;

	(void)state;
	unlinkat(fd, "poison", 0);
	for (i = 0; i < POISON_LIMIT; i++) {
		die_of(A);
		die_of(B);
		p = poison_open(fd);
		assert_non_null(p);
		assert_int_equal(poison_begin(p, A), i + 1 < POISON_LIMIT);
		poison_end(p);
		/* B lives through its try each time. */
		assert_true(poison_begin(p, B));
		poison_end(p);
		poison_clear(p, B);
		poison_close(p);
	}
	p = poison_open(fd);
	assert_false(poison_begin(p, A));
	poison_clear(p, A);		/* an admin let it go */
	assert_true(poison_begin(p, A));
	poison_close(p);
}

static void
a_damaged_file_is_no_obstacle(void **state)
{
	struct poison	*p;
	int		 f, i;

	(void)state;
	f = openat(fd, "poison", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	for (i = 0; i < 5000; i++)
		assert_int_equal(write(f, "1abcdef\xff", 8), 8);
	close(f);
	p = poison_open(fd);
	assert_non_null(p);
	assert_true(poison_begin(p, A));
	poison_end(p);
	poison_close(p);
}

static void
more_suspects_than_room_is_no_obstacle(void **state)
{
	struct poison	*p;
	char		 id[] = A;
	int		 i;

	(void)state;
	unlinkat(fd, "poison", 0);
	for (i = 0; i < 200; i++) {
		id[18] = (char)('0' + i % 10);
		id[17] = (char)('0' + i / 10 % 10);
		id[16] = (char)('0' + i / 100);
		p = poison_open(fd);
		assert_true(poison_begin(p, id));
		poison_close(p);
	}
	p = poison_open(fd);
	assert_true(poison_begin(p, id));
	poison_close(p);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_third_death_condemns),
		cmocka_unit_test(a_damaged_file_is_no_obstacle),
		cmocka_unit_test(more_suspects_than_room_is_no_obstacle),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
