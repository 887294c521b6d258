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
enter(struct limits *l, size_t slot, const struct config_listeners *c,
    const char *ip, int64_t now)
{
	struct listener_peer	 p = peer(ip);
	uint8_t			 key[16];
	bool			 v4;

	assert_true(listener_peer_key(&p, key, &v4));
	return limits_enter(l, slot, c, key, v4, now);
}

static void
addresses_and_networks_are_bounded(void **state)
{
	static const struct {
		size_t			 slot;
		const char		*ip;	/* NULL: the slot's has ended */
		enum limits_verdict	 want;
	} t[] = {
		{ 0, "192.0.2.1", LIMITS_OK }, { 1, "192.0.2.1", LIMITS_OK },
		{ 2, "192.0.2.1", LIMITS_ADDRESS },
		{ 2, "192.0.2.2", LIMITS_OK },
		{ 3, "192.0.2.3", LIMITS_NETWORK },
		{ 3, "192.0.3.3", LIMITS_OK },
		{ 4, "2001:db8::1", LIMITS_OK },
		{ 5, "2001:db8::1", LIMITS_OK },
		{ 6, "2001:db8::1", LIMITS_ADDRESS },
		{ 6, "2001:db8::2", LIMITS_OK },
		{ 7, "2001:db8::3", LIMITS_NETWORK },
		{ 7, "2001:db8:0:1::3", LIMITS_OK },
		{ 0, NULL, LIMITS_OK }, { 0, "192.0.2.1", LIMITS_OK },
		{ 8, "192.0.2.1", LIMITS_ADDRESS },
		{ 1, NULL, LIMITS_OK }, { 1, NULL, LIMITS_OK },
		{ 9, "192.0.2.9", LIMITS_OK },
		{ 8, "192.0.2.1", LIMITS_NETWORK },
	};
	struct config_listeners	 c = { .max_per_address = 2,
	    .max_per_network = 3 };
	struct limits		*l = limits_new(10);
	size_t			 i;

	(void)state;
	assert_non_null(l);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (t[i].ip == NULL)
			limits_leave(l, t[i].slot);
		else if (enter(l, t[i].slot, &c, t[i].ip, 100) != t[i].want)
			fail_msg("line %zu", i);
	limits_free(l);
}

static void
strangers_have_a_share_of_all(void **state)
{
	struct config_listeners	 c = { .max_per_address = 9,
	    .max_per_network = 9 };
	struct limits		*l = limits_new(5);

	(void)state;
	assert_int_equal(limits_enter_open(l, 0, 2), LIMITS_OK);
	assert_int_equal(limits_enter_open(l, 3, 2), LIMITS_OK);
	assert_int_equal(limits_enter_open(l, 4, 2), LIMITS_OPEN);
	assert_int_equal(limits_open(l), 2);
	/* Not counted among them, and not kept out. */
	assert_int_equal(enter(l, 1, &c, "192.0.2.1", 100), LIMITS_OK);
	limits_leave(l, 0);
	assert_int_equal(limits_enter_open(l, 4, 2), LIMITS_OK);
	assert_int_equal(limits_open(l), 2);
	limits_free(l);
}

static void
rates_are_bounded_and_begin_anew_after_a_minute(void **state)
{
	struct config_listeners	 c = { .max_per_address = 9,
	    .max_per_network = 9, .max_rate = 5 };
	struct limits		*l = limits_new(1);
	int			 i;

	(void)state;
	for (i = 0; i < 8; i++) {
		assert_int_equal(enter(l, 0, &c, "192.0.2.1", 100 + i),
		    i < 5 ? LIMITS_OK : LIMITS_RATE);
		limits_leave(l, 0);
		assert_int_equal(enter(l, 0, &c, i < 4 ? "192.0.2.2" :
		    "2001:db8::7", 100 + i), LIMITS_OK);
		limits_leave(l, 0);
	}
	assert_int_equal(enter(l, 0, &c, "192.0.2.1", 159), LIMITS_RATE);
	limits_leave(l, 0);
	/* What was refused counts too. */
	assert_int_equal(enter(l, 0, &c, "192.0.2.1", 164), LIMITS_OK);
	limits_leave(l, 0);
	/* Once around the table, each long after the other. */
	c.max_rate = 2;
	for (i = 1; i < LIMITS_HITS + 100; i++) {
		if (enter(l, 0, &c, "192.0.2.4", 1000 + 61 * i) != LIMITS_OK)
			fail_msg("connection %d", i);
		limits_leave(l, 0);
	}
	assert_int_equal(enter(l, 0, &c, "192.0.2.4", 1000 + 61 * i),
	    LIMITS_OK);
	assert_int_equal(enter(l, 0, &c, "192.0.2.4", 1001 + 61 * i),
	    LIMITS_OK);
	limits_leave(l, 0);
	assert_int_equal(enter(l, 0, &c, "192.0.2.4", 1002 + 61 * i),
	    LIMITS_RATE);
	limits_free(l);
}

static void
a_flood_is_logged_once_a_second(void **state)
{
	struct limits	*l = limits_new(1);
	unsigned int	 n = 9;

	(void)state;
	assert_true(limits_may_log(l, 100, &n));
	assert_int_equal(n, 0);
	assert_false(limits_may_log(l, 100, &n));
	assert_false(limits_may_log(l, 100, &n));
	assert_true(limits_may_log(l, 101, &n));
	assert_int_equal(n, 2);
	limits_free(l);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(networks_hold_their_addresses_and_no_others),
		cmocka_unit_test(addresses_and_networks_are_bounded),
		cmocka_unit_test(strangers_have_a_share_of_all),
		cmocka_unit_test(
		    rates_are_bounded_and_begin_anew_after_a_minute),
		cmocka_unit_test(a_flood_is_logged_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
