/* The asked side of packets: who may, bad requests, answers that must wait. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "lib/base/ipc_server.h"

#define MANY	3000

static char			 path[64];
static struct event_base	*base;
static struct ipc_server	*server;
static struct ipc_client	*asker;		/* held, MANY times at most */
static struct ipc_msg		 req, ans;
static unsigned int		 asked;
static bool			 refused;

static bool
allow(uid_t uid, gid_t gid, void *arg)
{
	(void)gid;
	(void)arg;
	return uid == getuid() && !refused;
}

/* "now" is answered at once, "later" kept, anything else is bad. */
static int
request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	(void)arg;
	if (ipc_end(m) == -1)
		return -1;
	asked++;
	if (strcmp(m->verb, "later") == 0) {
		if (asker == NULL) {
			ipc_client_ref(c);
			asker = c;
		}
		return 0;
	}
	if (strcmp(m->verb, "now") != 0)
		return -1;
	ipc_start(&ans, "yes", m->id);
	ipc_client_answer(c, &ans);
	return 0;
}

static int
start(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_ipc_server.%ld",
	    (long)getpid());
	base = event_base_new();
	server = ipc_server_new(base, ipc_listen(path, 0600), 2, allow,
	    request, NULL);
	asked = 0;
	refused = false;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	ipc_server_free(server);
	if (asker != NULL)
		ipc_client_unref(asker);
	asker = NULL;
	event_base_free(base);
	unlink(path);
	return 0;
}

static void
turn(int times)
{
	while (times-- > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int
ask(int fd, const char *verb, uint64_t id)
{
	ipc_start(&req, verb, id);
	return ipc_send(fd, &req, 0);
}

static void
answers_come_with_their_ids(void **state)
{
	int	 fd;

	(void)state;
	assert_true((fd = ipc_connect(path)) >= 0);
	assert_int_equal(ask(fd, "now", 7), 0);
	assert_int_equal(ask(fd, "now", 8), 0);
	turn(4);
	assert_int_equal(ipc_recv(fd, &ans, 0), 1);
	assert_int_equal(ans.id, 7);
	assert_int_equal(ipc_recv(fd, &ans, 0), 1);
	assert_int_equal(ans.id, 8);
	close(fd);
	turn(2);
	assert_int_equal(ipc_server_count(server, getuid()), 0);
}

static void
strangers_and_nonsense_are_hung_up_on(void **state)
{
	int	 fd;

	(void)state;
	assert_true((fd = ipc_connect(path)) >= 0);
	assert_int_equal(ask(fd, "never", 1), 0);
	turn(4);
	assert_int_equal(ipc_recv(fd, &ans, 0), 0);
	close(fd);
	assert_true((fd = ipc_connect(path)) >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	turn(4);
	assert_int_equal(ipc_recv(fd, &ans, 0), 0);
	close(fd);
	refused = true;
	assert_true((fd = ipc_connect(path)) >= 0);
	turn(4);
	assert_int_not_equal(ipc_recv(fd, &ans, 0), 1);
	close(fd);
}

/* All answers are ready in one moment, far more than a socket takes. */
static void
answers_wait_for_a_slow_reader(void **state)
{
	uint64_t	 id;
	int		 fd;

	(void)state;
	assert_true((fd = ipc_connect(path)) >= 0);
	assert_int_equal(ask(fd, "later", 1), 0);
	turn(4);
	assert_non_null(asker);
	for (id = 1; id <= MANY; id++) {
		ipc_start(&ans, "yes", id);
		ipc_client_answer(asker, &ans);
	}
	assert_false(ipc_client_gone(asker));
	/* What is asked meanwhile comes later, and in order. */
	assert_int_equal(ask(fd, "now", MANY + 1), 0);
	turn(4);
	assert_int_equal(asked, 1);
	for (id = 1; id <= MANY + 1; id++) {
		while (ipc_recv(fd, &ans, 0) == -1) {
			assert_int_equal(errno, EAGAIN);
			turn(1);
		}
		assert_int_equal(ans.id, id);
	}
	assert_int_equal(asked, 2);
	close(fd);
}

static void
a_client_may_leave_while_answers_wait(void **state)
{
	uint64_t	 id;
	int		 fd;

	(void)state;
	assert_true((fd = ipc_connect(path)) >= 0);
	assert_int_equal(ask(fd, "later", 1), 0);
	turn(4);
	for (id = 1; id <= MANY; id++) {
		ipc_start(&ans, "yes", id);
		ipc_client_answer(asker, &ans);
	}
	close(fd);
	turn(4);
	assert_true(ipc_client_gone(asker));
	ipc_client_answer(asker, &ans);
}

static bool
serves(int fd)
{
	turn(4);
	if (ask(fd, "now", 1) == -1)
		return false;
	turn(4);
	return ipc_recv(fd, &ans, 0) == 1;
}

/* All of one uid, as two would need root: it gets its share, and no more. */
static void
no_uid_has_more_than_three_quarters(void **state)
{
	int	 fds[4], i;

	(void)state;
	ipc_server_free(server);
	server = ipc_server_new(base, ipc_listen(path, 0600), 4, allow,
	    request, NULL);
	ipc_server_share(server);
	for (i = 0; i < 3; i++) {
		assert_true((fds[i] = ipc_connect(path)) >= 0);
		assert_true(serves(fds[i]));
	}
	assert_true((fds[3] = ipc_connect(path)) >= 0);
	assert_false(serves(fds[3]));
	close(fds[3]);
	/* Who leaves makes room. */
	close(fds[0]);
	turn(4);
	assert_true((fds[0] = ipc_connect(path)) >= 0);
	assert_true(serves(fds[0]));
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(answers_come_with_their_ids,
		    start, stop),
		cmocka_unit_test_setup_teardown(
		    strangers_and_nonsense_are_hung_up_on, start, stop),
		cmocka_unit_test_setup_teardown(answers_wait_for_a_slow_reader,
		    start, stop),
		cmocka_unit_test_setup_teardown(
		    a_client_may_leave_while_answers_wait, start, stop),
		cmocka_unit_test_setup_teardown(
		    no_uid_has_more_than_three_quarters, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
