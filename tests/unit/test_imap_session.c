/* A session's transcripts, with a mailbox that changes when we say so. */
#include <stdlib.h>

#include "lib/base/io.h"
#include "tests/unit/imap_talk.h"

#define FLAGS	"\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded"

struct talk {
	const char	*input, *expect;
};

static void
check(const struct talk *t, const char *mark)
{
	struct buf	 out;

	converse(t->input, strlen(t->input), &out);
	assert_string_equal(after(&out, mark), t->expect);
	buf_free(&out);
}

static void
commands_have_their_answers(void **state)
{
	static const struct talk	 talks[] = {
		{ "a NOOP\r\n", "a OK NOOP completed\r\n" },
		{ "a nOoP \r\n", "a BAD " },
		{ "a LOGOUT\r\nb NOOP\r\n",
		    "* BYE Logging out\r\na OK LOGOUT completed\r\n" },
		{ "a FOO\r\n", "a BAD Unknown command\r\n" },
		{ "a UID FOO 1\r\n", "a BAD Unknown command\r\n" },
		{ "a UID NOOP\r\n", "a BAD That command has no UID form\r\n" },
		{ "a UID\r\n", "a BAD " },
		{ "a LOGIN x y\r\n", "a BAD You are logged in already\r\n" },
		{ "a AUTHENTICATE PLAIN\r\n",
		    "a BAD You are logged in already\r\n" },
		{ "a STARTTLS\r\n", "a BAD You are logged in already\r\n" },
		{ "a UNAUTHENTICATE\r\n", "a BAD Unknown command\r\n" },
		{ "a CHECK\r\n", "a BAD No mailbox is selected\r\n" },
		{ "a CLOSE\r\n", "a BAD No mailbox is selected\r\n" },
		{ "a UID FETCH 1 FLAGS\r\n",
		    "a BAD No mailbox is selected\r\n" },
		{ "a SELECT nowhere\r\n",
		    "a NO [NONEXISTENT] There is no such mailbox\r\n" },
		{ "a SELECT \"\"\r\n",
		    "a NO [CANNOT] A mailbox's name cannot be empty\r\n" },
		{ "a SELECT INBOX (FOO)\r\n",
		    "a BAD There is no such parameter\r\n" },
		{ "a SELECT INBOX (QRESYNC (7 1))\r\n",
		    "a BAD QRESYNC is not enabled\r\n" },
		{ "a ENABLE\r\n", "a BAD " },
		{ "a ENABLE FOO\r\n", "* ENABLED\r\na OK ENABLE completed\r\n" },
		{ "a ENABLE foo QRESYNC condstore\r\n",
		    "* ENABLED CONDSTORE QRESYNC\r\na OK ENABLE completed\r\n" },
		{ "a ID NIL\r\n", "* ID (\"name\" \"Merpati\" " },
		{ "a ID (\"name\" \"x\" \"version\" NIL)\r\n", "* ID (" },
		{ "a ID (\"name\")\r\n", "a BAD " },
		{ "a ID (NIL \"x\")\r\n", "a BAD " },
		{ "a ID\r\n", "a BAD " },
		{ "\r\n", "* BAD " },
		{ "+ NOOP\r\n", "* BAD " },
	};
	struct buf	 out;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		fake_reset();
		converse(talks[i].input, strlen(talks[i].input), &out);
		if (strncmp(after(&out, "* PREAUTH [CAPABILITY IMAP4rev2"),
		    talks[i].expect, strlen(talks[i].expect)) != 0)
			fail_msg("%s: %s", talks[i].input, buf_cstr(&out));
		buf_free(&out);
	}
}

static void
twenty_bad_commands_in_a_row_end_a_session(void **state)
{
	struct buf	 in, out;
	int		 i;

	(void)state;
	fake_reset();
	buf_init(&in, 4096);
	for (i = 0; i < 19; i++)
		buf_addstr(&in, "a X\r\n");
	buf_addstr(&in, "good NOOP\r\n");
	for (i = 0; i < 20; i++)
		buf_addstr(&in, "b X\r\n");
	buf_addstr(&in, "never NOOP\r\n");
	converse(in.ptr, in.len, &out);
	assert_non_null(strstr(buf_cstr(&out), "good OK"));
	assert_null(strstr(buf_cstr(&out), "never"));
	assert_non_null(strstr(buf_cstr(&out),
	    "* BYE Too many senseless commands\r\n"));
	buf_free(&in);
	buf_free(&out);
}

static void
select_tells_all(void **state)
{
	static const struct talk	 rev1 = { "a SELECT inbox\r\n",
		"* FLAGS (" FLAGS ")\r\n"
		"* OK [PERMANENTFLAGS (" FLAGS " \\*)] These are kept\r\n"
		"* 3 EXISTS\r\n"
		"* 2 RECENT\r\n"
		"* OK [UNSEEN 3] The first unread message\r\n"
		"* OK [UIDVALIDITY 7] UIDs are valid\r\n"
		"* OK [UIDNEXT 4] The next UID, or less than it\r\n"
		"* OK [HIGHESTMODSEQ 103] The latest change\r\n"
		"* OK [MAILBOXID (F7)] The mailbox by whatever name\r\n"
		"a OK [READ-WRITE] SELECT completed\r\n" };
	static const struct talk	 rev2 = {
		"a ENABLE IMAP4rev2\r\nb EXAMINE INBOX (CONDSTORE)\r\n",
		"b OK [READ-ONLY] EXAMINE completed\r\n" };
	struct buf			 out;

	(void)state;
	fake_reset();
	fake_deliver(LETTER_SEEN);
	fake_deliver(LETTER_SEEN);
	fake_deliver(0);
	fake.claimed = 2;
	check(&rev1, "PREAUTH");
	assert_int_equal(fake.claimed, 4);
	fake.claimed = 2;
	converse(rev2.input, strlen(rev2.input), &out);
	assert_non_null(strstr(buf_cstr(&out), rev2.expect));
	assert_non_null(strstr(buf_cstr(&out),
	    "* OK [PERMANENTFLAGS ()] Nothing can be changed\r\n"
	    "* 3 EXISTS\r\n* LIST () \"/\" \"INBOX\"\r\n"));
	assert_null(strstr(buf_cstr(&out), "RECENT"));
	assert_null(strstr(buf_cstr(&out), "UNSEEN"));
	assert_int_equal(fake.claimed, 2);
	assert_int_equal(fake.opened, fake.closed);
	buf_free(&out);
}

static void
select_leaves_what_was_selected(void **state)
{
	static const struct talk	 t = {
		"a SELECT INBOX\r\nb SELECT nowhere\r\nc CHECK\r\n",
		"* OK [CLOSED] The mailbox before is closed\r\n"
		"b NO [NONEXISTENT] There is no such mailbox\r\n"
		"c BAD No mailbox is selected\r\n" };

	(void)state;
	fake_reset();
	check(&t, "READ-WRITE");
	assert_int_equal(fake.opened, fake.closed);
}

static void
others_change_it(unsigned int n)
{
	switch (n) {
	case 2:
		fake_deliver(0);
		fake_flag(2, LETTER_FLAGGED);
		fake_remove(1);
		fake_remove(3);
		break;
	case 3:
		fake_deliver(LETTER_SEEN);
		fake_remove(6);		/* nobody saw it */
		break;
	}
}

static void
five(void)
{
	int	 i;

	fake_reset();
	fake.claimed = 5;
	for (i = 0; i < 4; i++)
		fake_deliver(0);
	fake.at_sync = others_change_it;
}

/* modseqs: letters 101 to 104; 105 new, 106 flags, 107 and 108 expunged */
static void
changes_are_told(void **state)
{
	static const struct talk	 plain = {
		"a SELECT INBOX\r\nb NOOP\r\nc NOOP\r\nd NOOP\r\n",
		"* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 1 RECENT\r\n"
		"* 1 FETCH (UID 2 FLAGS (\\Flagged))\r\n"
		"b OK NOOP completed\r\nc OK NOOP completed\r\n"
		"d OK NOOP completed\r\n" };
	static const struct talk	 qresync = {
		"x ENABLE QRESYNC IMAP4rev2\r\na SELECT INBOX\r\nb NOOP\r\n",
		"* VANISHED 1,3\r\n* 3 EXISTS\r\n"
		"* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (106))\r\n"
		"b OK NOOP completed\r\n" };
	static const struct talk	 uidonly = {
		"x ENABLE UIDONLY\r\na SELECT INBOX\r\nb NOOP\r\n",
		"* VANISHED 1,3\r\n* 3 EXISTS\r\n* 1 RECENT\r\n"
		"* 2 UIDFETCH (FLAGS (\\Flagged))\r\n"
		"b OK NOOP completed\r\n" };

	(void)state;
	five();
	check(&plain, "READ-WRITE");
	five();
	check(&qresync, "READ-WRITE");
	five();
	check(&uidonly, "READ-WRITE");
}

/* RFC 9051 7.5.1 */
static void
expunge_waits_for_its_moment(void **state)
{
	static const struct talk	 t = {
		"a SELECT INBOX\r\nb FETCH 4 UID\r\nc NOOP\r\n",
		"* 4 FETCH (UID 4)\r\n"
		"* 5 EXISTS\r\n* 1 RECENT\r\n"
		"* 2 FETCH (UID 2 FLAGS (\\Flagged))\r\n"
		"b OK FETCH completed\r\n"
		"* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"
		"c OK NOOP completed\r\n" };

	(void)state;
	five();
	check(&t, "READ-WRITE");
}

static void
without_history_what_is_missing_is_told(void **state)
{
	static const struct talk	 t = {
		"x ENABLE QRESYNC\r\na SELECT INBOX\r\nb NOOP\r\n",
		"* VANISHED 1,3\r\n* 3 EXISTS\r\n* 1 RECENT\r\n"
		"* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (106))\r\n"
		"b OK NOOP completed\r\n" };

	(void)state;
	five();
	fake.forgotten = 1000;
	check(&t, "READ-WRITE");
}

static void
resync(const char *parameter, const char *expect)
{
	struct buf	 in;
	struct talk	 t;

	buf_init(&in, 4096);
	buf_addf(&in, "x ENABLE QRESYNC IMAP4rev2\r\n"
	    "a SELECT INBOX (QRESYNC (%s))\r\n",
	    parameter);
	t.input = buf_cstr(&in);
	t.expect = expect;
	check(&t, expect[0] == 'a' && expect[2] == 'B' ? "x OK ENABLE" :
	    "MAILBOXID");
	buf_free(&in);
}

/* RFC 7162 3.2.5 */
static void
qresync_brings_a_client_up_to_date(void **state)
{
	static const char	 end[] =
	    "a OK [READ-WRITE] SELECT completed\r\n";

	(void)state;
	five();
	fake.at_sync = NULL;
	others_change_it(2);
	resync("7 104", "* VANISHED (EARLIER) 1,3\r\n"
	    "* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (106))\r\n"
	    "* 3 FETCH (UID 5 FLAGS () MODSEQ (105))\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");
	resync("8 104", end);
	resync("7 108", end);
	resync("7 999", end);
	resync("7 107 1:4", "* VANISHED (EARLIER) 3\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");
	resync("7 104 2:3", "* VANISHED (EARLIER) 3\r\n"
	    "* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (106))\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");
	resync("7 107 (1:4 1:4)", "* VANISHED (EARLIER) 3\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");

	fake.forgotten = 1000;
	resync("7 108", "* VANISHED (EARLIER) 1,3\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");
	resync("7 108 2:9", "* VANISHED (EARLIER) 3,6:9\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");
	resync("7 108 2:9 (1:2 2,4)", "* VANISHED (EARLIER) 6:9\r\n"
	    "a OK [READ-WRITE] SELECT completed\r\n");

	resync("7 0", "a BAD A modification sequence is 1 or more\r\n");
	resync("7 1 1:*",
	    "a BAD QRESYNC wants a set of known numbers\r\n");
	resync("7 1 1:4 (1 1:2)",
	    "a BAD As many message numbers as UIDs are wanted\r\n");
}

static void
lose_it(unsigned int n)
{
	if (n == 2)
		fake.sync_errno = ENOENT;
}

static void
exchange_it(unsigned int n)
{
	if (n == 2)
		fake.state.validity = 8;
}

static void
break_it(unsigned int n)
{
	fake.sync_errno = n == 2 ? EIO : 0;
	if (n == 2)
		fake_deliver(0);
}

static void
a_mailbox_that_goes_away_ends_the_session(void **state)
{
	static const struct talk	 t = {
		"a SELECT INBOX\r\nb NOOP\r\nc NOOP\r\n",
		"b OK NOOP completed\r\n"
		"* BYE The selected mailbox is gone\r\n" };
	static const struct talk	 trouble = {
		"a SELECT INBOX\r\nb NOOP\r\nc NOOP\r\n",
		"b OK NOOP completed\r\n* 1 EXISTS\r\n* 1 RECENT\r\n"
		"c OK NOOP completed\r\n" };

	(void)state;
	fake_reset();
	fake.at_sync = lose_it;
	check(&t, "READ-WRITE");
	fake_reset();
	fake.at_sync = exchange_it;
	check(&t, "READ-WRITE");
	fake_reset();
	fake.at_sync = break_it;
	check(&trouble, "READ-WRITE");
	assert_int_equal(fake.opened, fake.closed);
}

static void
close_expunges_and_unselect_does_not(void **state)
{
	static const struct talk	 unselect = {
		"a SELECT INBOX\r\nb UNSELECT\r\nc CLOSE\r\n",
		"b OK UNSELECT completed\r\n"
		"c BAD No mailbox is selected\r\n" };
	static const struct talk	 examine = {
		"a EXAMINE INBOX\r\nb CLOSE\r\n", "b OK CLOSE completed\r\n" };
	static const struct talk	 closed = {
		"x ENABLE QRESYNC\r\na SELECT INBOX\r\nb CLOSE\r\n",
		"b OK [HIGHESTMODSEQ 103] CLOSE completed\r\n" };

	(void)state;
	fake_reset();
	fake_deliver(LETTER_DELETED);
	fake_deliver(0);
	check(&unselect, "READ-WRITE");
	assert_int_equal(fake.n, 2);
	check(&examine, "READ-ONLY");
	assert_int_equal(fake.n, 2);
	check(&closed, "READ-WRITE");
	assert_int_equal(fake.n, 1);
}

static void
noop_looks_closely_and_others_do_not(void **state)
{
	static const struct { const char *input; enum folder_depth depth; } t[] = {
		{ "s SELECT INBOX\r\na NOOP\r\n", FOLDER_FULL },
		{ "s SELECT INBOX\r\na SEARCH ALL\r\n", FOLDER_QUICK },
		{ "s SELECT INBOX\r\na NOOP\r\nb SEARCH ALL\r\n",
		    FOLDER_QUICK },
		{ "s SELECT INBOX\r\na NOOP x\r\n", FOLDER_QUICK },
	};
	struct buf	 out;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fake_reset();
		fake_deliver(0);
		converse(t[i].input, strlen(t[i].input), &out);
		if (fake.depth != t[i].depth)
			fail_msg("%s", t[i].input);
		buf_free(&out);
	}
}

/* RFC 9585 4: after ten seconds, and then each ten. */
static void
progress_is_told_now_and_then(void **state)
{
	static struct session	 s;
	char			 told[256];
	int			 fds[2];
	ssize_t			 n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	stream_init(&s.s, fds[1], fds[1], 1000, 0);
	snprintf(s.lex.tag, sizeof(s.lex.tag), "A1");
	s.progress = io_monotonic_ms();
	session_progress(&s, 1, 9);
	assert_int_equal(read(fds[0], told, sizeof(told)), -1);

	s.progress -= 10000;
	session_progress(&s, 2, 9);
	session_progress(&s, 3, 9);
	s.progress -= 10000;
	session_progress(&s, 4, 0);
	n = read(fds[0], told, sizeof(told) - 1);
	assert_true(n > 0);
	told[n] = '\0';
	assert_string_equal(told,
	    "* OK [INPROGRESS (\"A1\" 2 9)] Still at it\r\n"
	    "* OK [INPROGRESS (\"A1\" 4 NIL)] Still at it\r\n");

	close(fds[0]);
	s.progress -= 10000;
	session_progress(&s, 5, 9);
	assert_true(s.s.dead);	/* so that what nobody waits for ends */
	stream_free(&s.s);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(commands_have_their_answers),
		cmocka_unit_test(twenty_bad_commands_in_a_row_end_a_session),
		cmocka_unit_test(select_tells_all),
		cmocka_unit_test(select_leaves_what_was_selected),
		cmocka_unit_test(changes_are_told),
		cmocka_unit_test(expunge_waits_for_its_moment),
		cmocka_unit_test(without_history_what_is_missing_is_told),
		cmocka_unit_test(qresync_brings_a_client_up_to_date),
		cmocka_unit_test(a_mailbox_that_goes_away_ends_the_session),
		cmocka_unit_test(close_expunges_and_unselect_does_not),
		cmocka_unit_test(noop_looks_closely_and_others_do_not),
		cmocka_unit_test(progress_is_told_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
