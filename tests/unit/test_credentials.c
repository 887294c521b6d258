/* What clients of pop3d and imapd say who they are, and from where. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/credentials.h"

static void
names_and_passwords_have_bounds(void **state)
{
	static char		 many[AUTH_PASSWORD_MAX + 2];
	struct auth_check	 c;

	(void)state;
	memset(many, 'a', sizeof(many));
	assert_int_equal(credentials_set(&c, SLICE_LIT("bob"),
	    (struct slice){ many, AUTH_PASSWORD_MAX }), 0);
	assert_int_equal(credentials_set(&c, SLICE_LIT("bob"),
	    (struct slice){ many, AUTH_PASSWORD_MAX + 1 }),
	    -1);
	assert_int_equal(credentials_set(&c,
	    (struct slice){ many, AUTH_USER_MAX }, SLICE_LIT("x")),
	    0);
	assert_int_equal(credentials_set(&c,
	    (struct slice){ many, AUTH_USER_MAX + 1 }, SLICE_LIT("x")),
	    -1);
	assert_int_equal(credentials_set(&c, SLICE_LIT("bob"),
	    SLICE_LIT("se\0cret")), -1);
	assert_int_equal(credentials_set(&c, SLICE_LIT("bob"), SLICE_LIT("")),
	    -1);
	assert_int_equal(credentials_set(&c, SLICE_LIT("b\0b"),
	    SLICE_LIT("x")), -1);
	assert_int_equal(credentials_set(&c, SLICE_LIT("b\xe9"),
	    SLICE_LIT("x")), -1);
	assert_int_equal(credentials_set(&c, SLICE_LIT("bob"),
	    SLICE_LIT(" with blanks ")), 0);
	assert_string_equal(c.secret, " with blanks ");
}

static void
only_this_machine_may_send_passwords(void **state)
{
	static const struct { const char *address; bool safe; } t[] = {
		{ "127.0.0.1", true }, { "127.255.1.2", true },
		{ "::1", true }, { "::ffff:127.0.0.1", true },
		{ "128.0.0.1", false }, { "10.0.0.1", false },
		{ "0.0.0.0", false }, { "192.0.2.127", false },
		{ "::", false }, { "::ffff:10.0.0.127", false },
		{ "fe80::1", false }, { "2001:db8::7f00:1", false },
	};
	struct listener_peer	 peer;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&peer, 0, sizeof(peer));
		if (inet_pton(AF_INET, t[i].address,
		    &((struct sockaddr_in *)&peer.sa)->sin_addr) == 1)
			peer.sa.ss_family = AF_INET;
		else {
			assert_int_equal(inet_pton(AF_INET6, t[i].address,
			    &((struct sockaddr_in6 *)&peer.sa)->sin6_addr), 1);
			peer.sa.ss_family = AF_INET6;
		}
		assert_int_equal(credentials_safe(&peer), t[i].safe);
		peer.is_unix = true;	/* somebody passes it on */
		assert_int_equal(credentials_safe(&peer), t[i].safe);
	}
	memset(&peer, 0, sizeof(peer));
	peer.sa.ss_family = AF_UNSPEC;
	assert_true(credentials_safe(&peer));
	peer.is_unix = true;
	assert_true(credentials_safe(&peer));
	peer.sa.ss_family = AF_PACKET;
	assert_false(credentials_safe(&peer));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(names_and_passwords_have_bounds),
		cmocka_unit_test(only_this_machine_may_send_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
