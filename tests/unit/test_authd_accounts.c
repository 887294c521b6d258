/*
 * The accounts of a machine as users.  The accounts are ours: this program's
 * getpwnam_r() and getpwuid_r() go before the C library's.
 */
#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "authd/accounts.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/store/system_user.h"

static const struct {
	const char	*name;
	uid_t		 uid;
	gid_t		 gid;
}			 machine[] = {
	{ "bob", 1000, 1000 }, { "alice.b-c_d", 70000, 100 },
	{ "root", 0, 0 }, { "daemon", 999, 999 }, { "nobody", 65534, 65534 },
	{ "wheel", 1001, 0 }, { "min", 1002, 1002 }, { "Upper", 2000, 2000 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int		 error;		/* of the accounts */
static unsigned int	 asked;

static int
answer(size_t i, struct passwd *pw, struct passwd **found)
{
	asked++;
	*found = NULL;
	if (error != 0 || i == COUNT(machine))
		return error;
	memset(pw, 0, sizeof(*pw));
	pw->pw_name = (char *)(uintptr_t)machine[i].name;
	pw->pw_uid = machine[i].uid;
	pw->pw_gid = machine[i].gid;
	*found = pw;
	return 0;
}

int
getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
    struct passwd **found)
{
	size_t	 i;

	(void)buf;
	(void)size;
	for (i = 0; i < COUNT(machine); i++)
		if (strcasecmp(machine[i].name, name) == 0)
			break;
	return answer(i, pw, found);
}

int
getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t size,
    struct passwd **found)
{
	size_t	 i;

	(void)buf;
	(void)size;
	for (i = 0; i < COUNT(machine); i++)
		if (machine[i].uid == uid)
			break;
	return answer(i, pw, found);
}

static char		 host[] = "Mail.example.org", domain[] = "example.org";
static char		*domains[] = { domain };
static struct config	 conf = { .hostname = host,
			    .domains = { domains, 1 },
			    .spawner = { .min_uid = 100 } };

static void
accounts_of_people_are_users_in_each_domain(void **state)
{
	static const char *const	 names[] = { "bob@mail.example.org",
	    "bob@example.org", "BOB@Example.ORG" };
	struct accounts			*as = accounts_new(&conf);
	struct user			*u, *first = NULL;
	bool				 unsure = false;
	size_t				 i;

	(void)state;
	asked = 0;
	for (i = 0; i < COUNT(names); i++) {
		assert_non_null(u = accounts_find(as, names[i], &unsure));
		assert_string_equal(u->name, "bob@mail.example.org");
		assert_int_equal(u->uid, 1000);
		assert_int_equal(u->gid, 1000);
		assert_true(u->account);
		assert_string_equal(u->secret, "");
		assert_false(u->nologin || u->locked);
		/* It is one mailbox, and keeps its place. */
		assert_true(first == NULL || u == first);
		first = u;
	}
	assert_int_equal(asked, 1);
	assert_non_null(accounts_find(as, "alice.b-c_d@example.org",
	    &unsure));
	assert_false(unsure);
	accounts_free(as);
	accounts_free(NULL);
}

static void
others_are_nobody(void **state)
{
	static const char *const	 names[] = { "root@example.org",
	    "daemon@example.org", "nobody@example.org", "wheel@example.org",
	    "upper@example.org", "carol@example.org", "bob@example.com",
	    "bob", "@example.org", "bob+x@example.org", "-bob@example.org",
	    ".bob@example.org", "b\xc3\xb6" "b@example.org",
	    "../bob@example.org", "bob@x@example.org",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org" };
	struct accounts			*as = accounts_new(&conf);
	bool				 unsure = false;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(names); i++)
		if (accounts_find(as, names[i], &unsure) != NULL)
			fail_msg("found: %s", names[i]);
	assert_false(unsure);
	conf.spawner.min_uid = 1003;
	assert_null(accounts_find(as, "min@example.org", &unsure));
	conf.spawner.min_uid = 100;
	assert_non_null(accounts_find(as, "min@example.org", &unsure));
	accounts_free(as);
}

static void
uids_are_those_of_users(void **state)
{
	struct accounts	*as = accounts_new(&conf);
	bool		 unsure = false;

	(void)state;
	assert_true(accounts_has_uid(as, 1000));
	assert_true(accounts_has_uid(as, 70000));
	assert_false(accounts_has_uid(as, 0));
	assert_false(accounts_has_uid(as, 999));
	assert_false(accounts_has_uid(as, 65534));
	assert_false(accounts_has_uid(as, 4000));
	asked = 0;
	assert_true(accounts_has_uid(as, 1000));
	assert_non_null(accounts_find(as, "bob@example.org", &unsure));
	assert_int_equal(asked, 0);
	accounts_free(as);
}

static void
unreadable_accounts_are_not_nobody(void **state)
{
	static const int	 none[] = { ENOENT, ESRCH, EBADF, EPERM };
	static const int	 temp[] = { EIO, ENOMEM, EMFILE, ENFILE,
	    ERANGE, ETIMEDOUT };
	struct accounts		*as = accounts_new(&conf);
	bool			 unsure = false;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(none); i++) {
		error = none[i];
		assert_null(accounts_find(as, "bob@example.org", &unsure));
		assert_false(unsure);
	}
	for (i = 0; i < COUNT(temp); i++) {
		unsure = false;
		error = temp[i];
		assert_null(accounts_find(as, "bob@example.org", &unsure));
		assert_true(unsure);
		assert_false(accounts_has_uid(as, 1000));
	}
	error = 0;
	unsure = false;
	assert_non_null(accounts_find(as, "bob@example.org", &unsure));
	assert_false(unsure);
	accounts_free(as);
	/* A name that cannot be one is not asked about. */
	as = accounts_new(&conf);
	error = EIO;
	assert_null(accounts_find(as, "b+b@example.org", &unsure));
	assert_false(unsure);
	error = 0;
	accounts_free(as);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(accounts_of_people_are_users_in_each_domain),
		cmocka_unit_test(others_are_nobody),
		cmocka_unit_test(uids_are_those_of_users),
		cmocka_unit_test(unreadable_accounts_are_not_nobody),
	};

	(void)argc;
	log_init(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
