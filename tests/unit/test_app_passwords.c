/* The file of app passwords: what is read, what is refused, what fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/app_passwords.h"
#include "lib/store/app_uses.h"

#define HASH	"{SSHA256}mlepskEk9wh4vjNumDZVcSwXYkGqUEVCzOSlzpOZLXGy20yN" \
		"Xz4A+1stPxRV13nr"

static struct buf	 err;

static struct app_passwords *
parse(const char *text)
{
	buf_clear(&err);
	return app_passwords_parse("apps", text, strlen(text), &err);
}

static void
a_users_are_found_side_by_side(void **state)
{
	struct app_passwords		*all;
	const struct app_password	*a;
	size_t				 n;

	(void)state;
	all = parse("# made by mailctl\n\n"
	    "bob@example.org:phone:" HASH ":20261121T103000Z\n"
	    "Alice@Example.org:tablet:" HASH ":20261121T103000Z:imap,smtp\n"
	    "bob@example.org:T\xc3\xbcr 2:" HASH "::pop3\n"
	    "alice@example.org:phone:" HASH ":20261121T103000Z:");
	assert_non_null(all);
	assert_int_equal(app_passwords_count(all), 4);
	a = app_passwords_of(all, "alice@example.org", &n);
	assert_int_equal(n, 2);
	assert_string_equal(a[0].name, "phone");
	assert_string_equal(a[0].created, "20261121T103000Z");
	assert_int_equal(a[0].services, 0);
	assert_string_equal(a[1].name, "tablet");
	assert_true(app_password_serves(&a[0], "pop3"));
	assert_true(app_password_serves(&a[1], "imap"));
	assert_true(app_password_serves(&a[1], "smtp"));
	assert_false(app_password_serves(&a[1], "pop3"));
	assert_false(app_password_serves(&a[1], "nntp"));
	a = app_passwords_of(all, "bob@example.org", &n);
	assert_int_equal(n, 2);
	assert_int_equal(a[1].line, 3);
	assert_null(app_passwords_of(all, "bob@example.or", &n));
	assert_null(app_passwords_of(all, "bob@example.orgg", &n));
	assert_null(app_passwords_of(all, "", &n));
	assert_int_equal(n, 0);
	app_passwords_free(all);
	all = parse("");
	assert_null(app_passwords_of(all, "a@b", &n));
	app_passwords_free(all);
	app_passwords_free(NULL);
}

static void
every_bad_line_is_named(void **state)
{
	static const char	*const t[] = { "word", ":", "a@b", "a@b:x",
	    "a@b:x:y", "a@b:x:{PLAIN}z:t", "a:x:" HASH ":t",
	    "a@b::" HASH ":t", "a@b: x:" HASH ":t", "a@b:x :" HASH ":t",
	    "a@b:\x7f:" HASH ":t", "a@b:\xff:" HASH ":t",
	    "a@b:x:" HASH "AAAA:t", "a@b:x:{SSHA256}AAAA:t",
	    "a@b:x:" HASH ":t:ssh", "a@b:x:" HASH ":t:imap,",
	    "a@b:x:" HASH ":t:imap smtp", "a@b:x:" HASH ":t:imap:more",
	    "ok@b:ok:" HASH ":t", "OK@B:ok:" HASH ":t",
	    "a@b:12345678901234567890123456789012345678901234567890123456789"
	    "012345:" HASH ":t" };
	struct app_passwords	*all;
	char			*text;
	size_t			 i, n;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		xasprintf(&text, "ok@b:ok:" HASH ":t\n%s\n", t[i]);
		all = parse(text);
		assert_memory_equal(buf_cstr(&err), "apps:2: ", 8);
		assert_int_equal(app_passwords_count(all), 1);
		assert_int_equal(app_passwords_all(all, &n)->line, 1);
		app_passwords_free(all);
		free(text);
	}
	buf_clear(&err);
	app_passwords_free(app_passwords_parse("apps", "a@b\0:", 5, &err));
	assert_int_not_equal(err.len, 0);
}

static void
one_user_has_not_too_many(void **state)
{
	struct app_passwords	*all;
	struct buf		 b;
	int			 i;

	(void)state;
	buf_init(&b, 65536);
	for (i = 0; i < APP_PASSWORDS_USER; i++)
		buf_addf(&b, "a@b:n%d:" HASH ":t\n", i);
	all = parse(buf_cstr(&b));
	assert_int_equal(err.len, 0);
	app_passwords_free(all);
	buf_addf(&b, "a@b:one-more:" HASH ":t\nc@b:n:" HASH ":t\n");
	all = parse(buf_cstr(&b));
	assert_non_null(strstr(buf_cstr(&err), "too many"));
	assert_int_equal(app_passwords_count(all), APP_PASSWORDS_USER + 1);
	app_passwords_free(all);
	buf_free(&b);
}

static void
only_the_password_fits(void **state)
{
	char	 hash[APP_PASSWORD_HASH], again[APP_PASSWORD_HASH];
	char	*text;

	(void)state;
	app_password_hash("k3hd9vwm", hash);
	app_password_hash("k3hd9vwm", again);
	assert_string_not_equal(hash, again);
	assert_true(app_password_fits(hash, "k3hd9vwm"));
	assert_true(app_password_fits(again, "k3hd9vwm"));
	assert_false(app_password_fits(hash, "k3hd9vw"));
	assert_false(app_password_fits(hash, "k3hd9vwmm"));
	assert_false(app_password_fits(hash, ""));
	assert_false(app_password_fits("", ""));
	assert_false(app_password_fits("{SSHA256}", "x"));
	hash[12] = hash[12] == 'A' ? 'B' : 'A';
	assert_false(app_password_fits(hash, "k3hd9vwm"));
	xasprintf(&text, "a@b:c:%s:t", again);
	app_passwords_free(parse(text));
	assert_int_equal(err.len, 0);
	free(text);
}

static void
uses_are_noted_and_read_again(void **state)
{
	struct app_passwords	*still;
	struct app_uses		*a = app_uses_new();
	const struct app_use	*u;
	struct buf		 b;

	(void)state;
	still = parse("a@b:phone:" HASH ":t\na@b:pad:" HASH ":t\n");
	buf_init(&b, 4096);
	assert_null(app_uses_find(a, "a@b", "phone"));
	app_uses_note(a, "a@b", "phone", 0, "imap", "2001:db8::1");
	app_uses_note(a, "a@b", "phone", 86400, "pop3", "");
	app_uses_note(a, "a@b", "revoked", 0, "imap", "192.0.2.1");
	u = app_uses_find(a, "a@b", "phone");
	assert_string_equal(u->time, "19700102T000000Z");
	assert_string_equal(u->service, "pop3");
	assert_string_equal(u->ip, "-");
	assert_int_equal(app_uses_print(a, still, &b), 0);
	assert_string_equal(buf_cstr(&b),
	    "a@b:phone:19700102T000000Z:pop3:-\n");
	app_uses_free(a);
	a = app_uses_new();
	(void)buf_addstr(&b, "a@b:pad:t:imap:2001:db8::1\n\n:::::\na@b:x:y\n"
	    "a@b::t:imap:-\na@b:esc\033:t:imap:-\na@b:pad2:t:imap:-");
	app_uses_read(a, buf_slice(&b));
	assert_non_null(app_uses_find(a, "a@b", "phone"));
	assert_string_equal(app_uses_find(a, "a@b", "pad")->ip,
	    "2001:db8::1");
	assert_non_null(app_uses_find(a, "a@b", "pad2"));
	assert_null(app_uses_find(a, "a@b", ""));
	assert_null(app_uses_find(a, "a@b", "x"));
	app_uses_free(a);
	app_uses_free(NULL);
	app_passwords_free(still);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_users_are_found_side_by_side),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(one_user_has_not_too_many),
		cmocka_unit_test(only_the_password_fits),
		cmocka_unit_test(uses_are_noted_and_read_again),
	};
	int			 r;

	buf_init(&err, 65536);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&err);
	return r;
}
