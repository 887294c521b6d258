/* lib/base/wall: what a process behind it can and cannot do. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/privilege.h"
#include "lib/base/wall.h"

static char	 inside[200], outside[200];

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
	if (mkdir(inside, 0700) == -1 || mkdir(outside, 0700) == -1)
		return -1;
	put(outside, "secret");
	return chdir(top);
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

/* The exit code of fn in a child behind the wall. */
static int
behind(int (*fn)(void))
{
	int	 dirs[2] = { open(inside, O_PATH | O_DIRECTORY), -1 }, status;
	pid_t	 pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		privilege_harden();
		if (wall_into(dirs, 2) == -1)
			_exit(98);
		_exit(fn());
	}
	close(dirs[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
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
	/* Who raised none is as free as before. */
	assert_int_equal(access("out/secret", R_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_wall_stands_where_it_should),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
