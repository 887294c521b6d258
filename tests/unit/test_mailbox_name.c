/* Mailbox names: modified UTF-7, directories, wildcards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/mailbox_name.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct pair {
	const char	*utf8, *coded;
};

/* The examples of RFC 3501 5.1.3 among them. */
static const struct pair	 coded[] = {
	{ "Sent", "Sent" },
	{ "a&b", "a&-b" },
	{ "&", "&-" },
	{ "&&", "&-&-" },
	{ "~peter/mail/\345\217\260\345\214\227/\346\227\245\346\234\254\350"
	  "\252\236", "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "Entw\303\274rfe", "Entw&APw-rfe" },
	{ "\303\251\303\251", "&AOkA6Q-" },
	{ "\360\237\220\246", "&2D3cJg-" },
	{ "x\360\237\220\246&", "x&2D3cJg-&-" },
};

static const char *const	 miscoded[] = {
	"&", "a&", "&AOk", "&AOk!-", "&AGE-",	/* "a" in a shift */
	"&AOk-&AOk-",				/* two in a row */
	"&A-", "&AO-", "&AOl-x&", "&2D0-", "&3CY-", "&2D0AYQ-",
	"\303\274", "a\001", "&AO/-", "&AOm-", "&=-", "&AOkA-",
};

static void
mutf7_goes_both_ways(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < COUNT(coded); i++) {
		buf_clear(&b);
		assert_int_equal(mutf7_encode(slice_str(coded[i].utf8), &b),
		    0);
		assert_string_equal(buf_cstr(&b), coded[i].coded);
		buf_clear(&b);
		assert_int_equal(mutf7_decode(slice_str(coded[i].coded), &b),
		    0);
		assert_string_equal(buf_cstr(&b), coded[i].utf8);
	}
	buf_free(&b);
}

static void
mutf7_refuses_other_encodings(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < COUNT(miscoded); i++) {
		buf_clear(&b);
		if (mutf7_decode(slice_str(miscoded[i]), &b) != -1)
			fail_msg("%s was taken", miscoded[i]);
	}
	buf_free(&b);
}

struct name_case {
	const char			*wire;
	bool				 utf8;
	enum mailbox_name_status	 status;
	const char			*name, *dir;
};

static const struct name_case	 names[] = {
	{ "INBOX", false, MAILBOX_NAME_OK, "INBOX", "." },
	{ "inBox", true, MAILBOX_NAME_OK, "INBOX", "." },
	{ "Inbox/a", false, MAILBOX_NAME_OK, "INBOX/a", ".INBOX.a" },
	{ "INBOXES", false, MAILBOX_NAME_OK, "INBOXES", ".INBOXES" },
	{ "a/INBOX", false, MAILBOX_NAME_OK, "a/INBOX", ".a.INBOX" },
	{ "Sent", false, MAILBOX_NAME_OK, "Sent", ".Sent" },
	{ "Sent/", false, MAILBOX_NAME_OK, "Sent", ".Sent" },
	{ "Sent/2024", false, MAILBOX_NAME_OK, "Sent/2024", ".Sent.2024" },
	{ "Entw&APw-rfe", false, MAILBOX_NAME_OK, "Entw\303\274rfe",
	  ".Entw&APw-rfe" },
	{ "Entw\303\274rfe", true, MAILBOX_NAME_OK, "Entw\303\274rfe",
	  ".Entw&APw-rfe" },
	{ "Entw\303\274rfe", false, MAILBOX_NAME_OK, "Entw\303\274rfe",
	  ".Entw&APw-rfe" },
	{ "R&D", true, MAILBOX_NAME_OK, "R&D", ".R&-D" },
	{ "R&-D", false, MAILBOX_NAME_OK, "R&D", ".R&-D" },
	{ " a b ", false, MAILBOX_NAME_OK, " a b ", ". a b " },
	{ "a*%b", false, MAILBOX_NAME_OK, "a*%b", ".a*%b" },
	{ "", false, MAILBOX_NAME_EMPTY, NULL, NULL },
	{ "/", false, MAILBOX_NAME_EMPTY, NULL, NULL },
	{ "R&D", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "/a", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a//b", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a//", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ ".", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "..", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "../../etc", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a/../b", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a.b", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "&AC4ALg-", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "&AC8-", false, MAILBOX_NAME_BAD, NULL, NULL },	/* "/" */
	{ "&AAA-", false, MAILBOX_NAME_BAD, NULL, NULL },	/* NUL */
	{ "&AAo-", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a\nb", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a\302\205", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a\342\200\250", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a\377", true, MAILBOX_NAME_BAD, NULL, NULL },
	{ "a\300\257", false, MAILBOX_NAME_BAD, NULL, NULL },
	{ "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21", false,
	  MAILBOX_NAME_BAD, NULL, NULL },
};

static void
name_is_read(void **state)
{
	const struct name_case	*c;
	const char		*why;
	struct buf		 b, dir, back;
	size_t			 i;

	(void)state;
	buf_init(&b, 2000);
	buf_init(&dir, 2000);
	buf_init(&back, 2000);
	for (i = 0; i < COUNT(names); i++) {
		c = &names[i];
		buf_clear(&b);
		buf_clear(&dir);
		buf_clear(&back);
		if (mailbox_name_read(slice_str(c->wire), c->utf8, &b,
		    &why) != c->status)
			fail_msg("%s: %s", c->wire, why);
		assert_true((why == NULL) == (c->status == MAILBOX_NAME_OK));
		if (c->name == NULL) {
			assert_int_equal(b.len, 0);
			continue;
		}
		assert_string_equal(buf_cstr(&b), c->name);
		assert_int_equal(mailbox_name_to_dir(buf_slice(&b), &dir),
		    0);
		assert_string_equal(buf_cstr(&dir), c->dir);
		assert_int_equal(mailbox_name_from_dir(c->dir, &back), 0);
		assert_string_equal(buf_cstr(&back), c->name);
	}
	buf_free(&b);
	buf_free(&dir);
	buf_free(&back);
}

static void
name_has_limits(void **state)
{
	char		 wire[MAILBOX_NAME_MAX + 100];
	struct buf	 b, dir;

	(void)state;
	buf_init(&b, 2000);
	buf_init(&dir, 2000);
	memset(wire, 'a', sizeof(wire));
	assert_int_equal(mailbox_name_read((struct slice){ wire,
	    MAILBOX_NAME_MAX }, false, &b, NULL), MAILBOX_NAME_OK);
	assert_int_equal(mailbox_name_to_dir(buf_slice(&b), &dir), -1);
	assert_int_equal(dir.len, 0);
	assert_int_equal(mailbox_name_to_dir((struct slice){ wire,
	    MAILBOX_DIR_MAX - 1 }, &dir), 0);
	assert_int_equal(mailbox_name_read((struct slice){ wire,
	    MAILBOX_NAME_MAX + 1 }, false, &b, NULL), MAILBOX_NAME_LONG);
	buf_free(&b);
	buf_free(&dir);
}

static const char *const	 no_dirs[] = {
	"..", "", "cur", "new", "...", ".a.", ".a..b", "..a", ".INBOX",
	".inbox", ".Inbox.a", ".&", ".R&D", ".&AGE-", ".\303\274", ".a/b",
	".&AC8-", ".&AC4-",
};

static void
directory_of_no_mailbox_is_refused(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 2000);
	for (i = 0; i < COUNT(no_dirs); i++) {
		if (mailbox_name_from_dir(no_dirs[i], &b) != -1)
			fail_msg("%s was taken", no_dirs[i]);
		assert_int_equal(b.len, 0);
	}
	buf_free(&b);
}

static void
name_is_composed(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(mailbox_name_compose(SLICE_LIT("Re\314\201sume"),
	    &b), 0);
	assert_string_equal(buf_cstr(&b), "R\303\251sume");
	buf_free(&b);
}

static void
name_is_put(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 5000);
	mailbox_name_put(&b, SLICE_LIT("a \"b\"\303\274"), false);
	mailbox_name_put(&b, SLICE_LIT("a \"b\"\303\274&"), true);
	assert_string_equal(buf_cstr(&b),
	    "\"a \\\"b\\\"&APw-\"\"a \\\"b\\\"\303\274&\"");
	buf_free(&b);
}

struct match {
	const char	*pattern, *name;
	bool		 yes;
};

static const struct match	 matches[] = {
	{ "*", "INBOX", true }, { "*", "a/b/c", true }, { "%", "a", true },
	{ "%", "a/b", false }, { "%/%", "a/b", true }, { "%/%", "a", false },
	{ "a*", "a/b", true }, { "a%", "a/b", false }, { "*b", "a/b", true },
	{ "a/%", "a/b/c", false }, { "a/%/c", "a/b/c", true },
	{ "", "a", false }, { "a", "a", true }, { "a", "A", false },
	{ "inbox", "INBOX", true }, { "iNb%", "INBOX", true },
	{ "inbox/a", "INBOX/a", true }, { "inbox/A", "INBOX/a", false },
	{ "inboxes", "INBOXES", false }, { "a**%%b", "ab", true },
	{ "*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false }, { "%b", "b", true },
	{ "a%c%", "abcd", true }, { "a%c", "abcd", false },
	{ "%*c", "a/b/c", true }, { "*%c", "a/b/c", true },
	{ "%%c", "a/b/c", false },
};

static void
wildcards_match(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(matches); i++)
		if (mailbox_name_matches(slice_str(matches[i].pattern),
		    slice_str(matches[i].name)) != matches[i].yes)
			fail_msg("%s %s", matches[i].pattern,
			    matches[i].name);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(mutf7_goes_both_ways),
		cmocka_unit_test(mutf7_refuses_other_encodings),
		cmocka_unit_test(name_is_read),
		cmocka_unit_test(name_has_limits),
		cmocka_unit_test(directory_of_no_mailbox_is_refused),
		cmocka_unit_test(name_is_composed),
		cmocka_unit_test(name_is_put),
		cmocka_unit_test(wildcards_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
