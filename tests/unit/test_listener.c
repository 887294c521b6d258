/*
 * A real listener on loopback: this program, started again with "serve", is
 * the parent.  It answers lines: "pid", "crash", "hold" (waits for more),
 * "quit".
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/listener.h"
#include "lib/net/stream.h"

static char	*self;
static char	 address[32];
static int	 port;
static pid_t	 server;
static char	*watched;	/* the next server's, or NULL */
static char	*config;	/* the same */

static void
serve(struct listener_conn *conn, void *arg)
{
	struct stream	 s;
	struct slice	 line;

	(void)arg;
	stream_init(&s, conn->rfd, conn->wfd, 5000, 10000);
	stream_printf(&s, "hello %s\r\n", conn->peer.address);
	while (stream_line(&s, 100, &line) == STREAM_OK) {
		if (slice_is(line, "crash"))
			abort();
		if (slice_is(line, "quit"))
			break;
		stream_printf(&s, "%ld\r\n", (long)getpid());
	}
	if (stream_stopping())
		stream_printf(&s, "bye\r\n");
	stream_flush(&s);
	stream_free(&s);
}

static int
serve_main(char **argv)
{
	struct config_listen	 listen = { .address = argv[3] };
	struct config_listeners	 net = { .listen = &listen, .nlisten = 1,
	    .max_connections = 4, .max_per_address = 3, .max_per_network = 9,
	    .drain_timeout = 20 };
	struct listener_program	 p = { .name = "test", .net = &net,
	    .max_uses = (unsigned int)atoi(argv[2]),
	    .full_text = "421 full\r\n", .serve = serve, .argv = argv,
	    .watch = argv[4], .config = argv[4] == NULL ? NULL : argv[5] };

	log_init("test_listener");
	return listener_run(&p, NULL, 0);
}

static int
dial(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	struct timeval		 tv = { .tv_sec = 60 };
	int			 fd, i;

	in.sin_port = htons((uint16_t)port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < 600; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_true(fd >= 0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
			return fd;
		close(fd);
		usleep(50000);
	}
	fail_msg("no listener");
	return -1;
}

/* One line, or "" at the end. */
static const char *
hear(int fd)
{
	static char	 text[200];
	size_t		 n = 0;

	while (n < sizeof(text) - 1 && read(fd, text + n, 1) == 1)
		if (text[n++] == '\n')
			break;
	text[n] = '\0';
	return text;
}

static long
ask_pid(int fd)
{
	assert_int_equal(write(fd, "pid\r\n", 5), 5);
	return atol(hear(fd));
}

static void
begin(const char *uses)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	socklen_t		 len = sizeof(in);
	int			 fd;

	/* A port that is free just now. */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	port = ntohs(in.sin_port);
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	if ((server = fork()) == 0) {
		/* A failed test leaves nobody behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		execl(self, self, "serve", uses, address, watched, config,
		    (char *)NULL);
		_exit(127);
	}
}

static int
end(void)
{
	int	 status, i;

	kill(server, SIGTERM);
	for (i = 0; i < 600; i++) {
		if (waitpid(server, &status, WNOHANG) == server)
			return status;
		usleep(50000);
	}
	kill(server, SIGKILL);
	waitpid(server, &status, 0);
	return -1;
}

/* The pid of who serves a connection, which ends. */
static long
served_by(void)
{
	long	 pid;
	int	 fd;

	fd = dial();
	assert_string_equal(hear(fd), "hello 127.0.0.1\r\n");
	pid = ask_pid(fd);
	assert_int_equal(write(fd, "quit\r\n", 6), 6);
	assert_string_equal(hear(fd), "");
	close(fd);
	return pid;
}

static void
pool_processes_are_used_again_fresh_ones_are_not(void **state)
{
	static const char	*uses[] = { "100", "1" };
	long			 a, b;
	int			 i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		begin(uses[i]);
		a = served_by();
		assert_true(a > 0 && a != server);
		/* Another one, where the first is not back in the pool yet. */
		for (n = 0; n < 50 && (b = served_by()) != a && i == 0; n++)
			usleep(50000);
		assert_true(i == 0 ? a == b : a != b);
		assert_int_equal(end(), 0);
	}
}

static void
a_process_at_its_last_use_loses_no_connection(void **state)
{
	const char	*said;
	int		 fd, i, full = 0;

	(void)state;
	begin("2");
	for (i = 0; i < 200;) {
		fd = dial();
		assert_int_equal(write(fd, "quit\r\n", 6), 6);
		said = hear(fd);
		close(fd);
		/* Earlier ones may still be on their way out. */
		if (strcmp(said, "421 full\r\n") == 0) {
			assert_true(++full < 1000);
			usleep(5000);
			continue;
		}
		assert_string_equal(said, "hello 127.0.0.1\r\n");
		i++;
	}
	assert_int_equal(end(), 0);
}

static void
a_full_house_says_so_and_then_serves_again(void **state)
{
	const char	*said = "";
	int		 fd[4], i;

	(void)state;
	begin("100");
	/* One by one: who is accepted first may be heard last. */
	for (i = 0; i < 3; i++) {
		fd[i] = dial();
		assert_string_equal(hear(fd[i]), "hello 127.0.0.1\r\n");
	}
	/* max-per-address is 3. */
	fd[3] = dial();
	assert_string_equal(hear(fd[3]), "421 full\r\n");
	close(fd[3]);
	assert_int_equal(write(fd[0], "quit\r\n", 6), 6);
	assert_string_equal(hear(fd[0]), "");
	/* It is seen to be gone a little later. */
	for (i = 0; i < 600; i++) {
		fd[3] = dial();
		said = hear(fd[3]);
		if (strcmp(said, "421 full\r\n") != 0)
			break;
		close(fd[3]);
		usleep(50000);
	}
	assert_string_equal(said, "hello 127.0.0.1\r\n");
	for (i = 0; i < 4; i++)
		close(fd[i]);
	assert_int_equal(end(), 0);
}

static void
sigterm_lets_the_client_hear_a_farewell(void **state)
{
	int64_t	 began;
	int	 fd, status;

	(void)state;
	begin("100");
	fd = dial();
	hear(fd);
	ask_pid(fd);
	began = io_monotonic_ms();
	kill(server, SIGTERM);
	assert_string_equal(hear(fd), "bye\r\n");
	assert_string_equal(hear(fd), "");
	close(fd);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(status, 0);
	/* Long before the drain-timeout. */
	assert_true(io_monotonic_ms() - began < 15000);
}

/* Only the second image has the variable. */
static bool
execed_anew(void)
{
	struct buf	 env;
	char		 path[64];
	bool		 found;

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)server);
	buf_init(&env, 1 << 20);
	found = io_read_file(AT_FDCWD, path, &env) == 0 && memmem(
	    buf_cstr(&env), env.len, "MERPATI_LISTEN=", 15) != NULL;
	buf_free(&env);
	return found;
}

static void
a_crash_gives_a_new_image_with_the_same_socket(void **state)
{
	int	 fd, i;

	(void)state;
	begin("100");
	fd = dial();
	hear(fd);
	assert_false(execed_anew());
	assert_int_equal(write(fd, "crash\r\n", 7), 7);
	assert_string_equal(hear(fd), "");
	close(fd);
	/* It keeps serving before it execs itself (10 s), and after. */
	fd = dial();
	assert_string_equal(hear(fd), "hello 127.0.0.1\r\n");
	close(fd);
	for (i = 0; i < 600 && !execed_anew(); i++)
		usleep(100000);
	assert_true(execed_anew());
	fd = dial();
	assert_string_equal(hear(fd), "hello 127.0.0.1\r\n");
	close(fd);
	assert_int_equal(end(), 0);
}

/* The directory of what the server watches, and reads. */
static char	 dir[40], watched_path[60], conf_path[60];

/* In one step, as keyd does it. */
static void
replace(const char *name, const char *text)
{
	char	 path[60];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(io_replace_file(path, text, strlen(text), 0600), 0);
}

#define GOOD	"hostname = \"mail.example.org\"\n" \
		"postmaster = \"admin@example.org\"\n"

/* text: of the configuration; NULL: there is none. */
static void
watch(const char *text)
{
	snprintf(dir, sizeof(dir), "/tmp/merpati-listener.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(watched_path, sizeof(watched_path), "%s/certificates", dir);
	snprintf(conf_path, sizeof(conf_path), "%s/conf", dir);
	replace("certificates", "one");
	watched = watched_path;
	if (text != NULL) {
		replace("conf", text);
		config = conf_path;
	}
}

static void
unwatch(void)
{
	watched = config = NULL;
	unlink(watched_path);
	unlink(conf_path);
	rmdir(dir);
}

static void
a_replaced_file_gives_a_new_image_and_drops_nobody(void **state)
{
	char	 path[60];
	int	 fd, i;

	(void)state;
	watch(NULL);
	begin("100");
	fd = dial();
	assert_string_equal(hear(fd), "hello 127.0.0.1\r\n");
	/* Another file means nothing. */
	replace("keyd.pid", "1");
	usleep(1500000);
	assert_false(execed_anew());
	replace("certificates", "two");
	for (i = 0; i < 600 && !execed_anew(); i++)
		usleep(100000);
	assert_true(execed_anew());
	/* The old process serves its connection to the end. */
	assert_true(ask_pid(fd) > 0);
	assert_int_equal(served_by() > 0, true);
	assert_int_equal(write(fd, "quit\r\n", 6), 6);
	assert_string_equal(hear(fd), "");
	close(fd);
	assert_int_equal(end(), 0);
	snprintf(path, sizeof(path), "%s/keyd.pid", dir);
	unlink(path);
	unwatch();
}

static void
a_replaced_file_waits_for_a_good_configuration(void **state)
{
	int	 i;

	(void)state;
	watch("hostname = \n");
	begin("100");
	assert_true(served_by() > 0);
	replace("certificates", "two");
	usleep(1500000);
	assert_false(execed_anew());
	/* It is not forgotten: any look will do, here for the new file. */
	replace("conf", GOOD);
	for (i = 0; i < 600 && !execed_anew(); i++)
		usleep(100000);
	assert_true(execed_anew());
	assert_true(served_by() > 0);
	assert_int_equal(end(), 0);
	unwatch();
}

/* Events of a file itself, which have no name. */
static int
times_opened(int fd)
{
	struct inotify_event	 ev;
	int			 n = 0;

	while (read(fd, &ev, sizeof(ev)) == (ssize_t)sizeof(ev))
		n += (ev.mask & IN_OPEN) != 0;
	return n;
}

/* For the check; this program itself does not begin with it. */
static void
a_sighup_reads_the_configuration_once(void **state)
{
	int	 fd, i;

	(void)state;
	watch(GOOD);
	begin("100");
	assert_true(served_by() > 0);
	assert_true((fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) != -1);
	/* With the end of each, or two would be told as one. */
	assert_true(inotify_add_watch(fd, conf_path, IN_OPEN | IN_CLOSE_NOWRITE) !=
	    -1);
	assert_int_equal(kill(server, SIGHUP), 0);
	for (i = 0; i < 600 && !execed_anew(); i++)
		usleep(100000);
	assert_true(execed_anew());
	assert_int_equal(times_opened(fd), 1);
	close(fd);
	assert_true(served_by() > 0);
	assert_int_equal(end(), 0);
	unwatch();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(
		    pool_processes_are_used_again_fresh_ones_are_not),
		cmocka_unit_test(a_process_at_its_last_use_loses_no_connection),
		cmocka_unit_test(a_full_house_says_so_and_then_serves_again),
		cmocka_unit_test(sigterm_lets_the_client_hear_a_farewell),
		cmocka_unit_test(
		    a_crash_gives_a_new_image_with_the_same_socket),
		cmocka_unit_test(
		    a_replaced_file_gives_a_new_image_and_drops_nobody),
		cmocka_unit_test(
		    a_replaced_file_waits_for_a_good_configuration),
		cmocka_unit_test(a_sighup_reads_the_configuration_once),
	};

	if (argc >= 4 && strcmp(argv[1], "serve") == 0)
		return serve_main(argv);
	self = realpath(argv[0], NULL);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
