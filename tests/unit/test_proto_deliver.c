/* Jobs and results: round trips, refusals. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/proto_deliver.h"
#include "tests/unit/packet.h"

#define ID	"0123456789abcdefghjk"

static struct ipc_msg	 out, in;

static struct deliver_job
sample_job(int fd)
{
	struct deliver_job	 j = { .id = ID, .number = 7, .again = true,
	    .arrived = 1763740000123456, .sender = "a+b=c@example.org",
	    .recipient = "\"b ob\"@example.org", .user = "j\xc3\xb6@x.test",
	    .home = "/srv/mail/x y", .quota_octets = 1000, .quota_count = 5,
	    .offset = 4096, .len = 77, .utf8 = 1, .fd = fd };

	return j;
}

static void
a_job_comes_out_as_it_went_in(void **state)
{
	struct deliver_job	 j, got;
	int			 p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	j = sample_job(p[0]);
	proto_deliver_put_job(&out, 3, &j);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(in.id, 3);
	assert_int_equal(proto_deliver_get_job(&in, &got), 0);
	assert_string_equal(got.id, j.id);
	assert_int_equal(got.number, 7);
	assert_true(got.again);
	assert_int_equal(got.arrived, j.arrived);
	assert_string_equal(got.sender, j.sender);
	assert_string_equal(got.recipient, j.recipient);
	assert_string_equal(got.user, j.user);
	assert_string_equal(got.home, j.home);
	assert_int_equal(got.quota_octets, 1000);
	assert_int_equal(got.quota_count, 5);
	assert_int_equal(got.offset, 4096);
	assert_int_equal(got.len, 77);
	assert_int_equal(got.utf8, 1);
	assert_true(got.fd >= 0);
	close(got.fd);

	j.sender[0] = '\0';
	proto_deliver_put_job(&out, 4, &j);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_deliver_get_job(&in, &got), 0);
	assert_string_equal(got.sender, "");
	close(got.fd);
	close(p[0]);
	close(p[1]);
}

static void
results_come_out_as_they_went_in(void **state)
{
	static const struct deliver_result	 t[] = {
		{ ID, 0, MAIL_OK, "2.0.0", "" },
		{ ID, 1, MAIL_TEMP, "4.2.2", "mailbox full" },
		{ ID, UINT32_MAX, MAIL_PERM, "5.4.6", "a loop, \n it seems" },
		{ ID, 2, MAIL_PERM, "5.7.509", "+= \xff" },
	};
	struct deliver_result	 got;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_deliver_put_result(&out, i, &t[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_deliver_get_result(&in, &got), 0);
		assert_string_equal(got.id, t[i].id);
		assert_int_equal(got.number, t[i].number);
		assert_int_equal(got.verdict, t[i].verdict);
		assert_string_equal(got.code, t[i].code);
		assert_string_equal(got.text, t[i].text);
	}
}

/* Change one field of a good job and expect a refusal. */
static void
bad_jobs_are_refused(void **state)
{
	static const struct { const char *from, *to; } t[] = {
		{ "job", "jab" },
		{ "id " ID, "id ../../etc/passwd0000" },
		{ "id " ID, "id 0123" },
		{ "number 7", "number 4294967296" },
		{ "number 7", "number -1" },
		{ "again 1", "again 2" },
		{ "sender a", "sender +00a" },
		{ "sender a", "sender +0" },
		{ "sender a", "sender +0D+0Aa" },
		{ "recipient ", "recipient +7F" },
		{ "user ", "usor " },
		{ "offset 4096", "offset 9223372036854775808" },
		{ "len 77", "len 9223372036854775807" },
		{ "utf8 1", "utf8 1\nutf8 1" },
	};
	struct deliver_job	 j, got;
	char			 work[IPC_MAX + 64], *at;
	size_t			 i;
	int			 n;

	(void)state;
	j = sample_job(0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_deliver_put_job(&out, 3, &j);
		at = strstr(out.data, t[i].from);
		assert_non_null(at);
		n = snprintf(work, sizeof(work), "%.*s%s%s",
		    (int)(at - out.data), out.data, t[i].to,
		    at + strlen(t[i].from));
		memcpy(out.data, work, (size_t)n + 1);
		out.len = (size_t)n;
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_deliver_get_job(&in, &got), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(got.fd, -1);
	}
}

static void
a_job_needs_exactly_one_descriptor(void **state)
{
	struct deliver_job	 j, got;

	(void)state;
	j = sample_job(0);
	proto_deliver_put_job(&out, 3, &j);
	out.nfds = 0;
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_deliver_get_job(&in, &got), -1);
	proto_deliver_put_job(&out, 3, &j);
	ipc_attach(&out, 0);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_deliver_get_job(&in, &got), -1);
	assert_int_equal(got.fd, -1);
}

static void
bad_results_are_refused(void **state)
{
	static const struct deliver_result	 t[] = {
		{ "short", 0, MAIL_OK, "2.0.0", "" },
		{ "0123456789ABCDEFGHJK", 0, MAIL_OK, "2.0.0", "" },
		{ ID, 0, MAIL_OK, "5.0.0", "" },
		{ ID, 0, MAIL_TEMP, "4", "" },
		{ ID, 0, MAIL_TEMP, "4.2.", "" },
		{ ID, 0, MAIL_PERM, "5.2.2.2", "" },
		{ ID, 0, MAIL_PERM, "", "" },
	};
	struct deliver_result	 got;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_deliver_put_result(&out, 1, &t[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_deliver_get_result(&in, &got), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_job_comes_out_as_it_went_in),
		cmocka_unit_test(results_come_out_as_they_went_in),
		cmocka_unit_test(bad_jobs_are_refused),
		cmocka_unit_test(a_job_needs_exactly_one_descriptor),
		cmocka_unit_test(bad_results_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
