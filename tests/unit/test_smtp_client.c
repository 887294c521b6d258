/* Replies and features of hosts that mean well, and of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/net/smtp_client.h"

static int			 fds[2];
static struct smtp_client	 c;

static void
begin(const char *said)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(io_write_all(fds[1], said, strlen(said)), 0);
	smtp_client_start(&c, fds[0], 300);
}

static void
end(void)
{
	smtp_client_finish(&c);
	close(fds[0]);
	close(fds[1]);
}

/* What the client sent, after its stream was flushed. */
static const char *
sent(void)
{
	static char	 data[8192];
	ssize_t		 n;

	assert_int_equal(stream_flush(&c.s), STREAM_OK);
	n = recv(fds[1], data, sizeof(data) - 1, MSG_DONTWAIT);
	data[n < 0 ? 0 : n] = '\0';
	return data;
}

static void
features_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char	*line;
		int		 ext;
		uint64_t	 size;
		const char	*auth;
	} t[] = {
		{ "PIPELINING", SMTP_EXT_PIPELINING, 0, "" },
		{ "8bitmime", SMTP_EXT_8BITMIME, 0, "" },
		{ "SMTPUTF8", SMTP_EXT_SMTPUTF8, 0, "" },
		{ "DSN", SMTP_EXT_DSN, 0, "" },
		{ "Chunking", SMTP_EXT_CHUNKING, 0, "" },
		{ "STARTTLS", SMTP_EXT_STARTTLS, 0, "" },
		{ "SIZE", SMTP_EXT_SIZE, 0, "" },
		{ "SIZE 1000", SMTP_EXT_SIZE, 1000, "" },
		{ "SIZE many", SMTP_EXT_SIZE, 0, "" },
		{ "SIZE -1", SMTP_EXT_SIZE, 0, "" },
		{ "SIZE 99999999999999999999", SMTP_EXT_SIZE, 0, "" },
		{ "AUTH PLAIN LOGIN", SMTP_EXT_AUTH, 0, "PLAIN LOGIN" },
		{ "AUTH=LOGIN", SMTP_EXT_AUTH, 0, "LOGIN" },
		{ "AUTH", SMTP_EXT_AUTH, 0, "" },
		{ "PIPELININGS", 0, 0, "" },
		{ "XSIZE 5", 0, 0, "" },
		{ " PIPELINING", 0, 0, "" },
		{ "", 0, 0, "" },
		{ " ", 0, 0, "" },
		{ "=", 0, 0, "" },
	};
	struct smtp_features	 f;
	char			 longest[2000];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&f, 0, sizeof(f));
		smtp_features_add(&f, slice_str(t[i].line));
		if (f.ext != t[i].ext || f.size != t[i].size ||
		    strcmp(f.auth, t[i].auth) != 0)
			fail_msg("%s: %d %llu \"%s\"", t[i].line, f.ext,
			    (unsigned long long)f.size, f.auth);
	}
	memset(&f, 0, sizeof(f));
	smtp_features_add(&f, slice_str("AUTH CRAM-MD5"));
	smtp_features_add(&f, slice_str("AUTH=PLAIN"));
	assert_string_equal(f.auth, "CRAM-MD5 PLAIN");
	snprintf(longest, sizeof(longest), "AUTH %01500d", 0);
	smtp_features_add(&f, slice_str(longest));
	assert_string_equal(f.auth, "CRAM-MD5 PLAIN");
}

static void
hello_learns_only_from_a_good_reply(void **state)
{
	(void)state;
	begin("250-DSN\r\n250-SIZE 7\r\n250 PIPELINING\r\n");
	assert_int_equal(smtp_client_hello(&c, "EHLO", "me.test"), 0);
	assert_int_equal(c.features.ext, SMTP_EXT_SIZE | SMTP_EXT_PIPELINING);
	assert_int_equal(c.features.size, 7);
	assert_string_equal(sent(), "EHLO me.test\r\n");
	end();
	begin("550-x\r\n550 PIPELINING\r\n250 mx\n");
	assert_int_equal(smtp_client_hello(&c, "EHLO", "me.test"), 0);
	assert_int_equal(c.reply.code, 550);
	assert_int_equal(c.features.ext, 0);
	assert_int_equal(smtp_client_hello(&c, "HELO", "me.test"), 0);
	assert_int_equal(c.reply.code, 250);
	end();
}

static void
replies_that_are_none_lose_the_connection(void **state)
{
	static const struct { const char *said, *why; } t[] = {
		{ "", "in time" },
		{ "250", "in time" },
		{ "250-a\r\n", "in time" },
		{ "what\r\n", "no SMTP reply" },
		{ "199 x\r\n", "no SMTP reply" },
		{ "600 x\r\n", "no SMTP reply" },
		{ "25 x\r\n", "no SMTP reply" },
		{ "250-a\r\n251 b\r\n", "no SMTP reply" },
		{ "250x\r\n", "no SMTP reply" },
		{ "250 a\rb\r\n", "malformed line" },
	};
	struct buf	 longest;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin(t[i].said);
		assert_int_equal(smtp_client_reply(&c), -1);
		assert_true(c.lost);
		if (strstr(c.why, t[i].why) == NULL)
			fail_msg("%s: %s", t[i].said, c.why);
		assert_int_equal(smtp_client_reply(&c), -1);
		end();
	}
	buf_init(&longest, 100000);
	for (i = 0; i < SMTP_CLIENT_LINES; i++)
		buf_addstr(&longest, "250-a\r\n");
	buf_addstr(&longest, "250 a\r\n");
	begin(buf_cstr(&longest));
	assert_int_equal(smtp_client_reply(&c), -1);
	assert_non_null(strstr(c.why, "without an end"));
	end();
	buf_clear(&longest);
	for (i = 0; i < SMTP_CLIENT_LINE; i++)
		buf_addc(&longest, '2');
	buf_addstr(&longest, "\r\n");
	begin(buf_cstr(&longest));
	assert_int_equal(smtp_client_reply(&c), -1);
	assert_non_null(strstr(c.why, "malformed line (too-long)"));
	end();
	buf_free(&longest);
	begin("");
	close(fds[1]);
	assert_int_equal(smtp_client_reply(&c), -1);
	assert_non_null(strstr(c.why, "closed"));
	smtp_client_finish(&c);
	close(fds[0]);
}

static void
last_words_count_when_they_refuse(void **state)
{
	static const struct { const char *said; int result, code; } t[] = {
		{ "552 5.3.4 too much\r\n", 0, 552 },
		{ "452 later\r\n", 0, 452 },
		{ "250 fine\r\n", -1, 0 },
		{ "", -1, 0 },
		{ "552-a\r\n", -1, 0 },
	};
	char	 block[1000];
	size_t	 i, n;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin(t[i].said);
		close(fds[1]);
		smtp_client_begin(&c);
		for (n = 0; n < 200; n++)
			smtp_client_put(&c, (struct slice){ block,
			    sizeof(block) });
		smtp_client_end(&c);
		assert_int_equal(smtp_client_reply(&c), t[i].result);
		assert_true(c.lost);
		if (t[i].result == 0)
			assert_int_equal(c.reply.code, t[i].code);
		smtp_client_finish(&c);
		close(fds[0]);
	}
}

static void
parameters_go_only_where_they_are_offered(void **state)
{
	static const struct smtp_mail	 m = { .sender = "a@b.test",
	    .size = 5, .eightbit = true, .ret = "FULL", .envid = "a b" };
	static const struct smtp_rcpt	 r = { .address = "c@d.test",
	    .notify = "NEVER", .orcpt = "rfc822;x+y@d.test" };
	static const struct { int ext; const char *mail, *rcpt; } t[] = {
		{ 0, "", "" },
		{ SMTP_EXT_SIZE, " SIZE=5", "" },
		{ SMTP_EXT_8BITMIME, " BODY=8BITMIME", "" },
		{ SMTP_EXT_DSN, " RET=FULL ENVID=a+20b",
		    " NOTIFY=NEVER ORCPT=rfc822;x+2By@d.test" },
	};
	char	 want[200];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin("");
		c.features.ext = t[i].ext;
		smtp_client_put_mail(&c, &m);
		smtp_client_put_rcpt(&c, &r);
		snprintf(want, sizeof(want), "MAIL FROM:<a@b.test>%s\r\n"
		    "RCPT TO:<c@d.test>%s\r\n", t[i].mail, t[i].rcpt);
		assert_string_equal(sent(), want);
		end();
	}
}

static void
original_recipients_keep_their_type(void **state)
{
	static const struct { const char *orcpt, *out; bool utf8; } t[] = {
		{ "rfc822;a=b@d.test", " ORCPT=rfc822;a+3Db@d.test", false },
		{ "utf-8;\xc3\xb6@d", " ORCPT=utf-8;+C3+B6@d", false },
		{ "utf-8;\xc3\xb6@d", " ORCPT=utf-8;\xc3\xb6@d", true },
		{ "no type", "", false },
		{ ";a@b", "", false },
		{ "a-type-that-is-far-too-long-for-one;a@b", "", false },
	};
	struct smtp_rcpt	 r = { .address = "c@d.test" };
	char			 want[200], longest[700];
	size_t			 i;

	(void)state;
	begin("");
	c.features.ext = SMTP_EXT_DSN;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r.orcpt = t[i].orcpt;
		r.utf8 = t[i].utf8;
		smtp_client_put_rcpt(&c, &r);
		snprintf(want, sizeof(want), "RCPT TO:<c@d.test>%s\r\n",
		    t[i].out);
		assert_string_equal(sent(), want);
	}
	snprintf(longest, sizeof(longest), "rfc822;%0500d@d", 0);
	r.orcpt = longest;
	smtp_client_put_rcpt(&c, &r);
	assert_string_equal(sent(), "RCPT TO:<c@d.test>\r\n");
	end();
}

/* However the content is cut into pieces. */
static void
dots_are_stuffed_at_every_seam(void **state)
{
	static const char	 text[] = ".a\r\n..\r\n.\r\nb.\r\n\r\n.c";
	static const char	 want[] = "..a\r\n...\r\n..\r\nb.\r\n\r\n..c"
				    "\r\n.\r\n";
	size_t			 i, j, n = sizeof(text) - 1;

	(void)state;
	begin("");
	for (i = 0; i <= n; i++)
		for (j = i; j <= n; j++) {
			smtp_client_begin(&c);
			smtp_client_put(&c, (struct slice){ text, i });
			smtp_client_put(&c, (struct slice){ text + i,
			    j - i });
			smtp_client_put(&c, (struct slice){ text + j,
			    n - j });
			smtp_client_end(&c);
			assert_string_equal(sent(), want);
		}
	smtp_client_begin(&c);
	smtp_client_end(&c);
	assert_string_equal(sent(), ".\r\n");
	end();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(features_are_read_as_they_are_written),
		cmocka_unit_test(hello_learns_only_from_a_good_reply),
		cmocka_unit_test(replies_that_are_none_lose_the_connection),
		cmocka_unit_test(last_words_count_when_they_refuse),
		cmocka_unit_test(parameters_go_only_where_they_are_offered),
		cmocka_unit_test(original_recipients_keep_their_type),
		cmocka_unit_test(dots_are_stuffed_at_every_seam),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
