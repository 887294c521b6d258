/* What a client is told of its attempt to log in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtpd/login.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
assert_reply(const struct command_error *e, int code, const char *enhanced)
{
	if (code == 0) {
		assert_null(e);
		return;
	}
	assert_non_null(e);
	assert_int_equal(e->code, code);
	assert_string_equal(e->enhanced, enhanced);
	/* RFC 2034 4: the classes agree. */
	assert_int_equal(e->code / 100, e->enhanced[0] - '0');
	assert_true(e->text[0] != '\0');
}

static void
every_end_of_an_exchange_has_a_code(void **state)
{
	static const struct {
		enum sasl_end	 end;
		int		 code;
		const char	*enhanced;
	} t[] = {
		{ SASL_END_READY, 0, NULL },
		{ SASL_END_LOST, 0, NULL },
		{ SASL_END_CANCELLED, 501, "5.7.0" },
		{ SASL_END_MALFORMED, 501, "5.5.2" },
		{ SASL_END_FOREIGN, 535, "5.7.8" },
		{ SASL_END_WRONG, 535, "5.7.8" },
		{ SASL_END_DISABLED, 525, "5.7.13" },
		{ SASL_END_LATER, 454, "4.7.0" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		assert_reply(login_reply_end(t[i].end), t[i].code,
		    t[i].enhanced);
}

static void
every_verdict_has_a_code(void **state)
{
	static const struct {
		enum auth_verdict	 v;
		int			 code;
		const char		*enhanced;
	} t[] = {
		{ AUTH_OK, 0, NULL },
		{ AUTH_BAD, 535, "5.7.8" },
		{ AUTH_LATER, 454, "4.7.0" },
		{ AUTH_DISABLED, 525, "5.7.13" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		assert_reply(login_reply_verdict(t[i].v), t[i].code,
		    t[i].enhanced);
	/* Whichever way it is found out. */
	assert_ptr_equal(login_reply_verdict(AUTH_BAD),
	    login_reply_end(SASL_END_WRONG));
}

static void
other_refusals_have_their_codes(void **state)
{
	(void)state;
	assert_reply(login_reply_start(true), 538, "5.7.11");
	assert_reply(login_reply_start(false), 504, "5.5.4");
	assert_reply(login_reply_toolong(), 500, "5.5.6");
}

static void
only_guesses_count_as_failures(void **state)
{
	(void)state;
	assert_true(login_is_failure(login_reply_end(SASL_END_WRONG)));
	assert_true(login_is_failure(login_reply_end(SASL_END_FOREIGN)));
	assert_true(login_is_failure(login_reply_end(SASL_END_DISABLED)));
	assert_false(login_is_failure(login_reply_end(SASL_END_LATER)));
	assert_false(login_is_failure(login_reply_end(SASL_END_CANCELLED)));
	assert_false(login_is_failure(login_reply_end(SASL_END_MALFORMED)));
	assert_false(login_is_failure(login_reply_start(false)));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(every_end_of_an_exchange_has_a_code),
		cmocka_unit_test(every_verdict_has_a_code),
		cmocka_unit_test(other_refusals_have_their_codes),
		cmocka_unit_test(only_guesses_count_as_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
