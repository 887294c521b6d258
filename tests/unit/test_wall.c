/* lib/base/wall: what a process behind it can and cannot do. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/base/privilege.h"
#include "lib/base/wall.h"
#include "lib/base/wall_calls.h"

static char	 inside[200], outside[200], readable[200], list[200];
static bool	 tcp;

static void
put(const char *dir, const char *name)
{
	char	 path[300];
	int	 fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = open(path, O_WRONLY | O_CREAT, 0600)) == -1 || close(fd) == -1)
		_exit(99);
}

static int
setup(void **state)
{
	const char	*tmp = getenv("TMPDIR");
	static char	 top[150];

	(void)state;
	snprintf(top, sizeof(top), "%s/wallXXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(inside, sizeof(inside), "%s/in", top);
	snprintf(outside, sizeof(outside), "%s/out", top);
	snprintf(readable, sizeof(readable), "%s/read", top);
	snprintf(list, sizeof(list), "%s/lists/list", top);
	if (chdir(top) == -1 || mkdir(inside, 0700) == -1 ||
	    mkdir(outside, 0700) == -1 || mkdir(readable, 0700) == -1 ||
	    mkdir("lists", 0700) == -1 || mkdir("real", 0700) == -1 ||
	    symlink("../real/list", list) == -1)
		return -1;
	put(outside, "secret");
	put(readable, "x");
	put("real", "list");
	return 0;
}

static int
teardown(void **state)
{
	char	 line[300];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf '%.*s'",
	    (int)(strlen(inside) - strlen("/in")), inside);
	return system(line);
}

static pid_t
start_behind(int (*fn)(void))
{
	struct wall	 wall = { .tcp = tcp };
	pid_t		 pid;

	wall_let(&wall, inside, WALL_CHANGE);
	wall_let(&wall, "/nowhere", WALL_CHANGE);
	wall_let(&wall, readable, WALL_READ);
	wall_let_file(&wall, list);
	assert_int_equal(wall_make(&wall), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		privilege_harden();
		if (wall_raise(&wall) == -1)
			_exit(98);
		_exit(fn());
	}
	wall_free(&wall);
	return pid;
}

static int
end_of(pid_t pid)
{
	int	 status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The exit code of fn in a child behind the wall. */
static int
behind(int (*fn)(void))
{
	return end_of(start_behind(fn));
}

#define EXPECT(n, condition)	do { if (!(condition)) return n; } while (0)

/* What a mailbox needs. */
static int
works_inside(void)
{
	struct sockaddr_un	 un = { .sun_family = AF_UNIX,
				    .sun_path = "in/b/socket" };
	int			 fd;

	EXPECT(1, mkdir("in/a", 0700) == 0 && mkdir("in/b", 0700) == 0);
	put("in/a", "x");
	EXPECT(2, rename("in/a/x", "in/b/x") == 0);
	EXPECT(3, link("in/b/x", "in/a/x") == 0 && unlink("in/b/x") == 0);
	EXPECT(4, (fd = open("in/a/x", O_RDWR | O_TRUNC)) != -1);
	EXPECT(5, truncate("in/a/x", 0) == 0 && close(fd) == 0);
	EXPECT(6, (fd = open("in/a", O_RDONLY | O_DIRECTORY)) != -1);
	EXPECT(7, (fd = socket(AF_UNIX, SOCK_DGRAM, 0)) != -1 &&
	    bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	EXPECT(8, unlink("in/b/socket") == 0 && unlink("in/a/x") == 0 &&
	    rmdir("in/a") == 0 && rmdir("in/b") == 0);
	return 0;
}

static int
readable_only(void)
{
	EXPECT(1, open("read/x", O_RDONLY) != -1);
	EXPECT(2, open("read", O_RDONLY | O_DIRECTORY) != -1);
	EXPECT(3, open("read/x", O_WRONLY) == -1 && errno == EACCES);
	EXPECT(4, unlink("read/x") == -1 && errno == EACCES);
	EXPECT(5, mkdir("read/y", 0700) == -1 && errno == EACCES);
	EXPECT(6, open("lists/list", O_RDONLY) != -1);
	EXPECT(7, open("lists/list", O_WRONLY) == -1 && errno == EACCES);
	return 0;
}

/* By rename(2), the file and the link to it. */
static int
replaced_is_read(void)
{
	const struct timespec	 moment = { .tv_nsec = 50000000 };
	int			 i;

	for (i = 0; i < 200; i++) {
		if (open("real/replaced", O_RDONLY) == -1) {
			(void)nanosleep(&moment, NULL);
			continue;
		}
		EXPECT(1, open("lists/list", O_RDONLY) != -1);
		EXPECT(2, open("real/list", O_RDONLY) != -1);
		return 0;
	}
	return 3;
}

#define REFUSED(call)	((call) == -1 && errno == EACCES)

static int
refused_outside(void)
{
	struct sockaddr_un	 un = { .sun_family = AF_UNIX,
				    .sun_path = "out/socket" };
	char			*argv[] = { NULL }, path[40];
	int			 fd;

	EXPECT(1, REFUSED(open("out/secret", O_RDONLY)));
	EXPECT(2, REFUSED(open("in/../out/secret", O_RDONLY)));
	EXPECT(3, REFUSED(open("out/secret", O_WRONLY)));
	EXPECT(4, REFUSED(open("out", O_RDONLY | O_DIRECTORY)));
	EXPECT(5, REFUSED(open("out/new", O_WRONLY | O_CREAT, 0600)));
	EXPECT(6, REFUSED(mkdir("out/new", 0700)));
	EXPECT(7, REFUSED(unlink("out/secret")) && REFUSED(rmdir("out")));
	put("in", "x");
	EXPECT(8, rename("in/x", "out/x") == -1);
	EXPECT(9, link("out/secret", "in/secret") == -1);
	EXPECT(10, REFUSED(symlink("x", "in/link")));
	EXPECT(11, (fd = socket(AF_UNIX, SOCK_DGRAM, 0)) != -1 &&
	    REFUSED(bind(fd, (struct sockaddr *)&un, sizeof(un))));
	EXPECT(12, REFUSED(open("/etc/passwd", O_RDONLY)));
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)getppid());
	/* CAP_PERFMON goes before. */
	EXPECT(13, geteuid() == 0 || open(path, O_RDONLY) == -1);
	EXPECT(14, REFUSED(execv("/bin/true", argv)));
	EXPECT(15, unlink("in/x") == 0);
	return 0;
}

static int
refused_others(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	if (wall_level() >= 4) {
		in.sin_port = htons(9);
		EXPECT(1, REFUSED(connect(fd, (struct sockaddr *)&in,
		    sizeof(in))));
		in.sin_port = 0;
		EXPECT(2, REFUSED(bind(fd, (struct sockaddr *)&in,
		    sizeof(in))));
	}
	if (wall_level() >= 6)
		EXPECT(3, kill(getppid(), 0) == -1 && errno == EPERM);
	return 0;
}

static int
connects(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(1, bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	in.sin_port = htons(9);
	EXPECT(2, connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 ||
	    errno != EACCES);
	return 0;
}

/* What the C library reads only when it needs it. */
static int
library_works(void)
{
	iconv_t	 cd = iconv_open("UTF-8", "ISO-2022-JP");

	EXPECT(1, cd != (iconv_t)-1);
	iconv_close(cd);
	EXPECT(2, open("/usr/lib/os-release", O_RDONLY) != -1);
	EXPECT(3, REFUSED(open("/usr/lib/os-release", O_WRONLY)));
	return 0;
}

static void
a_wall_stands_where_it_should(void **state)
{
	(void)state;
	if (wall_level() == 0) {
		print_message("no Landlock in this kernel\n");
		skip();
	}
	assert_int_equal(behind(works_inside), 0);
	assert_int_equal(behind(refused_outside), 0);
	assert_int_equal(behind(refused_others), 0);
	assert_int_equal(behind(library_works), 0);
	assert_int_equal(behind(readable_only), 0);
	tcp = true;
	assert_int_equal(behind(connects), 0);
	assert_int_equal(behind(refused_outside), 0);
	tcp = false;
	/* Who raised none is as free as before. */
	assert_int_equal(access("out/secret", R_OK), 0);
}

static void
a_file_may_be_replaced(void **state)
{
	pid_t	 pid;

	(void)state;
	pid = start_behind(replaced_is_read);
	put("real", "new");
	assert_int_equal(rename("real/new", "real/list"), 0);
	assert_int_equal(symlink("../real/list", "lists/new"), 0);
	assert_int_equal(rename("lists/new", list), 0);
	put("real", "replaced");
	assert_int_equal(end_of(pid), 0);
}

/* Unless it is old: what is where may have changed. */
static void
a_wall_is_not_made_for_each_child(void **state)
{
	struct wall	 wall = { .n = 0 };
	int		 ruleset;

	(void)state;
	if (wall_level() == 0)
		skip();
	wall_let(&wall, inside, WALL_CHANGE);
	assert_int_equal(wall_make(&wall), 0);
	ruleset = wall.ruleset;
	assert_true(ruleset > 0);
	wall.made = io_monotonic_ms() + 3600000;
	assert_int_equal(wall_make(&wall), 0);
	assert_true(wall.made > io_monotonic_ms());
	wall.made -= 2 * 3600000;
	assert_int_equal(wall_make(&wall), 0);
	assert_true(wall.made > io_monotonic_ms() - 3600000 + 1000);
	wall_free(&wall);
	assert_int_equal(fcntl(ruleset, F_GETFD), -1);
}

static void
unshares(void)
{
	(void)unshare(CLONE_NEWUSER);
}

static void
executes(void)
{
	char	*argv[] = { NULL };

	(void)execv("/bin/true", argv);
}

static void
aborts(void)
{
	abort();
}

static void
sockets(void)
{
	_exit(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM &&
	    socket(AF_UNIX, SOCK_STREAM, 0) != -1 ? 1 : 2);
}

static void
signals(void)
{
	_exit(kill(getppid(), 0) == -1 && errno == EPERM ? 1 : 2);
}

/* How a process ends that does so behind the filters. */
static int
ended(void (*fn)(void), unsigned int flags, bool rest)
{
	pid_t	 pid = fork();
	int	 status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		privilege_harden();
		/* Twice, as who executes itself anew. */
		if (wall_calls_forbid(flags) == -1 ||
		    wall_calls_forbid(flags) == -1)
			_exit(77);
		if (rest && wall_calls_forbid_rest() == -1)
			_exit(78);
		fn();
		_exit(79);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
calls_are_forbidden_as_flags_say(void **state)
{
	(void)state;
	if (ended(unshares, 0, false) == 77) {
		print_message("no seccomp here\n");
		skip();
	}
	assert_int_equal(ended(unshares, 0, false), -SIGSYS);
	assert_int_equal(ended(unshares, WALL_EXECUTE | WALL_INET, false),
	    -SIGSYS);
	assert_int_equal(ended(executes, 0, false), -SIGSYS);
	assert_int_equal(ended(executes, WALL_EXECUTE, false), 0);
	assert_int_equal(ended(executes, WALL_EXECUTE, true), -SIGSYS);
	assert_int_equal(ended(sockets, 0, false), 1);
	assert_int_equal(ended(sockets, WALL_INET, false), 2);
	assert_int_equal(ended(sockets, WALL_INET, true), 2);
	assert_int_equal(ended(sockets, WALL_INET | WALL_EXECUTE, true), 1);
	assert_int_equal(ended(signals, 0, false), 2);
	assert_int_equal(ended(signals, 0, true), 1);
	assert_int_equal(ended(aborts, 0, true), -SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_wall_stands_where_it_should),
		cmocka_unit_test(a_file_may_be_replaced),
		cmocka_unit_test(a_wall_is_not_made_for_each_child),
		cmocka_unit_test(calls_are_forbidden_as_flags_say),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
