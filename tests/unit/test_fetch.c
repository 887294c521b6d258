/* What FETCH asks for, and the octets of sections. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "imap-session/fetch_args.h"
#include "imap-session/fetch_section.h"
#include "imap-session/wire.h"
#include "tests/unit/fake_folder.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

/* --- arguments ---------------------------------------------------------------- */

struct talk {
	struct stream	 s;
	struct imap_lex	 lex;
	int		 fd[2];
};

static void
talk_begin(struct talk *t, const char *args)
{
	const struct imap_limits	 limit = { .line = 20000,
	    .literal = 1000, .plus = true, .depth = 10 };
	struct slice			 name;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t->fd), 0);
	assert_int_equal(write(t->fd[1], "a FETCH ", 8), 8);
	assert_int_equal(write(t->fd[1], args, strlen(args)), strlen(args));
	assert_int_equal(write(t->fd[1], "\r\n", 2), 2);
	shutdown(t->fd[1], SHUT_WR);
	stream_init(&t->s, t->fd[0], t->fd[0], 1000, 0);
	imap_lex_init(&t->lex, &t->s, &limit);
	assert_true(imap_lex_begin(&t->lex, &name));
	assert_true(imap_lex_space(&t->lex));
}

static void
talk_end(struct talk *t)
{
	(void)imap_lex_finish(&t->lex);
	imap_lex_free(&t->lex);
	stream_free(&t->s);
	close(t->fd[0]);
	close(t->fd[1]);
}

/* "ITEMS seen|peek LABELS..." of what was parsed. */
static void
show(const struct fetch_args *a, struct buf *out)
{
	size_t	 i;

	buf_addf(out, "%u%s", a->items, a->sets_seen ? " seen" : "");
	for (i = 0; i < a->nsection; i++)
		buf_addf(out, " %.*s", (int)a->section[i].label_len,
		    a->labels.ptr + a->section[i].label);
	if (a->has_changed_since)
		buf_addf(out, " since=%ju", (uintmax_t)a->changed_since);
	if (a->vanished)
		buf_addstr(out, " vanished");
	if (a->has_partial)
		buf_addf(out, " %s%u:%u", a->from_end ? "-" : "", a->first,
		    a->last);
}

static void
items_are_parsed(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "FLAGS", "2" }, { "flags", "2" }, { "(UID)", "1" },
		{ "(UID FLAGS)", "3" }, { "FAST", "14" }, { "ALL", "30" },
		{ "FULL", "62" }, { "BODY", "32" }, { "BODYSTRUCTURE", "64" },
		{ "(MODSEQ EMAILID THREADID SAVEDATE)", "1920" },
		{ "INTERNALDATE", "4" }, { "RFC822.SIZE", "8" },
		{ "ENVELOPE", "16" },
		{ "PREVIEW", "2048" }, { "PREVIEW (LAZY)", "6144" },
		{ "(PREVIEW (lazy) UID)", "6145" }, { "(PREVIEW UID)", "2049" },
		{ "PREVIEW (CHANGEDSINCE 5)", "2048 since=5" },
		{ "PREVIEW (LAZY) (CHANGEDSINCE 5)", "6144 since=5" },
		{ "BODY[]", "0 seen BODY[]" }, { "body.peek[]", "0 BODY[]" },
		{ "BODY[]<0.10>", "0 seen BODY[]<0>" },
		{ "BODY.PEEK[1.2.3]<5.1>", "0 BODY[1.2.3]<5>" },
		{ "BODY.PEEK[header]", "0 BODY[HEADER]" },
		{ "BODY.PEEK[TEXT]<9223372036854775807.9223372036854775807>",
		  "0 BODY[TEXT]<9223372036854775807>" },
		{ "BODY.PEEK[1.MIME]", "0 BODY[1.MIME]" },
		{ "BODY.PEEK[4294967295.TEXT]", "0 BODY[4294967295.TEXT]" },
		{ "BODY[HEADER.FIELDS (To)]", "0 seen BODY[HEADER.FIELDS (To)]"
		},
		{ "BODY.PEEK[1.2.Header.Fields.Not (a \"b\" {1+}\r\nc)]<1.2>",
		  "0 BODY[1.2.HEADER.FIELDS.NOT (a b c)]<1>" },
		{ "BODY.PEEK[HEADER.FIELDS (\"x(\" y]z)]",
		  "0 BODY[HEADER.FIELDS (\"x(\" \"y]z\")]" },
		{ "RFC822", "0 seen RFC822" },
		{ "RFC822.TEXT", "0 seen RFC822.TEXT" },
		{ "RFC822.HEADER", "0 RFC822.HEADER" },
		{ "BINARY[]", "0 seen BINARY[]" },
		{ "BINARY[1.2]<1.2>", "0 seen BINARY[1.2]<1>" },
		{ "BINARY.PEEK[1]", "0 BINARY[1]" },
		{ "BINARY.SIZE[1]", "0 BINARY.SIZE[1]" },
		{ "(UID BODY[] FLAGS BODY.PEEK[1])", "3 seen BODY[] BODY[1]" },
		{ "UID (CHANGEDSINCE 9223372036854775807 VANISHED)",
		  "1 since=9223372036854775807 vanished" },
		{ "UID (VANISHED changedsince 0)", "1 since=0 vanished" },
		{ "UID (PARTIAL 1:10)", "1 1:10" },
		{ "UID (PARTIAL -10:-1)", "1 -1:10" },
		{ "UID (PARTIAL 5:5 CHANGEDSINCE 1)", "1 since=1 5:5" },
	};
	struct fetch_args	 a;
	struct talk		 talk;
	struct buf		 b;
	size_t			 i;

	(void)state;
	buf_init(&b, 10000);
	for (i = 0; i < N(t); i++) {
		talk_begin(&talk, t[i].in);
		fetch_args_init(&a);
		if (!fetch_args_parse(&talk.lex, &a))
			fail_msg("%s: %s", t[i].in, talk.lex.error);
		buf_clear(&b);
		show(&a, &b);
		assert_string_equal(buf_cstr(&b), t[i].out);
		fetch_args_free(&a);
		talk_end(&talk);
	}
	buf_free(&b);
}

static void
nonsense_is_refused(void **state)
{
	static const char *const t[] = {
		"", "(", "()", "( UID)", "(UID )", "(UID", "UID)", "UID FLAGS",
		"(UID  FLAGS)", "FOO", "FLAGS[]", "RFC822[]", "UIDS", "UI",
		"(FAST)", "(UID ALL)", "(FULL)", "ALL[]",
		"BODY.PEEK", "BODY[", "BODY]", "BODY[1", "BODY[0]", "BODY[1.]",
		"BODY[.1]", "BODY[1.0]", "BODY[1..2]", "BODY[4294967296]",
		"BODY[-1]", "BODY[*]", "BODY[ ]", "BODY[] ", "BODY [1]",
		"BODY[MIME]", "BODY[FOO]", "BODY[1.FOO]", "BODY[1TEXT]",
		"BODY[TEXT.1]", "BODY[HEADER.]", "BODY[TEXT]X",
		"BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]",
		"BODY[HEADER.FIELDS(a)]", "BODY[HEADER.FIELDS (a]",
		"BODY[HEADER.FIELDS (a )]", "BODY[HEADER.FIELDS (\"\")]",
		"BODY[HEADER.FIELDS (\"a b\")]", "BODY[HEADER.FIELDS (a:)]",
		"BODY[HEADER.FIELDS (a) ]", "BODY[HEADER.FIELDS a]",
		"BODY[HEADER.FIELDS ({1001+}", "BODY[HEADER.FIELD (a)]",
		"BODY[]<>", "BODY[]<0>", "BODY[]<0.>", "BODY[]<.1>",
		"BODY[]<0.0>", "BODY[]<0.1", "BODY[]<-1.1>", "BODY[]<0.1>x",
		"BODY[]<9223372036854775808.1>", "RFC822<0.1>",
		"RFC822.PEEK", "RFC822.HEADER.LINES", "BODY<0.1>",
		"BINARY", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY[1.]",
		"BINARY.SIZE", "BINARY.SIZE[1]<0.1>", "BINARY.PEEK",
		"PREVIEW (", "PREVIEW (LAZY", "PREVIEW (FOO)", "PREVIEW ()",
		"(PREVIEW (FUZZY))", "PREVIEW(LAZY)", "(PREVIEW (LAZY LAZY))",
		"UID ()", "UID (FOO)", "UID (CHANGEDSINCE)",
		"UID (CHANGEDSINCE x)", "UID (CHANGEDSINCE -1)",
		"UID (CHANGEDSINCE 9223372036854775808)",
		"UID (CHANGEDSINCE 1 CHANGEDSINCE 2)", "UID (VANISHED)",
		"UID (CHANGEDSINCE 1) x", "UID CHANGEDSINCE 1",
		"UID (CHANGEDSINCE 1 )", "UID (PARTIAL)", "UID (PARTIAL 1)",
		"UID (PARTIAL 0:1)", "UID (PARTIAL 1:-1)",
		"UID (PARTIAL -1:1)", "UID (PARTIAL 1:*)",
		"UID (PARTIAL 1:2 PARTIAL 1:2)", "UID (PARTIAL 1,2)",
	};
	struct fetch_args	 a;
	struct talk		 talk;
	size_t			 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		talk_begin(&talk, t[i]);
		fetch_args_init(&a);
		if (fetch_args_parse(&talk.lex, &a))
			fail_msg("taken: %s", t[i]);
		assert_non_null(talk.lex.error);
		fetch_args_free(&a);
		talk_end(&talk);
	}
}

/* n times a piece, between head and tail: is that many taken? */
static bool
takes(const char *head, const char *piece, const char *tail, size_t n,
    bool *no)
{
	struct fetch_args	 a;
	struct talk		 talk;
	struct buf		 b;
	bool			 ok;

	buf_init(&b, 20000);
	buf_addstr(&b, head);
	while (n-- > 0)
		buf_addstr(&b, piece);
	buf_addstr(&b, tail);
	talk_begin(&talk, buf_cstr(&b));
	fetch_args_init(&a);
	ok = fetch_args_parse(&talk.lex, &a);
	*no = talk.lex.no;
	fetch_args_free(&a);
	talk_end(&talk);
	buf_free(&b);
	return ok;
}

static void
numbers_of_things_are_bounded(void **state)
{
	bool	 no;

	(void)state;
	assert_true(takes("(BODY[]", " BODY[1]", ")", 99, &no));
	assert_false(takes("(BODY[]", " BODY[1]", ")", 100, &no));
	assert_true(no);
	assert_true(takes("BODY[HEADER.FIELDS (a", " b", ")]", 99, &no));
	assert_false(takes("BODY[HEADER.FIELDS (a", " b", ")]", 100, &no));
	assert_true(no);
	assert_true(takes("BODY[1", ".1", "]", FETCH_NUMBERS_MAX - 1, &no));
	assert_false(takes("BODY[1", ".1", "]", FETCH_NUMBERS_MAX, &no));
}

/* --- sections ------------------------------------------------------------------- */

static struct folder	 box;

static int
collect(void *ctx, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

#define MULTI \
	"From: a@b\nSubject: multi\nTo: c@d\n" \
	"Content-Type: multipart/mixed; boundary=X\n\npreamble\n" \
	"--X\nContent-Type: text/plain\n\none\nline\n" \
	"--X\nContent-Type: message/rfc822\n\n" \
	"Subject: inner\nContent-Type: multipart/alternative; boundary=Y\n\n" \
	"--Y\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n" \
	"PHA+\naGk=\n--Y\n\nplain\n--Y--\n" \
	"--X\nContent-Transfer-Encoding: quoted-printable\n\n" \
	"a=3Db=\nc=00\nd\n" \
	"--X\nContent-Transfer-Encoding: x-uu\n\nuu\n--X--\nepilogue\n"

static void
check_section(const char *letter, const char *item, const char *want,
    size_t len)
{
	struct fetch_octets	 o;
	struct fetch_args	 a;
	struct fetch_file	 f;
	struct talk		 talk;
	struct buf		 b;
	enum fetch_found	 found;

	buf_init(&b, 1 << 20);
	fetch_file_init(&f);
	fetch_args_init(&a);
	box.letter[0] = letter;
	box.len[0] = 0;
	talk_begin(&talk, item);
	assert_true(fetch_args_parse(&talk.lex, &a));
	assert_int_equal(fetch_file_open(&f, &box, 1, 1, strlen(letter)), 0);
	found = fetch_section_find(&f, &a.section[0], &o);
	if (want == NULL) {
		if (found != FETCH_MISSING)
			fail_msg("%s is there", item);
	} else {
		assert_int_equal(found, FETCH_FOUND);
		assert_int_equal(fetch_section_send(&f, &o,
		    collect, &b), 0);
		assert_int_equal(o.len, b.len);
		if (b.len != len || memcmp(buf_cstr(&b), want, len) != 0)
			fail_msg("%s: {%zu} %s", item, b.len, buf_cstr(&b));
	}
	fetch_args_free(&a);
	fetch_file_close(&f);
	fetch_file_free(&f);
	talk_end(&talk);
	buf_free(&b);
}

static void
sections_are_found(void **state)
{
	static const struct { const char *in, *item, *out; } t[] = {
		{ "a\nb\r\nc", "BODY[]", "a\r\nb\r\nc" },
		{ "", "BODY[]", "" }, { "", "BODY[HEADER]", "" },
		{ "", "BODY[TEXT]", "" }, { "", "BODY[1]", "" },
		{ "", "BODY[HEADER.FIELDS (a)]", "\r\n" },
		{ "a\nb", "BODY[]<0.1>", "a" }, { "a\nb", "BODY[]<1.1>", "\r" },
		{ "a\nb", "BODY[]<2.1>", "\n" }, { "a\nb", "BODY[]<2.9>", "\nb"
		}, { "a\nb", "BODY[]<4.9>", "" }, { "a\nb", "BODY[]<9.9>", "" },
		{ "A: b\nC: d\n e\n\nx\n", "BODY[HEADER]",
		  "A: b\r\nC: d\r\n e\r\n\r\n" },
		{ "A: b\nC: d\n e\n\nx\n", "RFC822.HEADER",
		  "A: b\r\nC: d\r\n e\r\n\r\n" },
		{ "A: b\n\nx\n", "RFC822.TEXT", "x\r\n" },
		{ "A: b\n\nx\n", "BODY[1]", "x\r\n" },
		{ "A: b\n\nx\n", "BODY[1.MIME]", "A: b\r\n\r\n" },
		{ "A: b\nC: d\n e\na : f\nAA: g\n\nx\n",
		  "BODY[HEADER.FIELDS (A)]", "A: b\r\na : f\r\n\r\n" },
		{ "A: b\nC: d\n e\na : f\nAA: g\n\nx\n",
		  "BODY[HEADER.FIELDS.NOT (A)]", "C: d\r\n e\r\nAA: g\r\n\r\n"
		},
		{ "A: b\nC: d\n\n", "BODY[HEADER.FIELDS (C)]<1.3>", ": d" },
		{ "A: b", "BODY[HEADER.FIELDS (A)]", "A: b\r\n\r\n" },
		{ "A: b\nno field\n", "BODY[HEADER.FIELDS (A)]", "A: b\r\n\r\n"
		},
		{ "A: \344\n\n\344\n", "BODY[TEXT]", "\344\r\n" },
		{ MULTI, "BODY[1]", "one\r\nline" },
		{ MULTI, "BODY[1.MIME]", "Content-Type: text/plain\r\n\r\n" },
		{ MULTI, "BODY[2.HEADER.FIELDS (Subject)]",
		  "Subject: inner\r\n\r\n" },
		{ MULTI, "BODY[2.1]", "PHA+\r\naGk=" },
		{ MULTI, "BODY[2.2]", "plain" },
		{ MULTI, "BODY[2.2.MIME]", "\r\n" },
		{ MULTI, "BODY[4]", "uu" },
		{ MULTI, "BINARY[1]", "one\r\nline" },
		{ MULTI, "BINARY[2.1]", "<p>hi" },
		{ MULTI, "BINARY[2.1]<2.2>", ">h" },
		{ MULTI, "BINARY[2.1]<5.2>", "" },
		{ MULTI, "BINARY[2.2]", "plain" },
		/* not there */
		{ MULTI, "BODY[5]", NULL }, { MULTI, "BODY[1.1]", NULL },
		{ MULTI, "BODY[1.HEADER]", NULL }, { MULTI, "BODY[2.3]", NULL },
		{ MULTI, "BODY[2.1.1]", NULL }, { MULTI, "BODY[1.TEXT]", NULL },
		{ MULTI, "BINARY[5]", NULL }, { MULTI, "BINARY[1.1]", NULL },
		{ MULTI, "BODY[2.1.TEXT]", NULL }, { "\nx", "BODY[2]", NULL },
		{ "\nx", "BODY[1.1]", NULL }, { "\nx", "BODY[1.TEXT]", NULL },
		{ "Content-Type: multipart/mixed; boundary=X\n\nx\n",
		  "BODY[1]", NULL },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_section(t[i].in, t[i].item, t[i].out,
		    t[i].out == NULL ? 0 : strlen(t[i].out));
	check_section(MULTI, "BINARY[3]", "a=bc\0\r\nd", 8);
}

static void
what_cannot_be_decoded_is_told(void **state)
{
	static const struct { const char *item; enum fetch_found found; }
	    t[] = {
		{ "BINARY[4]", FETCH_UNKNOWN_CTE },
		{ "BINARY.SIZE[4]", FETCH_UNKNOWN_CTE },
		{ "BINARY[2]", FETCH_FOUND }, { "BINARY[]", FETCH_FOUND },
		{ "BODY[4]", FETCH_FOUND },
	};
	struct fetch_octets	 o;
	struct fetch_args	 a;
	struct fetch_file	 f;
	struct talk		 talk;
	size_t			 i;

	(void)state;
	fetch_file_init(&f);
	box.letter[0] = MULTI;
	box.len[0] = 0;
	for (i = 0; i < N(t); i++) {
		talk_begin(&talk, t[i].item);
		fetch_args_init(&a);
		assert_true(fetch_args_parse(&talk.lex, &a));
		assert_int_equal(fetch_file_open(&f, &box, 1, 1, 0), 0);
		assert_int_equal(fetch_section_find(&f, &a.section[0], &o),
		    t[i].found);
		fetch_args_free(&a);
		talk_end(&talk);
	}
	fetch_file_free(&f);
}

/* --- large letters ------------------------------------------------------------ */

#define BIG	1000000

static char		 big[BIG];

/* All of a section, in pieces of a size, from the file and by wire_add(). */
static void
check_pieces(struct fetch_file *f, struct fetch_section *s, uint64_t piece,
    struct slice want)
{
	struct fetch_octets	 o;
	struct buf		 b;
	uint64_t		 at;

	buf_init(&b, 4 * BIG);
	s->partial = true;
	s->most = piece;
	for (at = 0; at <= want.len; at += piece) {
		s->first = at;
		assert_int_equal(fetch_file_open(f, &box, 7, 1, 0), 0);
		assert_int_equal(fetch_section_find(f, s, &o), FETCH_FOUND);
		assert_int_equal(fetch_section_send(f, &o,
		    collect, &b), 0);
		fetch_file_close(f);
	}
	assert_int_equal(b.len, want.len);
	assert_memory_equal(b.ptr, want.ptr, want.len);
	/* One from the middle, backwards. */
	for (at = want.len / 2; at > 5 && at > want.len / 2 - 3; at--) {
		buf_clear(&b);
		s->first = at;
		assert_int_equal(fetch_section_find(f, s, &o), FETCH_FOUND);
		assert_int_equal(fetch_section_send(f, &o,
		    collect, &b), 0);
		assert_memory_equal(b.ptr, want.ptr + at, b.len);
	}
	buf_free(&b);
}

static void
large_letters_come_in_pieces(void **state)
{
	static const uint32_t	 two[] = { 2 };
	struct fetch_section	 s = { .kind = FETCH_OCTETS };
	struct fetch_file	 f;
	struct slice		 all = { big, BIG };
	struct buf		 wire;
	size_t			 i, line;
	const char		*head = "Content-Type: multipart/mixed; "
	    "boundary=Q\n\n--Q\n\nx\n--Q\nContent-Transfer-Encoding: "
	    "base64\n\n";

	(void)state;
	/* Lines of all lengths; some with CRLF, some CRs at pieces' ends. */
	for (i = 0, line = 0; i < BIG; i++) {
		big[i] = (char)('A' + i % 26);
		if (line++ > i % 997 % 89) {
			big[i] = '\n';
			if (i % 5 == 0)
				big[i - 1] = '\r';
			line = 0;
		}
	}
	for (i = 65535; i + 1 < BIG; i += 65536) {
		big[i] = '\r';
		big[i + 1] = '\n';
	}
	memcpy(big, head, strlen(head));
	big[strlen(head)] = 'A';
	box.letter[0] = big;
	box.len[0] = BIG;
	box.opened = 0;
	buf_init(&wire, 4 * BIG);
	assert_int_equal(wire_add(&wire, all, false), 0);
	assert_int_equal(wire.len, BIG + wire_added(all, false));
	fetch_file_init(&f);
	s.section = MIME_SECTION_ALL;
	check_pieces(&f, &s, 65536, buf_slice(&wire));
	check_pieces(&f, &s, 100001, buf_slice(&wire));
	check_pieces(&f, &s, 3 * BIG, buf_slice(&wire));
	assert_int_equal(box.opened, 1);
	/* A part of it. */
	s.number = two;
	s.nnumber = 1;
	all.ptr = big + strlen(head);
	all.len = BIG - strlen(head);
	buf_clear(&wire);
	assert_int_equal(wire_add(&wire, all, false), 0);
	check_pieces(&f, &s, 77777, buf_slice(&wire));
	/* That part decoded, against all of it at once. */
	s.kind = FETCH_BINARY;
	buf_clear(&wire);
	{
		struct fetch_octets	 o;

		s.partial = false;
		assert_int_equal(fetch_section_find(&f, &s, &o), FETCH_FOUND);
		assert_int_equal(fetch_section_send(&f, &o,
		    collect, &wire), 0);
		assert_true(wire.len > BIG / 2);
		assert_int_equal(wire.len, o.len);
	}
	check_pieces(&f, &s, 65536, buf_slice(&wire));
	check_pieces(&f, &s, 100, (struct slice){ wire.ptr, wire.len });
	fetch_file_free(&f);
	buf_free(&wire);
}

static void
a_file_cut_short_is_an_error(void **state)
{
	struct fetch_section	 s = { .kind = FETCH_OCTETS };
	struct fetch_octets	 o;
	struct fetch_file	 f;
	struct buf		 b;

	(void)state;
	buf_init(&b, 4 * BIG);
	box.letter[0] = big;
	box.len[0] = BIG;
	fetch_file_init(&f);
	assert_int_equal(fetch_file_open(&f, &box, 7, 2, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fetch_file_open(&f, &box, 7, 1, 0), 0);
	assert_int_equal(fetch_section_find(&f, &s, &o), FETCH_FOUND);
	assert_int_equal(ftruncate(f.fd, BIG / 2), 0);
	errno = 0;
	assert_int_equal(fetch_section_send(&f, &o,
	    collect, &b), -1);
	assert_int_equal(errno, EIO);
	fetch_file_free(&f);
	buf_free(&b);
}

static void
nuls_do_not_go_into_literals(void **state)
{
	struct fetch_section	 s = { .kind = FETCH_OCTETS };
	struct fetch_octets	 o;
	struct fetch_file	 f;
	struct buf		 b;

	(void)state;
	buf_init(&b, 100);
	box.letter[0] = "a\0\n\0b";
	box.len[0] = 5;
	fetch_file_init(&f);
	assert_int_equal(fetch_file_open(&f, &box, 7, 1, 0), 0);
	assert_int_equal(fetch_section_find(&f, &s, &o), FETCH_FOUND);
	assert_int_equal(o.len, 6);
	assert_int_equal(fetch_section_send(&f, &o,
	    collect, &b), 0);
	assert_memory_equal(b.ptr, "a?\r\n?b", 6);
	fetch_file_free(&f);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(items_are_parsed),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(numbers_of_things_are_bounded),
		cmocka_unit_test(sections_are_found),
		cmocka_unit_test(what_cannot_be_decoded_is_told),
		cmocka_unit_test(large_letters_come_in_pieces),
		cmocka_unit_test(a_file_cut_short_is_an_error),
		cmocka_unit_test(nuls_do_not_go_into_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
