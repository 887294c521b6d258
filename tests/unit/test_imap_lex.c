/*
 * Words of IMAP commands, fed in two pieces split at every octet and octet by
 * octet.  After every case that leaves the stream in step, the next command
 * must come out right.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/net/imap_lex.h"

#define LINE	120
#define LITERAL	40

static struct feed {
	const char	*data;
	size_t		 len, pos, split;	/* split 0: octet by octet */
	struct buf	 out;
} feed;

static ssize_t
feed_read(struct stream *s, void *to, size_t len)
{
	size_t	 n = feed.len - feed.pos;

	(void)s;
	if (feed.split == 0)
		n = n < 1 ? n : 1;
	else if (feed.pos < feed.split)
		n = feed.split - feed.pos;
	if (n > len)
		n = len;
	memcpy(to, feed.data + feed.pos, n);
	feed.pos += n;
	return (ssize_t)n;
}

static ssize_t
feed_write(struct stream *s, const void *from, size_t len)
{
	(void)s;
	assert_int_equal(buf_add(&feed.out, from, len), 0);
	return (ssize_t)len;
}

static bool
feed_pending(struct stream *s)
{
	(void)s;
	return true;
}

enum flavour { PLAIN, MINUS, UTF8, BINARY };

static void
start(struct stream *s, struct imap_lex *l, enum flavour how,
    const char *data, size_t len, size_t split)
{
	static const struct imap_limits	 limit = { LINE, LITERAL, true, 8 };

	feed.data = data;
	feed.len = len;
	feed.pos = 0;
	feed.split = split;
	buf_init(&feed.out, 4096);
	stream_init(s, -1, -1, 1000, 0);
	s->read = feed_read;
	s->write = feed_write;
	s->pending = feed_pending;
	imap_lex_init(l, s, &limit);
	l->limit.plus = how != MINUS;
	l->utf8 = how == UTF8;
	l->binary = how == BINARY;
}

static void
stop(struct stream *s, struct imap_lex *l)
{
	imap_lex_free(l);
	stream_free(s);
	buf_free(&feed.out);
}

static void
show(struct buf *b, struct slice s)
{
	size_t	 i;

	if (s.ptr == NULL) {
		buf_addstr(b, "NULL");
		return;
	}
	buf_addc(b, '<');
	for (i = 0; i < s.len; i++)
		if (s.ptr[i] == '\0')
			buf_addstr(b, "NUL");
		else
			buf_addc(b, s.ptr[i]);
	buf_addc(b, '>');
}

/* One word as the letter says. */
static bool
word(struct imap_lex *l, char kind, struct buf *b)
{
	struct slice	 s = { "", 0 };
	uint64_t	 u = 0;
	uint32_t	 n = 0;
	int64_t		 t = 0;
	bool		 ok = false;

	switch (kind) {
	case 'a':	ok = imap_lex_atom(l, &s); break;
	case 's':	ok = imap_lex_string(l, &s); break;
	case 'n':	ok = imap_lex_nstring(l, &s); break;
	case 'A':	ok = imap_lex_astring(l, &s); break;
	case 'l':	ok = imap_lex_list_mailbox(l, &s); break;
	case 'q':	ok = imap_lex_set(l, &s); break;
	case 'f':	ok = imap_lex_flag(l, &s); break;
	case 'k':	ok = imap_lex_keyword(l, "BODY.PEEK"); break;
	case '#':	ok = imap_lex_number(l, &n); u = n; break;
	case 'z':	ok = imap_lex_nz_number(l, &n); u = n; break;
	case '6':	ok = imap_lex_number64(l, &u); break;
	case 'd':	ok = imap_lex_date(l, &t); break;
	case 'D':	ok = imap_lex_date_time(l, &t); break;
	case '.':	return imap_lex_end(l);
	default:	return imap_lex_expect(l, kind);
	}
	if (!ok)
		return false;
	if (strchr("#z6", kind) != NULL)
		buf_addf(b, "%" PRIu64, u);
	else if (strchr("dD", kind) != NULL)
		buf_addf(b, "%" PRId64, t);
	else if (kind == 'k')
		buf_addstr(b, "KEY");
	else
		show(b, s);
	return true;
}

/* What begin, the words and finish make of a command. */
static void
take(struct imap_lex *l, const char *words, struct buf *b)
{
	struct slice	 name;

	if (imap_lex_begin(l, &name)) {
		show(b, name);
		for (; *words != '\0'; words++)
			if (!word(l, *words, b))
				break;
	}
	if (l->error != NULL) {
		buf_clear(b);
		buf_addf(b, "%s %s %s", l->tag, l->no ? "NO" : "BAD",
		    l->error);
	}
	imap_lex_finish(l);
	if (l->bye)
		buf_addstr(b, " BYE");
	if (l->status != STREAM_OK)
		buf_addf(b, " %s", stream_status_name(l->status));
}

struct item {
	const char	*in, *words, *want;
	enum flavour	 how;
	size_t		 len;		/* 0: strlen */
};

static void
run(const struct item *c, size_t split)
{
	static const char	 next[] = "N noop\r\n";
	struct stream		 s;
	struct imap_lex		 l;
	struct buf		 in, got;
	size_t			 len = c->len != 0 ? c->len : strlen(c->in);

	buf_init(&in, 8192);
	buf_init(&got, 8192);
	buf_add(&in, c->in, len);
	buf_addstr(&in, next);
	start(&s, &l, c->how, in.ptr, in.len, split);
	take(&l, c->words, &got);
	if (strcmp(buf_cstr(&got), c->want) != 0)
		fail_msg("%s (split at %zu)\ngot  %s\nwant %s", c->in, split,
		    buf_cstr(&got), c->want);
	if (!l.bye && l.status == STREAM_OK) {
		buf_clear(&got);
		take(&l, ".", &got);
		if (strcmp(buf_cstr(&got), "<noop>") != 0)
			fail_msg("%s (split at %zu): next is %s", c->in,
			    split, buf_cstr(&got));
	}
	stop(&s, &l);
	buf_free(&in);
	buf_free(&got);
}

static void
run_all(const struct item *c, size_t n)
{
	size_t	 i, split, len;

	for (i = 0; i < n; i++) {
		len = c[i].len != 0 ? c[i].len : strlen(c[i].in);
		for (split = 0; split <= len; split++)
			run(&c[i], split);
	}
}

#define TEN	"0123456789"
#define FORTY	TEN TEN TEN TEN
#define RUN(t)	run_all(t, sizeof(t) / sizeof((t)[0]))

static void
words_come_out_as_they_went_in(void **state)
{
	static const struct item	 t[] = {
	    { "a NOOP\r\n", ".", "<NOOP>", PLAIN, 0 },
	    { "a1[].:% NOOP\r\n", ".", "* BAD Tag and command expected",
		PLAIN, 0 },
	    { "a1]: LOGIN joe \"a \\\"b\\\\\"\r\n", " A A.",
		"<LOGIN><joe><a \"b\\>", PLAIN, 0 },
	    { "a x \"\" {0}\r\n\r\n", " s s.", "<x><><>", PLAIN, 0 },
	    { "a x {3}\r\na\r\n b\r\n", " s A.", "<x><a\r\n><b>", PLAIN, 0 },
	    { "a x {3+}\r\n{1} {2+}\r\nzz\r\n", " A s.", "<x><{1}><zz>",
		PLAIN, 0 },
	    { "a x {2}\r\n\xc3\xbc\r\n", " s.", "<x><\xc3\xbc>", PLAIN, 0 },
	    { "a x \"\xc3\xbc\"\r\n", " s.", "<x><\xc3\xbc>", UTF8, 0 },
	    { "a x NIL nil \"NIL\" {3}\r\nNIL\r\n", " n n n n.",
		"<x>NULLNULL<NIL><NIL>", PLAIN, 0 },
	    { "a x ~{2}\r\n\0z NIL\r\n", " n n.", "<x><NULz>NULL", BINARY,
		18 },
	    { "a x ~a ]b ~\r\n", " A A A.", "<x><~a><]b><~>", PLAIN, 0 },
	    { "a x %/*] \"%\"\r\n", " l l.", "<x><%/*]><%>", PLAIN, 0 },
	    { "a x (0 4294967295 9223372036854775807)\r\n", " (# z 6).",
		"<x>042949672959223372036854775807", PLAIN, 0 },
	    { "a x 1:*,7 $\r\n", " q q.", "<x><1:*,7><$>", PLAIN, 0 },
	    { "a x \\Seen $Junk b\r\n", " f f f.", "<x><\\Seen><$Junk><b>",
		PLAIN, 0 },
	    { "a x body.peek[] Body.Peek\r\n", " k[] k.", "<x>KEYKEY", PLAIN,
		0 },
	    { "a x {4096+}\r\n", " s.",
		"a NO [LIMIT] Literal too large eof", MINUS, 0 },
	};

	(void)state;
	RUN(t);
}

static void
lines_and_tags_that_are_refused(void **state)
{
	static const struct item	 t[] = {
	    { "\r\n", "", "* BAD Tag and command expected", PLAIN, 0 },
	    { " a NOOP\r\n", "", "* BAD Tag and command expected", PLAIN, 0 },
	    { "+ NOOP\r\n", "", "* BAD Tag and command expected", PLAIN, 0 },
	    { "* NOOP\r\n", "", "* BAD Tag and command expected", PLAIN, 0 },
	    { "a\xc3\xbc NOOP\r\n", "", "* BAD Tag and command expected",
		PLAIN, 0 },
	    { FORTY FORTY " NOOP\r\n", "", "* BAD Tag and command expected",
		PLAIN, 0 },
	    { "a\r\n", "", "a BAD Missing argument", PLAIN, 0 },
	    { "a \r\n", "", "a BAD Atom expected", PLAIN, 0 },
	    { "a  NOOP\r\n", "", "a BAD Atom expected", PLAIN, 0 },
	    { "a NOOP \r\n", ".", "a BAD Too many arguments", PLAIN, 0 },
	    { "a NOOP\n", ".", "a BAD CR and LF only come together", PLAIN,
		0 },
	    { "a NO\rOP\r\n", ".", "a BAD CR and LF only come together",
		PLAIN, 0 },
	    { "a NOOP\r\r\n", ".", "a BAD CR and LF only come together",
		PLAIN, 0 },
	    { "a NO\0P\r\n", ".", "a BAD NUL in the command", PLAIN, 8 },
	    { "a " FORTY FORTY FORTY "\r\n", "", "a BAD Command line too long",
		PLAIN, 0 },
	    { FORTY FORTY FORTY " a\r\n", "", "* BAD Command line too long",
		PLAIN, 0 },
	    { "a " FORTY FORTY FORTY FORTY "{3+}\r\nb c d\r\n", "",
		"a BAD Command line too long", PLAIN, 0 },
	    { "a " FORTY FORTY FORTY FORTY " {3}\r\n", "",
		"a BAD Command line too long", PLAIN, 0 },
	    { "a " FORTY FORTY FORTY FORTY " {2000000+}\r\n", "",
		"a BAD Command line too long BYE", PLAIN, 0 },
	};

	(void)state;
	RUN(t);
}

static void
words_that_are_refused(void **state)
{
	static const struct item	 t[] = {
	    { "a x\r\n", " A.", "a BAD Missing argument", PLAIN, 0 },
	    { "a x(\r\n", " A.", "a BAD Blank expected", PLAIN, 0 },
	    { "a x \"\xc3\xbc\"\r\n", " s.", "a BAD 8-bit octets need a "
		"literal", PLAIN, 0 },
	    { "a x \"\xc3\"\r\n", " s.", "a BAD Not UTF-8", UTF8, 0 },
	    { "a x \xc3\xbc\r\n", " A.", "a BAD String expected", UTF8, 0 },
	    { "a x \"abc\r\n", " s.", "a BAD Missing closing quote", PLAIN,
		0 },
	    { "a x \"abc\\\"\r\n", " s.", "a BAD Missing closing quote",
		PLAIN, 0 },
	    { "a x \"a\\b\"\r\n", " s.", "a BAD Wrong \\ in quotes", PLAIN,
		0 },
	    { "a x \"ab\\\r\n", " s.", "a BAD Wrong \\ in quotes", PLAIN, 0 },
	    { "a x ab\r\n", " s.", "a BAD String expected", PLAIN, 0 },
	    { "a x NILL\r\n", " n.", "a BAD String expected", PLAIN, 0 },
	    { "a x a\"b\r\n", " A.", "a BAD Too many arguments", PLAIN, 0 },
	    { "a x *\r\n", " A.", "a BAD String expected", PLAIN, 0 },
	    { "a x (\r\n", " l.", "a BAD Mailbox pattern expected", PLAIN,
		0 },
	    { "a x 4294967296\r\n", " #.", "a BAD Number too large", PLAIN,
		0 },
	    { "a x -1\r\n", " #.", "a BAD Number expected", PLAIN, 0 },
	    { "a x +1\r\n", " #.", "a BAD Number expected", PLAIN, 0 },
	    { "a x 1a\r\n", " #.", "a BAD Too many arguments", PLAIN, 0 },
	    { "a x 0\r\n", " z.", "a BAD Number from 1 on expected", PLAIN,
		0 },
	    { "a x 01\r\n", " z.", "a BAD Number from 1 on expected", PLAIN,
		0 },
	    { "a x 9223372036854775808\r\n", " 6.", "a BAD Number too large",
		PLAIN, 0 },
	    { "a x 99999999999999999999999\r\n", " 6.",
		"a BAD Number too large", PLAIN, 0 },
	    { "a x a\r\n", " q.", "a BAD Sequence set expected", PLAIN, 0 },
	    { "a x $1\r\n", " q.", "a BAD Too many arguments", PLAIN, 0 },
	    { "a x \\\r\n", " f.", "a BAD Flag expected", PLAIN, 0 },
	    { "a x \\*\r\n", " f.", "a BAD Flag expected", PLAIN, 0 },
	    { "a x \\\\a\r\n", " f.", "a BAD Flag expected", PLAIN, 0 },
	    { "a x (a\r\n", " (a).", "a BAD \")\" expected", PLAIN, 0 },
	    { "a x BODY.PEEKY[\r\n", " k[.", "<x>", PLAIN, 0 },
	};

	(void)state;
	RUN(t);
}

static void
literals_that_are_refused(void **state)
{
	static const struct item	 t[] = {
	    { "a x {41}\r\n", " s.", "a NO [LIMIT] Literal too large", PLAIN,
		0 },
	    { "a x {41+}\r\n" FORTY "x {1+}\r\n\r\r\n", " s.",
		"a NO [LIMIT] Literal too large", PLAIN, 0 },
	    { "a x {40+}\r\n" FORTY " {40+}\r\n" FORTY " {40+}\r\n" FORTY
		"\r\n", " s s s.", "a NO [LIMIT] Command too long", PLAIN,
		0 },
	    { "a x {4097+}\r\n", " s.", "a BAD Literal needs to wait for + "
		"eof", MINUS, 0 },
	    { "a x {99999999999999999999}\r\n", " s.",
		"a BAD Literal too large", PLAIN, 0 },
	    { "a x {99999999999999999999+}\r\n", " s.",
		"a BAD Literal too large BYE", PLAIN, 0 },
	    { "a x {1048577+}\r\n", " s.",
		"a NO [LIMIT] Literal too large BYE", PLAIN, 0 },
	    { "a x ~{1}\r\n", " s.", "a BAD No binary literal here", PLAIN,
		0 },
	    { "a x {3}\r\na\0b y\r\n", " s.", "a BAD NUL in a literal", PLAIN,
		16 },
	    { "a x {3}\r\nabc y {2+}\r\nzz\n", " s.",
		"a BAD Too many arguments", PLAIN, 0 },
	    { "a x {3}\r\nabc\n", " s.",
		"a BAD CR and LF only come together", PLAIN, 0 },
	    { "a x {}\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a x {-1}\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a x {1++}\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a x {1} y\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a x {1{1}\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a x { 1}\r\n", " s.", "a BAD Literal expected", PLAIN, 0 },
	    { "a NOOP {3+}\r\nabc\r\n", ".", "a BAD Too many arguments",
		PLAIN, 0 },
	    { "a b\"{3+}\r\nabc\r\n", ".", "a BAD Too many arguments", PLAIN,
		0 },
	    { "{3+}\r\nabc\r\n", "", "* BAD Tag and command expected", PLAIN,
		0 },
	    { "a x {3+}\nabc\n", " s.", "a BAD CR and LF only come together",
		PLAIN, 0 },
	};

	(void)state;
	RUN(t);
}

static void
dates_are_counted_and_checked(void **state)
{
	static const struct item	 t[] = {
	    { "a x 1-Jan-1970 \"31-dec-1969\"\r\n", " d d.", "<x>0-1", PLAIN,
		0 },
	    { "a x 29-Feb-2000 1-MAR-2000\r\n", " d d.", "<x>1101611017",
		PLAIN, 0 },
	    { "a x 01-Jan-0000 1-Jan-0001\r\n", " d d.", "<x>-719528-719162",
		PLAIN, 0 },
	    { "a x \" 1-Jan-1970 00:00:00 +0000\"\r\n", " D.", "<x>0", PLAIN,
		0 },
	    { "a x \"21-Nov-2026 20:39:32 +0130\"\r\n", " D.",
		"<x>1795288172", PLAIN, 0 },
	    { "a x \"21-Nov-2026 20:39:60 -0700\"\r\n", " D.",
		"<x>1795318800", PLAIN, 0 },
	    { "a x 29-Feb-1900\r\n", " d.", "a BAD There is no such day",
		PLAIN, 0 },
	    { "a x 31-Apr-2000\r\n", " d.", "a BAD There is no such day",
		PLAIN, 0 },
	    { "a x 0-Apr-2000\r\n", " d.", "a BAD There is no such day",
		PLAIN, 0 },
	    { "a x 1-Foo-2000\r\n", " d.", "a BAD Date expected", PLAIN, 0 },
	    { "a x 1-Jan-70\r\n", " d.", "a BAD Date expected", PLAIN, 0 },
	    { "a x 001-Jan-1970\r\n", " d.", "a BAD Date expected", PLAIN,
		0 },
	    { "a x \"1-Jan-1970\r\n", " d.", "a BAD Date expected", PLAIN,
		0 },
	    { "a x 1-Jan-19700\r\n", " d.", "a BAD Too many arguments",
		PLAIN, 0 },
	    { "a x \"1-Jan-1970 00:00:00 +0000\"\r\n", " D.",
		"a BAD Date expected", PLAIN, 0 },
	    { "a x \" 1-Jan-1970 24:00:00 +0000\"\r\n", " D.",
		"a BAD There is no such time", PLAIN, 0 },
	    { "a x \" 1-Jan-1970 00:00:00 +0060\"\r\n", " D.",
		"a BAD Wrong time zone", PLAIN, 0 },
	    { "a x \" 1-Jan-1970 00:00:00 GMT\"\r\n", " D.",
		"a BAD Date expected", PLAIN, 0 },
	    { "a x  1-Jan-1970 00:00:00 +0000\r\n", " D.",
		"a BAD Date expected", PLAIN, 0 },
	};

	(void)state;
	RUN(t);
}

static void
the_client_is_asked_for_what_waits_only(void **state)
{
	static const char	 in[] = "a x {1}\r\na {1+}\r\nb {50}\r\nN "
				    "noop\r\n";
	struct stream		 s;
	struct imap_lex		 l;
	struct buf		 got;

	(void)state;
	buf_init(&got, 100);
	start(&s, &l, PLAIN, in, strlen(in), 0);
	take(&l, " s s s.", &got);
	assert_string_equal(buf_cstr(&got), "a NO [LIMIT] Literal too large");
	assert_string_equal(buf_cstr(&feed.out), "+ OK\r\n");
	buf_clear(&got);
	take(&l, ".", &got);
	assert_string_equal(buf_cstr(&got), "<noop>");
	take(&l, ".", &got);
	assert_int_equal(l.status, STREAM_EOF);
	buf_free(&got);
	stop(&s, &l);
}

static void
a_literal_can_be_taken_from_the_stream(void **state)
{
	static const char	 in[] = "a APPEND {5}\r\nabcde ~{3+}\r\nxyz"
				    "\r\nb APPEND {500+}\r\n";
	struct stream		 s;
	struct imap_lex		 l;
	struct slice		 name, d;
	size_t			 split, got;
	bool			 binary;

	(void)state;
	for (split = 0; split < sizeof(in) - 1; split++) {
		start(&s, &l, PLAIN, in, strlen(in), split);
		assert_true(imap_lex_begin(&l, &name));
		assert_true(imap_lex_space(&l));
		assert_true(imap_lex_literal(&l, &binary));
		assert_false(binary);
		assert_int_equal(l.octets, 5);
		assert_true(l.sync);
		assert_true(imap_lex_literal_go(&l));
		for (got = 0; got < 5; got++) {
			assert_int_equal(stream_peek(&s, &d), STREAM_OK);
			assert_int_equal(*d.ptr, "abcde"[got]);
			stream_consume(&s, 1);
		}
		assert_true(imap_lex_literal_done(&l));
		assert_true(imap_lex_space(&l));
		assert_true(imap_lex_literal(&l, &binary));
		assert_true(binary);
		assert_int_equal(l.octets, 3);
		assert_false(l.sync);
		/* The caller does not want it after all. */
		imap_lex_refuse(&l, "[TOOBIG] No");
		assert_false(imap_lex_literal_go(&l));
		assert_false(imap_lex_literal_done(&l));
		assert_false(imap_lex_finish(&l));
		assert_true(imap_lex_begin(&l, &name));
		assert_string_equal(l.tag, "b");
		assert_false(imap_lex_finish(&l));
		assert_int_equal(l.status, STREAM_EOF);
		stop(&s, &l);
	}
}

static void
many_words_are_bounded_and_given_back(void **state)
{
	struct stream	 s;
	struct imap_lex	 l;
	struct buf	 in;
	struct slice	 name, w;
	size_t		 n = 0, i;

	(void)state;
	buf_init(&in, 1024 * 1024);
	buf_addstr(&in, "a x");
	for (i = 0; i < 2000; i++)
		buf_addstr(&in, " {30+}\r\n" TEN TEN TEN);
	buf_addstr(&in, "\r\nN noop\r\n");
	start(&s, &l, PLAIN, in.ptr, in.len, 1);
	l.limit.line = 30000;
	assert_true(imap_lex_begin(&l, &name));
	while (imap_lex_space(&l) && imap_lex_string(&l, &w))
		n++;
	assert_true(l.no);
	assert_in_range(n, 700, 1000);
	assert_false(imap_lex_finish(&l));
	assert_true(slice_is(name, "x"));
	assert_true(imap_lex_begin(&l, &name));
	assert_true(slice_is(name, "noop"));
	imap_lex_wipe(&l);
	assert_true(imap_lex_finish(&l));
	stop(&s, &l);
	buf_free(&in);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(words_come_out_as_they_went_in),
		cmocka_unit_test(lines_and_tags_that_are_refused),
		cmocka_unit_test(words_that_are_refused),
		cmocka_unit_test(literals_that_are_refused),
		cmocka_unit_test(dates_are_counted_and_checked),
		cmocka_unit_test(the_client_is_asked_for_what_waits_only),
		cmocka_unit_test(a_literal_can_be_taken_from_the_stream),
		cmocka_unit_test(many_words_are_bounded_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
