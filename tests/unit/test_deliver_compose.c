/* Header completion, qualification, input lines, exit codes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "deliver/compose.h"
#include "deliver/identity.h"
#include "deliver/input.h"
#include "deliver/qualify.h"
#include "deliver/report.h"

static struct compose	 c;
static char		 err[COMPOSE_ERROR_MAX];

static int
compose(const char *msg, bool recipients)
{
	compose_free(&c);
	memset(&c, 0, sizeof(c));
	c.hostname = "mx.test";
	c.sender = "al@mx.test";
	c.name = "Al Ba";
	c.unique = "u1";
	c.now = 0;
	c.recipients = recipients;
	c.complete = true;
	return compose_message(&c, slice_str(msg), err);
}

static bool
has(const char *text)
{
	return strstr(buf_cstr(&c.head), text) != NULL;
}

static void
missing_fields_are_added(void **state)
{
	(void)state;
	assert_int_equal(compose("Subject: x\r\n\r\nbody\r\n", false), 0);
	assert_true(has("From: Al Ba <al@mx.test>\r\n"));
	assert_true(has("Date: "));
	assert_true(has("Message-ID: <u1@mx.test>\r\n"));
	assert_true(has("Subject: x\r\n\r\n"));
	assert_memory_equal(c.body.ptr, "body\r\n", 6);
	assert_int_equal(c.body.len, 6);

	assert_int_equal(compose("from: a@b.test\r\nDATE: now\r\n"
	    "message-id: <1@x>\r\n\r\n", false), 0);
	assert_string_equal(buf_cstr(&c.head), "from: a@b.test\r\n"
	    "DATE: now\r\nmessage-id: <1@x>\r\n\r\n");
	assert_int_equal(c.body.len, 0);
}

static void
a_message_without_header_gets_one(void **state)
{
	static const char *const	 t[] = { "hello world\r\n",
	    "\r\nbody: x\r\n", " folded\r\n", ".\r\n", "" };
	static const size_t		 body[] = { 13, 9, 9, 3, 0 };
	size_t				 i, n;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(compose(t[i], false), 0);
		assert_true(has("From: "));
		n = c.head.len;
		assert_memory_equal(c.head.ptr + n - 4, "\r\n\r\n", 4);
		assert_int_equal(c.body.len, body[i]);
	}
}

static void
an_mbox_separator_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(compose("From al Sat Nov 21 12:00:00 2026\r\n"
	    "Subject: x\r\n\r\nb\r\n", false), 0);
	assert_false(has("From al"));
	assert_true(has("Subject: x\r\n"));
}

static void
resent_fields_come_as_a_block(void **state)
{
	(void)state;
	assert_int_equal(compose("Resent-To: r@x.test\r\nTo: t@x.test\r\n"
	    "Bcc: b@x.test\r\nResent-Bcc: rb@x.test\r\n"
	    "From: f@x.test\r\n\r\n", true), 0);
	assert_true(has("Resent-From: Al Ba <al@mx.test>\r\n"));
	assert_true(has("Resent-Date: "));
	assert_true(has("Resent-Message-ID: <u1@mx.test>\r\n"));
	assert_false(has("\r\nMessage-ID"));
	assert_false(has("Bcc"));
	assert_int_equal(c.nrcpt, 2);
	assert_string_equal(c.rcpt[0], "r@x.test");
	assert_string_equal(c.rcpt[1], "rb@x.test");
}

static void
recipients_come_from_the_header(void **state)
{
	(void)state;
	assert_int_equal(compose("To: A <a@x.test>,\r\n b\r\nCc: \r\n"
	    "cc: g: c@x.test;\r\nBcc: d@x.test\r\nReturn-Path: <e@x.test>\r\n"
	    "\r\n", true), 0);
	assert_int_equal(c.nrcpt, 4);
	assert_string_equal(c.rcpt[0], "a@x.test");
	assert_string_equal(c.rcpt[1], "b@mx.test");
	assert_string_equal(c.rcpt[2], "c@x.test");
	assert_string_equal(c.rcpt[3], "d@x.test");
	assert_false(has("Bcc"));
	assert_false(has("Return-Path"));
	assert_true(has(" b@mx.test\r\n"));
	assert_false(c.utf8);

	assert_int_equal(compose("To: j\xc3\xb6@x.test\r\n\r\n", true), 0);
	assert_true(c.utf8);
	/* UTF-8 beside an address needs no SMTPUTF8 on the way. */
	assert_int_equal(compose("To: J\xc3\xb6 <j@x.test>\r\n"
	    "Subject: \xc3\xb6\r\n\r\n", true), 0);
	assert_false(c.utf8);
	/* Without -t nothing is looked for or taken away. */
	assert_int_equal(compose("Bcc: <a b>>\r\n\r\n", false), 0);
	assert_int_equal(c.nrcpt, 0);
	assert_true(has("Bcc"));
}

static void
recipients_that_make_no_sense_are_refused(void **state)
{
	static const char *const	 t[] = { "To: a@x.test, <b\r\n\r\n",
	    "Cc: a@\r\n\r\n", "Bcc: a@x.test b@x.test\r\n\r\n",
	    "To: @x.test\r\n\r\n", "To: \"a\r\n\r\n" };
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(compose(t[i], true), -1);
		assert_non_null(strstr(err, "cannot understand"));
	}
}

static void
gateways_change_no_header(void **state)
{
	static const char	 msg[] = "To: a\r\nReturn-Path: <x>\r\n\r\nb";

	(void)state;
	compose_free(&c);
	memset(&c, 0, sizeof(c));
	c.hostname = "mx.test";
	assert_int_equal(compose_message(&c, slice_str(msg), err), 0);
	assert_string_equal(buf_cstr(&c.head),
	    "To: a\r\nReturn-Path: <x>\r\n\r\n");
}

static void
unqualified_addresses_get_a_domain(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " root", " root@h" },
		{ " root (Cron Daemon)", " root@h (Cron Daemon)" },
		{ " Cron <root>", " Cron <root@h>" },
		{ "a, b@c, \"x, y\" <d>,e", "a@h, b@c, \"x, y\" <d@h>,e@h" },
		{ " \"a b\"", " \"a b\"@h" },
		{ " g: a, b;, c", " g: a@h, b@h;, c@h" },
		{ " undisclosed-recipients:;", " undisclosed-recipients:;" },
		{ " a,\r\n\tb", " a@h,\r\n\tb@h" },
		{ " <>", " <>" },
		{ " a@[1.2.3.4]", " a@[1.2.3.4]" },
		{ " (c)a(d (e\\)) f)", " (c)a@h(d (e\\)) f)" },
		/* not understood: left alone */
		{ " a b", " a b" },
		{ " \"a", " \"a" },
		{ " (a", " (a" },
		{ "", "" },
		{ ",;<>:", ",;<>:" },
	};
	struct buf	 out;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, 1000);
		assert_int_equal(qualify_value(&out, slice_str(t[i].in), "h"),
		    0);
		assert_string_equal(buf_cstr(&out), t[i].out);
		buf_free(&out);
	}
	buf_init(&out, 4);
	assert_int_equal(qualify_value(&out, SLICE_LIT("abc"), "h"), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_free(&out);
}

static void
names_become_phrases(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "Al Ba", "Al Ba" }, { "", "" },
		{ "Al, Jr.", "\"Al, Jr.\"" },
		{ "a\"b\\c\n", "\"a\\\"b\\\\c \"" },
		{ "J\xc3\xb6rg, M", "=?UTF-8?Q?J=C3=B6rg=2C=20M?=" },
		{ "J\xf6rg", "" },
	};
	struct buf	 out;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, 1000);
		assert_int_equal(compose_phrase(&out, t[i].in), 0);
		assert_string_equal(buf_cstr(&out), t[i].out);
		buf_free(&out);
	}
}

static void
long_names_take_several_encoded_words(void **state)
{
	char		 name[121];
	struct buf	 out;
	const char	*p, *end;
	size_t		 i;

	(void)state;
	for (i = 0; i < 120; i += 2)
		memcpy(name + i, "\xc3\xb6", 2);
	name[120] = '\0';
	buf_init(&out, 10000);
	assert_int_equal(compose_phrase(&out, name), 0);
	for (p = buf_cstr(&out); *p != '\0'; p = *end == ' ' ? end + 1 : end) {
		end = strchr(p, ' ');
		if (end == NULL)
			end = p + strlen(p);
		assert_true(end - p <= 75);
		assert_memory_equal(p, "=?UTF-8?Q?=C3", 13);
		assert_memory_equal(end - 2, "?=", 2);
	}
	buf_free(&out);
}

static void
gecos_gives_the_real_name(void **state)
{
	static const struct { const char *gecos, *out; } t[] = {
		{ "Al Ba,Room 1,,", "Al Ba" }, { "&", "Alice" },
		{ "& Ba,x", "Alice Ba" }, { "", "" }, { ",x", "" },
		{ "0123456789012345678901234567890", "0123456789012345678" },
	};
	char	 out[20];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		identity_gecos(t[i].gecos, "alice", out, sizeof(out));
		assert_string_equal(out, t[i].out);
	}
}

/* Every input, cut into two at every octet. */
static void
input_ends_lines_in_crlf(void **state)
{
	static const struct {
		const char	*in;
		bool		 dot_ends;
		const char	*out;
	} t[] = {
		{ "a\nb\n", false, "a\r\nb\r\n" },
		{ "a\r\nb", false, "a\r\nb\r\n" },
		{ "a\rb\r", false, "a\r\nb\r\n" },
		{ "a\r\r\nb\n\r", false, "a\r\n\r\nb\r\n\r\n" },
		{ "", false, "" },
		{ "\n", false, "\r\n" },
		{ "a\n.\nb\n", true, "a\r\n" },
		{ "a\n.\r\nb\n", true, "a\r\n" },
		{ "a\n.", true, "a\r\n" },
		{ "a\n.\nb\n", false, "a\r\n.\r\nb\r\n" },
		{ ".\n", true, "" },
		{ "..\n.a\n", true, "..\r\n.a\r\n" },
		{ "a.\n", true, "a.\r\n" },
	};
	struct input	 in;
	size_t		 i, cut, len;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		len = strlen(t[i].in);
		for (cut = 0; cut <= len; cut++) {
			input_init(&in, t[i].dot_ends, 1000);
			assert_int_equal(input_add(&in, t[i].in, cut), 0);
			assert_int_equal(input_add(&in, t[i].in + cut,
			    len - cut), 0);
			assert_int_equal(input_end(&in), 0);
			assert_int_equal(in.text.len, strlen(t[i].out));
			assert_memory_equal(buf_cstr(&in.text), t[i].out,
			    in.text.len);
			input_free(&in);
		}
	}
}

static void
input_notes_octets_and_keeps_its_bound(void **state)
{
	struct input	 in;

	(void)state;
	input_init(&in, false, 8);
	assert_int_equal(input_add(&in, "a\0b\n", 4), 0);
	assert_true(in.nul);
	assert_false(in.eightbit);
	assert_int_equal(input_add(&in, "\x80", 1), 0);
	assert_true(in.eightbit);
	assert_int_equal(input_add(&in, "12345", 5), -1);
	assert_int_equal(errno, EMSGSIZE);
	input_free(&in);
	input_init(&in, false, 8);
	assert_int_equal(input_read(&in, -1), -1);
	assert_int_equal(errno, EBADF);
	input_free(&in);
}

static void
replies_have_exit_codes(void **state)
{
	static const struct {
		int		 code;
		const char	*enhanced;
		int		 exit;
	} t[] = {
		{ 451, "4.3.2", EX_TEMPFAIL }, { 421, "", EX_TEMPFAIL },
		{ 550, "5.1.1", EX_NOUSER }, { 550, "5.1.10", EX_NOUSER },
		{ 550, "5.1.2", EX_NOHOST }, { 553, "5.1.3", EX_DATAERR },
		{ 554, "5.7.1", EX_NOPERM }, { 552, "5.3.4", EX_DATAERR },
		{ 552, "", EX_DATAERR }, { 554, "5.6.0", EX_DATAERR },
		{ 554, "5.4.6", EX_UNAVAILABLE }, { 550, "", EX_UNAVAILABLE },
		{ 450, "5.1.1", EX_TEMPFAIL },
	};
	struct smtp_reply	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		smtp_reply_set(&r, t[i].code, t[i].enhanced, "x");
		assert_int_equal(report_exit_code(&r), t[i].exit);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(missing_fields_are_added),
		cmocka_unit_test(a_message_without_header_gets_one),
		cmocka_unit_test(an_mbox_separator_is_dropped),
		cmocka_unit_test(resent_fields_come_as_a_block),
		cmocka_unit_test(recipients_come_from_the_header),
		cmocka_unit_test(recipients_that_make_no_sense_are_refused),
		cmocka_unit_test(gateways_change_no_header),
		cmocka_unit_test(unqualified_addresses_get_a_domain),
		cmocka_unit_test(names_become_phrases),
		cmocka_unit_test(long_names_take_several_encoded_words),
		cmocka_unit_test(gecos_gives_the_real_name),
		cmocka_unit_test(input_ends_lines_in_crlf),
		cmocka_unit_test(input_notes_octets_and_keeps_its_bound),
		cmocka_unit_test(replies_have_exit_codes),
	};
	int			 n;

	n = cmocka_run_group_tests(tests, NULL, NULL);
	compose_free(&c);
	return n;
}
