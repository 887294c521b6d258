/* The question to pamd and its answer: round trips and refusals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/proto_pam.h"
#include "tests/unit/packet.h"

static struct ipc_msg			 out, in;
static const struct pam_question	 bob = { "bob", "s3c ret\xe9+=",
	"192.0.2.1" };

static void
a_question_comes_out_as_it_went_in_and_is_wiped(void **state)
{
	struct pam_question	 q;

	(void)state;
	proto_pam_put_ask(&out, 9, &bob);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(in.id, 9);
	assert_int_equal(proto_pam_get_ask(&in, &q), 0);
	assert_string_equal(q.user, bob.user);
	assert_string_equal(q.password, bob.password);
	assert_string_equal(q.ip, bob.ip);
	assert_null(memmem(in.data, sizeof(in.data), "s3c", 3));
}

static void
bad_questions_are_refused_and_wiped(void **state)
{
	static const struct {
		const char	*from, *to;
	}			 t[] = {
		{ "user bob", "user " },
		{ "user bob", "user b+00b" },
		{ "user bob", "user aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ "user bob\n", "" },
		{ "user bob\n", "user bob\nuser bob\n" },
		{ "password s3c", "password s+00" },
		{ "ip 192.0.2.1\n", "" },
		{ "ip 192.0.2.1\n", "ip 192.0.2.1\nport 1\n" },
		{ "password 9", "token 9" },
	};
	struct pam_question	 q;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_pam_put_ask(&out, 9, &bob);
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_pam_get_ask(&in, &q) != -1)
			fail_msg("taken: %s", t[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_null(memmem(&q, sizeof(q), "s3c", 3));
		assert_null(memmem(in.data, sizeof(in.data), "s3c", 3));
	}
	q = bob;
	q.password[0] = '\0';
	proto_pam_put_ask(&out, 9, &q);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_pam_get_ask(&in, &q), -1);
}

static void
answers_come_out_as_they_went_in(void **state)
{
	static const enum pam_verdict	 t[] = { PAM_VERDICT_OK,
	    PAM_VERDICT_BAD, PAM_VERDICT_LATER };
	enum pam_verdict		 v;
	size_t				 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		proto_pam_put_answer(&out, 3, t[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_pam_get_answer(&in, &v), 0);
		assert_int_equal(v, t[i]);
	}
}

static void
bad_answers_are_never_ok(void **state)
{
	static const struct {
		const char	*from, *to;
	}			 t[] = {
		{ "verdict ok\n", "" }, { "verdict ok", "verdict yes" },
		{ "verdict ok", "verdict OK" }, { "verdict ok", "verdict " },
		{ "verdict ok\n", "verdict ok\nverdict ok\n" },
		{ "password 3", "token 3" },
	};
	enum pam_verdict	 v;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_pam_put_answer(&out, 3, PAM_VERDICT_OK);
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_pam_get_answer(&in, &v), -1);
		assert_int_equal(v, PAM_VERDICT_LATER);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(
		    a_question_comes_out_as_it_went_in_and_is_wiped),
		cmocka_unit_test(bad_questions_are_refused_and_wiped),
		cmocka_unit_test(answers_come_out_as_they_went_in),
		cmocka_unit_test(bad_answers_are_never_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
