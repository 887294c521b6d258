/* Parts as text, HTML as text, previews. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/text.h"
#include "lib/mail/html_text.h"
#include "lib/mail/preview.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
html_becomes_text(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "plain", "plain" },
		{ "<p>a</p>b<br/>c", " a b c" },
		{ "<b>a</b>b<A href=\"x>y\">c</a>", "abc" },
		{ "a<!-- x > -- y --->b", "ab" },
		{ "<style>a{b}</style>x<SCRIPT>if (a<b) \"</p>\";</script >y",
		  " x y" },
		{ "<title>t</title>b", " b" },
		{ "&lt;&amp;&#228;&#xE4;&auml;&nbsp;x",
		  "<&\303\244\303\244\303\244 x" },
		{ "<!DOCTYPE html><?xml x?>a", "  a" },
		/* broken */
		{ "a < b & c", "a < b & c" },
		{ "&unknown; &amp &#0; &#xd800; &#9999999999;",
		  "&unknown; & &#0; &#xd800; &#9999999999;" },
		{ "a<b", "a" },
		{ "a<p x='\"'>b", "a b" },
		{ "<", "" },
		{ "<<p>a", "< a" },
		{ "<script>never ends <p>", " " },
		{ "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
		  "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;" },
	};
	struct html_text	 h;
	struct buf		 b;
	struct slice		 s;
	size_t			 i, step, k;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++)
		for (step = 1; step < 100; step += 7) {
			buf_clear(&b);
			html_text_begin(&h);
			for (k = 0; k < strlen(t[i].in); k += step) {
				s.ptr = t[i].in + k;
				s.len = strnlen(s.ptr, step);
				assert_int_equal(html_text_feed(&h, s, &b), 0);
			}
			if (strcmp(buf_cstr(&b), t[i].out) != 0)
				print_error("%s\n", t[i].in);
			assert_string_equal(buf_cstr(&b), t[i].out);
		}
	buf_free(&b);
}

#define MULTI	"Content-Type: multipart/mixed; boundary=b\n\n"

static void
previews_are_a_letters_first_words(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "\nHello,\n\n  world\t!\n", "Hello, world !" },
		{ "Content-Type: text/html\n\n<p>Hello</p>\n<b>w</b>orld",
		  "Hello world" },
		{ "Content-Type: text/plain; charset=iso-8859-1\n"
		  "Content-Transfer-Encoding: quoted-printable\n\n=E4=\nb",
		  "\303\244b" },
		{ "Content-Transfer-Encoding: base64\n\nw6Q=\n", "\303\244" },
		{ "Content-Type: text/plain; charset*=''koi8%2Dr\n\n\301",
		  "\320\260" },
		{ MULTI "--b\nContent-Type: image/png\n\nx\n--b\n\ntext\n"
		  "--b--", "text" },
		{ MULTI "--b\nContent-Disposition: attachment\n\nx\n--b\n\n"
		  "text\n--b--", "text" },
		{ MULTI "--b\n\n \n\n--b\nContent-Type: text/html\n\n<p>h\n"
		  "--b--", "h" },
		{ "\n> old\n>older\nnew > x\n", "new > x" },
		{ "Content-Type: message/rfc822\n\n\ninner", "inner" },
		{ "\n\302\255\315\217 \342\200\214 \342\200\213x\302\240"
		  "\342\200\256y", "x y" },
		/* nothing to show */
		{ "", "" },
		{ "\n \n\t\n", "" },
		{ "\n> only\n> quotes\n", "" },
		{ "Content-Type: image/png\n\nx", "" },
		{ MULTI "--b--", "" },
		{ "\n\200\001\002", "\342\202\254" },
	};
	struct mime	 m;
	struct buf	 b;
	struct slice	 s;
	size_t		 i;

	(void)state;
	mime_init(&m);
	buf_init(&b, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		s = slice_str(t[i].in);
		mime_parse_slice(&m, s);
		assert_int_equal(preview(&m, part_read_slice, &s, &b), 0);
		if (strcmp(buf_cstr(&b), t[i].out) != 0)
			print_error("%s\n", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
	mime_free(&m);
}

static void
previews_are_bounded(void **state)
{
	struct mime	 m;
	struct buf	 msg, b;
	struct slice	 s;
	size_t		 i;

	(void)state;
	mime_init(&m);
	buf_init(&msg, 4 << 20);
	buf_init(&b, PREVIEW_MAX);
	buf_addstr(&msg, "\n");
	for (i = 0; i < 200000; i++)
		buf_addstr(&msg, i % 2 ? "\360\237\230\200" : " ");
	s = buf_slice(&msg);
	mime_parse_slice(&m, s);
	assert_int_equal(preview(&m, part_read_slice, &s, &b), 0);
	assert_true(text_is_utf8(buf_slice(&b)));
	assert_int_equal(b.len, 100 * 4 + 99);

	/* Words after more of nothing than is looked at. */
	buf_clear(&msg);
	buf_addstr(&msg, "\n");
	for (i = 0; i < 200000; i++)
		buf_addstr(&msg, "\n");
	buf_addstr(&msg, "late");
	s = buf_slice(&msg);
	mime_parse_slice(&m, s);
	buf_clear(&b);
	assert_int_equal(preview(&m, part_read_slice, &s, &b), 0);
	assert_int_equal(b.len, 0);
	buf_free(&msg);
	buf_free(&b);
	mime_free(&m);
}

static void
a_message_that_shrank_is_an_error(void **state)
{
	struct slice	 whole = SLICE_LIT("\nsome text"), cut = whole;
	struct mime	 m;
	struct buf	 b;
	int		 fd = -1;

	(void)state;
	mime_init(&m);
	buf_init(&b, 1000);
	mime_parse_slice(&m, whole);
	cut.len = 1;
	assert_int_equal(preview(&m, part_read_slice, &cut, &b), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(preview(&m, part_read_fd, &fd, &b), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	mime_free(&m);
}

static void
content_comes_out_as_on_the_wire(void **state)
{
	static const char	 msg[] = "Content-Type: text/plain; charset=x\n"
	    "Content-Transfer-Encoding: quoted-printable\n\na=E4 \nb=\n\n";
	struct mime		 m;
	struct buf		 b;
	struct part_text	 t;
	FILE			*f;
	int			 fd, rc;

	(void)state;
	assert_non_null(f = tmpfile());
	assert_int_equal(fputs(msg, f) < 0, 0);
	assert_int_equal(fflush(f), 0);
	fd = fileno(f);
	mime_init(&m);
	buf_init(&b, 1000);
	mime_parse_slice(&m, slice_str(msg));
	part_text_begin(&t, &m, 0, false, part_read_fd, &fd);
	while ((rc = part_text_next(&t, &b)) == 1)
		;
	part_text_end(&t);
	assert_int_equal(rc, 0);
	assert_string_equal(buf_cstr(&b), "a\344\r\nb\r\n");
	fclose(f);
	buf_free(&b);
	mime_free(&m);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(html_becomes_text),
		cmocka_unit_test(previews_are_a_letters_first_words),
		cmocka_unit_test(previews_are_bounded),
		cmocka_unit_test(a_message_that_shrank_is_an_error),
		cmocka_unit_test(content_comes_out_as_on_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
