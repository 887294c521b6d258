/* The question to tokend and its answer: round trips and refusals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/proto_token.h"
#include "tests/unit/packet.h"

static struct ipc_msg	 out, in;
static char		 token[TOKEN_MAX + 1];

static void
a_question_comes_out_as_it_went_in_and_is_wiped(void **state)
{
	char	 longest[TOKEN_MAX + 2];

	(void)state;
	proto_token_put_ask(&out, 9, "vF9dft4qmT+Nc0=~.\t");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(in.id, 9);
	assert_int_equal(proto_token_get_ask(&in, token), 0);
	assert_string_equal(token, "vF9dft4qmT+Nc0=~.\t");
	assert_null(memmem(in.data, sizeof(in.data), "vF9d", 4));

	memset(longest, '+', sizeof(longest));
	longest[TOKEN_MAX] = '\0';
	proto_token_put_ask(&out, 9, longest);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_token_get_ask(&in, token), 0);
	assert_string_equal(token, longest);
}

static void
bad_questions_are_refused_and_wiped(void **state)
{
	static const char *const	 t[] = { "", "token \n",
	    "token a\ntoken b\n", "user a\n", "token a+00b\n", "token a+0\n",
	    "token secret\nuser a\n", "token secret+\n" };
	char				 longer[TOKEN_MAX + 2];
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_token_put_ask(&out, 9, "a");
		packet_change(&out, "token a\n", t[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_token_get_ask(&in, token), -1);
		assert_int_equal(errno, EBADMSG);
		assert_null(memmem(token, sizeof(token), "secret", 6));
		assert_null(memmem(in.data, sizeof(in.data), "secret", 6));
	}
	memset(longer, 'a', sizeof(longer));
	longer[TOKEN_MAX + 1] = '\0';
	proto_token_put_ask(&out, 9, longer);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_token_get_ask(&in, token), -1);
	proto_token_put_ask(&out, 9, "a");
	packet_change(&out, "token 9", "check 9");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_token_get_ask(&in, token), -1);
}

static void
answers_come_out_as_they_went_in(void **state)
{
	static const struct token_answer	 t[] = {
		{ TOKEN_ACTIVE, "alice@example.org", 60 },
		{ TOKEN_ACTIVE, "j\xc3\xbcrgen", 0 },
		{ TOKEN_INACTIVE, "", 0 },
		{ TOKEN_LATER, "", 0 },
	};
	struct token_answer			 a;
	size_t					 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_token_put_answer(&out, 3, &t[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(in.id, 3);
		assert_int_equal(proto_token_get_answer(&in, &a), 0);
		assert_int_equal(a.status, t[i].status);
		assert_string_equal(a.user, t[i].user);
		assert_int_equal(a.seconds, t[i].seconds);
	}
}

static void
bad_answers_are_refused_and_name_nobody(void **state)
{
	static const struct {
		const char	*from, *to;
	}			 t[] = {
		{ "status active", "status yes" },
		{ "status active", "status " },
		{ "status active", "status inactive" },
		{ "status active", "status later" },
		{ "user bob", "user " },
		{ "user bob", "user b+0Ab" },
		{ "user bob", "user b+FFb" },
		{ "user bob", "user b+00b" },
		{ "user bob\n", "" },
		{ "user bob\n", "user bob\nuser bob\n" },
		{ "seconds 7", "seconds -7" },
		{ "seconds 7", "seconds 4294967296" },
		{ "seconds 7\n", "" },
		{ "seconds 7\n", "seconds 7\nscope mail\n" },
		{ "token 3", "check 3" },
	};
	static const struct token_answer	 good = { TOKEN_ACTIVE, "bob",
	    7 };
	struct token_answer			 a;
	size_t					 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_token_put_answer(&out, 3, &good);
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_token_get_answer(&in, &a) != -1)
			fail_msg("taken: %s", t[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(a.status, TOKEN_LATER);
		assert_string_equal(a.user, "");
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
		cmocka_unit_test(bad_answers_are_refused_and_name_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
