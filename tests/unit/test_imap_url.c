/* URLs of CATENATE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imap-session/imap_url.h"
#include "lib/base/buf.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

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
		cmocka_unit_test(urls_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
