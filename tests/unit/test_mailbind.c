/* mailbind: which services there are, which sockets are taken, what is kept. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/service.h"
#include "mailbind/chain.h"
#include "mailbind/sockets.h"

extern char	**environ;

static void
set_dump(int n, int fd, const char *name)
{
	char	 var[32], val[16];

	snprintf(var, sizeof(var), "S6_FD_%d", n);
	snprintf(val, sizeof(val), "%d", fd);
	setenv(var, val, 1);
	snprintf(var, sizeof(var), "S6_FDID_%d", n);
	setenv(var, name, 1);
}

static void
chain_find_knows_services_only(void **state)
{
	static const char *const	 bad[] = { "", "root", "smtp", "smtpd ",
	    "SMTPD", "fdholder", "../smtpd", "deliver" };
	size_t				 i;

	(void)state;
	assert_string_equal(chain_find("smtpd")->user, "merpati-smtpd");
	assert_string_equal(chain_find("pop3d")->user, "merpati-pop3d");
	assert_string_equal(chain_find("imapd")->user, "merpati-imapd");
	assert_string_equal(chain_find("authd")->user, "merpati-auth");
	assert_string_equal(chain_find("queue-runner")->user, "merpati-queue");
	assert_string_equal(chain_find("remote")->user, "merpati-remote");
	assert_string_equal(chain_find("resolver")->user, "merpati-resolver");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(chain_find(bad[i]));
}

static void
chain_only_spawner_stays_root(void **state)
{
	const struct chain_service	*c;
	size_t				 i;

	(void)state;
	for (i = 0; (c = chain_nth(i)) != NULL; i++)
		assert_int_equal(c->user == NULL,
		    strcmp(c->name, "spawner") == 0);
	assert_true(i >= 5);
}

static void
chain_environment_keeps_nothing_else(void **state)
{
	static const char *const	 want[] = { "PATH=/bin", "TZ=UTC",
	    "NOTIFY_FD=3", "MERPATI_LISTEN=4=127.0.0.1:25",
	    "MERPATI_CONF=/etc/m.conf" };
	size_t				 i, n;

	(void)state;
	clearenv();
	setenv("PATH", "/bin", 1);
	setenv("TZ", "UTC", 1);
	setenv("NOTIFY_FD", "3", 1);
	setenv("LD_PRELOAD", "/tmp/x.so", 1);
	setenv("MERPATI_LISTEN", "9=0.0.0.0:1", 1);
	setenv("S6_FD#", "0", 1);
	setenv("HOME", "/root", 1);
	chain_environment("4=127.0.0.1:25", "/etc/m.conf");
	for (n = 0; environ[n] != NULL; n++) {
		for (i = 0; i < 5; i++)
			if (strcmp(environ[n], want[i]) == 0)
				break;
		assert_true(i < 5);
	}
	assert_int_equal(n, 5);
}

static void
chain_notify_fd_is_a_number(void **state)
{
	static const struct { const char *v; int fd; } t[] = {
		{ "3", 3 }, { "10", 10 }, { "", -1 }, { "-1", -1 },
		{ "3x", -1 }, { " 3", -1 }, { "99999", -1 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		setenv("NOTIFY_FD", t[i].v, 1);
		assert_int_equal(chain_notify_fd(), t[i].fd);
	}
	unsetenv("NOTIFY_FD");
	assert_int_equal(chain_notify_fd(), -1);
}

static void
sockets_want_has_a_limit(void **state)
{
	struct sockets	 s = { .service = "smtpd", .holder = "/nowhere" };
	int		 i;

	(void)state;
	for (i = 0; i < SOCKETS_MAX; i++)
		assert_int_equal(sockets_want(&s, "127.0.0.1:1"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:1"), -1);
}

static void
sockets_look_takes_listening_sockets_of_the_service(void **state)
{
	struct sockets	 s = { .service = "smtpd", .holder = "/nowhere" };
	int		 a, b, plain, pipefd[2];

	(void)state;
	a = socket(AF_INET, SOCK_STREAM, 0);
	b = socket(AF_INET, SOCK_STREAM, 0);
	plain = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(listen(a, 1), 0);
	assert_int_equal(listen(b, 1), 0);
	assert_int_equal(pipe(pipefd), 0);
	set_dump(0, a, "smtpd 127.0.0.1:25");
	set_dump(1, b, "pop3d 127.0.0.1:110");
	set_dump(2, plain, "smtpd 127.0.0.1:587");
	set_dump(3, b, "smtpd unix:/nowhere/submit.sock");
	set_dump(4, pipefd[0], "smtpd 127.0.0.1:465");
	set_dump(5, 9999, "smtpd 127.0.0.1:24");
	set_dump(6, b, "smtpd2 127.0.0.1:23");
	set_dump(7, b, "smtpd");
	assert_int_equal(sockets_want(&s, "127.0.0.1:25"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:110"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:587"), 0);
	assert_int_equal(sockets_want(&s, "unix:/nowhere/submit.sock"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:465"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:24"), 0);
	assert_int_equal(sockets_want(&s, "127.0.0.1:23"), 0);
	sockets_look(&s);
	assert_int_equal(s.fd[0], a);
	assert_int_equal(s.fd[1], -1);	/* another service's */
	assert_int_equal(s.fd[2], -1);	/* does not listen */
	assert_int_equal(s.fd[3], -1);	/* its path has gone */
	assert_int_equal(s.fd[4], -1);	/* no socket */
	assert_int_equal(s.fd[5], -1);	/* not open */
	assert_int_equal(s.fd[6], -1);	/* another service's */
	clearenv();
	close(a);
	close(b);
	close(plain);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void
sockets_format_is_what_services_read(void **state)
{
	struct sockets	 s = { .service = "smtpd", .n = 2,
	    .address = { "127.0.0.1:25", "unix:/run/submit.sock" },
	    .fd = { 4, 17 } };
	struct buf	 out, small;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(sockets_format(&s, &out), 0);
	assert_string_equal(buf_cstr(&out),
	    "4=127.0.0.1:25,17=unix:/run/submit.sock");
	setenv("MERPATI_LISTEN", buf_cstr(&out), 1);
	assert_int_equal(service_inherited("127.0.0.1:25"), 4);
	assert_int_equal(service_inherited("unix:/run/submit.sock"), 17);
	assert_int_equal(service_inherited("127.0.0.1:2"), -1);
	buf_free(&out);
	buf_init(&small, 20);
	assert_int_equal(sockets_format(&s, &small), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_free(&small);
}

static void
sockets_holder_answers_only_when_it_listens(void **state)
{
	char	 dir[] = "/tmp/mailbind.XXXXXX", path[64], address[80];
	int	 fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_false(sockets_holder_answers(path, 40));
	snprintf(address, sizeof(address), "unix:%s", path);
	fd = service_bind(address);
	assert_true(fd != -1);
	assert_true(sockets_holder_answers(path, 0));
	close(fd);
	assert_false(sockets_holder_answers(path, 0));
	unlink(path);
	rmdir(dir);
}

static void
service_descriptors_only_raises(void **state)
{
	struct rlimit	 was, now;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	now = was;
	now.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(service_descriptors(100), 100);
	assert_int_equal(service_descriptors(80), 100);
	service_descriptors(UINT_MAX);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_true(now.rlim_cur >= UINT_MAX || now.rlim_cur == now.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(chain_find_knows_services_only),
		cmocka_unit_test(chain_only_spawner_stays_root),
		cmocka_unit_test(chain_environment_keeps_nothing_else),
		cmocka_unit_test(chain_notify_fd_is_a_number),
		cmocka_unit_test(service_descriptors_only_raises),
		cmocka_unit_test(sockets_want_has_a_limit),
		cmocka_unit_test(
		    sockets_look_takes_listening_sockets_of_the_service),
		cmocka_unit_test(sockets_format_is_what_services_read),
		cmocka_unit_test(sockets_holder_answers_only_when_it_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
