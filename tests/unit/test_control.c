/* mailctl's questions to queue-runner: round trips and refusals. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/proto_control.h"
#include "tests/unit/packet.h"

static struct ipc_msg	 a, b;

static void
each_request_comes_out_as_it_went_in(void **state)
{
	static const struct control_request	 cases[] = {
		{ CONTROL_LIST, { BY_ALL, "" }, "", 0 },
		{ CONTROL_SHOW, { BY_ID, "1abcdefghjkmnpqrstvw" }, "", -1 },
		{ CONTROL_RETRY, { BY_DOMAIN, "example.org" }, "", -1 },
		{ CONTROL_HOLD, { BY_SENDER, "" }, "too much\nnoise", -1 },
		{ CONTROL_RELEASE, { BY_RECIPIENT, "b@example.org" }, "", -1 },
		{ CONTROL_REMOVE, { BY_ALL, "" }, "", -1 },
		{ CONTROL_REROUTE, { BY_ALL, "" }, "c@example.org", -1 },
		{ CONTROL_DESTINATIONS, { BY_ALL, "" }, "", 0 },
		{ CONTROL_STATUS, { BY_ALL, "" }, "", -1 },
	};
	struct control_request	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		proto_control_put_request(&a, i, &cases[i]);
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_int_equal(proto_control_get_request(&b, &r), 0);
		assert_int_equal(r.verb, cases[i].verb);
		assert_int_equal(r.which.by, cases[i].which.by);
		assert_string_equal(r.which.value, cases[i].which.value);
		assert_string_equal(r.text, cases[i].text);
		assert_int_equal(r.fd == -1, cases[i].fd == -1);
		if (r.fd != -1)
			close(r.fd);
	}
}

static void
a_malformed_request_is_refused_and_leaks_nothing(void **state)
{
	struct control_request	 r;
	int			 p[2];
	char			 c;

	(void)state;
	ipc_start(&a, "explode", 1);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_request(&b, &r), -1);
	ipc_start(&a, "retry", 1);
	ipc_put(&a, "by", "colour");
	ipc_put(&a, "value", "red");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_request(&b, &r), -1);
	ipc_start(&a, "retry", 1);
	ipc_put(&a, "by", "sender");
	ipc_put_octets(&a, "value", (struct slice){ "a\0b", 3 });
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_request(&b, &r), -1);
	ipc_start(&a, "list", 1);
	ipc_put(&a, "by", "all");
	ipc_put(&a, "value", "");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_request(&b, &r), -1);

	/* A descriptor too many: both are closed. */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	ipc_start(&a, "list", 1);
	ipc_put(&a, "by", "all");
	ipc_put(&a, "value", "");
	ipc_attach(&a, p[1]);
	ipc_attach(&a, p[1]);
	assert_int_equal(packet_cross(&a, &b), 1);
	close(p[1]);
	assert_int_equal(proto_control_get_request(&b, &r), -1);
	assert_int_equal(r.fd, -1);
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
}

static void
answers_come_out_as_they_went_in(void **state)
{
	struct control_shown	 s = { QUEUE_HOLD, "because", 0, -1 }, t;
	struct control_status	 n = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		0, 1, 1, 0 }, m;
	uint64_t		 count;
	char			 text[64];

	(void)state;
	proto_control_put_shown(&a, 7, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_shown(&b, &t), 0);
	assert_int_equal(t.where, QUEUE_HOLD);
	assert_string_equal(t.reason, "because");
	assert_int_equal(t.state, -1);
	close(t.message);
	s.state = 0;
	proto_control_put_shown(&a, 7, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_shown(&b, &t), 0);
	assert_int_not_equal(t.state, -1);
	close(t.message);
	close(t.state);
	proto_control_put_numbers(&a, 8, &n);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_numbers(&b, &m), 0);
	assert_memory_equal(&n, &m, sizeof(n));
	proto_control_put_done(&a, 9, 12);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_done(&b, &count), 0);
	assert_int_equal(count, 12);
	proto_control_put_error(&a, 9, "no such message");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_error(&b, text, sizeof(text)), 0);
	assert_string_equal(text, "no such message");
	proto_control_put_error(&a, 9, "no such message");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_error(&b, text, 8), -1);
	proto_control_put_done(&a, 9, 12);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_numbers(&b, &m), -1);
	proto_control_put_done(&a, 9, 12);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_control_get_shown(&b, &t), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(each_request_comes_out_as_it_went_in),
		cmocka_unit_test(
		    a_malformed_request_is_refused_and_leaks_nothing),
		cmocka_unit_test(answers_come_out_as_they_went_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
