/* dsn: reports, whatever the other servers and the original contain. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/text.h"
#include "lib/mail/dsn.h"
#include "lib/mail/dsn_parts.h"
#include "lib/mail/header.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define NOW	1795293572
#define HEAD	"From: Alice <alice@example.org>\r\nSubject: hello\r\n" \
		"Message-ID: <m1@example.org>\r\n"
#define MSG	HEAD "\r\nBody line\r\n"

static const struct dsn_rcpt	 unknown = {
	.address = "bob@example.com", .action = DSN_FAILED,
	.status = "5.1.1", .text = "550 5.1.1 No such user",
	.remote = "mx.example.com", .last_attempt = NOW
};

static const struct dsn_report	 plain = {
	.kind = DSN_FAILURE, .hostname = "mail.example.org",
	.postmaster = "postmaster@example.org", .from = "alice@example.org",
	.id = "0abc", .report_id = "0def", .arrived = NOW - 60, .now = NOW,
	.rcpts = &unknown, .nrcpts = 1,
	.original = { MSG, sizeof(MSG) - 1 }, .whole = true, .full = true
};

static void
build(struct buf *b, const struct dsn_report *r)
{
	const char	*line, *end;

	buf_free(b);
	buf_init(b, DSN_MAX(r->nrcpts));
	assert_int_equal(dsn_build(b, r), 0);
	/* Of every report: CRLF only, no long line, no stray control. */
	for (line = b->ptr; line < b->ptr + b->len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(b->ptr + b->len - line));
		assert_non_null(end);
		assert_true(end > line && end[-1] == '\r');
		assert_null(memchr(line, '\r', (size_t)(end - 1 - line)));
		assert_null(memchr(line, '\0', (size_t)(end - line)));
		assert_true(end - line <= 999);
	}
}

static bool
has(const struct buf *b, const char *what)
{
	return memmem(buf_cstr(b), b->len, what, strlen(what)) != NULL;
}

static void
a_bounce_is_what_the_rfcs_describe(void **state)
{
	static const char	 want[] =
	    "Date: Sat, 21 Nov 2026 20:39:32 +0000\r\n"
	    "From: Mail system <MAILER-DAEMON@mail.example.org>\r\n"
	    "To: <alice@example.org>\r\n"
	    "Subject: Not delivered: your message to bob@example.com\r\n"
	    "Message-ID: <0def@mail.example.org>\r\n"
	    "In-Reply-To: <m1@example.org>\r\n"
	    "References: <m1@example.org>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"report.0def.0\"\r\n"
	    "\r\n"
	    "This is a report in MIME format.\r\n"
	    "\r\n"
	    "--report.0def.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Description: What happened\r\n"
	    "\r\n"
	    "This is the mail system at mail.example.org.\r\n"
	    "\r\n"
	    "Your message of Sat, 21 Nov 2026 20:38:32 +0000 could not be "
	    "delivered\r\n"
	    "to those named below. It will not be tried again.\r\n"
	    "\r\n"
	    "<bob@example.com>\r\n"
	    "    There is no such address. Is it spelled right?\r\n"
	    "    The mail server mx.example.com said:\r\n"
	    "        550 5.1.1 No such user\r\n"
	    "\r\n"
	    "If you need help, write to <postmaster@example.org> and enclose "
	    "this\r\n"
	    "report; the number of your message here was 0abc.\r\n"
	    "\r\n"
	    "--report.0def.0\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "Content-Description: The same for programs\r\n"
	    "\r\n"
	    "Reporting-MTA: dns; mail.example.org\r\n"
	    "Arrival-Date: Sat, 21 Nov 2026 20:38:32 +0000\r\n"
	    "\r\n"
	    "Final-Recipient: rfc822; bob@example.com\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.example.com\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
	    "Last-Attempt-Date: Sat, 21 Nov 2026 20:39:32 +0000\r\n"
	    "\r\n"
	    "--report.0def.0\r\n"
	    "Content-Type: message/rfc822\r\n"
	    "Content-Description: Your message\r\n"
	    "\r\n"
	    MSG
	    "\r\n"
	    "--report.0def.0--\r\n";
	struct buf	 b;

	(void)state;
	buf_init(&b, 1);
	build(&b, &plain);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
delays_and_successes_say_so(void **state)
{
	struct dsn_report	 r = plain;
	struct dsn_rcpt		 rcpts[2] = { unknown, unknown };
	struct buf		 b;

	(void)state;
	buf_init(&b, 1);
	r.kind = DSN_DELAY;
	r.rcpts = rcpts;
	r.envid = "QQ314159";
	rcpts[0].action = DSN_DELAYED;
	rcpts[0].status = "4.4.1";
	rcpts[0].remote = NULL;
	rcpts[0].text = "Connection refused";
	rcpts[0].orcpt = "rfc822;info@example.org";
	rcpts[0].retry_until = NOW + 86400;
	build(&b, &r);
	assert_true(has(&b, "Subject: Not delivered yet: your message to "
	    "info@example.org\r\n"));
	assert_true(has(&b, "need not send it again"));
	assert_true(has(&b, "<bob@example.com>\r\n"
	    "    (you wrote to <info@example.org>)\r\n"
	    "    The other mail server did not answer.\r\n"
	    "    Connection refused\r\n"
	    "    It will be tried until Sun, 22 Nov 2026 20:39:32 +0000."));
	assert_true(has(&b, "Original-Envelope-Id: QQ314159\r\n"
	    "Reporting-MTA:"));
	assert_true(has(&b, "\r\n\r\n"
	    "Original-Recipient: rfc822;info@example.org\r\n"
	    "Final-Recipient: rfc822; bob@example.com\r\n"
	    "Action: delayed\r\nStatus: 4.4.1\r\n"
	    "Diagnostic-Code: x-merpati; Connection refused\r\n"));
	assert_true(has(&b,
	    "Will-Retry-Until: Sun, 22 Nov 2026 20:39:32 +0000\r\n"));
	/* RET=FULL is for failures (RFC 3461 4.3). */
	assert_false(has(&b, "Body line"));
	assert_true(has(&b, "text/rfc822-headers"));

	r.kind = DSN_SUCCESS;
	r.nrcpts = 2;
	rcpts[0].action = DSN_DELIVERED;
	rcpts[0].status = "2.0.0";
	rcpts[0].text = NULL;
	rcpts[1].action = DSN_RELAYED;
	rcpts[1].status = "nonsense";
	rcpts[1].last_attempt = 0;
	build(&b, &r);
	assert_true(has(&b, "Subject: Delivered: your message to "
	    "2 recipients\r\n"));
	assert_true(has(&b, "Action: delivered\r\nStatus: 2.0.0\r\n"));
	assert_true(has(&b, "Action: relayed\r\nStatus: 2.0.0\r\n"));
	assert_true(has(&b, "\r\n    Delivered.\r\n"));
	assert_false(has(&b, "Will-Retry-Until"));
	buf_free(&b);
}

static void
outside_text_makes_no_field_line_or_part(void **state)
{
	static const char *const	 texts[] = {
		"550 no\r\nAction: delivered\r\n\r\n--report.0def.0",
		"550 no\n\n--report.0def.0--\n", "550 \r \x01 \x7f",
		"550 caf\xc3\xa9", "550 caf\xe9",
	};
	struct dsn_report	 r = plain;
	struct dsn_rcpt		 rcpt = unknown;
	struct header_field	 f;
	struct buf		 b;
	struct slice		 status;
	const char		*p;
	size_t			 i;

	(void)state;
	buf_init(&b, 1);
	r.rcpts = &rcpt;
	for (i = 0; i < N(texts); i++) {
		rcpt.text = texts[i];
		rcpt.remote = texts[i];
		rcpt.orcpt = texts[i];
		r.envid = texts[i];
		build(&b, &r);
		for (p = buf_cstr(&b); *p != '\0'; p++)
			assert_true((unsigned char)*p < 0x80 ||
			    dsn_is_utf8(&r));
		p = strstr(buf_cstr(&b), "Final-Recipient:");
		assert_non_null(p);
		status = slice_str(p);
		assert_true(header_find(status, "Action", &f));
		assert_int_equal(header_count(status, "Action"), 1);
		assert_memory_equal(f.value.ptr, " failed", 7);
		for (p = buf_cstr(&b); (p = strstr(p, "\n--report.0def.0")) !=
		    NULL; p++)
			assert_true(p[16] == '\r' || p[16] == '-');
	}
	buf_free(&b);
}

static void
monstrous_text_is_cut_and_broken(void **state)
{
	struct dsn_report	 r = plain;
	struct dsn_rcpt		*rcpts;
	struct buf		 b;
	char			*text;
	size_t			 i, n = 100;

	(void)state;
	text = malloc(100001);
	rcpts = calloc(n, sizeof(*rcpts));
	assert_non_null(text);
	assert_non_null(rcpts);
	memset(text, 'x', 100000);
	text[100000] = '\0';
	for (i = 0; i < n; i++) {
		rcpts[i] = unknown;
		rcpts[i].text = rcpts[i].remote = text;
		rcpts[i].orcpt = text;
		rcpts[i].address = text;
	}
	r.rcpts = rcpts;
	r.nrcpts = n;
	r.envid = text;
	buf_init(&b, 1);
	build(&b, &r);
	assert_true(has(&b, "xxx..."));
	buf_free(&b);
	free(rcpts);
	free(text);
}

static void
the_original_comes_back_as_far_as_it_may(void **state)
{
	struct dsn_report	 r = plain;
	struct buf		 b, big;

	(void)state;
	buf_init(&b, 1);
	buf_init(&big, 1 << 20);
	r.full = false;
	build(&b, &r);
	assert_true(has(&b, "Content-Type: text/rfc822-headers\r\n"));
	assert_true(has(&b, HEAD "\r\n--report.0def.0--"));
	assert_false(has(&b, "Body line"));

	r.full = true;
	r.whole = false;
	build(&b, &r);
	assert_false(has(&b, "Body line"));

	/* Too large, too long a line, a NUL: only the header. */
	assert_int_equal(buf_addstr(&big, MSG), 0);
	while (big.len <= DSN_ORIGINAL_MAX)
		assert_int_equal(buf_addstr(&big, "more of it\r\n"), 0);
	r.whole = true;
	r.original = buf_slice(&big);
	build(&b, &r);
	assert_false(has(&b, "more of it"));
	assert_true(has(&b, "Subject: hello"));
	buf_clear(&big);
	assert_int_equal(buf_addf(&big, MSG "%0999d\r\n", 0), 0);
	r.original = buf_slice(&big);
	build(&b, &r);
	assert_false(has(&b, "Body line"));
	r.original = SLICE_LIT(MSG "a\0b\r\n");
	build(&b, &r);
	assert_false(has(&b, "Body line"));

	/* Header only up to its limit; a cut field is left out. */
	r.original = SLICE_LIT("A: 1\r\nB: 2\r\nC: cut of");
	r.whole = false;
	build(&b, &r);
	assert_true(has(&b, "A: 1\r\nB: 2\r\n\r\n--"));
	assert_false(has(&b, "C: cut"));
	buf_clear(&big);
	while (big.len <= 2 * DSN_HEADER_MAX)
		assert_int_equal(buf_addstr(&big, "X-Field: y\r\n"), 0);
	r.original = buf_slice(&big);
	build(&b, &r);
	assert_true(b.len < DSN_HEADER_MAX + 4096);

	/* Nothing that could be a header: an empty part. */
	r.original = SLICE_LIT("");
	build(&b, &r);
	r.original = SLICE_LIT("\x01\x02junk");
	build(&b, &r);
	assert_false(has(&b, "junk"));

	/* 8 bits are said. */
	r.original = SLICE_LIT("Subject: caf\xe9\r\n\r\nx\r\n");
	r.whole = true;
	build(&b, &r);
	assert_int_equal(header_count(buf_slice(&b),
	    "Content-Transfer-Encoding"), 1);
	assert_false(dsn_is_utf8(&r));
	/* The boundary is never inside. */
	r.original = SLICE_LIT("A: 1\r\n\r\n--report.0def.0--\r\n");
	build(&b, &r);
	assert_true(has(&b, "boundary=\"report.0def.1\""));
	assert_true(has(&b, "\r\n--report.0def.1--\r\n"));
	buf_free(&b);
	buf_free(&big);
}

static void
utf8_addresses_make_a_global_report(void **state)
{
	struct dsn_report	 r = plain;
	struct dsn_rcpt		 rcpt = unknown;
	struct buf		 b;

	(void)state;
	buf_init(&b, 1);
	r.rcpts = &rcpt;
	rcpt.address = "m\xc3\xbcller@b\xc3\xbc" "cher.example";
	rcpt.orcpt = "utf-8;m\xc3\xbcller@b\xc3\xbc" "cher.example";
	rcpt.text = "550 5.1.1 m\xc3\xbcller unbekannt";
	assert_true(dsn_is_utf8(&r));
	build(&b, &r);
	assert_true(text_is_utf8(buf_slice(&b)));
	assert_true(has(&b, "message/global-delivery-status"));
	assert_true(has(&b, "Content-Type: message/global\r\n"));
	assert_true(has(&b, "text/plain; charset=utf-8"));
	assert_true(has(&b, "Final-Recipient: utf-8; m\xc3\xbcller@"));
	assert_true(has(&b, "Original-Recipient: utf-8;m\xc3\xbcller@"));
	assert_true(has(&b, "Diagnostic-Code: smtp; 550 5.1.1 m\xc3\xbcller"));
	assert_int_equal(header_count(buf_slice(&b),
	    "Content-Transfer-Encoding"), 1);
	r.full = false;
	build(&b, &r);
	assert_true(has(&b, "message/global-headers"));

	r.rcpts = &unknown;
	assert_false(dsn_is_utf8(&r));
	r.original = SLICE_LIT("Subject: m\xc3\xbc\r\n\r\n");
	assert_false(dsn_is_utf8(&r));
	r.utf8 = true;
	assert_true(dsn_is_utf8(&r));
	r.from = "m\xc3\xbc@x";
	r.original.len = 0;
	assert_true(dsn_is_utf8(&r));
	buf_free(&b);
}

static void
only_a_true_message_id_is_answered(void **state)
{
	static const struct { const char *msg; bool ok; } t[] = {
		{ "Message-ID: <a@b>\r\n", true },
		{ "Message-ID:\r\n <a@b>\r\n", true },
		{ "Message-ID: a@b\r\n", false },
		{ "Message-ID: <a b>\r\n", false },
		{ "Message-ID: <\xc3\xbc@b>\r\n", false },
		{ "Message-ID: <>\r\n", false },
		{ "Message-ID:\r\n", false },
		{ "X: y\r\n", false },
	};
	struct dsn_report	 r = plain;
	struct buf		 b;
	size_t			 i;

	(void)state;
	buf_init(&b, 1);
	for (i = 0; i < N(t); i++) {
		r.original = slice_str(t[i].msg);
		build(&b, &r);
		assert_int_equal(header_count(buf_slice(&b), "In-Reply-To"),
		    t[i].ok);
	}
	buf_free(&b);
}

static void
a_full_buffer_is_left_as_it_was(void **state)
{
	struct buf	 b;
	size_t		 max;

	(void)state;
	for (max = 1; max < 1500; max += 13) {
		buf_init(&b, max);
		assert_int_equal(buf_addc(&b, 'x'), 0);
		errno = 0;
		assert_int_equal(dsn_build(&b, &plain), -1);
		assert_int_equal(errno, EMSGSIZE);
		assert_string_equal(buf_cstr(&b), "x");
		buf_free(&b);
	}
}

static void
status_codes_are_taken_from_replies(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "550 5.1.1 No such user", "5.1.1" },
		{ "550-5.1.10 more", "5.1.10" },
		{ "452 4.2.2 full", "4.2.2" }, { "250 2.1.5", "2.1.5" },
		{ "550 5.100.999 x", "5.100.999" },
		{ "550 No such user", "5.0.0" }, { "450", "4.0.0" },
		{ "550 4.1.1 x", "5.0.0" }, { "550 5.1 x", "5.0.0" },
		{ "550 5.1.1.1 x", "5.0.0" }, { "550 5.1.1000 x", "5.0.0" },
		{ "550 5.1.1x", "5.0.0" }, { "550 5..1 x", "5.0.0" },
		{ "5.1.1 x", "5.0.0" }, { "", "4.0.0" }, { "999", "4.0.0" },
		{ "5500 5.1.1 x", "5.0.0" }, { "354 go", "4.0.0" },
	};
	char	 out[10];
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		dsn_status_of(t[i].in, out);
		assert_string_equal(out, t[i].out);
	}
}

static void
cleaned_text_is_one_line_of_whole_characters(void **state)
{
	static const struct { const char *in; size_t max; bool utf8;
	    const char *out; } t[] = {
		{ "a b", 10, false, "a b" }, { " a \r\n\t b", 10, false,
		    "a b" },
		{ "abcdef", 3, false, "abc..." }, { "abc", 3, false, "abc" },
		{ "\xc3\xa9\xc3\xa9", 3, true, "\xc3\xa9\xc3\xa9" },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9", 3, true,
		    "\xc3\xa9\xc3\xa9..." },
		{ "\xc3\xa9\xff", 9, true, "?" "?" "?" },
		{ "a\xc2\x9b" "b", 9, true, "a b" },
		{ "", 9, true, "" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(dsn_clean(&b, t[i].in, t[i].max, t[i].utf8),
		    0);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_bounce_is_what_the_rfcs_describe),
		cmocka_unit_test(delays_and_successes_say_so),
		cmocka_unit_test(outside_text_makes_no_field_line_or_part),
		cmocka_unit_test(monstrous_text_is_cut_and_broken),
		cmocka_unit_test(the_original_comes_back_as_far_as_it_may),
		cmocka_unit_test(utf8_addresses_make_a_global_report),
		cmocka_unit_test(only_a_true_message_id_is_answered),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(status_codes_are_taken_from_replies),
		cmocka_unit_test(cleaned_text_is_one_line_of_whole_characters),
	};

	if (setenv("TZ", "UTC0", 1) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
