/*
 * Transcripts of commands that read, mark, copy and remove letters, with a
 * mailbox in memory that others change in between.
 */
#include "tests/unit/letters_talk.h"

static void
fetch_answers(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9051 6.4.5", "a FETCH 1:* FLAGS\r\n",
		  "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"
		  "* 3 FETCH (FLAGS (\\Deleted))\r\n* 4 FETCH (FLAGS ())\r\n"
		  "a OK FETCH completed\r\n" },
		{ "UID FETCH tells the UID", "a UID FETCH 2,9 FLAGS\r\n",
		  "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\na OK FETCH completed\r\n"
		},
		{ "no such UID", "a UID FETCH 7:9 FLAGS\r\n",
		  "a OK FETCH completed\r\n" },
		{ "FAST", "a FETCH 1 FAST\r\n", "* 1 FETCH (FLAGS () "
		  "INTERNALDATE \" 2-Jan-1970 00:00:00 +0000\" RFC822.SIZE 31)"
		  "\r\na OK FETCH completed\r\n" },
		{ "ENVELOPE", "a FETCH 2 ENVELOPE\r\n", "* 2 FETCH (ENVELOPE "
		  "(NIL \"two\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"
		  "a OK FETCH completed\r\n" },
		{ "BODY", "a FETCH 2 (BODY UID)\r\n", "* 2 FETCH (UID 2 BODY "
		  "(\"text\" \"html\" (\"charset\" \"us-ascii\") NIL NIL "
		  "\"7bit\" 10 1))\r\na OK FETCH completed\r\n" },
		{ "header fields", "a FETCH 1:2 BODY.PEEK[HEADER.FIELDS (From)]"
		  "\r\n", "* 1 FETCH (BODY[HEADER.FIELDS (From)] {13}\r\n"
		  "From: a@b\r\n\r\n)\r\n* 2 FETCH (BODY[HEADER.FIELDS (From)]"
		  " {2}\r\n\r\n)\r\na OK FETCH completed\r\n" },
		{ "body and header", "a FETCH 2 (BODY.PEEK[HEADER]<0.7> "
		  "BODY.PEEK[1])\r\n", "* 2 FETCH (BODY[HEADER]<0> {7}\r\n"
		  "Subject BODY[1] {10}\r\n<p>x</p>\r\n)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "seen", "a FETCH 1:2 BODY[TEXT]\r\nb FETCH 1 FLAGS\r\n",
		  "* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {4}\r\nhi\r\n)\r\n"
		  "* 2 FETCH (BODY[TEXT] {10}\r\n<p>x</p>\r\n)\r\n"
		  "a OK FETCH completed\r\n* 1 FETCH (FLAGS (\\Seen))\r\n"
		  "b OK FETCH completed\r\n" },
		{ "RFC822.HEADER is a peek", "a FETCH 3 RFC822.HEADER\r\n",
		  "* 3 FETCH (RFC822.HEADER {2}\r\n\r\n)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "no such part", "a FETCH 1 BODY.PEEK[2]\r\n",
		  "* 1 FETCH (BODY[2] NIL)\r\na OK FETCH completed\r\n" },
		{ "RFC 3516", "a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])\r\n",
		  "* 1 FETCH (BINARY.SIZE[1] 4 BINARY[1] ~{4}\r\nhi\r\n)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "RFC 8474, RFC 8514", "a FETCH 1 (THREADID SAVEDATE)\r\n",
		  "* 1 FETCH (SAVEDATE NIL THREADID NIL)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "RFC 8970", "a FETCH 2 PREVIEW\r\nb FETCH 2 PREVIEW (LAZY)"
		  "\r\n", "* 2 FETCH (PREVIEW \"x\")\r\na OK FETCH completed"
		  "\r\n* 2 FETCH (PREVIEW NIL)\r\nb OK FETCH completed\r\n" },
		{ "RFC 7162 3.1.4.1", "a FETCH 1:* (FLAGS) (CHANGEDSINCE 102)"
		  "\r\n", "* OK [HIGHESTMODSEQ 104] From here on modification "
		  "sequences are told\r\n* 3 FETCH (FLAGS (\\Deleted) MODSEQ "
		  "(103))\r\n* 4 FETCH (FLAGS () MODSEQ (104))\r\n"
		  "a OK FETCH completed\r\n" },
		{ "RFC 9394", "a UID FETCH 1:* (FLAGS) (PARTIAL 2:3)\r\n"
		  "b UID FETCH 2:* FLAGS (PARTIAL -1:-1)\r\n"
		  "c UID FETCH 1:* FLAGS (PARTIAL 5:9)\r\n"
		  "d UID FETCH 1:* FLAGS (PARTIAL -9:-4)\r\n",
		  "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n"
		  "* 3 FETCH (UID 3 FLAGS (\\Deleted))\r\n"
		  "a OK FETCH completed\r\n"
		  "* 4 FETCH (UID 4 FLAGS ())\r\nb OK FETCH completed\r\n"
		  "c OK FETCH completed\r\n* 1 FETCH (UID 1 FLAGS ())\r\n"
		  "d OK FETCH completed\r\n" },
		/* refused */
		{ "beyond the end", "a FETCH 5 FLAGS\r\n",
		  "a BAD There are not so many messages\r\n" },
		{ "zero", "a FETCH 0 FLAGS\r\n",
		  "a BAD That is not a set of numbers\r\n" },
		{ "no items", "a FETCH 1\r\n", "a BAD Missing argument\r\n" },
		{ "VANISHED", "a UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)"
		  "\r\n", "a BAD VANISHED needs ENABLE QRESYNC\r\n" },
		{ "VANISHED", "a FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)"
		  "\r\n", "a BAD VANISHED is for UID FETCH\r\n" },
	};

	(void)state;
	check_all(REV2, t, N(t));
}

static void
recent_is_told_to_rev1(void **state)
{
	static const struct talk	 t = { "RFC 3501 2.3.2",
	    "a FETCH 4 FLAGS\r\n", "* 4 FETCH (FLAGS (\\Recent))\r\n"
	    "a OK FETCH completed\r\n" };

	(void)state;
	four();
	fake.claimed = 4;
	check(SELECT, &t);
}

static void
examined_letters_stay_unseen(void **state)
{
	static const struct talk	 t = { "RFC 9051 6.3.3",
	    "a FETCH 1 BODY[TEXT]\r\nb FETCH 1 FLAGS\r\n"
	    "c STORE 1 FLAGS (\\Seen)\r\nd EXPUNGE\r\ne UID EXPUNGE 3\r\n"
	    "f MOVE 1 INBOX\r\n",
	    "* 1 FETCH (BODY[TEXT] {4}\r\nhi\r\n)\r\na OK FETCH completed\r\n"
	    "* 1 FETCH (FLAGS ())\r\nb OK FETCH completed\r\n"
	    "c NO [READ-ONLY] The mailbox is open for reading only\r\n"
	    "d NO [READ-ONLY] The mailbox is open for reading only\r\n"
	    "e NO [READ-ONLY] The mailbox is open for reading only\r\n"
	    "f NO [READ-ONLY] The mailbox is open for reading only\r\n" };

	(void)state;
	four();
	check("e ENABLE IMAP4rev2\r\ns EXAMINE INBOX\r\n", &t);
}

/* At the first look others have changed nothing; then a file goes. */
static void
files_go(unsigned int n)
{
	if (n == 1)
		fake.no_file[0] = fake.no_file[2] = true;
}

static void
letters_that_are_gone_are_passed_over(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 2180 4.1.2", "a FETCH 1:* BODY.PEEK[1]\r\n",
		  "* 2 FETCH (BODY[1] {10}\r\n<p>x</p>\r\n)\r\n* 4 FETCH "
		  "(BODY[1] {3}\r\n4\r\n)\r\na NO [EXPUNGEISSUED] Some "
		  "messages are no longer there\r\n" },
		{ "by UID", "a UID FETCH 1:2 BODY.PEEK[1]\r\n",
		  "* 2 FETCH (UID 2 BODY[1] {10}\r\n<p>x</p>\r\n)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "ENVELOPE", "a UID FETCH 1 ENVELOPE\r\n",
		  "a OK FETCH completed\r\n" },
		{ "size", "a UID FETCH 1:2 RFC822.SIZE\r\n",
		  "* 2 FETCH (UID 2 RFC822.SIZE 51)\r\n"
		  "a OK FETCH completed\r\n" },
		{ "header", "a UID FETCH 1 BODY.PEEK[HEADER]\r\n",
		  "a OK FETCH completed\r\n" },
		{ "EMAILID", "a UID FETCH 3 EMAILID\r\n",
		  "a OK FETCH completed\r\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		four();
		fake.at_sync = files_go;
		check(REV2, &t[i]);
	}
}

/*
 * Wherever the output's buffer is full, nothing is lost and nothing too much: a
 * response of each length around its size.
 */
static void
responses_of_any_length_are_whole(void **state)
{
	static char	 text[STREAM_OUT + 100];
	char		 input[100];
	struct buf	 out;
	const char	*end = "x)\r\na OK FETCH completed\r\n";
	size_t		 n, len = strlen(end);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	fake_reset();
	fake_deliver_text(LETTER_SEEN, text);
	for (n = STREAM_OUT - 1500; n < STREAM_OUT; n++) {
		snprintf(input, sizeof(input),
		    REV2 "a FETCH 1 BODY.PEEK[]<0.%zu>\r\n", n);
		converse(input, strlen(input), &out);
		assert_true(out.len > n + len);
		assert_string_equal(out.ptr + out.len - len, end);
		buf_free(&out);
	}
}

static void
a_response_is_never_empty(void **state)
{
	static const struct talk	 t = { "RFC 9051 9, msg-att",
	    "a FETCH 1 BINARY.PEEK[1]\r\n", "* 1 FETCH (UID 1)\r\n"
	    "a NO [UNKNOWN-CTE] The encoding of a part is not known\r\n" };

	(void)state;
	fake_reset();
	fake.claimed = 2;
	fake_deliver_text(0, "Content-Transfer-Encoding: x-y\n\nx\n");
	check(REV2, &t);
}

static void
uidonly_has_its_own_response(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9586 3.3", "a UID FETCH 1:2 (FLAGS)\r\n"
		  "b UID FETCH 2 (UID)\r\n",
		  "* 1 UIDFETCH (FLAGS ())\r\n* 2 UIDFETCH (FLAGS (\\Seen))"
		  "\r\na OK FETCH completed\r\n* 2 UIDFETCH (UID 2)\r\n"
		  "b OK FETCH completed\r\n" },
		{ "STORE", "a UID STORE 1 +FLAGS (\\Seen)\r\n",
		  "* 1 UIDFETCH (FLAGS (\\Seen))\r\na OK STORE completed\r\n"
		},
		{ "EXPUNGE", "a EXPUNGE\r\n", "* VANISHED 3\r\n"
		  "a OK EXPUNGE completed\r\n" },
		{ "refused", "a FETCH 1 FLAGS\r\nb STORE 1 FLAGS ()\r\n"
		  "c COPY 1 INBOX\r\nd MOVE 1 INBOX\r\n",
		  "a BAD [UIDREQUIRED] Message numbers are not used here\r\n"
		  "b BAD [UIDREQUIRED] Message numbers are not used here\r\n"
		  "c BAD [UIDREQUIRED] Message numbers are not used here\r\n"
		  "d BAD [UIDREQUIRED] Message numbers are not used here\r\n"
		},
	};

	(void)state;
	check_all("e ENABLE UIDONLY IMAP4rev2\r\n" SELECT, t, N(t));
}

static void
vanish(unsigned int n)
{
	if (n == 2) {
		fake_remove(2);
		fake_deliver(0);
	}
}

static void
vanished_uids_are_told_by_fetch(void **state)
{
	static const struct talk	 t = { "RFC 7162 3.2.6",
	    "n NOOP\r\na UID FETCH 1:100 (FLAGS) (CHANGEDSINCE 104 VANISHED)"
	    "\r\nb UID FETCH 3:4 UID (CHANGEDSINCE 1 VANISHED)\r\n",
	    "* VANISHED 2\r\n* 4 EXISTS\r\n"
	    "n OK NOOP completed\r\n* VANISHED (EARLIER) 2\r\n"
	    "* 4 FETCH (UID 5 FLAGS () MODSEQ (106))\r\na OK FETCH completed"
	    "\r\n* 2 FETCH (UID 3 MODSEQ (103))\r\n"
	    "* 3 FETCH (UID 4 MODSEQ (104))\r\nb OK FETCH completed\r\n" };
	static const struct talk	 lost = { "without history",
	    "n NOOP\r\na UID FETCH 1:100 (FLAGS) (CHANGEDSINCE 106 VANISHED)"
	    "\r\n", "* VANISHED 2\r\n* 4 EXISTS\r\nn OK NOOP completed\r\n"
	    "* VANISHED (EARLIER) 2\r\na OK FETCH completed\r\n" };

	(void)state;
	four();
	fake.at_sync = vanish;
	check("e ENABLE QRESYNC IMAP4rev2\r\n" SELECT, &t);
	four();
	fake.at_sync = vanish;
	fake.forgotten = 1000;
	check("e ENABLE QRESYNC IMAP4rev2\r\n" SELECT, &lost);
}

static void
store_answers(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9051 6.4.6", "a STORE 1:2 +FLAGS (\\Flagged \\Seen)\r\n",
		  "* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen))\r\n"
		  "* 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen))\r\n"
		  "a OK STORE completed\r\n" },
		{ "bare", "a STORE 2 -FLAGS \\Seen \\Draft\r\n",
		  "* 2 FETCH (UID 2 FLAGS ())\r\na OK STORE completed\r\n" },
		{ "silent", "a STORE 1 FLAGS.SILENT (\\Seen)\r\nb NOOP\r\n",
		  "a OK STORE completed\r\nb OK NOOP completed\r\n" },
		{ "nothing", "a STORE 2 FLAGS ()\r\n",
		  "* 2 FETCH (UID 2 FLAGS ())\r\na OK STORE completed\r\n" },
		{ "a keyword is told first", "a STORE 1 +FLAGS (Work)\r\n",
		  "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
		  "$Forwarded Work)\r\n* OK [PERMANENTFLAGS (\\Answered "
		  "\\Flagged \\Deleted \\Seen \\Draft $Forwarded Work \\*)] "
		  "These are kept\r\n* 1 FETCH (UID 1 FLAGS (Work))\r\n"
		  "a OK STORE completed\r\n" },
		{ "removing makes none", "a STORE 1 -FLAGS (None)\r\n",
		  "* 1 FETCH (UID 1 FLAGS ())\r\na OK STORE completed\r\n" },
		{ "no such UID", "a UID STORE 9 FLAGS (\\Seen)\r\n",
		  "a OK STORE completed\r\n" },
		{ "RFC 7162 3.1.3", "a STORE 1:2 (UNCHANGEDSINCE 101) +FLAGS "
		  "(\\Flagged)\r\n", "* OK [HIGHESTMODSEQ 104] From here on "
		  "modification sequences are told\r\n* 1 FETCH (UID 1 FLAGS "
		  "(\\Flagged) MODSEQ (105))\r\na OK [MODIFIED 2] Others have "
		  "changed these\r\n" },
		{ "silent with modseqs", "a UID STORE 1:4 (UNCHANGEDSINCE 0) "
		  "FLAGS.SILENT (\\Seen)\r\nb UID STORE 1,2 +FLAGS.SILENT "
		  "(\\Seen)\r\n", "* OK [HIGHESTMODSEQ 104] From here on "
		  "modification sequences are told\r\n"
		  "a OK [MODIFIED 1:4] Others have changed these\r\n"
		  "* 1 FETCH (UID 1 MODSEQ (105))\r\nb OK STORE completed\r\n"
		},
		/* refused */
		{ "unknown", "a STORE 1 FLAGS (\\Foo)\r\n",
		  "a BAD There is no such system flag\r\n" },
		{ "RFC 9051 2.3.2", "a STORE 1 FLAGS (\\Recent)\r\n",
		  "a BAD Nobody can set \\Recent\r\n" },
		{ "no list", "a STORE 1 FLAGS\r\n", "a BAD Missing argument\r\n"
		},
		{ "other item", "a STORE 1 UID 5\r\n",
		  "a BAD FLAGS expected\r\n" },
		{ "other item", "a STORE 1 FLAGS.LOUD (\\Seen)\r\n",
		  "a BAD FLAGS expected\r\n" },
		{ "no number", "a STORE 1 (UNCHANGEDSINCE) FLAGS ()\r\n",
		  "a BAD Blank expected\r\n" },
		{ "modifier", "a STORE 1 (FOO 1) FLAGS ()\r\n",
		  "a BAD UNCHANGEDSINCE expected\r\n" },
		{ "open", "a STORE 1 FLAGS (\\Seen\r\n",
		  "a BAD \")\" expected\r\n" },
		{ "more", "a STORE 1 FLAGS (\\Seen) x\r\n",
		  "a BAD Too many arguments\r\n" },
	};

	(void)state;
	check_all(REV2, t, N(t));
}

static void
others_expunge(void)
{
	fake.at_store = NULL;
	fake_remove(2);
}

static void
others_flag(void)
{
	fake.at_store = NULL;
	fake_flag(4, LETTER_ANSWERED);
}

static void
what_others_do_at_the_same_time_is_told(void **state)
{
	static const struct talk	 gone = { "RFC 2180 4.2.2",
	    "a STORE 1:2 +FLAGS (\\Flagged)\r\nb NOOP\r\n",
	    "* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n"
	    "* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n"
	    "a NO [EXPUNGEISSUED] Some messages are no longer there\r\n"
	    "* 2 EXPUNGE\r\nb OK NOOP completed\r\n" };
	static const struct talk	 silent = { "RFC 9051 6.4.6",
	    "a UID STORE 1 +FLAGS.SILENT (\\Flagged)\r\n",
	    "* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n"
	    "* 4 FETCH (UID 4 FLAGS (\\Answered))\r\na OK STORE completed\r\n"
	};
	static const struct talk	 copy[] = {
		{ "RFC 2180 4.4.1", "a COPY 2 INBOX\r\n", "* 2 EXPUNGE\r\n"
		  "a NO [EXPUNGEISSUED] Some messages are no longer there\r\n"
		},
		{ "RFC 9051 6.4.7: all or none", "a COPY 1:3 INBOX\r\n",
		  "* 2 EXPUNGE\r\na NO [EXPUNGEISSUED] Some messages are no "
		  "longer there\r\n" },
	};
	size_t				 i;

	(void)state;
	four();
	fake.at_store = others_expunge;
	check(REV2, &gone);
	four();
	fake.at_store = others_flag;
	check(REV2, &silent);
	for (i = 0; i < N(copy); i++) {
		four();
		fake.at_store = others_expunge;
		check(REV2, &copy[i]);
		assert_int_equal(fake.n, 3);
	}
}

/* In SELECT, and in the NOOP after it; then they mark it. */
static void
others_deliver(unsigned int n)
{
	if (n <= 2)
		fake_deliver_text(0, "\n5\n");
}

static void
others_mark_the_last(unsigned int n)
{
	if (n > 1)
		fake_flag(fake.state.next - 1, LETTER_FLAGGED);
}

static void
letters_that_come_between_two_looks_are_new(void **state)
{
	static const struct talk	 t = { "RFC 9051 2.3.1.1: below UIDNEXT",
	    "a NOOP\r\nb FETCH 5 FLAGS\r\nc NOOP\r\n",
	    "* 5 EXISTS\r\na OK NOOP completed\r\n"
	    "* 5 FETCH (FLAGS (\\Flagged))\r\n* 6 EXISTS\r\n"
	    "b OK FETCH completed\r\n"
	    "* 6 FETCH (UID 6 FLAGS (\\Flagged))\r\n"
	    "c OK NOOP completed\r\n" };

	(void)state;
	four();
	fake.after_sync = others_deliver;
	fake.at_sync = others_mark_the_last;
	check(REV2, &t);
}

static void
copies_and_moves_answer(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 4315 3", "a COPY 1:2 INBOX\r\n", "* 6 EXISTS\r\n"
		  "a OK [COPYUID 7 1:2 5:6] COPY completed\r\n" },
		{ "by UID", "a UID COPY 2,4,9 inbox\r\n", "* 6 EXISTS\r\n"
		  "a OK [COPYUID 7 2,4 5:6] COPY completed\r\n" },
		{ "of nothing", "a UID COPY 9 INBOX\r\n",
		  "a OK COPY completed\r\n" },
		{ "RFC 6851 4.3", "a MOVE 1:2 INBOX\r\n",
		  "* OK [COPYUID 7 1:2 5:6] Moved\r\n* 2 EXPUNGE\r\n"
		  "* 1 EXPUNGE\r\n* 4 EXISTS\r\na OK MOVE completed\r\n" },
		{ "RFC 9051 6.4.7", "a COPY 1 Nowhere\r\nb UID MOVE 1 Nowhere"
		  "\r\n", "a NO [TRYCREATE] There is no such mailbox\r\n"
		  "b NO [TRYCREATE] There is no such mailbox\r\n" },
		{ "no such message", "a COPY 9 INBOX\r\n",
		  "a BAD There are not so many messages\r\n" },
		{ "no name", "a COPY 1\r\n", "a BAD Missing argument\r\n" },
		{ "more", "a COPY 1 INBOX x\r\n",
		  "a BAD Too many arguments\r\n" },
	};

	(void)state;
	check_all(REV2, t, N(t));
}

static void
what_the_store_refuses_is_said(void **state)
{
	static const struct { int e; const char *says; } t[] = {
		{ EDQUOT, "[OVERQUOTA] The mailbox would be larger than "
		  "allowed" },
		{ ENOSPC, "[LIMIT] There is no room left on the disk" },
		{ EROFS, "[NOPERM] This may not be changed" },
		{ EAGAIN, "[INUSE] The mailbox is busy, try again later" },
		{ EIO, "[SERVERBUG] Internal error, see the server's log" },
	};
	static const char *const	 commands[] = {
		"COPY 1 INBOX", "MOVE 1 INBOX", "STORE 1 FLAGS.SILENT ()",
		"APPEND INBOX {1+}\r\nx"
	};
	char		 input[200], expect[200];
	struct talk	 talk = { "store", input, expect };
	size_t		 i, k;

	(void)state;
	for (i = 0; i < N(t); i++)
		for (k = 0; k < N(commands); k++) {
			snprintf(input, sizeof(input), "a %s\r\n",
			    commands[k]);
			snprintf(expect, sizeof(expect), "a NO %s\r\n",
			    t[i].says);
			four();
			fake.store_errno = t[i].e;
			check(REV2, &talk);
		}
}

static void
expunge_answers(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9051 6.4.3", "a EXPUNGE\r\nb EXPUNGE\r\n",
		  "* 3 EXPUNGE\r\na OK EXPUNGE completed\r\n"
		  "b OK EXPUNGE completed\r\n" },
		{ "RFC 4315 2.1", "a UID EXPUNGE 1:2\r\nb UID EXPUNGE 3:9\r\n",
		  "a OK EXPUNGE completed\r\n* 3 EXPUNGE\r\n"
		  "b OK EXPUNGE completed\r\n" },
		{ "no set", "a UID EXPUNGE\r\n", "a BAD Missing argument\r\n" },
		{ "a set", "a EXPUNGE 3\r\n", "a BAD Too many arguments\r\n" },
	};
	static const struct talk	 qresync = { "RFC 7162 3.2.7",
	    "a EXPUNGE\r\n", "* VANISHED 3\r\na OK [HIGHESTMODSEQ 105] EXPUNGE"
	    " completed\r\n" };

	(void)state;
	check_all(REV2, t, N(t));
	four();
	check("e ENABLE QRESYNC IMAP4rev2\r\n" SELECT, &qresync);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(fetch_answers),
		cmocka_unit_test(recent_is_told_to_rev1),
		cmocka_unit_test(examined_letters_stay_unseen),
		cmocka_unit_test(letters_that_are_gone_are_passed_over),
		cmocka_unit_test(responses_of_any_length_are_whole),
		cmocka_unit_test(a_response_is_never_empty),
		cmocka_unit_test(uidonly_has_its_own_response),
		cmocka_unit_test(vanished_uids_are_told_by_fetch),
		cmocka_unit_test(store_answers),
		cmocka_unit_test(what_others_do_at_the_same_time_is_told),
		cmocka_unit_test(letters_that_come_between_two_looks_are_new),
		cmocka_unit_test(copies_and_moves_answer),
		cmocka_unit_test(what_the_store_refuses_is_said),
		cmocka_unit_test(expunge_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
