/* Replies: lines in, code and text out; what is no reply is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/smtp_reply.h"

#define D SMTP_REPLY_DONE
#define M SMTP_REPLY_MORE
#define B SMTP_REPLY_BAD

static void
single_lines_are_read(void **state)
{
	static const struct {
		const char		*line;
		enum smtp_reply_status	 status;
		int			 code;
		const char		*enhanced, *text;
	} t[] = {
		{ "250 2.1.0 ok", D, 250, "2.1.0", "ok" },
		{ "250", D, 250, "", "" },
		{ "250 ", D, 250, "", "" },
		{ "250-PIPELINING", M, 250, "", "PIPELINING" },
		{ "550 5.1.1 <x>: no such user", D, 550, "5.1.1",
		    "<x>: no such user" },
		{ "550 5.1.10", D, 550, "5.1.10", "" },
		{ "550 5.1.1000 x", D, 550, "", "5.1.1000 x" },
		{ "550 5.1 x", D, 550, "", "5.1 x" },
		{ "550 5.1.1x", D, 550, "", "5.1.1x" },
		{ "550 192.0.2.1 x", D, 550, "", "192.0.2.1 x" },
		{ "354 go\x01", D, 354, "", "go?" },
		{ "", B, 0, "", "" },
		{ "25", B, 0, "", "" },
		{ "150 x", B, 0, "", "" },
		{ "600 x", B, 0, "", "" },
		{ "2 0 x", B, 0, "", "" },
		{ "250x", B, 0, "", "" },
		{ "250\t2.0.0", B, 0, "", "" },
		{ "+OK", B, 0, "", "" },
	};
	struct smtp_reply	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		smtp_reply_init(&r);
		assert_int_equal(smtp_reply_add(&r, slice_str(t[i].line)),
		    t[i].status);
		assert_int_equal(r.code, t[i].code);
		assert_string_equal(r.enhanced, t[i].enhanced);
		assert_string_equal(r.text, t[i].text);
	}
}

static void
lines_of_one_reply_are_joined(void **state)
{
	struct smtp_reply	 r;

	(void)state;
	smtp_reply_init(&r);
	assert_int_equal(smtp_reply_add(&r, SLICE_LIT("550-5.7.1 not")), M);
	assert_int_equal(smtp_reply_add(&r, SLICE_LIT("550-5.7.1 from")), M);
	assert_int_equal(smtp_reply_add(&r, SLICE_LIT("550 5.7.1 you")), D);
	assert_string_equal(r.enhanced, "5.7.1");
	assert_string_equal(r.text, "not from you");
}

static void
a_code_that_changes_is_refused(void **state)
{
	struct smtp_reply	 r;

	(void)state;
	smtp_reply_init(&r);
	assert_int_equal(smtp_reply_add(&r, SLICE_LIT("250-a")), M);
	assert_int_equal(smtp_reply_add(&r, SLICE_LIT("251 b")), B);
}

static void
long_text_is_cut(void **state)
{
	struct smtp_reply	 r;
	char			 line[4000];
	int			 i;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "450-", 4);
	smtp_reply_init(&r);
	for (i = 0; i < 10; i++)
		assert_int_equal(smtp_reply_add(&r,
		    (struct slice){ line, sizeof(line) }), M);
	assert_int_equal(strlen(r.text), SMTP_REPLY_TEXT - 1);
}

static void
a_code_of_another_class_does_not_count(void **state)
{
	struct smtp_reply	 r;

	(void)state;
	smtp_reply_set(&r, 450, "5.1.1", "a\nb %d", 7);
	assert_string_equal(smtp_reply_enhanced(&r), "4.0.0");
	assert_string_equal(r.text, "a?b 7");
	smtp_reply_set(&r, 550, "5.1.1", "x");
	assert_string_equal(smtp_reply_enhanced(&r), "5.1.1");
	smtp_reply_set(&r, 550, "", "x");
	assert_string_equal(smtp_reply_enhanced(&r), "5.0.0");
	smtp_reply_set(&r, 250, "", "x");
	assert_string_equal(smtp_reply_enhanced(&r), "2.0.0");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(single_lines_are_read),
		cmocka_unit_test(lines_of_one_reply_are_joined),
		cmocka_unit_test(a_code_that_changes_is_refused),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(a_code_of_another_class_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
