/* Wake-ups between processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/wake.h"

static char	 home[64];
static int	 homefd;

static int
begin(void **state)
{
	(void)state;
	strcpy(home, "/tmp/merpati-wake.XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	homefd = open(home, O_RDONLY | O_DIRECTORY);
	return homefd == -1 ? -1 : 0;
}

static int
end(void **state)
{
	char	 cmd[100];

	(void)state;
	close(homefd);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

/* A process that sends, as wake_send() never wakes its own. */
static void
send_by_another(const char *dir, bool by_path)
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		if (by_path)
			wake_send_home(home, dir);
		else
			wake_send(homefd, dir);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
who_waits_is_woken(void **state)
{
	struct pollfd	 pfd = { .events = POLLIN };
	struct wake	 w;

	(void)state;
	assert_int_equal(wake_listen(&w, homefd, ".Sent"), 0);
	assert_false(wake_take(&w));
	send_by_another(".Sent", false);
	pfd.fd = w.fd;
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_true(wake_take(&w));
	assert_false(wake_take(&w));
	send_by_another(".Other", false);
	send_by_another(".", true);
	assert_false(wake_take(&w));
	send_by_another(".Sent", true);
	assert_true(wake_take(&w));
	wake_send(homefd, ".Sent");	/* by itself */
	assert_false(wake_take(&w));
	wake_close(&w, homefd);
	assert_int_equal(faccessat(homefd, "wake", F_OK, 0), -1);
}

static void
who_waits_for_all_is_woken_by_any(void **state)
{
	struct wake	 all, one;

	(void)state;
	assert_int_equal(wake_listen(&all, homefd, "*"), 0);
	assert_int_equal(wake_listen(&one, homefd, "."), 0);
	send_by_another(".x", false);
	assert_true(wake_take(&all));
	assert_false(wake_take(&one));
	wake_close(&all, homefd);
	send_by_another(".", false);
	assert_true(wake_take(&one));
	wake_close(&one, homefd);
	wake_close(&one, homefd);
}

/* The process that bound it is gone, its socket is not. */
static void
another_may_go_on_with_it(void **state)
{
	struct wake	 w;
	int		 status;
	pid_t		 pid;

	(void)state;
	assert_int_equal(wake_listen(&w, homefd, "."), 0);
	if ((pid = fork()) == 0) {
		wake_send(homefd, ".");
		_exit(wake_take(&w) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	wake_close(&w, homefd);
	assert_int_equal(faccessat(homefd, "wake", F_OK, 0), -1);
}

static void
a_full_socket_does_not_block(void **state)
{
	struct wake	 w;
	int		 i;

	(void)state;
	assert_int_equal(wake_listen(&w, homefd, "."), 0);
	for (i = 0; i < 2000; i += 500) {
		int	 status, k;
		pid_t	 pid = fork();

		if (pid == 0) {
			for (k = 0; k < 500; k++)
				wake_send(homefd, ".");
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_true(wake_take(&w));
	wake_close(&w, homefd);
}

static void
leavings_of_the_dead_go(void **state)
{
	struct wake	 w;
	int		 status;
	pid_t		 pid = fork();

	(void)state;
	if (pid == 0)
		_exit(wake_listen(&w, homefd, ".") == -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(faccessat(homefd, "wake", F_OK, 0), 0);
	send_by_another(".", false);
	assert_int_equal(unlinkat(homefd, "wake", AT_REMOVEDIR), 0);
	/* Nobody there, no directory, no home: nothing happens. */
	send_by_another(".", false);
	wake_send_home("/nonexistent/home", ".");
}

static void
a_directory_that_cannot_be_made_is_an_error(void **state)
{
	int		 fd = openat(homefd, "wake", O_CREAT | O_WRONLY, 0600);
	struct wake	 w;

	(void)state;
	close(fd);
	assert_int_equal(wake_listen(&w, homefd, "."), -1);
	assert_int_equal(w.fd, -1);
	send_by_another(".", true);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(who_waits_is_woken),
		TEST(who_waits_for_all_is_woken_by_any),
		TEST(another_may_go_on_with_it),
		TEST(a_full_socket_does_not_block),
		TEST(leavings_of_the_dead_go),
		TEST(a_directory_that_cannot_be_made_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
