/* Access lists and PROXY headers. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/access_table.h"
#include "smtpd/proxy.h"

static struct sockaddr *
address(const char *text)
{
	static union {
		struct sockaddr		 sa;
		struct sockaddr_in	 in;
		struct sockaddr_in6	 in6;
	} u;

	memset(&u, 0, sizeof(u));
	if (inet_pton(AF_INET, text, &u.in.sin_addr) == 1)
		u.in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &u.in6.sin6_addr) == 1)
		u.in6.sin6_family = AF_INET6;
	return &u.sa;
}

static void
client_list_takes_the_most_specific_pattern(void **state)
{
	static const char	 list[] =
	    "# a comment\n"
	    "192.0.2.0/24 refuse not you\n"
	    "192.0.2.7\tOK\n"
	    "\n"
	    "192.0.2.128/25 defer\n"
	    "2001:db8::/32 discard\r\n"
	    "2001:db8::1 ok\n"
	    "0.0.0.0/1 discard\n"
	    "bad.example.org refuse\n"
	    ".example.org ok";
	static const struct {
		const char *addr, *name; enum access_action want;
	} t[] = {
		{ "192.0.2.1", "", ACCESS_REFUSE },
		{ "192.0.2.7", "", ACCESS_OK },
		{ "192.0.2.129", "", ACCESS_DEFER },
		{ "::ffff:192.0.2.129", "", ACCESS_DEFER },
		{ "192.0.3.1", "", ACCESS_NONE },
		{ "10.1.2.3", "", ACCESS_DISCARD },
		{ "2001:db8::2", "", ACCESS_DISCARD },
		{ "2001:db8::1", "", ACCESS_OK },
		{ "2001:db9::1", "", ACCESS_NONE },
		{ "198.51.100.1", "BAD.example.org", ACCESS_REFUSE },
		{ "198.51.100.1", "x.y.example.org", ACCESS_OK },
		{ "198.51.100.1", "example.org", ACCESS_NONE },
		{ "198.51.100.1", "xexample.org", ACCESS_NONE },
		{ "192.0.2.1", "a.example.org", ACCESS_REFUSE },
		{ "", "", ACCESS_NONE },
	};
	struct access_table	*tab;
	struct buf		 err;
	const char		*text;
	size_t			 i;

	(void)state;
	buf_init(&err, 4096);
	tab = access_table_parse(slice_str(list), "list", true, &err);
	if (err.len > 0)
		fail_msg("%s", buf_cstr(&err));
	assert_true(access_table_has_names(tab));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (access_table_client(tab, address(t[i].addr), t[i].name,
		    &text) != t[i].want)
			fail_msg("%s %s", t[i].addr, t[i].name);
	access_table_client(tab, address("192.0.2.1"), "", &text);
	assert_string_equal(text, "not you");
	access_table_client(tab, address("192.0.2.7"), "", &text);
	assert_null(text);
	access_table_free(tab);
	buf_free(&err);
}

static void
address_list_takes_address_then_domain_then_local_part(void **state)
{
	static const char	 list[] =
	    "spam@Example.org refuse go away\n"
	    "@example.org discard\n"
	    "root@ defer\n"
	    "\"a b\"@example.net refuse\n";
	static const struct {
		const char *addr; enum access_action want;
	} t[] = {
		{ "spam@example.org", ACCESS_REFUSE },
		{ "SPAM@EXAMPLE.ORG", ACCESS_REFUSE },
		{ "ham@example.org", ACCESS_DISCARD },
		{ "root@example.org", ACCESS_DISCARD },
		{ "root@example.com", ACCESS_DEFER },
		{ "\"a b\"@example.net", ACCESS_REFUSE },
		{ "ab@example.net", ACCESS_NONE },
		{ "ham@sub.example.org", ACCESS_NONE },
	};
	struct access_table	*tab;
	struct address		 a;
	struct buf		 err;
	const char		*text;
	size_t			 i;

	(void)state;
	buf_init(&err, 4096);
	tab = access_table_parse(slice_str(list), "list", false, &err);
	if (err.len > 0)
		fail_msg("%s", buf_cstr(&err));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(address_parse(slice_str(t[i].addr),
		    ADDRESS_UTF8, &a), ADDRESS_OK);
		if (access_table_address(tab, &a, &text) != t[i].want)
			fail_msg("%s", t[i].addr);
	}
	memset(&a, 0, sizeof(a));	/* the null sender */
	assert_int_equal(access_table_address(tab, &a, &text), ACCESS_NONE);
	access_table_free(tab);
	buf_free(&err);
}

static void
every_wrong_line_is_named(void **state)
{
	static const struct { bool client; const char *text, *want; } t[] = {
		{ true, "192.0.2.1\n", "l:1: the action" },
		{ true, "192.0.2.1 allow\n", "l:1: the action" },
		{ true, "192.0.2.0/33 ok\n", "l:1: malformed prefix" },
		{ true, "192.0.2.0/x ok\n", "l:1: malformed prefix" },
		{ true, "192.0.2/24 ok\n", "l:1: malformed network" },
		{ true, "2001:db8::/129 ok\n", "l:1: malformed prefix" },
		{ true, "2001:dg8:: ok\n", "l:1: malformed network" },
		{ true, "a@b ok\n", "l:1: neither an address" },
		{ true, "\n1.2.3.4 ok\n1.2.3.4 refuse\n",
		    "l:3: the same pattern as in line 2" },
		{ true, "1.2.3.4 ok caf\xc3\xa9\n", "l:1: the text" },
		{ true, "1.2.3.4 ok a\x01z\n", "l:1: the text" },
		{ false, "example.org ok\n", "l:1: neither user@domain" },
		{ false, "@ ok\n", "l:1: neither user@domain" },
		{ false, "@exa mple ok\n", "l:1: the action" },
		{ false, "a b@example.org ok\n", "l:1: neither" },
		{ false, "@-bad- ok\n", "l:1: neither" },
	};
	struct buf	 err;
	size_t		 i;

	(void)state;
	buf_init(&err, 4096);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_clear(&err);
		access_table_free(access_table_parse(slice_str(t[i].text), "l",
		    t[i].client, &err));
		if (strncmp(buf_cstr(&err), t[i].want,
		    strlen(t[i].want)) != 0)
			fail_msg("%s: %s", t[i].text, buf_cstr(&err));
	}
	buf_free(&err);
}

static void
who_is_in_a_wrong_line_is_deferred(void **state)
{
	static const char	 list[] = "192.0.2.1 refuse\n"
	    "192.0.2.2 refus\n192.0.2.3\n192.0.2.4 ok caf\xc3\xa9\n"
	    "192.0.2.5 ok\n192.0.2.6 refuse a\n192.0.2.6 refuse b\n"
	    "192.0.2.5 discard\n192.0.2 refuse\n192.0.2.0/33 refuse\n"
	    "192.0.2.7 ok\n192.0.2.5 ok\n";
	static const struct { const char *addr; enum access_action want; }
	    t[] = {
		{ "192.0.2.1", ACCESS_REFUSE },
		{ "192.0.2.2", ACCESS_DEFER },
		{ "192.0.2.3", ACCESS_DEFER },
		{ "192.0.2.4", ACCESS_DEFER },
		{ "192.0.2.5", ACCESS_DEFER },
		{ "192.0.2.6", ACCESS_REFUSE },
		{ "192.0.2.7", ACCESS_OK },
		{ "192.0.2.8", ACCESS_NONE },
	};
	struct access_table	*tab;
	struct buf		 err;
	const char		*text;
	size_t			 i;

	(void)state;
	buf_init(&err, 4096);
	tab = access_table_parse(slice_str(list), "l", true, &err);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (access_table_client(tab, address(t[i].addr), "",
		    &text) != t[i].want)
			fail_msg("%s", t[i].addr);
	access_table_client(tab, address("192.0.2.6"), "", &text);
	assert_string_equal(text, "a");
	access_table_free(tab);
	buf_free(&err);
}

static const char	 proxy4[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
    "\xc0\0\2\1\xcb\0\x71\1\x12\x34\0\x19";
static const char	 proxy6[] = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x29"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x12\x34\0\x19"
    "\x04\0\2xx";

static void
proxy_header_names_the_client(void **state)
{
	struct sockaddr_storage	 sa;
	char			 text[64];
	size_t			 used, i;

	(void)state;
	for (i = 0; i < sizeof(proxy4) - 1; i++)
		assert_int_equal(proxy_parse((struct slice){ proxy4, i }, &sa,
		    &used), PROXY_MORE);
	assert_int_equal(proxy_parse((struct slice){ proxy4,
	    sizeof(proxy4) - 1 }, &sa, &used), PROXY_OK);
	assert_int_equal(used, 28);
	assert_string_equal(inet_ntop(AF_INET,
	    &((struct sockaddr_in *)&sa)->sin_addr, text, sizeof(text)),
	    "192.0.2.1");
	assert_int_equal(ntohs(((struct sockaddr_in *)&sa)->sin_port), 0x1234);
	for (i = 0; i < sizeof(proxy6) - 1; i++)
		assert_int_equal(proxy_parse((struct slice){ proxy6, i }, &sa,
		    &used), PROXY_MORE);
	assert_int_equal(proxy_parse((struct slice){ proxy6,
	    sizeof(proxy6) - 1 }, &sa, &used), PROXY_OK);
	assert_int_equal(used, 16 + 41);
	assert_string_equal(inet_ntop(AF_INET6,
	    &((struct sockaddr_in6 *)&sa)->sin6_addr, text, sizeof(text)),
	    "2001:db8::1");
}

static void
proxy_tells_how_much_is_missing(void **state)
{
	static const struct { const char *p; size_t len; } t[] = {
		{ proxy4, sizeof(proxy4) - 1 },
		{ proxy6, sizeof(proxy6) - 1 },
	};
	size_t	 i, k, have;

	(void)state;
	/* Never more than is the header's, and whole in the end. */
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (k = 0; k < t[i].len; k++)
			assert_int_equal(proxy_missing((struct slice){ t[i].p,
			    k }), (k < 16 ? 16 : t[i].len) - k);
		for (have = 0; have < t[i].len;)
			have += proxy_missing((struct slice){ t[i].p, have });
		assert_int_equal(have, t[i].len);
		assert_int_equal(proxy_missing((struct slice){ t[i].p,
		    have }), 1);
	}
}

static void
proxy_refuses_what_is_no_header(void **state)
{
	static const struct {
		size_t at; char octet; enum proxy_status want;
	} t[] = {
		{ 0, 'P', PROXY_BAD },
		{ 11, 'x', PROXY_BAD },
		{ 12, 0x11, PROXY_BAD },	/* version 1 */
		{ 12, 0x22, PROXY_BAD },	/* no such command */
		{ 12, 0x20, PROXY_LOCAL },
		{ 13, 0x00, PROXY_LOCAL },	/* no address known */
		{ 13, 0x12, PROXY_BAD },	/* datagrams */
		{ 13, 0x31, PROXY_BAD },	/* unix */
		{ 13, 0x21, PROXY_BAD },	/* too short for IPv6 */
		{ 14, 0x7f, PROXY_BAD },	/* too long */
		{ 15, 0x0b, PROXY_BAD },	/* too short */
		{ 15, 0x0d, PROXY_MORE },
	};
	struct sockaddr_storage	 sa;
	char			 in[sizeof(proxy4) - 1];
	size_t			 used, i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memcpy(in, proxy4, sizeof(in));
		in[t[i].at] = t[i].octet;
		assert_int_equal(proxy_parse((struct slice){ in, sizeof(in) },
		    &sa, &used), t[i].want);
	}
	assert_int_equal(proxy_parse(SLICE_LIT("EHLO me\r\n"), &sa, &used),
	    PROXY_BAD);
	assert_int_equal(proxy_parse(SLICE_LIT(""), &sa, &used), PROXY_MORE);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(client_list_takes_the_most_specific_pattern),
		cmocka_unit_test(
		    address_list_takes_address_then_domain_then_local_part),
		cmocka_unit_test(every_wrong_line_is_named),
		cmocka_unit_test(who_is_in_a_wrong_line_is_deferred),
		cmocka_unit_test(proxy_header_names_the_client),
		cmocka_unit_test(proxy_tells_how_much_is_missing),
		cmocka_unit_test(proxy_refuses_what_is_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
