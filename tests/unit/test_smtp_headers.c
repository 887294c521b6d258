/* The header lines that smtpd adds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smtpd/headers.h"

static void
headers_complete_what_is_missing_and_nothing_else(void **state)
{
	static const struct {
		const char	*front;
		bool		 complete, whole;
		const char	*from;
		bool		 date, id, has_from, blank;
	} t[] = {
		{ "Subject: x\r\n\r\nb\r\n", true, true, "a@b",
		    true, true, true, false },
		{ "Subject: x\r\n\r\nb\r\n", false, true, NULL,
		    false, false, false, false },
		{ "DATE: x\r\nmessage-id: <x@y>\r\nFrom: z\r\n\r\nb\r\n",
		    true, true, "a@b", false, false, false, false },
		{ "Subject: x\r\n\r\nDate: no\r\n", true, true, NULL,
		    true, true, false, false },
		{ "Date: x\r\n\r\n", true, true, "a@b",
		    false, true, true, false },
		{ "hello\r\n", true, true, "a@b", true, true, true, true },
		{ "hello\r\n", false, true, NULL, false, false, false,
		    true },
		{ " x: y\r\n", false, true, NULL, false, false, false,
		    true },
		{ "\r\nhello\r\n", true, true, NULL, true, true, false,
		    false },
		{ "", true, true, NULL, true, true, false, false },
		/* The header section goes on past what is in memory. */
		{ "Subject: x\r\nTo: y\r\n", true, false, "a@b",
		    false, false, false, false },
		{ "Subject: x\r\n\r\nbody", true, false, "a@b",
		    true, true, true, false },
	};
	struct headers	 h;
	struct buf	 out;
	const char	*s;
	size_t		 i;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&h, 0, sizeof(h));
		h.received = (struct received){ .helo = "h",
		    .client_name = "", .client_address = "", .by = "me.org",
		    .with = "ESMTP", .id = "ID", .uid = -1, .when = 1 };
		h.complete = t[i].complete;
		h.from = t[i].from;
		buf_clear(&out);
		assert_int_equal(headers_make(&out, &h, slice_str(t[i].front),
		    t[i].whole), 0);
		s = buf_cstr(&out);
		assert_memory_equal(s, "Received: ", 10);
		if ((strstr(s, "\r\nDate: ") != NULL) != t[i].date ||
		    (strstr(s, "\r\nMessage-ID: <ID@me.org>\r\n") != NULL) !=
		    t[i].id || (strstr(s, "\r\nFrom: <a@b>\r\n") != NULL) !=
		    t[i].has_from || (strstr(s, "\r\n\r\n") != NULL) !=
		    t[i].blank)
			fail_msg("case %zu: %s", i, s);
	}
	buf_free(&out);
}

static void
headers_stop_at_the_buffers_end(void **state)
{
	struct headers	 h;
	struct buf	 out;

	(void)state;
	memset(&h, 0, sizeof(h));
	h.received = (struct received){ .helo = "h", .client_name = "",
	    .client_address = "", .by = "me.org", .with = "ESMTP",
	    .id = "ID", .uid = -1, .when = 1 };
	buf_init(&out, 20);
	assert_int_equal(headers_make(&out, &h, SLICE_LIT("a: b\r\n"), true),
	    -1);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(
		    headers_complete_what_is_missing_and_nothing_else),
		cmocka_unit_test(headers_stop_at_the_buffers_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
