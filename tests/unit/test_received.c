/* received: the trace field, whatever a client says of itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/mail/header.h"
#include "lib/mail/received.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define TAIL	"by mx.example.org (Merpati) with ESMTP id 0abc"
#define DATE	";\r\n\tSat, 21 Nov 2026 20:39:32 +0000\r\n"

static const struct received	 plain = {
	.helo = "", .client_name = "", .client_address = "",
	.by = "mx.example.org", .with = "ESMTP", .id = "0abc",
	.uid = -1, .when = 1795293572
};

static void
the_client_is_named_as_far_as_it_is_known(void **state)
{
	static const struct {
		const char	*helo, *name, *address, *out;
	} t[] = {
		{ "a.example", "b.example", "192.0.2.1",
		    "from a.example (b.example [192.0.2.1])" },
		{ "a.example", "", "192.0.2.1",
		    "from a.example ([192.0.2.1])" },
		{ "[192.0.2.9]", "", "192.0.2.1",
		    "from [192.0.2.9] ([192.0.2.1])" },
		{ "a.example", "", "2001:db8::1",
		    "from a.example ([IPv6:2001:db8::1])" },
		{ "a.example", "b.example", "",
		    "from a.example (b.example)" },
		{ "a.example", "", "", "from a.example" },
		{ "", "", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1])" },
		{ "", "", "", "from unknown" },
		{ "not a name", "", "192.0.2.1",
		    "from [192.0.2.1] (said not a name) ([192.0.2.1])" },
		{ "x) by evil (", "", "192.0.2.1",
		    "from [192.0.2.1] (said x\\) by evil \\() ([192.0.2.1])" },
		{ "x\r\nBcc: y", "", "", "from unknown (said x?" "?Bcc: y)" },
		{ "caf\xc3\xa9", "", "", "from unknown (said caf?" "?)" },
		{ "a\\", "", "", "from unknown (said a\\\\)" },
		{ "a.example", "evil\r\nX: y", "192.0.2.1",
		    "from a.example ([192.0.2.1])" },
		{ "a.example", "", "not an address", "from a.example" },
	};
	struct received	 r = plain;
	struct buf	 b, want;
	size_t		 i;

	(void)state;
	buf_init(&b, 4096);
	buf_init(&want, 4096);
	for (i = 0; i < N(t); i++) {
		r.helo = t[i].helo;
		r.client_name = t[i].name;
		r.client_address = t[i].address;
		buf_clear(&b);
		buf_clear(&want);
		assert_int_equal(received_add(&b, &r), 0);
		assert_int_equal(buf_addf(&want, "Received: %s\r\n\t" TAIL
		    DATE, t[i].out), 0);
		assert_string_equal(buf_cstr(&b), buf_cstr(&want));
		assert_int_equal(header_count(buf_slice(&b), "Received"), 1);
	}
	buf_free(&b);
	buf_free(&want);
}

static void
submission_hides_where_its_user_is(void **state)
{
	struct received	 r = plain;
	struct buf	 b;

	(void)state;
	r.helo = "laptop.home.example";
	r.client_name = "dsl.example";
	r.client_address = "192.0.2.1";
	r.with = "ESMTPSA";
	r.hide_client = true;
	buf_init(&b, 4096);
	assert_int_equal(received_add(&b, &r), 0);
	assert_null(strstr(buf_cstr(&b), "192.0.2.1"));
	assert_null(strstr(buf_cstr(&b), "laptop"));
	assert_null(strstr(buf_cstr(&b), "dsl"));
	assert_non_null(strstr(buf_cstr(&b), "with ESMTPSA id 0abc"));
	buf_free(&b);
}

static void
tls_is_told_in_a_comment(void **state)
{
	struct received	 r = plain;
	struct buf	 b;

	(void)state;
	r.helo = "a.example";
	r.with = "ESMTPS";
	r.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
	buf_init(&b, 4096);
	assert_int_equal(received_add(&b, &r), 0);
	assert_string_equal(buf_cstr(&b), "Received: from a.example\r\n"
	    "\tby mx.example.org (Merpati) with ESMTPS "
	    "(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tid 0abc" DATE);
	buf_free(&b);
}

static void
local_submission_shows_the_uid_and_optional_parts(void **state)
{
	struct received	 r = plain;
	struct buf	 b;

	(void)state;
	r.uid = 1000;
	r.helo = "ignored";
	r.recipient = "bob@example.org";
	buf_init(&b, 4096);
	assert_int_equal(received_add(&b, &r), 0);
	assert_string_equal(buf_cstr(&b), "Received: by mx.example.org "
	    "(Merpati, from uid 1000) with ESMTP id 0abc\r\n"
	    "\tfor <bob@example.org>" DATE);
	r.recipient = NULL;
	r.envelope_from = "\"a)\\\\b\"@x";
	buf_clear(&b);
	assert_int_equal(received_add(&b, &r), 0);
	assert_non_null(strstr(buf_cstr(&b),
	    "(envelope-from <\"a\\)\\\\\\\\b\"@x>);"));
	buf_free(&b);
}

static void
a_full_buffer_is_left_as_it_was(void **state)
{
	struct buf	 b;
	size_t		 max;

	(void)state;
	for (max = 1; max < 100; max++) {
		buf_init(&b, max);
		assert_int_equal(buf_addc(&b, 'x'), 0);
		errno = 0;
		assert_int_equal(received_add(&b, &plain), -1);
		assert_int_equal(errno, EMSGSIZE);
		assert_string_equal(buf_cstr(&b), "x");
		buf_free(&b);
	}
}

static void
a_long_greeting_is_cut(void **state)
{
	struct received	 r = plain;
	struct buf	 b;
	char		 helo[2000];

	(void)state;
	memset(helo, '(', sizeof(helo));
	helo[sizeof(helo) - 1] = '\0';
	r.helo = helo;
	buf_init(&b, 4096);
	assert_int_equal(received_add(&b, &r), 0);
	assert_true(b.len < 500);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_client_is_named_as_far_as_it_is_known),
		cmocka_unit_test(submission_hides_where_its_user_is),
		cmocka_unit_test(tls_is_told_in_a_comment),
		cmocka_unit_test(
		    local_submission_shows_the_uid_and_optional_parts),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(a_long_greeting_is_cut),
	};

	if (setenv("TZ", "UTC0", 1) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
