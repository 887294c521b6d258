/* Which route a domain has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue-runner/routes.h"

static char	 opportunistic[] = "opportunistic";

/* Titles stand for themselves: via is a host of the same name. */
static struct routes *
make(struct config *cfg, struct config_route *r, size_t n)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->remote.tls = opportunistic;
	cfg->remote.port = 25;
	cfg->route = r;
	cfg->nroute = n;
	return routes_new(cfg);
}

static void
the_most_exact_one_counts(void **state)
{
	static char		 names[][32] = { "*", ".example.org",
	    ".sub.example.org", "example.org", "a.sub.example.org",
	    "b\xc3\xbc" "cher.example", ".b\xc3\xbc" "cher.example" };
	static const struct { const char *domain, *route; } t[] = {
		{ "example.org", "example.org" },
		{ "x.example.org", ".example.org" },
		{ "sub.example.org", ".example.org" },
		{ "x.sub.example.org", ".sub.example.org" },
		{ "a.sub.example.org", "a.sub.example.org" },
		{ "b.a.sub.example.org", ".sub.example.org" },
		{ "notexample.org", "*" },
		{ "org", "*" },
		{ "example.org.example.net", "*" },
		{ "[192.0.2.1]", "*" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "x.xn--bcher-kva.example", ".xn--bcher-kva.example" },
	};
	struct config		 cfg;
	struct config_route	 r[7];
	struct routes		*all;
	char			 via[] = "mx";
	size_t			 i;

	(void)state;
	memset(r, 0, sizeof(r));
	for (i = 0; i < 7; i++) {
		r[i].domain = names[i];
		r[i].via = via;
	}
	all = make(&cfg, r, 7);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_string_equal(routes_find(all, t[i].domain)->domain,
		    t[i].route);
	routes_free(all);
	/* Without "*" the rest goes as DNS says. */
	all = make(&cfg, r + 1, 6);
	assert_string_equal(routes_find(all, "elsewhere.example")->domain, "");
	assert_int_equal(routes_find(all, "elsewhere.example")->via.kind,
	    VIA_MX);
	assert_int_equal(routes_find(all, "elsewhere.example")->port, 25);
	routes_free(all);
}

static void
ports_tls_and_passwords_have_defaults(void **state)
{
	char			 via1[] = "[relay.example]:587",
				 via2[] = "relay.example", user[] = "me",
				 file[] = "/pw", off[] = "off",
				 a[] = "a.example", b[] = "b.example",
				 c[] = "c.example";
	struct config		 cfg;
	struct config_route	 r[] = {
		{ a, via1, user, file, NULL },
		{ b, via1, user, file, off },
		{ c, via2, NULL, NULL, NULL },
	};
	struct routes		*all = make(&cfg, r, 3);
	const struct route	*f;

	(void)state;
	f = routes_find(all, "a.example");
	assert_int_equal(f->port, 587);
	assert_int_equal(f->tls, REMOTE_TLS_REQUIRED);
	assert_string_equal(f->user, "me");
	assert_string_equal(f->password_file, "/pw");
	assert_int_equal(routes_find(all, "b.example")->tls, REMOTE_TLS_OFF);
	f = routes_find(all, "c.example");
	assert_int_equal(f->port, 25);
	assert_int_equal(f->tls, REMOTE_TLS_OPPORTUNISTIC);
	assert_string_equal(f->user, "");
	assert_int_equal(f->via.kind, VIA_MX_OF);
	routes_free(all);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_most_exact_one_counts),
		cmocka_unit_test(ports_tls_and_passwords_have_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
