/* Networks and counts. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/limits.h"
#include "lib/net/listener_peer.h"

static struct listener_peer
peer(const char *ip)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	struct sockaddr_in6	 in6 = { .sin6_family = AF_INET6 };
	struct listener_peer	 p;

	memset(&p, 0, sizeof(p));
	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
		listener_set_peer(&p, (struct sockaddr *)&in);
	else {
		assert_int_equal(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
		listener_set_peer(&p, (struct sockaddr *)&in6);
	}
	return p;
}

static void
networks_hold_their_addresses_and_no_others(void **state)
{
	static const struct { const char *net, *ip; bool in; } t[] = {
		{ "127.0.0.0/8", "127.1.2.3", true },
		{ "127.0.0.0/8", "128.0.0.1", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.128/25", "192.0.2.129", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::1", "::1", true }, { "::1", "::2", false },
		{ "::1", "127.0.0.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "nonsense", "127.0.0.1", false },
		{ "127.0.0.0/33", "127.0.0.1", false },
	};
	struct listener_peer	 p;
	struct config_list	 list;
	char			*item[1];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		item[0] = (char *)(uintptr_t)t[i].net;
		list.item = item;
		list.n = 1;
		p = peer(t[i].ip);
		if (listener_in_networks(&p, &list) != t[i].in)
			fail_msg("%s in %s", t[i].ip, t[i].net);
	}
	memset(&p, 0, sizeof(p));
	assert_false(listener_in_networks(&p, &list));
}

static enum limits_verdict
enter(struct limits *l, const struct config_listeners *c, const char *ip,
    int64_t now)
{
	struct listener_peer	 p = peer(ip);
	uint8_t			 key[16];
	bool			 v4;

	assert_true(listener_peer_key(&p, key, &v4));
	return limits_enter(l, c, key, v4, now);
}

static void
leave(struct limits *l, const char *ip, int64_t now)
{
	struct listener_peer	 p = peer(ip);
	uint8_t			 key[16];
	bool			 v4;

	assert_true(listener_peer_key(&p, key, &v4));
	limits_leave(l, key, v4, now);
}

static void
addresses_networks_and_rates_are_bounded(void **state)
{
	struct config_listeners	 c = { .max_per_address = 2,
	    .max_per_network = 3, .max_rate = 5 };
	struct limits		*l = limits_new();
	int			 i;

	(void)state;
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_OK);
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_OK);
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_ADDRESS);
	assert_int_equal(enter(l, &c, "192.0.2.2", 100), LIMITS_OK);
	assert_int_equal(enter(l, &c, "192.0.2.3", 100), LIMITS_NETWORK);
	assert_int_equal(enter(l, &c, "192.0.3.3", 100), LIMITS_OK);
	leave(l, "192.0.2.1", 100);
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_OK);
	leave(l, "192.0.2.1", 100);
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_OK);
	leave(l, "192.0.2.1", 100);
	assert_int_equal(enter(l, &c, "192.0.2.1", 100), LIMITS_RATE);
	/* A minute later the rate begins anew. */
	assert_int_equal(enter(l, &c, "192.0.2.1", 160), LIMITS_OK);
	for (i = 0; i < 3; i++)
		assert_int_equal(enter(l, &c, "2001:db8::1", 160),
		    i < 2 ? LIMITS_OK : LIMITS_ADDRESS);
	assert_int_equal(enter(l, &c, "2001:db8::2", 160), LIMITS_OK);
	assert_int_equal(enter(l, &c, "2001:db8::3", 160), LIMITS_NETWORK);
	assert_int_equal(enter(l, &c, "2001:db8:0:1::3", 160), LIMITS_OK);
	limits_sweep(l, 1000);
	assert_int_equal(enter(l, &c, "2001:db8::3", 1000), LIMITS_NETWORK);
	limits_free(l);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(networks_hold_their_addresses_and_no_others),
		cmocka_unit_test(addresses_networks_and_rates_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
