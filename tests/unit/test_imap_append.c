/* Transcripts of commands that bring letters. */
#include "tests/unit/letters_talk.h"

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
there_is_no_quota_root_without_limits(void **state)
{
	static const struct talk	 t[] = {
		{ "RFC 9208 4.3", "a GETQUOTAROOT INBOX\r\n",
		  "* QUOTAROOT \"INBOX\"\r\na OK GETQUOTAROOT completed\r\n" },
		{ "RFC 9208 4.2", "a GETQUOTA account\r\n",
		  "a NO [NONEXISTENT] There is no such quota root\r\n" },
	};

	(void)state;
	check_all(REV2, t, N(t));
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
		session_serve(&conf, &who, fds[1], fds[1], NULL);
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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(append_takes_messages),
		cmocka_unit_test(quota_is_looked_at_before_the_octets_come),
		cmocka_unit_test(there_is_no_quota_root_without_limits),
		cmocka_unit_test(replace_answers),
		cmocka_unit_test(nuls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
