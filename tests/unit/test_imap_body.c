/* Addresses, ENVELOPE and BODYSTRUCTURE of good and bad letters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/address_read.h"
#include "lib/mail/imap_body.h"
#include "lib/mail/imap_string.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
strings_are_quoted_or_literal(void **state)
{
	static const struct { struct slice in; const char *out; } t[] = {
		{ { "", 0 }, "\"\"" },
		{ { "a b", 3 }, "\"a b\"" },
		{ { "a\"\\b", 4 }, "\"a\\\"\\\\b\"" },
		{ { "\t\001", 2 }, "\"\t\001\"" },
		{ { "a\nb", 3 }, "{3}\r\na\nb" },
		{ { "\r", 1 }, "{1}\r\n\r" },
		{ { "\303\244", 2 }, "{2}\r\n\303\244" },
		{ { "a\0b", 3 }, "\"a?b\"" },
		{ { "\0\377", 2 }, "{2}\r\n?\377" },
		{ { NULL, 0 }, "NIL" },
	};
	static char	 longest[1001];
	struct slice	 s = { longest, 1000 };
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 5000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(imap_nstring_add(&b, t[i].in), 0);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	memset(longest, 'x', sizeof(longest));
	buf_clear(&b);
	assert_int_equal(imap_string_add(&b, s), 0);
	assert_int_equal(b.len, 1002);
	s.len++;
	buf_clear(&b);
	assert_int_equal(imap_string_add(&b, s), 0);
	assert_memory_equal(b.ptr, "{1001}\r\nx", 9);
	buf_clear(&b);
	assert_int_equal(imap_field_add(&b, SLICE_LIT(" a\n\tb\r\n c ")), 0);
	assert_string_equal(buf_cstr(&b), "\"a\tb c\"");
	buf_free(&b);

	buf_init(&b, 3);
	assert_int_equal(imap_string_add(&b, SLICE_LIT("abc")), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_clear(&b);
	assert_int_equal(imap_string_add(&b, SLICE_LIT("\377")), -1);
	buf_free(&b);
}

/* "NAME|ROUTE|LOCAL|DOMAIN ", "NAME: " and "; " */
static int
show(const struct address_item *a, void *arg)
{
	struct buf	*b = arg;

	if (a->kind == ADDRESS_ITEM_GROUP_END)
		return buf_addstr(b, "; ");
	buf_add(b, a->name.ptr, a->name.len);
	if (a->kind == ADDRESS_ITEM_GROUP)
		return buf_addstr(b, ": ");
	buf_addc(b, '|');
	buf_add(b, a->route.ptr, a->route.len);
	buf_addc(b, '|');
	buf_add(b, a->local.ptr, a->local.len);
	buf_addc(b, '|');
	buf_add(b, a->domain.ptr, a->domain.len);
	return buf_addc(b, ' ');
}

static void
addresses_are_read_as_people_write_them(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "a@b", "||a|b " },
		{ "A B <a@b>,c@d", "A B||a|b ||c|d " },
		{ "\"A \\\"B\\\"\" C <a@b>", "A \"B\" C||a|b " },
		{ "a@b (c1) (c2)", "c2||a|b " },
		{ "(c0) a@b", "||a|b " },
		{ "x (y) <a@b>", "x||a|b " },
		{ "a@b ((n)\\)x)", "(n))x||a|b " },
		{ "J. R. <a@b>", "J. R.||a|b " },
		{ "J.R.<a@b>", "J.R.||a|b " },
		{ "\"a b\"@c", "||a b|c " },
		{ "a@[1.2.3.4]", "||a|[1.2.3.4] " },
		{ "a@[IPv6:1::2]", "||a|[IPv6:1::2] " },
		{ "a . b @ c . d", "||a.b|c.d " },
		{ "<@r1,@r2:a@b>", "|@r1,@r2|a|b " },
		{ "A\n <a\n @b>", "A||a|b " },
		{ "=?utf-8?q?a,b?= <a@b>", "||=?utf-8?q?a| b?=||a|b " },
		{ "g:;", "g: ; " },
		{ "g h: A <a@b>, c@d;, e@f", "g h: A||a|b ||c|d ; ||e|f " },
		{ "\303\244 <\303\244@\303\266>", "\303\244||\303\244|\303\266 "
		},
		/* broken */
		{ ",;, ,", "" },
		{ "nodomain", "||nodomain| " },
		{ "two words", "two words||| " },
		{ "John Doe@x", "John||Doe|x " },
		{ "<>", "||| " },
		{ "A <>", "A||| " },
		{ "<a@b", "||a|b " },
		{ "<a@b, c@d", "||a|b ||c|d " },
		{ "a@b>", "||a|b " },
		{ "<<a@b>>", "||a|b " },
		{ "a@", "||a| " },
		{ "@b", "|||b " },
		{ "<@b>", "|||b " },
		{ "<@r:>", "|@r|| " },
		{ "a@b@c", "||a@b|c " },
		{ "<a b@c>", "||a b|c " },
		{ "a@b c@d", "||a|b " },
		{ "a@b; c@d", "||a|b ||c|d " },
		{ "x@y <a@b>", "x@y||a|b " },
		{ "x @ y <a@b>", "x@ y||a|b " },
		{ "[x] <a@b>", "[x]||a|b " },
		{ "<mailto:a@b>", "||a|b " },
		{ "mailto:a@b", "mailto: ||a|b ; " },
		{ "g: h: a@b;;", "g: ||a|b ; " },
		{ "g: a@b", "g: ||a|b ; " },
		{ ":", "" },
		{ "\"open <a@b>", "||open <a@b>| " },
		{ "(open a@b", "" },
		{ "a@[1.2", "||a|[1.2 " },
		{ "a@b \"x,y\", c@d", "||a|b ||c|d " },
		{ "x <a@b> y (n), z@w", "x||a|b ||z|w " },
		{ "a\\b@c", "||a\\b|c " },
		{ "<a) @b)>)", "||a|b " },
		{ "a@b)c)", "||a|b " },
		{ ")a@b", "||a|b " },
		{ "\\", "||\\| " },
		{ "\"\\", "||\\| " },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		assert_int_equal(address_read(slice_str(t[i].in), show, &b),
		    0);
		if (strcmp(buf_cstr(&b), t[i].out) != 0)
			print_error("%s\n", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static int
count(const struct address_item *a, void *arg)
{
	(void)a;
	return ++*(int *)arg == 20000;
}

static void
addresses_are_bounded(void **state)
{
	struct buf	 b;
	int		 i, n = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < 30000; i++)
		buf_addstr(&b, "a@b,");
	assert_int_equal(address_read(buf_slice(&b), count, &n), 0);
	assert_int_equal(n, ADDRESS_READ_MAX);
	n = 19999;
	assert_int_equal(address_read(buf_slice(&b), count, &n), 1);
	buf_free(&b);
}

/* The two at once are what they are alone, with room and without. */
static void
check_both(const struct mime *m, unsigned int flags)
{
	unsigned int	 global = flags & IMAP_BODY_GLOBAL;
	struct buf	 alone[2], both[2], tight;
	size_t		 i, max;

	for (i = 0; i < 2; i++) {
		buf_init(&alone[i], IMAP_BODY_MAX);
		buf_init(&both[i], IMAP_BODY_MAX);
		buf_addstr(&both[i], "before");
		assert_int_equal(imap_body_add(&alone[i], m, 0, global |
		    (i == 1 ? IMAP_BODY_EXTENDED : 0)), 0);
	}
	assert_int_equal(imap_body_add_both(&both[0], &both[1], m, 0, global),
	    0);
	for (i = 0; i < 2; i++) {
		assert_memory_equal(both[i].ptr, "before", 6);
		assert_string_equal(both[i].ptr + 6, buf_cstr(&alone[i]));
	}
	for (max = 0; max < alone[0].len; max++) {
		buf_init(&tight, max);
		buf_clear(&both[1]);
		assert_int_equal(imap_body_add_both(&tight, &both[1], m, 0,
		    global), -1);
		buf_free(&tight);
	}
	for (i = 0; i < 2; i++) {
		buf_free(&alone[i]);
		buf_free(&both[i]);
	}
}

static void
check(const char *in, unsigned int flags, bool envelope, const char *want)
{
	struct mime	 m;
	struct buf	 b, tight;
	size_t		 max;

	mime_init(&m);
	buf_init(&b, IMAP_BODY_MAX);
	mime_parse_slice(&m, slice_str(in));
	if (envelope)
		assert_int_equal(imap_envelope_add(&b, &m, 0), 0);
	else
		assert_int_equal(imap_body_add(&b, &m, 0, flags), 0);
	if (strcmp(buf_cstr(&b), want) != 0)
		print_error("%s\n", in);
	assert_string_equal(buf_cstr(&b), want);
	if (!envelope)
		check_both(&m, flags);
	/* Too little room is told, wherever it ends. */
	for (max = 0; max < b.len; max++) {
		buf_init(&tight, max);
		errno = 0;
		assert_int_equal(envelope ? imap_envelope_add(&tight, &m, 0) :
		    imap_body_add(&tight, &m, 0, flags), -1);
		assert_int_equal(errno, EMSGSIZE);
		buf_free(&tight);
	}
	buf_free(&b);
	mime_free(&m);
}

#define NILS	" NIL NIL NIL NIL"

static void
envelopes_have_all_fields(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "\n", "(NIL NIL" NILS NILS ")" },
		{ "Date: d\nSubject: s\n t\nFrom: A <a@b>\nSender: c@d\n"
		  "Reply-To: e@f\nTo: g@h\nCc: i@j\nBcc: k@l\n"
		  "In-Reply-To: <1>\nMessage-ID: <2>\n\n",
		  "(\"d\" \"s t\" ((\"A\" NIL \"a\" \"b\")) "
		  "((NIL NIL \"c\" \"d\")) ((NIL NIL \"e\" \"f\")) "
		  "((NIL NIL \"g\" \"h\")) ((NIL NIL \"i\" \"j\")) "
		  "((NIL NIL \"k\" \"l\")) \"<1>\" \"<2>\")" },
		{ "From: a@b\nReply-To: \nTo: u:;\n\n",
		  "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
		  "((NIL NIL \"a\" \"b\")) ((NIL NIL \"u\" NIL)"
		  "(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
		{ "Subject:\nMessage-ID:\n\n",
		  "(NIL \"\"" NILS " NIL NIL NIL \"\")" },
		{ "Subject: 1\nSubject: 2\nTo: a@b\nTo: c@d\n\n",
		  "(NIL \"1\" NIL NIL NIL ((NIL NIL \"a\" \"b\")"
		  "(NIL NIL \"c\" \"d\"))" NILS ")" },
		{ "Subject: \344\nTo: x\nCc: <>\n\n",
		  "(NIL {1}\r\n\344 NIL NIL NIL "
		  "((NIL NIL \"x\" \"MISSING_DOMAIN\")) "
		  "((NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")) "
		  "NIL NIL NIL)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, 0, true, t[i].out);
}

#define MULTI	"Content-Type: multipart/mixed; boundary=b\n\n"
#define TEXT \
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
#define EMPTY	"(NIL NIL" NILS NILS ")"

static void
structures_are_written_as_imap_wants(void **state)
{
	static const struct { unsigned int flags; const char *in, *out; }
	    t[] = {
		{ 0, "\nhi\n", TEXT " 4 1)" },
		{ 1, "\nhi\n", TEXT " 4 1" NILS ")" },
		{ 1, "Content-Type: Text/HTML; Charset=\"UTF-8\"; x=\"a\\\"b\""
		  "\nContent-Transfer-Encoding: BASE64\nContent-ID: <i>\n"
		  "Content-Description: d\n e\nContent-MD5: m==\n"
		  "Content-Disposition: attachment;\n filename*0=a;"
		  " filename*1=b\nContent-Language: en, de (german)\n"
		  "Content-Location: l\n\n",
		  "(\"Text\" \"HTML\" (\"Charset\" \"UTF-8\" \"x\" "
		  "\"a\\\"b\") \"<i>\" \"d e\" \"BASE64\" 0 0 \"m==\" "
		  "(\"attachment\" (\"filename\" \"ab\")) (\"en\" \"de\") "
		  "\"l\")" },
		{ 1, "Content-Type: application/x\nContent-Disposition: inline"
		  "\nContent-Language: en\n\nx",
		  "(\"application\" \"x\" NIL NIL NIL \"7bit\" 1 NIL "
		  "(\"inline\" NIL) (\"en\") NIL)" },
		{ 0, MULTI "--b\n\nx\n--b\nContent-Type: a/b\n\ny\n--b--",
		  "(" TEXT " 1 0)(\"a\" \"b\" NIL NIL NIL \"7bit\" 1)"
		  " \"mixed\")" },
		{ 1, MULTI "--b\n\nx\n--b--", "(" TEXT " 1 0" NILS ") \"mixed\""
		  " (\"boundary\" \"b\") NIL NIL NIL)" },
		{ 1, MULTI "--b\n" MULTI "--b\n\nx", "((" TEXT " 1 0" NILS ")"
		  " \"mixed\" (\"boundary\" \"b\") NIL NIL NIL) \"mixed\""
		  " (\"boundary\" \"b\") NIL NIL NIL)" },
		{ 0, "Content-Type: message/rfc822\n\nSubject: s\n\nx\ny\n",
		  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 "
		  "(NIL \"s\"" NILS NILS ") " TEXT " 6 2) 4)" },
		{ 3, "Content-Type: message/global\n\n\nx",
		  "(\"message\" \"global\" NIL NIL NIL \"7bit\" 3 " EMPTY
		  " " TEXT " 1 0" NILS ") 1" NILS ")" },
		{ 1, "Content-Type: message/global\n\n\nx",
		  "(\"message\" \"global\" NIL NIL NIL \"7bit\" 3" NILS ")" },
		/* broken */
		{ 0, "Content-Type: multipart/x\n\nx", "(" TEXT " 0 0) \"x\")"
		},
		{ 1, MULTI, "(" TEXT " 0 0" NILS ") \"mixed\" (\"boundary\" "
		  "\"b\") NIL NIL NIL)" },
		{ 0, "Content-Type: nonsense\n\nx", TEXT " 1 0)" },
		{ 0, "Content-Type: a/b; x=\n\n", "(\"a\" \"b\" (\"x\" \"\") "
		  "NIL NIL \"7bit\" 0)" },
		{ 1, "Content-Disposition: ;x=y\nContent-Language: ,(\n"
		  "Content-Transfer-Encoding: (\nContent-ID:\n\n",
		  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") \"\" NIL "
		  "\"7bit\" 0 0" NILS ")" },
		{ 0, "Content-Type: a/b; n=\"\303\244\"\n"
		  "Content-Transfer-Encoding: x y z\n\n",
		  "(\"a\" \"b\" (\"n\" {2}\r\n\303\244) NIL NIL \"x\" 0)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, t[i].flags, false, t[i].out);
}

static void
what_lies_too_deep_is_octets(void **state)
{
	struct mime	 m;
	struct buf	 b, out;
	int		 i;

	(void)state;
	mime_init(&m);
	buf_init(&b, 1 << 20);
	buf_init(&out, IMAP_BODY_MAX);
	for (i = 0; i < 200; i++)
		buf_addstr(&b, "Content-Type: message/rfc822; x=y\n\n");
	mime_parse_slice(&m, buf_slice(&b));
	assert_int_equal(imap_body_add(&out, &m, 0, 1), 0);
	assert_non_null(strstr(buf_cstr(&out),
	    "(\"application\" \"octet-stream\" (\"x\" \"y\")"));
	buf_free(&b);
	buf_free(&out);
	mime_free(&m);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(strings_are_quoted_or_literal),
		cmocka_unit_test(addresses_are_read_as_people_write_them),
		cmocka_unit_test(addresses_are_bounded),
		cmocka_unit_test(envelopes_have_all_fields),
		cmocka_unit_test(structures_are_written_as_imap_wants),
		cmocka_unit_test(what_lies_too_deep_is_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
