/* What is made of letters for FETCH and SEARCH, and kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "imap-session/facts.h"
#include "imap-session/facts_form.h"
#include "tests/unit/fake_folder.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static struct folder	 box;

static int
teardown(void **state)
{
	(void)state;
	fake_free(&box);
	return 0;
}

/* A run of one fact of UID 1, as a string. */
static void
check_run(const char *letter, enum facts_kind kind, unsigned int run,
    const char *want)
{
	struct slice	 got;
	struct buf	 b;

	buf_init(&b, 1 << 24);
	fake_free(&box);
	box.letter[0] = letter;
	assert_int_equal(facts_get(&box, 1, kind, &b), 0);
	assert_true(facts_run(buf_slice(&b), run, &got));
	if (got.len != strlen(want) || memcmp(got.ptr, want, got.len) != 0)
		print_error("%s\n%u: %.*s\n", letter, run, (int)got.len,
		    got.ptr);
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.ptr, want, got.len);
	buf_free(&b);
}

static void
search_forms_are_casemapped_and_normalized(void **state)
{
	static const struct { const char *in; unsigned int run;
	    const char *out; } t[] = {
		{ "Subject: Re: =?utf-8?q?gr=C3=BC=C3=9Fe?=  x\n\n",
		  FACTS_SUBJECT, "RE: GRU\314\210\303\237E  X" },
		{ "Subject: Re: [l] Fwd: a  b (fwd)\n\n", FACTS_BASE_SUBJECT,
		  "A B" },
		{ "Subject: Re: a\n\n", FACTS_REPLY, "1" },
		{ "From: A <a@b>\nFrom: c@d\n\n", FACTS_FROM,
		  "A <A@B>\nC@D" },
		{ "To: \"J. \\\"x\\\" R\" <jr@b>\n\n", FACTS_TO_NAME,
		  "J. \"X\" R" },
		{ "To: jr@b\n\n", FACTS_TO_NAME, "JR@B" },
		{ "To: friends: jr@b;\n\n", FACTS_TO_NAME, "FRIENDS" },
		{ "To: friends: jr@b;\n\n", FACTS_TO_KEY, "FRIENDS" },
		{ "From: =?utf-8?b?w6Q=?= <x@y>\n\n", FACTS_FROM_NAME,
		  "A\314\210" },
		{ "From: A <x@y>, B <z@w>\n\n", FACTS_FROM_KEY, "X" },
		{ "Cc: ,\nCc: q@w\n\n", FACTS_CC_KEY, "Q" },
		{ "Bcc: h@i\n\n", FACTS_BCC, "H@I" },
		{ "Message-ID: <a@b>\n\n", FACTS_MESSAGE_ID, "a@b" },
		{ "Message-ID: (c) <\"A b\\\"c\"@b> <d@e>\n\n",
		  FACTS_MESSAGE_ID, "Ab\"c@b" },
		{ "References: <a@b>\n <c@d>\n\t<\"e\"@f>\n"
		  "In-Reply-To: <g@h>\n\n", FACTS_REFERENCES,
		  "a@b\nc@d\ne@f" },
		{ "In-Reply-To: x's of <g@h> <i@j>\n\n", FACTS_REFERENCES,
		  "g@h" },
		{ "References: broken\nIn-Reply-To: <g@h>\n\n",
		  FACTS_REFERENCES, "g@h" },
		/* nothing there, or nothing of use */
		{ "\n", FACTS_SUBJECT, "" },
		{ "Subject: a\n\n", FACTS_REPLY, "" },
		{ "\nSubject: a\n", FACTS_BASE_SUBJECT, "" },
		{ "From: \n\n", FACTS_FROM_KEY, "" },
		{ "From: <>\n\n", FACTS_FROM_NAME, "" },
		{ "Message-ID: a@b\n\n", FACTS_MESSAGE_ID, "" },
		{ "Message-ID: <ab>\n\n", FACTS_MESSAGE_ID, "" },
		{ "Message-ID: <a@>\n\n", FACTS_MESSAGE_ID, "" },
		{ "Message-ID: <@b>\n\n", FACTS_MESSAGE_ID, "" },
		{ "Message-ID: <a@b\n\n", FACTS_MESSAGE_ID, "" },
		{ "References: <<a@b><\n\n", FACTS_REFERENCES, "a@b" },
		{ "Message-ID: <>\n\n", FACTS_MESSAGE_ID, "" },
		{ "Date: yesterday\n\n", FACTS_DATE, "" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_run(t[i].in, FACTS_SEARCH, t[i].run, t[i].out);
}

static void
dates_keep_the_day_of_their_zone(void **state)
{
	static const struct { const char *in; bool ok; int64_t s, day; }
	    t[] = {
		{ "Date: Thu, 1 Jan 1970 00:00:00 +0000\n\n", true, 0, 0 },
		{ "Date: 2 Jan 1970 00:30:00 +0100\n\n", true, 84600, 1 },
		{ "Date: 1 Jan 1970 23:30:00 -0100\n\n", true, 88200, 0 },
		{ "Date: 31 Dec 1969 23:59:59 GMT\n\n", true, -1, -1 },
		{ "Date: 31 Dec 1969 00:00:00 GMT\n\n", true, -86400, -1 },
		{ "Date: 32 Dec 1969 00:00:00 GMT\n\n", false, 0, 0 },
		{ "\n", false, 0, 0 },
	};
	int64_t		 s, day;
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < N(t); i++) {
		fake_free(&box);
		box.letter[0] = t[i].in;
		buf_clear(&b);
		assert_int_equal(facts_get(&box, 1, FACTS_SEARCH, &b), 0);
		assert_int_equal(facts_date(buf_slice(&b), &s, &day), t[i].ok);
		if (t[i].ok) {
			assert_int_equal(s, t[i].s);
			assert_int_equal(day, t[i].day);
		}
	}
	assert_false(facts_date(SLICE_LIT(""), &s, &day));
	buf_free(&b);
}

static void
structure_has_message_global_where_it_is_known(void **state)
{
	const char	*global =
	    "Content-Type: message/global\n\nSubject: s\n\nx";
	struct slice	 run;
	struct buf	 b;

	(void)state;
	check_run("Subject: s\n\nx\n", FACTS_STRUCTURE, FACTS_ENVELOPE,
	    "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)");
	check_run("\nx\n", FACTS_STRUCTURE, FACTS_BODY, "(\"text\" \"plain\""
	    " (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)");
	check_run("\nx\n", FACTS_STRUCTURE, FACTS_BODYSTRUCTURE, "(\"text\""
	    " \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL "
	    "NIL NIL NIL)");
	buf_init(&b, 1 << 20);
	assert_int_equal(facts_get(&box, 1, FACTS_STRUCTURE, &b), 0);
	assert_false(facts_run(buf_slice(&b), FACTS_BODY_GLOBAL, &run));
	assert_int_equal(facts_body(buf_slice(&b), true, true).len,
	    facts_body(buf_slice(&b), true, false).len);
	fake_free(&box);
	box.letter[0] = global;
	buf_clear(&b);
	assert_int_equal(facts_get(&box, 1, FACTS_STRUCTURE, &b), 0);
	run = facts_body(buf_slice(&b), false, false);
	assert_int_equal(run.ptr[0], '(');
	assert_null(memmem(run.ptr, run.len, "\"s\"", 3));
	run = facts_body(buf_slice(&b), true, true);
	assert_non_null(memmem(run.ptr, run.len, "\"s\"", 3));
	buf_free(&b);
}

static void
runs_that_are_cut_off_are_none(void **state)
{
	struct slice	 run;

	(void)state;
	assert_false(facts_run(SLICE_LIT(""), 0, &run));
	assert_false(facts_run(SLICE_LIT("\1\0\0"), 0, &run));
	assert_false(facts_run(SLICE_LIT("\1\0\0\0"), 0, &run));
	assert_true(facts_run(SLICE_LIT("\1\0\0\0x"), 0, &run));
	assert_false(facts_run(SLICE_LIT("\1\0\0\0x"), 1, &run));
	assert_false(facts_run(SLICE_LIT("\377\377\377\377x"), 0, &run));
	assert_int_equal(facts_body(SLICE_LIT(""), true, true).len, 0);
}

static void
check_header(const char *letter, size_t len, const char *want, size_t n)
{
	struct buf	 b;

	buf_init(&b, 1 << 20);
	fake_free(&box);
	box.letter[0] = letter;
	box.len[0] = len;
	assert_int_equal(facts_get(&box, 1, FACTS_HEADER, &b), 0);
	assert_int_equal(b.len, n);
	if (n > 0)
		assert_memory_equal(b.ptr, want, n);
	assert_true(box.has[0][FACTS_HEADER]);
	buf_free(&b);
}

static void
headers_are_kept_in_wire_form(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "A: b\nC: d\n e\n\nbody\n", "A: b\r\nC: d\r\n e\r\n\r\n" },
		{ "A: b\r\nC: d\n\r\nbody", "A: b\r\nC: d\r\n\r\n" },
		{ "A: b\n", "A: b\r\n" },
		{ "A: b", "A: b" },
		{ "\nbody", "\r\n" },
		{ "no field\n\n", "" },
		{ "A: b\nno field\n\n", "A: b\r\n" },
	};
	static char	 big[FACTS_HEADER_MAX + 100];
	size_t		 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_header(t[i].in, strlen(t[i].in), t[i].out,
		    strlen(t[i].out));
	/* Just as much as is kept, and one more. */
	memset(big, 'x', sizeof(big));
	memcpy(big, "A: ", 3);
	memcpy(big + FACTS_HEADER_MAX - 4, "\r\n\r\nyy", 6);
	check_header(big, sizeof(big), big, FACTS_HEADER_MAX);
	memset(big + FACTS_HEADER_MAX - 4, 'x', 4);
	memcpy(big + FACTS_HEADER_MAX - 3, "\r\n\r\ny", 5);
	check_header(big, sizeof(big), big, 0);
}

static void
previews_are_of_text(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 1 << 20);
	box.letter[0] = "Content-Type: text/html\n\n<p>Hello <b>you</b>";
	assert_int_equal(facts_get(&box, 1, FACTS_PREVIEW, &b), 0);
	assert_string_equal(buf_cstr(&b), "Hello you");
	box.letter[1] = "Content-Type: image/png\n\nxx";
	buf_clear(&b);
	assert_int_equal(facts_get(&box, 2, FACTS_PREVIEW, &b), 0);
	assert_int_equal(b.len, 0);
	assert_true(box.has[1][FACTS_PREVIEW]);
	buf_free(&b);
}

static void
digests_do_not_depend_on_line_ends_in_the_file(void **state)
{
	static char	 lf[200000], crlf[200000 + 100000];
	struct buf	 a, b;
	size_t		 i, n = 0;

	(void)state;
	buf_init(&a, 100);
	buf_init(&b, 100);
	for (i = 0; i < sizeof(lf); i++) {
		lf[i] = i % 3 == 0 ? '\n' : 'x';
		if (lf[i] == '\n')
			crlf[n++] = '\r';
		crlf[n++] = lf[i];
	}
	box.letter[0] = lf;
	box.len[0] = sizeof(lf);
	box.letter[1] = crlf;
	box.len[1] = n;
	box.letter[2] = "\nother";
	assert_int_equal(facts_get(&box, 1, FACTS_DIGEST, &a), 0);
	assert_int_equal(facts_get(&box, 2, FACTS_DIGEST, &b), 0);
	assert_int_equal(a.len, 32);
	assert_int_equal(b.len, 32);
	assert_memory_equal(a.ptr, b.ptr, 32);
	buf_clear(&b);
	assert_int_equal(facts_get(&box, 3, FACTS_DIGEST, &b), 0);
	assert_memory_not_equal(a.ptr, b.ptr, 32);
	buf_free(&a);
	buf_free(&b);
}

static void
facts_are_made_once(void **state)
{
	struct number_set	 uids = { 0 };
	struct buf		 b;

	(void)state;
	buf_init(&b, 1 << 20);
	box.letter[0] = "Subject: a\n\n";
	box.letter[2] = "Subject: c\n\n";
	number_set_add(&uids, 1, 6);
	assert_int_equal(facts_make(&box, &uids, FACTS_SEARCH), 0);
	assert_int_equal(box.opened, 6);
	assert_int_equal(box.flushed, 1);
	assert_true(box.has[0][FACTS_STRUCTURE] && box.has[2][FACTS_SEARCH]);
	assert_false(box.has[1][FACTS_SEARCH]);
	assert_int_equal(facts_get(&box, 3, FACTS_STRUCTURE, &b), 0);
	assert_int_equal(box.opened, 6);
	assert_int_equal(facts_get(&box, 2, FACTS_STRUCTURE, &b), -1);
	assert_int_equal(errno, ENOENT);
	number_set_free(&uids);
	/* No index: made each time, never missed. */
	box.no_index = true;
	buf_clear(&b);
	assert_int_equal(facts_get(&box, 3, FACTS_STRUCTURE, &b), 0);
	assert_true(b.len > 0);
	number_set_add(&uids, 1, 1);
	assert_int_equal(facts_make(&box, &uids, FACTS_SEARCH), 0);
	number_set_free(&uids);
	buf_free(&b);
}

static void
large_letters_are_read_in_pieces(void **state)
{
	static char	 big[600000];
	struct slice	 run;
	struct buf	 b;

	(void)state;
	buf_init(&b, 1 << 24);
	memset(big, 'x', sizeof(big));
	memcpy(big, "Subject: s\n\n", 12);
	box.letter[0] = big;
	box.len[0] = sizeof(big);
	assert_int_equal(facts_get(&box, 1, FACTS_STRUCTURE, &b), 0);
	run = facts_body(buf_slice(&b), false, false);
	assert_non_null(memmem(run.ptr, run.len, " 599988 0)", 10));
	buf_clear(&b);
	assert_int_equal(facts_get(&box, 1, FACTS_PREVIEW, &b), 0);
	assert_int_equal(b.len, 200);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_teardown(
		    search_forms_are_casemapped_and_normalized, teardown),
		cmocka_unit_test_teardown(dates_keep_the_day_of_their_zone,
		    teardown),
		cmocka_unit_test_teardown(
		    structure_has_message_global_where_it_is_known, teardown),
		cmocka_unit_test(runs_that_are_cut_off_are_none),
		cmocka_unit_test_teardown(headers_are_kept_in_wire_form,
		    teardown),
		cmocka_unit_test_teardown(previews_are_of_text, teardown),
		cmocka_unit_test_teardown(
		    digests_do_not_depend_on_line_ends_in_the_file, teardown),
		cmocka_unit_test_teardown(facts_are_made_once, teardown),
		cmocka_unit_test_teardown(large_letters_are_read_in_pieces,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
