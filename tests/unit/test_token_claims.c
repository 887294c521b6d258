/* What an introspection endpoint says of a token, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokend/claims.h"

#define NOW	1763740000

static struct config_oauth	 conf;
static char			 claim[] = "username", scope[] = "mail read",
				 empty[] = "";

static void
start(void)
{
	memset(&conf, 0, sizeof(conf));
	conf.user_claim = claim;
	conf.cache = 60;
}

struct row {
	const char		*body;
	enum token_status	 status;
	const char		*user;		/* or why not */
	unsigned int		 seconds;
};

static void
judge(const struct row *t)
{
	struct token_answer	 a;
	const char		*why;

	memset(&a, 'x', sizeof(a));
	claims_judge(&conf, slice_str(t->body), NOW, &a, &why);
	if (a.status != t->status)
		fail_msg("%s: status %d", t->body, a.status);
	if (a.status == TOKEN_ACTIVE) {
		assert_null(why);
		assert_string_equal(a.user, t->user);
		assert_int_equal(a.seconds, t->seconds);
	} else {
		if (strcmp(why, t->user) != 0)
			fail_msg("%s: %s", t->body, why);
		assert_string_equal(a.user, "");
		assert_int_equal(a.seconds, 0);
	}
}

#define J(members)	"{\"active\":true,\"username\":\"bob\"" members "}"

static void
active_tokens_have_a_user_and_a_time(void **state)
{
	static const struct row	 t[] = {
		{ J(""), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"exp\":1763740010"), TOKEN_ACTIVE, "bob", 10 },
		{ J(",\"exp\":1763740010.9"), TOKEN_ACTIVE, "bob", 10 },
		{ J(",\"exp\":1763740000.5"), TOKEN_ACTIVE, "bob", 0 },
		{ J(",\"exp\":1863740010"), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"exp\":null,\"nbf\":null"), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"nbf\":1763740050"), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"token_type\":\"bEARER\""), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"token_type\":null"), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"token_use\":\"access_token\""), TOKEN_ACTIVE, "bob",
		    60 },
		{ J(",\"a\":[1,{\"b\":2}]"), TOKEN_ACTIVE, "bob", 60 },
		{ "{\"active\":true,\"username\":\"j\\u00fcrgen@x\"}",
		    TOKEN_ACTIVE, "j\xc3\xbcrgen@x", 60 },
	};
	size_t			 i;

	(void)state;
	start();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		judge(&t[i]);
	conf.cache = 0;
	judge(&(struct row){ J(""), TOKEN_ACTIVE, "bob", 0 });
}

static void
others_are_refused(void **state)
{
	static const struct row	 t[] = {
		{ "{\"active\":false}", TOKEN_INACTIVE, "inactive", 0 },
		{ "{\"active\":false,\"username\":\"bob\"}", TOKEN_INACTIVE,
		    "inactive", 0 },
		{ J(",\"exp\":1763740000"), TOKEN_INACTIVE, "expired", 0 },
		{ J(",\"exp\":-1"), TOKEN_INACTIVE, "expired", 0 },
		{ J(",\"exp\":\"1863740010\""), TOKEN_INACTIVE, "expired",
		    0 },
		{ J(",\"exp\":true"), TOKEN_INACTIVE, "expired", 0 },
		{ J(",\"nbf\":1763740061"), TOKEN_INACTIVE, "not yet valid",
		    0 },
		{ J(",\"nbf\":\"\""), TOKEN_INACTIVE, "not yet valid", 0 },
		{ J(",\"token_type\":\"DPoP\""), TOKEN_INACTIVE,
		    "no bearer token", 0 },
		{ J(",\"token_type\":\"refresh_token\""), TOKEN_INACTIVE,
		    "no bearer token", 0 },
		{ J(",\"token_type\":1"), TOKEN_INACTIVE, "no bearer token",
		    0 },
		{ J(",\"token_use\":\"refresh_token\""), TOKEN_INACTIVE,
		    "no bearer token", 0 },
		{ J(",\"cnf\":{\"jkt\":\"a\"}"), TOKEN_INACTIVE,
		    "no bearer token", 0 },
		{ "{\"active\":true}", TOKEN_INACTIVE,
		    "without a user's name", 0 },
		{ "{\"active\":true,\"username\":\"\"}", TOKEN_INACTIVE,
		    "without a user's name", 0 },
		{ "{\"active\":true,\"username\":7}", TOKEN_INACTIVE,
		    "without a user's name", 0 },
		{ "{\"active\":true,\"username\":[\"bob\"]}", TOKEN_INACTIVE,
		    "without a user's name", 0 },
		{ "{\"active\":true,\"username\":\"b\\nob\"}",
		    TOKEN_INACTIVE, "without a user's name", 0 },
		{ "{\"active\":true,\"email\":\"bob\"}", TOKEN_INACTIVE,
		    "without a user's name", 0 },
	};
	size_t			 i;

	(void)state;
	start();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		judge(&t[i]);
}

static void
nonsense_is_the_servers_fault(void **state)
{
	static const char *const	 none[] = { "", "{", "[]", "true",
	    "\"active\"", "{\"active\":true", "<html>", "\xff",
	    "{\"active\":true,\"active\":true,\"username\":\"bob\"}",
	    "{\"active\":true,\"username\":\"b\xff\"}",
	    "{\"active\":true,\"username\":\"b\\u0000ob\"}",
	    "{\"active\":true,\"username\":\"bob\"} x" };
	static const char *const	 no_active[] = { "{}",
	    "{\"username\":\"bob\"}", "{\"active\":\"true\"}",
	    "{\"active\":1}", "{\"active\":null}", "{\"Active\":true}",
	    "{\"active\":[true]}" };
	struct row			 t = { NULL, TOKEN_LATER, NULL, 0 };
	size_t				 i;

	(void)state;
	start();
	t.user = "no JSON";
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		t.body = none[i];
		if (strcmp(t.body, "[]") != 0)
			judge(&t);
	}
	t.user = "no member active";
	for (i = 0; i < sizeof(no_active) / sizeof(no_active[0]); i++) {
		t.body = no_active[i];
		judge(&t);
	}
	t.body = "[]";
	judge(&t);
}

static void
every_word_of_the_scope_is_wanted(void **state)
{
	static const struct row	 t[] = {
		{ J(",\"scope\":\"mail read\""), TOKEN_ACTIVE, "bob", 60 },
		{ J(",\"scope\":\"openid read x mail\""), TOKEN_ACTIVE,
		    "bob", 60 },
		{ J(""), TOKEN_INACTIVE, "without the scope", 0 },
		{ J(",\"scope\":\"\""), TOKEN_INACTIVE, "without the scope",
		    0 },
		{ J(",\"scope\":\"mail\""), TOKEN_INACTIVE,
		    "without the scope", 0 },
		{ J(",\"scope\":\"mails read\""), TOKEN_INACTIVE,
		    "without the scope", 0 },
		{ J(",\"scope\":\"mai read l\""), TOKEN_INACTIVE,
		    "without the scope", 0 },
		{ J(",\"scope\":\"MAIL READ\""), TOKEN_INACTIVE,
		    "without the scope", 0 },
		{ J(",\"scope\":[\"mail\",\"read\"]"), TOKEN_INACTIVE,
		    "without the scope", 0 },
	};
	size_t			 i;

	(void)state;
	start();
	conf.scope = empty;
	judge(&(struct row){ J(""), TOKEN_ACTIVE, "bob", 60 });
	conf.scope = scope;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		judge(&t[i]);
}

static void
deep_and_long_ones_do_no_harm(void **state)
{
	static char		 deep[60000];
	struct token_answer	 a;
	const char		*why;
	char			 name[AUTH_USER_MAX + 64];
	char			 body[AUTH_USER_MAX + 128];

	(void)state;
	start();
	memset(deep, '[', sizeof(deep));
	claims_judge(&conf, (struct slice){ deep, sizeof(deep) }, NOW, &a,
	    &why);
	assert_int_equal(a.status, TOKEN_LATER);
	memset(name, 'a', sizeof(name));
	name[AUTH_USER_MAX] = '\0';
	snprintf(body, sizeof(body), "{\"active\":true,\"username\":\"%s\"}",
	    name);
	claims_judge(&conf, slice_str(body), NOW, &a, &why);
	assert_int_equal(a.status, TOKEN_ACTIVE);
	assert_string_equal(a.user, name);
	name[AUTH_USER_MAX] = 'a';
	name[AUTH_USER_MAX + 1] = '\0';
	snprintf(body, sizeof(body), "{\"active\":true,\"username\":\"%s\"}",
	    name);
	claims_judge(&conf, slice_str(body), NOW, &a, &why);
	assert_int_equal(a.status, TOKEN_INACTIVE);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(active_tokens_have_a_user_and_a_time),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(nonsense_is_the_servers_fault),
		cmocka_unit_test(every_word_of_the_scope_is_wanted),
		cmocka_unit_test(deep_and_long_ones_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
