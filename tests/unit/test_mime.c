/* mime: the parts of good and bad letters, their numbers and sizes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mail/mime.h"
#include "tests/unit/piece_read.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

/*
 * One line a part: depth in dots, type, [header|body] as stored, lines; "w+N"
 * when the wire has N octets more.
 */
static void
show(const struct mime *m, struct slice msg, struct buf *out)
{
	const struct mime_part	*p;
	struct content_type	 t;
	uint32_t		 i, up;

	for (i = 0; i < m->nparts; i++) {
		p = &m->part[i];
		for (up = p->parent; up != MIME_NONE; up = m->part[up].parent)
			buf_addc(out, '.');
		mime_type(m, i, &t);
		buf_addf(out, "%s/%s", t.type, t.subtype);
		assert_true(p->header.offset + p->header.len ==
		    p->body.offset);
		assert_true(p->body.offset + p->body.len <= msg.len);
		buf_addf(out, " %d [", (int)p->header.len);
		if (p->child == MIME_NONE)
			buf_add(out, msg.ptr + p->body.offset, p->body.len);
		buf_addf(out, "] %u+%u", (unsigned)p->body.lines,
		    (unsigned)(p->body.wire - p->body.len));
		buf_addc(out, '\n');
	}
}

static void
parse_and_check(const char *name, struct slice msg, const char *want)
{
	struct mime	 m;
	struct buf	 out;
	struct pieces	 src = { .msg = msg };

	mime_init(&m);
	buf_init(&out, 1 << 20);
	mime_parse_slice(&m, msg);
	show(&m, msg, &out);
	if (strcmp(buf_cstr(&out), want) != 0)
		print_error("%s:\n%s\n", name, buf_cstr(&out));
	assert_string_equal(buf_cstr(&out), want);

	/* The same in pieces. */
	for (src.step = 1; src.step < 4000; src.step = src.step * 3 + 1) {
		src.pos = 0;
		assert_int_equal(mime_parse(&m, piece_read, &src), 0);
		buf_clear(&out);
		show(&m, msg, &out);
		assert_string_equal(buf_cstr(&out), want);
	}
	buf_free(&out);
	mime_free(&m);
}

#define MULTI	"Content-Type: multipart/mixed; boundary=b\n\n"

static void
structure_is_what_all_agree_on(void **state)
{
	static const struct { const char *name, *in, *want; } t[] = {
	    { "nothing", "", "text/plain 0 [] 0+0\n" },
	    { "plain", "A: b\n\nhi\nho\n", "text/plain 6 [hi\nho\n] 2+2\n" },
	    { "CRLF", "A: b\r\n\r\nhi\r\nho", "text/plain 8 [hi\r\nho] 1+0\n" },
	    { "CR CR LF", "\nhi\r\r\n", "text/plain 1 [hi\r\r\n] 1+0\n" },
	    { "two parts", MULTI "pre\n--b\n\none\n--b\nA: b\n\ntwo\n\n--b--\n"
	      "post\n",
	      "multipart/mixed 43 [] 11+11\n"
	      ".text/plain 1 [one] 0+0\n.text/plain 6 [two\n] 1+1\n" },
	    { "CRLF parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	      "--b\r\n\r\none\r\n--b--\r\n",
	      "multipart/mixed 45 [] 4+0\n.text/plain 2 [one] 0+0\n" },
	    { "no closing", MULTI "--b\n\none\n",
	      "multipart/mixed 43 [] 3+3\n.text/plain 1 [one\n] 1+1\n" },
	    { "rfc822", "Content-Type: message/rfc822\n\nSubject: x\n\nhi\n",
	      "message/rfc822 30 [] 3+3\n.text/plain 12 [hi\n] 1+1\n" },
	    { "global", "Content-Type: message/Global\n\nSubject: x\n\nhi\n",
	      "message/global 30 [] 3+3\n.text/plain 12 [hi\n] 1+1\n" },
	    { "digest", "Content-Type: multipart/digest; boundary=b\n\n"
	      "--b\n\nA: b\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--",
	      "multipart/digest 44 [] 9+9\n.message/rfc822 1 [] 2+2\n"
	      "..text/plain 6 [one] 0+0\n.text/plain 26 [two] 0+0\n" },
	    { "blanks behind", MULTI "--b \t\n\none\n--b-- \n",
	      "multipart/mixed 43 [] 4+4\n.text/plain 1 [one] 0+0\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		parse_and_check(t[i].name, slice_str(t[i].in), t[i].want);
}

static void
broken_letters_have_a_structure_too(void **state)
{
	static const struct { const char *name, *in, *want; } t[] = {
	    { "no empty line", "A: b\nhi there\n", "text/plain 5 [hi there\n] "
	      "1+1\n" },
	    { "From line", "From a Sat\nA: b\n>From c\n x\n\nhi\n",
	      "text/plain 24 [ x\n\nhi\n] 3+3\n" },
	    { "starts folded", " x\nA: b\n\n", "text/plain 0 [ x\nA: b\n\n] "
	      "3+3\n" },
	    { "only header", "A: b\n", "text/plain 5 [] 0+0\n" },
	    { "header cut", "A: b", "text/plain 4 [] 0+0\n" },
	    { "blank line with blanks", "A: b\n \n\nx",
	      "text/plain 8 [x] 0+0\n" },
	    { "no boundary", "Content-Type: multipart/mixed\n\n--\n--b\nx\n",
	      "multipart/mixed 31 [--\n--b\nx\n] 3+3\n" },
	    { "boundary never comes", MULTI "x\n",
	      "multipart/mixed 43 [x\n] 1+1\n" },
	    { "empty part", MULTI "--b\n--b--\n",
	      "multipart/mixed 43 [] 2+2\n.text/plain 0 [] 0+0\n" },
	    { "header runs into delimiter", MULTI "--b\nA: b\n--b\n\nx\n--b--",
	      "multipart/mixed 43 [] 5+5\n.text/plain 5 [] 0+0\n"
	      ".text/plain 1 [x] 0+0\n" },
	    { "delimiter in the first header", "Content-Type: multipart/x;"
	      "boundary=b\n--b\n\nx\n--b--\n",
	      "multipart/x 37 [] 4+4\n.text/plain 1 [x] 0+0\n" },
	    { "bare CR", MULTI "x\r--b\n\n--b\n\na\rb\r--b--\n--b--\n",
	      "multipart/mixed 43 [] 6+6\n.text/plain 1 [a\rb\r--b--] 0+0\n" },
	    { "no line end before it", MULTI "--b\n\n--b--",
	      "multipart/mixed 43 [] 2+2\n.text/plain 1 [] 0+0\n" },
	    { "ends in hyphens", MULTI "--b\n\nx\n--",
	      "multipart/mixed 43 [] 3+3\n.text/plain 1 [x\n--] 1+1\n" },
	    { "part after the end", MULTI "--b--\n\nx\n--b\n\ny\n",
	      "multipart/mixed 43 [--b--\n\nx\n--b\n\ny\n] 6+6\n" },
	    { "two boundaries", "Content-Type: multipart/mixed; boundary=b; "
	      "boundary=c\n\n--c\n\nx\n--b\n\ny\n",
	      "multipart/mixed 55 [] 6+6\n.text/plain 1 [y\n] 1+1\n" },
	    { "two types", "Content-Type: text/html\nContent-Type: "
	      "multipart/mixed; boundary=b\n\n--b\n",
	      "text/html 67 [--b\n] 1+1\n" },
	    { "starts with the boundary", MULTI "--bx\n\nx\n--b--y\nz\n",
	      "multipart/mixed 43 [] 5+5\n.text/plain 1 [x] 0+0\n" },
	    { "comments and quotes", "Content-Type: (a) multipart (b)/mixed "
	      "(;boundary=x); \n\tx=\"y;boundary=z\"; boundary (c) = \"b\\b\""
	      "\n\n--bb\n\nx\n--bb--\n",
	      "multipart/mixed 95 [] 4+4\n.text/plain 1 [x] 0+0\n" },
	    { "RFC 2231 boundary", "Content-Type: multipart/mixed; "
	      "boundary*0=a; boundary*1=b\n\n--ab\n\nx\n--ab--\n",
	      "multipart/mixed 59 [] 4+4\n.text/plain 1 [x] 0+0\n" },
	    { "no type", "Content-Type: multipart; boundary=b\n\n--b\n",
	      "text/plain 37 [--b\n] 1+1\n" },
	    { "8-bit field name", "\303\244: b\n\nx", "text/plain 0 "
	      "[\303\244: b\n\nx] 2+2\n" },
	    { "message without anything", MULTI "--b\nContent-Type: "
	      "message/rfc822\n--b--\n",
	      "multipart/mixed 43 [] 3+3\n.message/rfc822 29 [] 0+0\n"
	      "..text/plain 0 [] 0+0\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		parse_and_check(t[i].name, slice_str(t[i].in), t[i].want);
}

static void
delimiters_find_their_multipart(void **state)
{
	static const struct { const char *name, *in, *want; } t[] = {
	    { "inner is longer", "Content-Type: multipart/a; boundary=b\n\n"
	      "--b\nContent-Type: multipart/b; boundary=bc\n\n"
	      "--bc\n\nx\n--bc--\n--b\n\ny\n--b--\n",
	      "multipart/a 39 [] 11+11\n.multipart/b 40 [] 3+3\n"
	      "..text/plain 1 [x] 0+0\n.text/plain 1 [y] 0+0\n" },
	    { "inner is shorter", "Content-Type: multipart/a; boundary=bc\n\n"
	      "--bc\nContent-Type: multipart/b; boundary=b\n\n"
	      "--b\n\nx\n--bc\n\ny\n--bc--\n",
	      "multipart/a 40 [] 10+10\n.multipart/b 39 [] 2+2\n"
	      "..text/plain 1 [x] 0+0\n.text/plain 1 [y] 0+0\n" },
	    { "same twice", MULTI "--b\n" MULTI "--b\n\nx\n--b--\n--b\n\ny\n",
	      "multipart/mixed 43 [] 10+10\n.multipart/mixed 43 [] 3+3\n"
	      "..text/plain 1 [x] 0+0\n.text/plain 1 [y\n] 1+1\n" },
	    { "inner never closed", "Content-Type: multipart/a; boundary=A\n\n"
	      "--A\nContent-Type: multipart/b; boundary=B\n\n--B\n"
	      "Content-Type: message/rfc822\n\nS: x\n\nin\n--A--\n--B\n",
	      "multipart/a 39 [] 11+11\n.multipart/b 39 [] 5+5\n"
	      "..message/rfc822 30 [] 2+2\n...text/plain 6 [in] 0+0\n" },
	    { "inner hyphen", "Content-Type: multipart/a; boundary=b\n\n"
	      "--b\nContent-Type: multipart/b; boundary=b-\n\n"
	      "--b-\n\nx\n--b--\ny\n",
	      "multipart/a 39 [] 8+8\n.multipart/b 40 [] 2+2\n"
	      "..text/plain 1 [x] 0+0\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		parse_and_check(t[i].name, slice_str(t[i].in), t[i].want);
}

/* --- numbers -------------------------------------------------------------- */

/* RFC 9051 6.4.5.1's example, made small. */
static const char	 example[] =
    "Content-Type: multipart/mixed; boundary=o\n\n"
    "--o\n\nplain\n"
    "--o\nContent-Type: application/octet-stream\n\nstream\n"
    "--o\nContent-Type: message/rfc822\nX: 3\n\n"
    "Content-Type: multipart/mixed; boundary=i\nX: in\n\n"
    "--i\n\n3.1\n--i\nContent-Type: application/x\n\n3.2\n--i--\n"
    "--o\nContent-Type: multipart/mixed; boundary=m\n\n"
    "--m\nContent-Type: image/gif\n\n4.1\n"
    "--m\nContent-Type: message/rfc822\nX: 4.2\n\n"
    "Content-Type: multipart/alternative; boundary=t\n\n"
    "--t\n\n4.2.1\n--t\nContent-Type: text/richtext\n\n4.2.2\n--t--\n"
    "--m--\n--o\nContent-Type: message/rfc822\n\nX: single\n\n5.1\n--o--\n";

static bool
section(const struct mime *m, struct slice msg, const char *spec,
    struct slice *out)
{
	uint32_t		 number[8];
	size_t			 n = 0;
	enum mime_section	 s = MIME_SECTION_ALL;
	struct mime_span	 span;
	char			*end;

	while (*spec >= '0' && *spec <= '9') {
		number[n++] = (uint32_t)strtoul(spec, &end, 10);
		spec = *end == '.' ? end + 1 : end;
	}
	if (*spec != '\0')
		s = *spec == 'H' ? MIME_SECTION_HEADER : *spec == 'T' ?
		    MIME_SECTION_TEXT : MIME_SECTION_MIME;
	if (!mime_section(m, number, n, s, &span))
		return false;
	out->ptr = msg.ptr + span.offset;
	out->len = span.len;
	return true;
}

static void
sections_are_numbered_as_imap_wants(void **state)
{
	static const struct { const char *spec, *want; } t[] = {
	    { "1", "plain" },
	    { "1.MIME", "\n" },
	    { "1.HEADER", NULL },
	    { "1.TEXT", NULL },
	    { "1.1", NULL },
	    { "0", NULL },
	    { "6", NULL },
	    { "4294967295", NULL },
	    { "MIME", NULL },
	    { "HEADER", "Content-Type: multipart/mixed; boundary=o\n\n" },
	    { "2", "stream" },
	    { "2.MIME", "Content-Type: application/octet-stream\n\n" },
	    { "3.MIME", "Content-Type: message/rfc822\nX: 3\n\n" },
	    { "3.HEADER", "Content-Type: multipart/mixed; boundary=i\n"
	      "X: in\n\n" },
	    { "3.TEXT", "--i\n\n3.1\n--i\nContent-Type: application/x\n\n"
	      "3.2\n--i--" },
	    { "3.1", "3.1" },
	    { "3.1.MIME", "\n" },
	    { "3.2", "3.2" },
	    { "3.2.MIME", "Content-Type: application/x\n\n" },
	    { "3.3", NULL },
	    { "3.1.1", NULL },
	    { "4.MIME", "Content-Type: multipart/mixed; boundary=m\n\n" },
	    { "4.HEADER", NULL },
	    { "4.1", "4.1" },
	    { "4.1.MIME", "Content-Type: image/gif\n\n" },
	    { "4.2.MIME", "Content-Type: message/rfc822\nX: 4.2\n\n" },
	    { "4.2.HEADER", "Content-Type: multipart/alternative; "
	      "boundary=t\n\n" },
	    { "4.2.1", "4.2.1" },
	    { "4.2.2", "4.2.2" },
	    { "4.2.2.MIME", "Content-Type: text/richtext\n\n" },
	    { "4.2.3", NULL },
	    { "5", "X: single\n\n5.1" },
	    { "5.TEXT", "5.1" },
	    { "5.1", "5.1" },
	    { "5.1.MIME", "X: single\n\n" },
	    { "5.2", NULL },
	    { "5.1.1", NULL },
	};
	struct slice	 msg = slice_str(example), got;
	struct mime	 m;
	size_t		 i;

	(void)state;
	mime_init(&m);
	mime_parse_slice(&m, msg);
	for (i = 0; i < N(t); i++) {
		if (!section(&m, msg, t[i].spec, &got)) {
			if (t[i].want != NULL)
				print_error("%s: not found\n", t[i].spec);
			assert_null(t[i].want);
			continue;
		}
		if (t[i].want == NULL || !slice_is(got, t[i].want))
			print_error("%s: \"%.*s\"\n", t[i].spec,
			    (int)got.len, got.ptr);
		assert_non_null(t[i].want);
		assert_true(slice_eq(got, slice_str(t[i].want)));
	}
	assert_true(section(&m, msg, "", &got));
	assert_true(slice_eq(got, msg));
	mime_free(&m);
}

static void
a_message_that_is_no_multipart_has_part_1(void **state)
{
	struct slice	 plain = SLICE_LIT("A: b\n\nbody"), got;
	struct slice	 outer = SLICE_LIT("Content-Type: message/rfc822\n\n"
	    "A: in\n\nbody");
	struct mime	 m;

	(void)state;
	mime_init(&m);
	mime_parse_slice(&m, plain);
	assert_true(section(&m, plain, "1", &got));
	assert_true(slice_is(got, "body"));
	assert_true(section(&m, plain, "1.MIME", &got));
	assert_true(slice_is(got, "A: b\n\n"));
	assert_false(section(&m, plain, "1.1", &got));
	assert_false(section(&m, plain, "2", &got));

	mime_parse_slice(&m, outer);
	assert_true(section(&m, outer, "1", &got));
	assert_true(slice_is(got, "A: in\n\nbody"));
	assert_true(section(&m, outer, "1.HEADER", &got));
	assert_true(slice_is(got, "A: in\n\n"));
	assert_true(section(&m, outer, "1.1", &got));
	assert_true(slice_is(got, "body"));
	assert_false(section(&m, outer, "1.1.1", &got));
	mime_free(&m);
}

/* --- limits ------------------------------------------------------------- */

static void
depth_and_number_are_bounded(void **state)
{
	struct mime	 m;
	struct buf	 b;
	uint32_t	 i, up, depth, most = 0;

	(void)state;
	mime_init(&m);
	buf_init(&b, 16 << 20);
	for (i = 0; i < 20000; i++)
		buf_addstr(&b, "Content-Type: message/rfc822\n\n");
	mime_parse_slice(&m, buf_slice(&b));
	assert_true(m.cut);
	assert_int_equal(m.nparts, MIME_DEPTH + 1);
	assert_int_equal(m.part[MIME_DEPTH].kind, MIME_PART_LEAF);
	assert_true(m.part[MIME_DEPTH].message_type);

	buf_clear(&b);
	for (i = 0; i < 5000; i++)
		buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n"
		    "--b%u\n", i, i);
	mime_parse_slice(&m, buf_slice(&b));
	assert_true(m.cut);
	for (i = 0; i < m.nparts; i++) {
		depth = 0;
		for (up = m.part[i].parent; up != MIME_NONE;
		    up = m.part[up].parent)
			depth++;
		most = depth > most ? depth : most;
	}
	assert_int_equal(most, MIME_DEPTH);

	buf_clear(&b);
	buf_addstr(&b, MULTI);
	for (i = 0; i < 20000; i++)
		buf_addstr(&b, "--b\nTo: x\n\nx\n");
	mime_parse_slice(&m, buf_slice(&b));
	assert_true(m.cut);
	assert_int_equal(m.nparts, MIME_PARTS);
	assert_int_equal(m.part[MIME_PARTS - 1].body.len, 1);
	assert_int_equal(m.part[0].body.len, b.len - strlen(MULTI));
	buf_free(&b);
	mime_free(&m);
}

static void
kept_values_are_bounded(void **state)
{
	struct slice	 v;
	struct mime	 m;
	struct buf	 b;
	size_t		 i;

	(void)state;
	mime_init(&m);
	buf_init(&b, 16 << 20);
	buf_addstr(&b, "Subject: first\nTo: ");
	for (i = 0; i < 3000000; i++)
		buf_addc(&b, 'x');
	buf_addstr(&b, "\nCc: last\n\nbody\n");
	mime_parse_slice(&m, buf_slice(&b));
	assert_true(m.cut);
	assert_true(m.values.len <= MIME_KEPT_OCTETS);
	assert_true(mime_field(&m, 0, MIME_KEEP_SUBJECT, 0, &v));
	assert_true(slice_is(v, " first"));
	assert_true(mime_field(&m, 0, MIME_KEEP_CC, 0, &v));
	assert_int_equal(m.part[0].body.len, 5);

	buf_clear(&b);
	for (i = 0; i < 200000; i++)
		buf_addstr(&b, "To:\n");
	mime_parse_slice(&m, buf_slice(&b));
	assert_true(m.cut);
	assert_int_equal(m.nkept, MIME_KEPT);
	buf_free(&b);
	mime_free(&m);
}

static void
fields_are_kept_raw_and_in_order(void **state)
{
	struct slice	 msg = SLICE_LIT("to: a,\n\tb\r\nX-To: no\nTO:c\n"
	    "Content-ID: <1>\nContent-Type: message/rfc822\n\n"
	    "To: in\nContent-Id : <2>");
	struct slice	 v;
	struct mime	 m;

	(void)state;
	mime_init(&m);
	mime_parse_slice(&m, msg);
	assert_true(mime_field(&m, 0, MIME_KEEP_TO, 0, &v));
	assert_true(slice_is(v, " a,\n\tb"));
	assert_true(mime_field(&m, 0, MIME_KEEP_TO, 1, &v));
	assert_true(slice_is(v, "c"));
	assert_false(mime_field(&m, 0, MIME_KEEP_TO, 2, &v));
	assert_true(mime_field(&m, 0, MIME_KEEP_ID, 0, &v));
	assert_true(slice_is(v, " <1>"));
	assert_true(mime_field(&m, 1, MIME_KEEP_TO, 0, &v));
	assert_true(slice_is(v, " in"));
	assert_true(mime_field(&m, 1, MIME_KEEP_ID, 0, &v));
	assert_true(slice_is(v, " <2>"));
	assert_false(mime_field(&m, 1, MIME_KEEP_TYPE, 0, &v));
	mime_free(&m);
}

static void
a_failed_read_is_reported(void **state)
{
	struct pieces	 src = { .msg = slice_str(example), .step = 10,
	    .fail_at = 5 };
	struct mime	 m;

	(void)state;
	mime_init(&m);
	assert_int_equal(mime_parse(&m, piece_read, &src), -1);
	assert_int_equal(errno, EIO);
	mime_free(&m);
}

/* Lines, fields and delimiters where the window ends. */
static void
a_file_is_parsed_from_its_start(void **state)
{
	static char	 text[200000];
	char		 path[] = "/tmp/test_mime.XXXXXX";
	struct mime	 a, b;
	int		 fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "A: b\n\n", 6);
	assert_true((fd = mkstemp(path)) != -1);
	unlink(path);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	mime_init(&a);
	mime_init(&b);
	mime_parse_slice(&a, (struct slice){ text, sizeof(text) });
	assert_int_equal(mime_parse_file(&b, fd), 0);
	assert_int_equal(b.nparts, 1);
	assert_memory_equal(a.part, b.part, sizeof(*a.part));
	/* Where it is read from otherwise is not moved. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), sizeof(text));
	close(fd);
	assert_int_equal(mime_parse_file(&b, fd), -1);
	assert_int_equal(errno, EBADF);
	mime_free(&a);
	mime_free(&b);
}

static void
windows_do_not_matter(void **state)
{
	static const size_t	 pad[] = { 64000, 64500, 65400, 65500, 65530,
				    65536, 131000 };
	struct mime		 a, b;
	struct pieces		 src;
	struct buf		 msg;
	size_t			 i, k;

	(void)state;
	mime_init(&a);
	mime_init(&b);
	buf_init(&msg, 1 << 20);
	for (i = 0; i < N(pad) * 60; i++) {
		buf_clear(&msg);
		buf_addstr(&msg, "X: ");
		for (k = 0; k < pad[i / 60] + i % 60; k++)
			buf_addc(&msg, 'x');
		buf_addstr(&msg, "\nContent-Type: multipart/mixed;\r\n "
		    "boundary=boundary\n\npre\r\n--boundary\r\nTo: x\n\nyy"
		    "\r\n--boundary\n\nzz\n--boundary--\r\n");
		mime_parse_slice(&a, buf_slice(&msg));
		src = (struct pieces){ .msg = buf_slice(&msg),
		    .step = 1 << 20 };
		assert_int_equal(mime_parse(&b, piece_read, &src), 0);
		assert_int_equal(a.nparts, 3);
		assert_int_equal(b.nparts, 3);
		assert_memory_equal(a.part, b.part, 3 * sizeof(*a.part));
		assert_true(slice_eq(buf_slice(&a.values),
		    buf_slice(&b.values)));
	}
	buf_free(&msg);
	mime_free(&a);
	mime_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(structure_is_what_all_agree_on),
		cmocka_unit_test(broken_letters_have_a_structure_too),
		cmocka_unit_test(delimiters_find_their_multipart),
		cmocka_unit_test(sections_are_numbered_as_imap_wants),
		cmocka_unit_test(a_message_that_is_no_multipart_has_part_1),
		cmocka_unit_test(depth_and_number_are_bounded),
		cmocka_unit_test(kept_values_are_bounded),
		cmocka_unit_test(fields_are_kept_raw_and_in_order),
		cmocka_unit_test(a_failed_read_is_reported),
		cmocka_unit_test(a_file_is_parsed_from_its_start),
		cmocka_unit_test(windows_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
