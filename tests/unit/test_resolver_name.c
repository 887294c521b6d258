/* Names, literals, reverse names, and which of them are this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolver/local.h"
#include "resolver/name.h"

#define X63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
names_become_a_labels(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "Example.COM", "example.com" },
		{ "example.com.", "example.com" },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
		{ "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "_25._tcp.mx.test", "_25._tcp.mx.test" },
		{ "localhost", "localhost" },
		{ X63 "." X63 "." X63 ".com", X63 "." X63 "." X63 ".com" },
		{ "", NULL }, { ".", NULL }, { "..", NULL },
		{ ".example.com", NULL }, { "example..com", NULL },
		{ "example.com..", NULL }, { "exa mple.com", NULL },
		{ "example.com/", NULL }, { "a\\.b", NULL },
		{ "ex\xff.com", NULL }, { "a" X63 ".com", NULL },
		{ X63 "." X63 "." X63 "." X63 ".com", NULL },
		{ "a\nb.com", NULL }, { "*.com", NULL }, { "[a]", NULL },
	};
	char	 out[RESOLVER_NAME_MAX];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (name_parse(rows[i].in, out) != (rows[i].out != NULL))
			fail_msg("%s", rows[i].in);
		if (rows[i].out != NULL)
			assert_string_equal(out, rows[i].out);
	}
}

static void
literals_hold_an_address(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "[192.0.2.1]", "192.0.2.1" },
		{ "[IPv6:2001:DB8::1]", "2001:db8::1" },
		{ "[ipv6:::1]", "::1" },
		{ "[2001:db8:0::1]", "2001:db8::1" },
		{ "192.0.2.1", NULL }, { "[]", NULL }, { "[192.0.2]", NULL },
		{ "[192.0.2.1", NULL }, { "192.0.2.1]", NULL },
		{ "[192.0.2.256]", NULL }, { "[IPv6:192.0.2.1]", NULL },
		{ "[IPv6:]", NULL }, { "[fe80::1%eth0]", NULL },
		{ "[mx.test]", NULL }, { "[ 192.0.2.1]", NULL },
		{ "[IPv7:::1]", NULL },
	};
	char	 out[RESOLVER_ADDR_MAX];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (name_literal(rows[i].in, out) != (rows[i].out != NULL))
			fail_msg("%s", rows[i].in);
		if (rows[i].out != NULL)
			assert_string_equal(out, rows[i].out);
	}
}

static void
some_addresses_take_no_mail(void **state)
{
	static const char *const	 good[] = { "192.0.2.1", "10.0.0.1",
	    "127.0.0.1", "2001:db8::1", "::1", "fd00::1", "223.255.255.255" };
	static const char *const	 bad[] = { "0.0.0.0", "0.1.2.3",
	    "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1",
	    "::ffff:127.0.0.1", "mx", "" };
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(name_usable(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_usable(bad[i]));
}

static void
addresses_have_reverse_names(void **state)
{
	char	 out[RESOLVER_NAME_MAX];

	(void)state;
	assert_true(name_reverse("192.0.2.17", out));
	assert_string_equal(out, "17.2.0.192.in-addr.arpa");
	assert_true(name_reverse("2001:db8::1", out));
	assert_string_equal(out, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	assert_false(name_reverse("mx.test", out));
	assert_false(name_reverse("", out));
}

static void
a_port_may_follow(void **state)
{
	static const struct {
		const char	*in, *out;	/* NULL: refused */
		unsigned int	 port;
	}	 rows[] = {
		{ "a.test", "a.test", 25 },
		{ "a.test:587", "a.test", 587 },
		{ "[192.0.2.1]:24", "[192.0.2.1]", 24 },
		{ "[IPv6:::1]", "[IPv6:::1]", 25 },
		{ "[IPv6:::1]:2525", "[IPv6:::1]", 2525 },
		{ "a.test:", NULL, 0 }, { "a.test:0", NULL, 0 },
		{ "a.test:65536", NULL, 0 }, { "a.test:-1", NULL, 0 },
		{ "a.test:smtp", NULL, 0 },
	};
	unsigned int	 port;
	char		 work[64];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		port = 25;
		snprintf(work, sizeof(work), "%s", rows[i].in);
		assert_int_equal(name_take_port(work, &port),
		    rows[i].out != NULL);
		if (rows[i].out == NULL)
			continue;
		assert_string_equal(work, rows[i].out);
		assert_int_equal(port, rows[i].port);
	}
}

static void
this_host_is_where_smtpd_listens(void **state)
{
	static char			 any4[] = "0.0.0.0:25",
	    one[] = "192.0.2.1:2525", six[] = "[2001:DB8::1]:25",
	    any6[] = "[::]:26", sub[] = "0.0.0.0:587", behind[] = "0.0.0.0:27",
	    host[] = "Mail.Example.test", helo[] = "out.example.test",
	    unixes[] = "unix:/run/x";
	struct config_listen		 listen[] = {
		{ any4, ROLE_MX, 0, false }, { one, ROLE_MX, 0, false },
		{ six, ROLE_MX, 0, false }, { any6, ROLE_MX, 0, false },
		{ sub, ROLE_SUBMISSION, 0, false },
		{ behind, ROLE_MX, 0, true }, { unixes, ROLE_LMTP, 0, false },
	};
	static const struct {
		const char	*addr;
		unsigned int	 port;
		bool		 local;
	}				 rows[] = {
		{ "127.0.0.1", 25, true }, { "127.9.9.9", 25, true },
		{ "192.0.2.1", 2525, true }, { "2001:db8::1", 25, true },
		{ "192.0.2.1", 25, false }, { "192.0.2.2", 2525, false },
		{ "127.0.0.1", 2525, false }, { "127.0.0.1", 587, false },
		{ "127.0.0.1", 27, false }, { "2001:db8::2", 25, false },
		{ "127.0.0.1", 26, false },
	};
	struct config			 c = { .hostname = host };
	size_t				 i;

	(void)state;
	c.remote.helo = helo;
	c.smtpd.net.listen = listen;
	c.smtpd.net.nlisten = sizeof(listen) / sizeof(listen[0]);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (local_address(&c, rows[i].addr, rows[i].port) !=
		    rows[i].local)
			fail_msg("%s port %u", rows[i].addr, rows[i].port);
	assert_true(local_name(&c, "mail.example.test"));
	assert_true(local_name(&c, "out.example.test"));
	assert_false(local_name(&c, "example.test"));
	assert_false(local_name(&c, "mx.mail.example.test"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(names_become_a_labels),
		cmocka_unit_test(literals_hold_an_address),
		cmocka_unit_test(some_addresses_take_no_mail),
		cmocka_unit_test(addresses_have_reverse_names),
		cmocka_unit_test(a_port_may_follow),
		cmocka_unit_test(this_host_is_where_smtpd_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
