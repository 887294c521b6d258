/*
 * Transcripts of commands that read, mark, copy, remove and append letters, with
 * a mailbox in memory that others change in between.
 */
#include <sys/socket.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imap-session/imap_url.h"
#include "imap-session/session.h"
#include "lib/base/buf.h"
#include "tests/unit/fake_store.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static struct config		 conf;
static struct auth_handed	 who;

struct talk {
	const char	*name, *input, *expect;
};

#define ONE	"From: a@b\nSubject: one\n\nhi\n"
#define TWO	"Subject: two\nContent-Type: text/html\n\n<p>x</p>\n"

/* Four letters: two with octets, one \Deleted, one that is gone. */
static void
four(void)
{
	fake_reset();
	fake.claimed = 5;
	fake_deliver_text(0, ONE);
	fake_deliver_text(LETTER_SEEN, TWO);
	fake_deliver_text(LETTER_DELETED, "\n3\n");
	fake_deliver_text(0, "\n4\n");
	fake.state.next = 5;
}

static void
converse(const char *enable, const char *input, struct buf *out)
{
	char	 chunk[4096];
	int	 fds[2];
	ssize_t	 n;

	conf.hostname = (char *)(uintptr_t)"host.example";
	conf.imapd.net.idle_timeout = 60;
	conf.imapd.max_command = 65536;
	conf.message_size = 1000;
	memset(&who, 0, sizeof(who));
	snprintf(who.user, sizeof(who.user), "alice");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[0], enable, strlen(enable)),
	    strlen(enable));
	assert_int_equal(write(fds[0], input, strlen(input)), strlen(input));
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	session_serve(&conf, &who, fds[1], fds[1]);
	close(fds[1]);
	buf_init(out, 1 << 20);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		assert_int_equal(buf_add(out, chunk, (size_t)n), 0);
	close(fds[0]);
}

/* What comes after SELECT's answer. */
static void
check(const char *enable, const struct talk *t)
{
	struct buf	 out;
	const char	*p;

	converse(enable, t->input, &out);
	p = strstr(buf_cstr(&out), "\r\ns OK");
	if (p == NULL)
		fail_msg("%s", buf_cstr(&out));
	p += 2;
	p = strstr(p, "\r\n");
	assert_non_null(p);
	if (strcmp(p + 2, t->expect) != 0)
		print_error("%s: %s\n", t->name, t->input);
	assert_string_equal(p + 2, t->expect);
	buf_free(&out);
}

static void
check_all(const char *enable, const struct talk *t, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		four();
		check(enable, &t[i]);
	}
}

#define SELECT	"s SELECT INBOX\r\n"
#define REV2	"e ENABLE IMAP4rev2\r\n" SELECT

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
		    "a FETCH 1 BODY.PEEK[]<0.%zu>\r\n", n);
		converse(REV2, input, &out);
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
	static const struct talk	 copy = { "RFC 2180 4.4.1",
	    "a COPY 2 INBOX\r\n", "* 2 EXPUNGE\r\na NO [EXPUNGEISSUED] Some "
	    "messages are no longer there\r\n" };

	(void)state;
	four();
	fake.at_store = others_expunge;
	check(REV2, &gone);
	four();
	fake.at_store = others_flag;
	check(REV2, &silent);
	four();
	fake.at_store = others_expunge;
	check(REV2, &copy);
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

static void
append_takes_messages(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9051 6.3.12", "a APPEND INBOX (\\Seen) \" 1-Jan-1970 "
		  "00:01:00 +0000\" {5+}\r\n\r\nhi\n\r\n"
		  "b FETCH 5 (FLAGS BODY[1] SAVEDATE)\r\n", "* 5 EXISTS\r\n"
		  "a OK [APPENDUID 7 5] APPEND completed\r\n* 5 FETCH (FLAGS "
		  "(\\Seen) SAVEDATE \" 1-Jan-1970 00:01:00 +0000\" BODY[1] "
		  "{4}\r\nhi\r\n)\r\nb OK FETCH completed\r\n" },
		{ "it waits", "a APPEND INBOX {3}\r\n\r\nx\r\n", "+ OK\r\n"
		  "* 5 EXISTS\r\na OK [APPENDUID 7 5] APPEND completed\r\n" },
		{ "RFC 3502", "a APPEND INBOX {1+}\r\nx (\\Draft) {1+}\r\ny "
		  "~{1+}\r\nz\r\n", "* 7 EXISTS\r\na OK [APPENDUID 7 5:7] "
		  "APPEND completed\r\n" },
		{ "RFC 6855 4", "a APPEND INBOX UTF8 (~{4+}\r\n\303\244\r\n)"
		  "\r\n", "* 5 EXISTS\r\na OK [APPENDUID 7 5] APPEND "
		  "completed\r\n" },
		{ "RFC 4469", "a APPEND INBOX CATENATE (TEXT {14+}\r\nSubject: "
		  "n\r\n\r\n URL \"/INBOX;UIDVALIDITY=7/;UID=1/;SECTION=TEXT\""
		  " TEXT {0+}\r\n URL \";UID=2/;SECTION=1/;PARTIAL=3.1\")\r\n"
		  "b FETCH 5 BODY.PEEK[]\r\n", "* 5 EXISTS\r\n"
		  "a OK [APPENDUID 7 5] APPEND completed\r\n* 5 FETCH (BODY[] "
		  "{19}\r\nSubject: n\r\n\r\nhi\r\nx)\r\n"
		  "b OK FETCH completed\r\n" },
		{ "absolute", "a APPEND INBOX CATENATE (URL \"imap://alice@"
		  "host.example/INBOX/;UID=1\")\r\n", "* 5 EXISTS\r\n"
		  "a OK [APPENDUID 7 5] APPEND completed\r\n" },
		/* refused before it is sent */
		{ "RFC 7889", "a APPEND INBOX {1001}\r\n", "a NO [TOOBIG] The "
		  "message is larger than this server takes\r\n" },
		{ "RFC 7889", "a APPEND INBOX CATENATE (TEXT {999+}\r\n%s TEXT "
		  "{2}\r\n", "a NO [TOOBIG] The message is larger than this "
		  "server takes\r\n" },
		{ "TRYCREATE", "a APPEND Nowhere {10}\r\n",
		  "a NO [TRYCREATE] There is no such mailbox\r\n" },
		{ "empty", "a APPEND INBOX {0}\r\n",
		  "a NO [CANNOT] A message cannot be empty\r\n" },
		{ "empty", "a APPEND INBOX CATENATE (TEXT {0+}\r\n)\r\n",
		  "a NO [CANNOT] A message cannot be empty\r\n" },
		{ "BADURL", "a APPEND INBOX CATENATE (URL /INBOX/;UID=9 TEXT "
		  "{5}\r\n", "a NO [BADURL \"/INBOX/;UID=9\"] There is no such "
		  "message or part\r\n" },
		{ "BADURL", "a APPEND INBOX CATENATE (URL \"/INBOX;UIDVALIDITY"
		  "=8/;UID=1\")\r\n", "a NO [BADURL \"/INBOX;UIDVALIDITY=8/;"
		  "UID=1\"] There is no such message or part\r\n" },
		{ "BADURL", "a APPEND INBOX CATENATE (URL imap://bob@host."
		  "example/INBOX/;UID=1)\r\n", "a NO [BADURL \"imap://bob@host."
		  "example/INBOX/;UID=1\"] There is no such message or part\r\n"
		},
		{ "BADURL", "a APPEND INBOX CATENATE (URL \"x]\\\"y\")\r\n",
		  "a NO [BADURL \"x??y\"] There is no such message or part\r\n"
		},
		{ "syntax", "a APPEND INBOX\r\n", "a BAD Missing argument\r\n"
		},
		{ "syntax", "a APPEND INBOX \"x\"\r\n", "a BAD Date expected\r\n"
		},
		{ "syntax", "a APPEND INBOX (\\Seen) {1+}\r\nx y\r\n",
		  "a BAD Literal expected\r\n" },
		{ "syntax", "a APPEND INBOX CATENATE ()\r\n",
		  "a BAD TEXT or URL expected\r\n" },
		{ "syntax", "a APPEND INBOX CATENATE (TEXT {1+}\r\nx\r\n",
		  "a BAD \")\" expected\r\n" },
		{ "syntax", "a APPEND INBOX UTF8 ({1+}\r\nx)\r\n",
		  "a BAD \"~{\" expected\r\n" },
	};
	char		 body[1000], input[2000];
	struct talk	 talk;
	size_t		 i;

	(void)state;
	memset(body, 'x', 999);
	body[999] = '\0';
	for (i = 0; i < N(t); i++) {
		talk = t[i];
		if (strstr(t[i].input, "%s") != NULL) {
			snprintf(input, sizeof(input), "a APPEND INBOX "
			    "CATENATE (TEXT {999+}\r\n%s TEXT {2}\r\n", body);
			talk.input = input;
		}
		four();
		check(REV2, &talk);
		if (strstr(talk.expect, "* ") == NULL)
			assert_int_equal(fake.n, 4);
	}
}

static void
quota_is_looked_at_before_the_octets_come(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9208", "a APPEND INBOX {101}\r\n", "a NO [OVERQUOTA] "
		  "The mailbox would be larger than allowed\r\n" },
		{ "all of them", "a APPEND INBOX {1+}\r\nx {100}\r\n",
		  "a NO [OVERQUOTA] The mailbox would be larger than allowed"
		  "\r\n" },
		{ "fits", "a APPEND INBOX {2+}\r\nxy\r\n", "* 5 EXISTS\r\n"
		  "a OK [APPENDUID 7 5] APPEND completed\r\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		four();
		fake.quota = 100;
		check(REV2, &t[i]);
	}
}

static void
replace_answers(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 8508 3.1", "a REPLACE 2 INBOX (\\Seen) {3+}\r\n\r\nx"
		  "\r\n", "* OK [APPENDUID 7 5] The new message is there\r\n"
		  "* 2 EXPUNGE\r\n* 4 EXISTS\r\na OK REPLACE completed\r\n" },
		{ "RFC 8508 3.3", "a UID REPLACE 4 INBOX {3+}\r\n\r\nx\r\n",
		  "* OK [APPENDUID 7 5] The new message is there\r\n"
		  "* 4 EXPUNGE\r\n* 4 EXISTS\r\na OK REPLACE completed\r\n" },
		{ "no such message", "a UID REPLACE 9 INBOX {3}\r\n",
		  "a NO [NONEXISTENT] There is no such message\r\n" },
		{ "no such message", "a REPLACE 9 INBOX {3}\r\n",
		  "a BAD There are not so many messages\r\n" },
		{ "one only", "a REPLACE 1:2 INBOX {3}\r\n",
		  "a BAD One message is replaced at a time\r\n" },
		{ "one only", "a REPLACE 1 INBOX {1+}\r\nx {1+}\r\nx\r\n",
		  "a BAD Too many arguments\r\n" },
		{ "TRYCREATE", "a REPLACE 1 Nowhere {3}\r\n",
		  "a NO [TRYCREATE] There is no such mailbox\r\n" },
		{ "TOOBIG", "a REPLACE 1 INBOX {3000}\r\n", "a NO [TOOBIG] The "
		  "message is larger than this server takes\r\n" },
	};

	(void)state;
	check_all(REV2, t, N(t));
}

/* NULs need their own way through printf's friends. */
static void
nuls_are_refused(void **state)
{
	static const struct { const char *head, *says; } t[] = {
		{ "a APPEND INBOX ~{3+}\r\n", "a NO [UNKNOWN-CTE]" },
		{ "a APPEND INBOX {3+}\r\n", "a BAD NUL in a literal" },
	};
	struct buf	 out;
	int		 fds[2];
	char		 chunk[8192];
	ssize_t		 n;
	size_t		 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		four();
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_true(write(fds[0], t[i].head, strlen(t[i].head)) > 0);
		assert_int_equal(write(fds[0], "a\0b\r\n", 5), 5);
		shutdown(fds[0], SHUT_WR);
		session_serve(&conf, &who, fds[1], fds[1]);
		buf_init(&out, 8192);
		n = read(fds[0], chunk, sizeof(chunk));
		assert_true(n > 0);
		buf_add(&out, chunk, (size_t)n);
		assert_non_null(strstr(buf_cstr(&out), t[i].says));
		assert_int_equal(fake.n, 4);
		buf_free(&out);
		close(fds[0]);
		close(fds[1]);
	}
}

static void
urls_are_parsed(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "/box/;UID=3", "box 0 3 " },
		{ "/box;UIDVALIDITY=7/;UID=3", "box 7 3 " },
		{ "/a/b%20c;uidvalidity=7/;uid=3/;section=1.2", "a/b c 7 3 1.2"
		},
		{ "/box/;UID=3/;SECTION=HEADER.FIELDS%20(a)/;PARTIAL=1.20",
		  "box 0 3 HEADER.FIELDS (a) 1.20" },
		{ ";UID=3/;PARTIAL=5", " 0 3  5.9223372036854775807" },
		{ "/;UID=3", " 0 3 " },
		{ "imap://h/box/;UID=3", "@h box 0 3 " },
		{ "IMAP://u;AUTH=*@h:143/box/;UID=3", "u@h box 0 3 " },
		{ "imap://u%40d@h/b%C3%A4/;UID=3", "u@d@h b\303\244 0 3 " },
		/* none */
		{ "", NULL }, { "/", NULL }, { "/box", NULL },
		{ "box/;UID=3", NULL }, { "/box;UID=3", NULL },
		{ "/box/;UID=0", NULL }, { "/box/;UID=x", NULL },
		{ "/box/;UID=4294967296", NULL }, { "/box/;UID=", NULL },
		{ "/box;UIDVALIDITY=0/;UID=3", NULL },
		{ "/box;UIDVALIDITY=7;UID=3x", NULL },
		{ "/;UIDVALIDITY=7/;UID=3", NULL },
		{ "/box/;SECTION=1", NULL }, { "/box/;UID=3/;SECTION=", NULL },
		{ "/box/;UID=3/;FOO=1", NULL }, { "/box/;UID=3/;UID=3", NULL },
		{ "/box/;UID=3/;PARTIAL=1.0", NULL },
		{ "/box/;UID=3/;PARTIAL=-1", NULL },
		{ "/box/;UID=3/;PARTIAL=1/;SECTION=1", NULL },
		{ "/box/;UID=3/", NULL }, { "/bo%/;UID=3", NULL },
		{ "/bo%zz/;UID=3", NULL }, { "/bo%00/;UID=3", NULL },
		{ "/bo%0a/;UID=3", NULL }, { "http://h/box/;UID=3", NULL },
		{ "imap://", NULL }, { "imap://h", NULL },
		{ "imap:///box/;UID=3", NULL }, { "imap://h/;UID=3", NULL },
		{ "/box/;UID=3;URLAUTH=x", NULL },
	};
	struct imap_url	 u;
	struct buf	 b;
	size_t		 i;
	bool		 ok;

	(void)state;
	imap_url_init(&u);
	buf_init(&b, 10000);
	for (i = 0; i < N(t); i++) {
		ok = imap_url_parse(slice_str(t[i].in), &u);
		if (ok != (t[i].out != NULL))
			fail_msg("%s", t[i].in);
		if (!ok)
			continue;
		buf_clear(&b);
		if (u.absolute)
			buf_addf(&b, "%s@%s ", buf_cstr(&u.user),
			    buf_cstr(&u.host));
		buf_addf(&b, "%s %u %u %s", buf_cstr(&u.mailbox), u.validity,
		    u.uid, buf_cstr(&u.section));
		if (u.partial)
			buf_addf(&b, " %ju.%ju", (uintmax_t)u.first,
			    (uintmax_t)u.most);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
	imap_url_free(&u);
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
		cmocka_unit_test(copies_and_moves_answer),
		cmocka_unit_test(what_the_store_refuses_is_said),
		cmocka_unit_test(expunge_answers),
		cmocka_unit_test(append_takes_messages),
		cmocka_unit_test(quota_is_looked_at_before_the_octets_come),
		cmocka_unit_test(replace_answers),
		cmocka_unit_test(nuls_are_refused),
		cmocka_unit_test(urls_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
