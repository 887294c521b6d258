/* The submit client against a scripted server on a socket of our own. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/net/smtp_submit.h"

static char	 path[64], got_path[80];

static int
serve_on(void)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd;

	snprintf(path, sizeof(path), "/tmp/test-submit-%ld",
	    (long)getpid());
	snprintf(got_path, sizeof(got_path), "%s.got", path);
	unlink(path);
	memcpy(sun.sun_path, path, sizeof(path));
	assert_true((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/*
 * A child that answers with the script at once, as the client's lines do not
 * matter to it, and keeps what it was sent in a file.
 */
static pid_t
server(const char *script)
{
	char	 data[65536];
	int	 fd = serve_on(), c, out;
	ssize_t	 n;
	pid_t	 pid = fork();

	assert_true(pid != -1);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	alarm(20);
	c = accept(fd, NULL, NULL);
	out = fileno(fopen(got_path, "w"));
	(void)io_write_all(c, script, strlen(script));
	while ((n = read(c, data, sizeof(data))) > 0)
		(void)io_write_all(out, data, (size_t)n);
	_exit(0);
}

/* What the client sent, once the server saw it close. */
static const char *
sent(pid_t pid)
{
	static char	 data[65536];
	FILE		*f;
	size_t		 n;

	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_non_null(f = fopen(got_path, "r"));
	n = fread(data, 1, sizeof(data) - 1, f);
	data[n] = '\0';
	fclose(f);
	unlink(got_path);
	unlink(path);
	return data;
}

#define HELLO	"220 hi\r\n250-mx\r\n250-PIPELINING\r\n250-8bitmime\r\n" \
		"250-SIZE 1000\r\n250-DSN\r\n250 SMTPUTF8\r\n"

static const char *const	 two[] = { "a@x.test", "b@x.test" };

static void
a_message_is_accepted(void **state)
{
	struct smtp_submit	 s;
	struct smtp_envelope	 e = { .sender = "", .rcpt = two, .nrcpt = 2,
	    .size = 9, .eightbit = true, .utf8 = true, .ret = "HDRS",
	    .envid = "i d+", .notify = "NEVER" };
	pid_t			 pid;

	(void)state;
	pid = server(HELLO "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
	    "250 2.0.0 Ok: queued as 0abc9\r\n221 bye\r\n");
	assert_int_equal(smtp_submit_open(&s, path, "me.test"), 0);
	assert_int_equal(smtp_submit_envelope(&s, &e, NULL, NULL), 0);
	assert_int_equal(smtp_submit_data(&s), 0);
	smtp_submit_put(&s, SLICE_LIT(".a\r\n"));
	smtp_submit_put(&s, SLICE_LIT(".\r\nb\r\n..c"));
	smtp_submit_put(&s, SLICE_LIT("."));
	assert_int_equal(smtp_submit_end(&s), 0);
	assert_string_equal(s.id, "0abc9");
	smtp_submit_close(&s);
	assert_string_equal(sent(pid), "EHLO me.test\r\n"
	    "MAIL FROM:<> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS "
	    "ENVID=i+20d+2B\r\nRCPT TO:<a@x.test> NOTIFY=NEVER\r\n"
	    "RCPT TO:<b@x.test> NOTIFY=NEVER\r\nDATA\r\n"
	    "..a\r\n..\r\nb\r\n...c.\r\n.\r\nQUIT\r\n");
}

static int	 nrefused;

static void
count_refused(const char *rcpt, const struct smtp_reply *r, void *arg)
{
	(void)rcpt;
	(void)r;
	(void)arg;
	nrefused++;
}

static void
refusals_end_before_any_data(void **state)
{
	static const struct {
		const char	*script;
		int		 code, refused;
	} t[] = {
		{ HELLO "550 5.7.1 no\r\n503 x\r\n503 x\r\n", 550, 0 },
		{ HELLO "250 ok\r\n250 ok\r\n550 5.1.1 who\r\n", 550, 1 },
		{ HELLO "250 ok\r\n450 4.2.2 full\r\n550 5.1.1 who\r\n", 450,
		    2 },
		{ HELLO "250 ok\r\n550 5.1.1 who\r\n450 4.2.2 full\r\n", 450,
		    2 },
		{ HELLO "250 ok\r\n421 4.3.2 bye\r\n", 421, 1 },
		{ HELLO "250 ok\r\nwhat\r\n", 451, 1 },
		{ "220 hi\r\n250 mx\r\n250 ok\r\n550 5.1.1 who\r\n250 ok\r\n",
		    550, 1 },
	};
	struct smtp_envelope	 e = { .sender = "s@x.test", .rcpt = two,
	    .nrcpt = 2 };
	struct smtp_submit	 s;
	size_t			 i;
	pid_t			 pid;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		nrefused = 0;
		pid = server(t[i].script);
		assert_int_equal(smtp_submit_open(&s, path, "me"), 0);
		assert_int_equal(smtp_submit_envelope(&s, &e, count_refused,
		    NULL), -1);
		assert_int_equal(s.smtp.reply.code, t[i].code);
		assert_int_equal(nrefused, t[i].refused);
		smtp_submit_close(&s);
		assert_null(strstr(sent(pid), "DATA"));
	}
}

static void
giving_up_sends_no_dot(void **state)
{
	struct smtp_envelope	 e = { .sender = "s@x.test", .rcpt = two,
	    .nrcpt = 1 };
	struct smtp_submit	 s;
	const char		*data;
	pid_t			 pid;

	(void)state;
	pid = server(HELLO "250 ok\r\n250 ok\r\n354 go\r\n");
	assert_int_equal(smtp_submit_open(&s, path, "me"), 0);
	assert_int_equal(smtp_submit_envelope(&s, &e, NULL, NULL), 0);
	assert_int_equal(smtp_submit_data(&s), 0);
	smtp_submit_put(&s, SLICE_LIT("half\r\n"));
	assert_int_equal(smtp_submit_flush(&s), 0);
	smtp_submit_close(&s);
	data = sent(pid);
	assert_string_equal(data + strlen(data) - 6, "half\r\n");
}

static void
servers_that_fail_are_temporary(void **state)
{
	static const char *const	 t[] = { "", "220", "garbage\r\n",
	    "421 4.3.2 full\r\n", "220 hi\r\n", "220 hi\r\n451 x\r\n",
	    "220 hi\r\n354 x\r\n" };
	struct smtp_submit		 s;
	size_t				 i;
	pid_t				 pid;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		pid = server(t[i]);
		/* A silent server would be waited for: make it close. */
		if (t[i][0] == '\0' || strchr(t[i], '\n') == NULL ||
		    strcmp(t[i], "220 hi\r\n") == 0) {
			assert_int_equal(kill(pid, 9), 0);
			assert_int_equal(waitpid(pid, NULL, 0), pid);
			assert_int_equal(smtp_submit_open(&s, path, "me"), -1);
			assert_int_equal(s.smtp.reply.code / 100, 4);
			smtp_submit_close(&s);
			unlink(path);
			continue;
		}
		assert_int_equal(smtp_submit_open(&s, path, "me"), -1);
		assert_int_equal(s.smtp.reply.code / 100, 4);
		smtp_submit_close(&s);
		(void)sent(pid);
	}
	assert_int_equal(smtp_submit_open(&s, "/nonexistent/s", "me"), -1);
	assert_int_equal(s.smtp.reply.code, 451);
	assert_string_equal(s.smtp.reply.enhanced, "4.3.2");
	smtp_submit_close(&s);
}

static void
line_breaks_in_addresses_are_refused(void **state)
{
	static const char *const	 evil[] = { "a@x\r\nRCPT TO:<b@x>" };
	struct smtp_envelope		 e = { .sender = "s@x", .rcpt = evil,
	    .nrcpt = 1 };
	struct smtp_submit		 s;
	pid_t				 pid;

	(void)state;
	pid = server(HELLO);
	assert_int_equal(smtp_submit_open(&s, path, "me"), 0);
	assert_int_equal(smtp_submit_envelope(&s, &e, NULL, NULL), -1);
	assert_string_equal(s.smtp.reply.enhanced, "5.1.3");
	e.sender = evil[0];
	e.rcpt = two;
	assert_int_equal(smtp_submit_envelope(&s, &e, NULL, NULL), -1);
	assert_string_equal(s.smtp.reply.enhanced, "5.1.7");
	smtp_submit_close(&s);
	assert_null(strstr(sent(pid), "RCPT"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_message_is_accepted),
		cmocka_unit_test(refusals_end_before_any_data),
		cmocka_unit_test(giving_up_sends_no_dot),
		cmocka_unit_test(servers_that_fail_are_temporary),
		cmocka_unit_test(line_breaks_in_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
