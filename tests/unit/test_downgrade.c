/* Verdicts and output, whole messages beside each other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/mime_walk.h"
#include "tests/unit/piece_read.h"

#define E	DOWNGRADE_EIGHTBIT
#define L	DOWNGRADE_LONGLINE
#define UE	"\303\274"	/* u with dots, UTF-8 */
#define RU	"\320\277\321\200\320\270\320\262\320\265\321\202"
#define X10	"xxxxxxxxxx"
#define X100	X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000	X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define X74	X10 X10 X10 X10 X10 X10 X10 "xxxx"
#define X75	X74 "x"
#define TEXT	"Content-Type: text/plain\r\n"
#define MP(b)	"Content-Type: multipart/mixed; boundary=" b "\r\n"
#define BIT8	"Content-Transfer-Encoding: 8bit\r\n"
#define BIT7	"Content-Transfer-Encoding: 7bit\r\n"
#define QP	"Content-Transfer-Encoding: quoted-printable\r\n"
#define B64	"Content-Transfer-Encoding: base64\r\n"
#define V	"MIME-Version: 1.0\r\n"
#define UNKNOWN	"Content-Type: text/plain; charset=unknown-8bit\r\n"

static const struct row {
	const char	*name;
	unsigned int	 fix;
	enum downgrade_verdict	 verdict;
	const char	*in, *out;	/* out NULL: as in */
} rows[] = {
	{ "ASCII", E | L, DOWNGRADE_NOTHING, "A: b\r\n\r\nhello\r\n", NULL },
	{ "empty", E | L, DOWNGRADE_NOTHING, "", NULL },
	{ "header only", E | L, DOWNGRADE_NOTHING, "A: b\r\n", NULL },
	{ "label without need", E | L, DOWNGRADE_NOTHING,
	    V TEXT BIT8 "\r\nhello\r\n", NULL },
	{ "8 bits, not asked", L, DOWNGRADE_NOTHING,
	    V TEXT BIT8 "\r\n" UE "\r\n", NULL },
	{ "QP", E, DOWNGRADE_CAN, V TEXT BIT8 "\r\nsch" UE "n, gr" UE "n!\r\n",
	    V TEXT QP "\r\nsch=C3=BCn, gr=C3=BCn!\r\n" },
	{ "undeclared", E, DOWNGRADE_CAN,
	    "Subject: x\r\n\r\nEs ist sch" UE "n.\r\n",
	    "Subject: x\r\n" V UNKNOWN QP "\r\nEs ist sch=C3=BCn.\r\n" },
	{ "base 64", E, DOWNGRADE_CAN, V TEXT BIT8 "\r\n" RU "\r\n",
	    V TEXT B64 "\r\n0L/RgNC40LLQtdGCDQo=\r\n" },
	{ "equals sign", E, DOWNGRADE_CAN,
	    V TEXT "\r\na=b, a =3D c, sch" UE "n.\r\n",
	    V TEXT QP "\r\na=3Db, a =3D3D c, sch=C3=BCn.\r\n" },
	{ "blanks at ends", E, DOWNGRADE_CAN,
	    V TEXT "\r\nschoener ist sch" UE "n \r\n\t\r\nx  \r\n",
	    V TEXT QP
	    "\r\nschoener ist sch=C3=BCn=20\r\n=09\r\nx =20\r\n" },
	{ "75 in a line", E, DOWNGRADE_CAN,
	    V TEXT "\r\n" X75 "\r\n" UE "\r\n",
	    V TEXT QP "\r\n" X75 "\r\n=C3=BC\r\n" },
	{ "76 in a line", E, DOWNGRADE_CAN,
	    V TEXT "\r\n" X75 "y\r\n" UE "\r\n",
	    V TEXT QP "\r\n" X75 "=\r\ny\r\n=C3=BC\r\n" },
	{ "token not torn", E, DOWNGRADE_CAN,
	    V TEXT "\r\n" X74 UE "\r\n",
	    V TEXT QP "\r\n" X74 "=\r\n=C3=BC\r\n" },
	{ "lone CR and LF are content", E, DOWNGRADE_CAN,
	    V TEXT "\r\nlonely a\rb\nc" UE "\r\n",
	    V TEXT QP "\r\nlonely a=0Db=0Ac=C3=BC\r\n" },
	{ "dots are not our business", E, DOWNGRADE_CAN,
	    V TEXT "\r\n.\r\n..hello, hello" UE "\r\n",
	    V TEXT QP "\r\n.\r\n..hello, hello=C3=BC\r\n" },
	{ "hyphens at the start", E, DOWNGRADE_CAN,
	    V TEXT "\r\n-- \r\n-hello, hello" UE "\r\n",
	    V TEXT QP "\r\n=2D-=20\r\n=2Dhello, hello=C3=BC\r\n" },
	{ "no empty line", E, DOWNGRADE_CAN,
	    V TEXT "this is no field, but " UE "\r\n",
	    V TEXT QP "\r\nthis is no field, but =C3=BC\r\n" },
	{ "8-bit header", E, DOWNGRADE_HEADERS,
	    "Subject: " UE "\r\n\r\nhello\r\n", NULL },
	{ "8-bit header and body", E, DOWNGRADE_HEADERS,
	    "Subject: " UE "\r\n" V TEXT BIT8 "\r\nhello there, " UE "\r\n",
	    "Subject: " UE "\r\n" V TEXT QP "\r\nhello there, =C3=BC\r\n" },
	{ "8-bit header of a part", E, DOWNGRADE_HEADERS,
	    V MP("b") "\r\n--b\r\nContent-Description: " UE
	    "\r\n\r\nhello\r\n--b--\r\n", NULL },
	{ "only the part in need", E, DOWNGRADE_CAN,
	    V MP("b") BIT8 "\r\npre\r\n--b\r\n" TEXT BIT8 "\r\nhi\r\n--b\r\n"
	    TEXT BIT8 "\r\nhello there, " UE "\r\n--b\r\n\r\n\r\n--b--\r\nend",
	    V MP("b") BIT7 "\r\npre\r\n--b\r\n" TEXT BIT8 "\r\nhi\r\n--b\r\n"
	    TEXT QP "\r\nhello there, =C3=BC\r\n--b\r\n\r\n\r\n--b--\r\nend" },
	{ "part without fields", E, DOWNGRADE_CAN,
	    V MP("b") "\r\n--b\r\n\r\nhello there, " UE "\r\n--b--\r\n",
	    V MP("b") "\r\n--b\r\n" UNKNOWN QP "\r\nhello there, =C3=BC"
	    "\r\n--b--\r\n" },
	{ "base 64 before a delimiter", E, DOWNGRADE_CAN,
	    V MP("b") "\r\n--b\r\n" TEXT "\r\n" RU "\r\n--b--\r\n",
	    V MP("b") "\r\n--b\r\n" TEXT B64 "\r\n0L/RgNC40LLQtdGC\r\n--b--\r\n"
	},
	{ "nested", E, DOWNGRADE_CAN,
	    V MP("\"a b\"") BIT8 "\r\n--a b\r\n" MP("ab") BIT8 "\r\n--ab \r\n"
	    TEXT "\r\nhello there, " UE "\r\n--a b\r\n" TEXT
	    "\r\nhello there, " UE "\r\n--a b--\r\n",
	    V MP("\"a b\"") BIT7 "\r\n--a b\r\n" MP("ab") BIT7 "\r\n--ab \r\n"
	    TEXT QP "\r\nhello there, =C3=BC\r\n--a b\r\n" TEXT QP
	    "\r\nhello there, =C3=BC\r\n--a b--\r\n" },
	{ "message in a message", E, DOWNGRADE_CAN,
	    V "Content-Type: message/rfc822\r\n" BIT8 "\r\nSubject: y\r\n" BIT8
	    "\r\nhello there, " UE "\r\n",
	    V "Content-Type: message/rfc822\r\n" BIT7 "\r\nSubject: y\r\n" V
	    UNKNOWN QP "\r\nhello there, =C3=BC\r\n" },
	{ "digest", E, DOWNGRADE_CAN,
	    "Content-Type: Multipart/Digest; Boundary=b\r\n\r\n--b\r\n\r\n"
	    V TEXT "\r\nhello there, " UE "\r\n--b--\r\n",
	    "Content-Type: Multipart/Digest; Boundary=b\r\n\r\n--b\r\n\r\n"
	    V TEXT QP "\r\nhello there, =C3=BC\r\n--b--\r\n" },
	{ "message/global is a leaf", E, DOWNGRADE_CAN,
	    V "Content-Type: message/global\r\n\r\nSubject: " UE
	    "\r\n\r\nhello there\r\n",
	    V "Content-Type: message/global\r\n" QP "\r\nSubject: =C3=BC"
	    "\r\n\r\nhello there\r\n" },
	{ "around the parts", E, DOWNGRADE_CAN,
	    V MP("b") "\r\n" UE "\r\n--b?" UE "\r\n--b\r\n\r\nhi\r\n--b--\r\n"
	    UE "\r\n",
	    V MP("b") "\r\n??\r\n --b???\r\n--b\r\n\r\nhi\r\n--b--\r\n??\r\n" },
	{ "folded fields", E, DOWNGRADE_CAN,
	    "content-transfer-encoding:\r\n (is) 8bit\r\nMime-Version:1.0\r\n"
	    "Content-Type: (a) multipart/mixed;\r\n\tcharset=\"x;y\";\r\n"
	    "\tboundary=\"-=_\\b\"; x=y\r\n\r\n---=_b\r\n\r\n\r\n---=_b--\r\n"
	    UE,
	    "content-transfer-encoding:\r\n (is) 8bit\r\nMime-Version:1.0\r\n"
	    "Content-Type: (a) multipart/mixed;\r\n\tcharset=\"x;y\";\r\n"
	    "\tboundary=\"-=_\\b\"; x=y\r\n\r\n---=_b\r\n\r\n\r\n---=_b--\r\n"
	    "??" },
	{ "no boundary", E, DOWNGRADE_CANNOT,
	    "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n" UE "\r\n",
	    NULL },
	{ "no boundary, no need", E, DOWNGRADE_NOTHING,
	    "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nu\r\n", NULL },
	{ "unknown encoding", E, DOWNGRADE_CANNOT,
	    TEXT "Content-Transfer-Encoding: x-uuencode\r\n\r\n" UE "\r\n",
	    NULL },
	{ "partial", E, DOWNGRADE_CANNOT,
	    "Content-Type: message/partial; id=x\r\n\r\n" UE "\r\n", NULL },
	{ "mislabelled QP", E, DOWNGRADE_CAN,
	    V TEXT QP "\r\na=3Db=c3=\r\n=zz " UE "=\r\nx=4\r\n=",
	    V TEXT QP "\r\na=3Db=c3=\r\n=3Dzz =C3=BC=\r\nx=3D4\r\n=3D" },
	{ "mislabelled base 64", E, DOWNGRADE_CAN,
	    V TEXT B64 "\r\nYWJj" UE "ZGVm\r\n-a-\r\n",
	    V TEXT B64 "\r\nYWJjZGVm\r\na\r\n" },
	{ "998 is not long", E | L, DOWNGRADE_NOTHING,
	    TEXT "\r\n" X100 X100 X100 X100 X100 X100 X100 X100 X100 X75 X10
	    X10 "xxx\r\n", NULL },
	{ "long line, not asked", E, DOWNGRADE_NOTHING,
	    TEXT "\r\n" X1000 "\r\n", NULL },
	{ "long line", L, DOWNGRADE_CAN, V TEXT "\r\n" X1000 "\r\n" UE "\r\n",
	    V TEXT QP "\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n"
	    X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
	    "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X10 X10 "xxxxx\r\n"
	    "=C3=BC\r\n" },
	{ "long field", L, DOWNGRADE_CAN,
	    "References: " X100 X100 X100 X100 " " X100 X100 X100 X100 " \t"
	    X100 X100 "\r\n\r\nhi\r\n",
	    "References: " X100 X100 X100 X100 " " X100 X100 X100 X100 " \r\n"
	    "\t" X100 X100 "\r\n\r\nhi\r\n" },
	{ "long word in a field", L, DOWNGRADE_CANNOT,
	    "References: " X1000 "\r\n\r\nhi\r\n", NULL },
	{ "long base 64", L, DOWNGRADE_CAN,
	    V TEXT B64 "\r\n" X1000 "\r\nxxxx\r\n",
	    V TEXT B64 "\r\n" X75 "x\r\n" X75 "x\r\n" X75 "x\r\n" X75 "x\r\n"
	    X75 "x\r\n" X75 "x\r\n" X75 "x\r\n" X75 "x\r\n" X75 "x\r\n" X75
	    "x\r\n" X75 "x\r\n" X75 "x\r\n" X75 "x\r\n" X10 "xx\r\nxxxx\r\n" },
};

static int
text_write(void *ctx, const void *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static enum downgrade_verdict
convert(struct slice in, unsigned int fix, size_t step, struct buf *out)
{
	struct pieces		 t = { .msg = in, .step = step };
	struct downgrade_plan	 plan;
	enum downgrade_verdict	 v;

	v = downgrade_scan(&plan, fix, piece_read, &t);
	assert_int_equal(plan.verdict, v);
	t.pos = 0;
	buf_clear(out);
	if (downgrade_write(&plan, piece_read, &t, text_write, out) == -1) {
		assert_int_equal(errno, EINVAL);
		assert_int_equal(v, DOWNGRADE_CANNOT);
		assert_non_null(plan.reason);
		buf_addstr(out, in.ptr);
	}
	downgrade_free(&plan);
	return v;
}

static void
messages_come_out_as_written(void **state)
{
	static const size_t	 steps[] = { 65536, 1, 7, 1000 };
	const struct row	*r;
	struct buf		 out;
	size_t			 i, j;

	(void)state;
	buf_init(&out, 1 << 20);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		print_message("%s\n", r->name);
		for (j = 0; j < 4; j++) {
			assert_int_equal(convert(slice_str(r->in), r->fix,
			    steps[j], &out), r->verdict);
			assert_string_equal(buf_cstr(&out),
			    r->out == NULL ? r->in : r->out);
		}
	}
	buf_free(&out);
}

/* What was made fit is fit. */
static void
a_second_time_there_is_nothing_to_do(void **state)
{
	const struct row	*r;
	struct buf		 out, again;
	size_t			 i;

	(void)state;
	buf_init(&out, 1 << 20);
	buf_init(&again, 1 << 20);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		if (r->verdict != DOWNGRADE_CAN)
			continue;
		(void)convert(slice_str(r->in), r->fix, 65536, &out);
		assert_int_equal(convert(buf_slice(&out), r->fix, 65536,
		    &again), DOWNGRADE_NOTHING);
		assert_string_equal(buf_cstr(&again), buf_cstr(&out));
	}
	buf_free(&out);
	buf_free(&again);
}

/* However it is read: as one piece, or as little as there is at once. */
static void
comes_out_the_same(struct slice in, struct buf *whole, struct buf *out)
{
	static const size_t	 steps[] = { 1, 7, 1000, 1023, 1024, 1025 };
	enum downgrade_verdict	 v = convert(in, L, 65536, whole);
	size_t			 i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(convert(in, L, steps[i], out), v);
		assert_string_equal(buf_cstr(out), buf_cstr(whole));
	}
}

static void
reading_in_pieces_changes_nothing(void **state)
{
	struct buf	 in, whole, out;
	int		 len;

	(void)state;
	buf_init(&in, 1 << 16);
	buf_init(&whole, 1 << 16);
	buf_init(&out, 1 << 16);
	for (len = 1000; len < 1050; len++) {
		/* A field with such a name, or no field? */
		buf_clear(&in);
		buf_addf(&in, "A: x\r\n%.*s:", len, X1000 X75);
		comes_out_the_same(buf_slice(&in), &whole, &out);
		buf_addf(&in, " x\r\n\r\n" X1000 "\r\n");
		comes_out_the_same(buf_slice(&in), &whole, &out);
		/* A delimiter with such padding, or none? */
		buf_clear(&in);
		buf_addf(&in, V MP("b") "\r\n--b%*s\r\n\r\n" X1000 "\r\n--b%*s",
		    len, "", len, "");
		comes_out_the_same(buf_slice(&in), &whole, &out);
	}
	buf_free(&in);
	buf_free(&whole);
	buf_free(&out);
}

static void
nesting_has_an_end(void **state)
{
	struct buf	 in, out;
	size_t		 depth, i;

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	for (depth = MIME_WALK_DEPTH - 1; depth <= 200; depth += 9) {
		buf_clear(&in);
		for (i = 0; i < depth; i++)
			buf_addf(&in, "Content-Type: multipart/mixed; "
			    "boundary=\"%zu\"\r\n\r\n--%zu\r\n", i, i);
		buf_addstr(&in, "Content-Type: text/plain\r\n\r\n" UE "\r\n");
		assert_int_equal(convert(buf_slice(&in), E, 65536, &out),
		    depth <= MIME_WALK_DEPTH ? DOWNGRADE_CAN :
		    DOWNGRADE_CANNOT);
	}
	buf_free(&in);
	buf_free(&out);
}

static void
parts_are_counted(void **state)
{
	struct buf	 in, out;
	size_t		 i;

	(void)state;
	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 22);
	buf_addstr(&in, V MP("b") "\r\n");
	for (i = 0; i < DOWNGRADE_PARTS; i++)
		buf_addstr(&in, "--b\r\n\r\nx\r\n");
	assert_int_equal(convert(buf_slice(&in), E, 65536, &out),
	    DOWNGRADE_NOTHING);
	buf_addstr(&in, "--b\r\n\r\n" UE "\r\n");
	assert_int_equal(convert(buf_slice(&in), E, 65536, &out),
	    DOWNGRADE_CANNOT);
	buf_free(&in);
	buf_free(&out);
}

static ssize_t
broken_read(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	errno = EIO;
	return -1;
}

static int
broken_write(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	errno = ENOSPC;
	return -1;
}

static void
failures_are_told(void **state)
{
	struct pieces		 t = { .msg = SLICE_LIT("A: b\r\n\r\nx"),
				    .step = 100 };
	struct downgrade_plan	 plan;

	(void)state;
	assert_int_equal(downgrade_scan(&plan, E, broken_read, NULL),
	    DOWNGRADE_ERROR);
	assert_int_equal(errno, EIO);
	downgrade_free(&plan);
	assert_int_equal(downgrade_scan(&plan, E, piece_read, &t),
	    DOWNGRADE_NOTHING);
	t.pos = 0;
	assert_int_equal(downgrade_write(&plan, piece_read, &t, broken_write,
	    NULL), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(downgrade_write(&plan, broken_read, NULL,
	    broken_write, NULL), -1);
	assert_int_equal(errno, EIO);
	downgrade_free(&plan);
}

static void
content_types_are_understood(void **state)
{
	static const struct {
		const char	*value, *type, *subtype, *boundary;
	} good[] = {
		{ " text/plain", "text", "plain", "" },
		{ "TEXT / Html;charset=x", "text", "html", "" },
		{ "multipart/mixed; ; boundary=a", "multipart", "mixed", "a" },
		{ "multipart/x;boundary=\"a b \"", "multipart", "x", "a b" },
		{ "multipart/x; BOUNDARY = --=_(1)?;x=y", "multipart", "x",
		    "--=_(1)?" },
		{ "multipart/x; a=b; boundary=c; boundary=d", "multipart", "x",
		    "c" },
		{ "multipart/x; a=\"; boundary=z\"; boundary=c", "multipart",
		    "x", "c" },
		{ "multipart/x; boundary=", "multipart", "x", "" },
		{ "multipart/x; boundary=\"\"", "multipart", "x", "" },
		{ "multipart/x; boundary=\"a", "multipart", "x", "" },
		{ "multipart/x; boundary=\303\274", "multipart", "x", "" },
		{ "multipart/x; boundary=\"a\001b\"", "multipart", "x", "" },
		{ "multipart/x; boundary", "multipart", "x", "" },
		{ "multipart/x boundary=a", "multipart", "x", "" },
	};
	static const char *const	 bad[] = { "", "text", "text/", "/plain",
	    "te xt/plain", "text;plain", "(text/plain", "\"text\"/plain" };
	struct content_type		 t;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		print_message("%s\n", good[i].value);
		assert_int_equal(content_type_parse(slice_str(good[i].value),
		    &t), 0);
		assert_string_equal(t.type, good[i].type);
		assert_string_equal(t.subtype, good[i].subtype);
		assert_string_equal(t.boundary, good[i].boundary);
		assert_int_equal(t.boundary_len, strlen(t.boundary));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(content_type_parse(slice_str(bad[i]), &t),
		    -1);
		assert_int_equal(t.type[0], '\0');
	}
	assert_int_equal(transfer_encoding_parse(SLICE_LIT(" (a) 8BIT ;")),
	    TRANSFER_IDENTITY);
	assert_int_equal(transfer_encoding_parse(SLICE_LIT("Base64")),
	    TRANSFER_BASE64);
	assert_int_equal(transfer_encoding_parse(SLICE_LIT("")),
	    TRANSFER_UNKNOWN);
	assert_int_equal(transfer_encoding_parse(SLICE_LIT("8bits")),
	    TRANSFER_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(messages_come_out_as_written),
		cmocka_unit_test(a_second_time_there_is_nothing_to_do),
		cmocka_unit_test(reading_in_pieces_changes_nothing),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(parts_are_counted),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(content_types_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
