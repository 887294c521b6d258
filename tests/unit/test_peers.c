/* Who a uid is, and how long that is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/base/peers.h"

#define NOBODY_AT_ALL	4000000032u	/* no account; a slot with 0 */
#define NO_GROUP	4000000000u

/* Our own uid is every service, and an administrator. */
static struct peers_service	 services[] = {
	{ "no-such-account-1", 1 },
	{ "no-such-account-2", 4 },
	{ NULL, 0 },
};

static unsigned int
who(struct peers *p, uid_t uid)
{
	return peers_who(p, uid, NO_GROUP);
}

static int
setup(void **state)
{
	(void)state;
	services[1].who = 4;
	return 0;
}

static void
peers_who_joins_what_a_uid_is(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };

	(void)state;
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
}

static void
peers_who_knows_root_as_an_administrator(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };

	(void)state;
	assert_int_equal(who(&p, 0) & 8, 8);
}

static void
peers_who_knows_no_stranger(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };

	(void)state;
	assert_int_equal(who(&p, NOBODY_AT_ALL), 0);
	assert_int_equal(who(&p, NOBODY_AT_ALL), 0);
}

static void
peers_who_knows_nobody_without_a_list(void **state)
{
	struct peers	 p = { services + 2, 0, { { 0 } } };

	(void)state;
	assert_int_equal(who(&p, geteuid()), 0);
}

static void
peers_who_remembers_for_a_while(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };
	int64_t		*until = &p.known[geteuid() % PEERS_KNOWN].until;

	(void)state;
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
	services[1].who = 16;
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
	assert_true(*until <= io_monotonic_ms() + PEERS_MS);
	*until = io_monotonic_ms();
	assert_int_equal(who(&p, geteuid()), 1 | 16 | 8);
}

static void
peers_who_asks_anew_for_another_gid(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };

	(void)state;
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
	services[1].who = 16;
	assert_int_equal(peers_who(&p, geteuid(), NO_GROUP + 1), 1 | 16 | 8);
}

static void
peers_who_gives_nobody_the_answer_of_another(void **state)
{
	struct peers	 p = { services, 8, { { 0 } } };
	uid_t		 other = geteuid() % PEERS_KNOWN + NOBODY_AT_ALL;

	(void)state;
	assert_int_equal(other % PEERS_KNOWN, geteuid() % PEERS_KNOWN);
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
	assert_int_equal(who(&p, other), 0);
	assert_int_equal(who(&p, geteuid()), 1 | 4 | 8);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(peers_who_joins_what_a_uid_is, setup),
		cmocka_unit_test_setup(
		    peers_who_knows_root_as_an_administrator, setup),
		cmocka_unit_test_setup(peers_who_knows_no_stranger, setup),
		cmocka_unit_test_setup(peers_who_knows_nobody_without_a_list,
		    setup),
		cmocka_unit_test_setup(peers_who_remembers_for_a_while,
		    setup),
		cmocka_unit_test_setup(peers_who_asks_anew_for_another_gid,
		    setup),
		cmocka_unit_test_setup(
		    peers_who_gives_nobody_the_answer_of_another, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
