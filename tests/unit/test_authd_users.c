/* The users file and its secrets: what is read, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/secret.h"
#include "lib/store/users.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/relays.h"

static char		 org[] = "example.org", net[] = "example.net";
static char		 host[] = "mail.example.com";
static char		 mail_home[] = "/var/mail/%d/%n";
static char		*domains[] = { org, net };
static struct config	 conf = {
	.hostname = host,
	.domains = { domains, 2 },
	.mail_home = mail_home,
};
static struct users_ids	 ids = { true, 900, 901 };
static struct buf	 err;

#define SHA512	"$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGf" \
		"Qv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."

#define KEYS	"4096,QUJD,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=," \
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PRINT1	"0123456789abcdef0123456789abcdef0123456789abcdef" \
		"0123456789abcde"		/* one digit is missing */

static struct users *
parse(const char *text)
{
	buf_clear(&err);
	return users_parse("users", text, strlen(text), &conf, &ids, &err);
}

static void
a_line_gives_all_its_fields(void **state)
{
	struct users	*us;
	struct user	*u;

	(void)state;
	us = parse("# comment\n\n"
	    "Alice@Example.ORG:{PLAIN}se:1000:1001:Alice A:/home/alice::"
	    "userdb_quota_rule=*:storage=1G:messages=10 other=x\r\n"
	    "bob:{plain}x\n"
	    "carol@example.net:" SHA512 "::::::quota=10K quota-count=7 nologin"
	    "\n"
	    "dora@example.org:\n"
	    "emil@example.org:!" SHA512 ":::::/bin/sh");
	assert_non_null(us);
	assert_int_equal(users_count(us), 5);
	u = users_find(us, "ALICE@example.org");
	assert_non_null(u);
	assert_string_equal(u->name, "alice@example.org");
	assert_string_equal(u->secret, "{PLAIN}se");
	assert_string_equal(u->home, "/home/alice");
	assert_true(u->uid == 1000 && u->gid == 1001 && !u->nologin);
	assert_int_equal(u->quota_octets, 1 << 30);
	assert_int_equal(u->quota_count, 10);
	u = users_find(us, "bob@mail.example.com");
	assert_non_null(u);
	assert_null(u->home);
	assert_true(u->uid == 900 && u->gid == 901);
	assert_int_equal(u->quota_octets, 0);
	u = users_find(us, "carol@example.net");
	assert_true(u->nologin);
	assert_int_equal(u->quota_octets, 10240);
	assert_int_equal(u->quota_count, 7);
	assert_string_equal(u->secret, SHA512);
	assert_string_equal(users_find(us, "dora@example.org")->secret, "");
	assert_string_equal(users_find(us, "emil@example.org")->secret, "");
	assert_null(users_find(us, "bob"));
	assert_null(users_find(us, "alice@example.net"));
	assert_null(users_find(us, ""));
	assert_true(users_has_uid(us, 1000));
	assert_true(users_has_uid(us, 900));
	assert_false(users_has_uid(us, 1));
	users_free(us);
}

static void
every_bad_line_is_named(void **state)
{
	static const struct {
		const char	*line, *reason;
	}		 t[] = {
		{ "alice@example.org", "no ':'" },
		{ ":{PLAIN}x", "bad user name" },
		{ "@example.org:{PLAIN}x", "bad user name" },
		{ "alice@:{PLAIN}x", "bad user name" },
		{ "alice@elsewhere.org:{PLAIN}x", "not in domains" },
		{ "a b@example.org:{PLAIN}x", "blank or control" },
		{ "a\x01@example.org:{PLAIN}x", "blank or control" },
		{ "alice@example.org:word", "unknown password scheme" },
		{ "alice@example.org:{MD5}x", "unknown password scheme" },
		{ "alice@example.org:{SHA512-CRYPT}$5$a$b",
		    "unknown password scheme" },
		{ "alice@example.org:{SHA512-CRYPT.b64}$6$a$b",
		    "unknown password scheme" },
		{ "alice@example.org:$nosuch$abcdefghijk", "no hash" },
		{ "alice@example.org:{CRYPT}x", "no hash" },
		{ "alice@example.org:{PLAIN}x:-1", "uid" },
		{ "alice@example.org:{PLAIN}x:4294967295", "uid" },
		{ "alice@example.org:{PLAIN}x:5 ", "uid" },
		{ "alice@example.org:{PLAIN}x:5:nogroup", "gid" },
		{ "alice@example.org:{PLAIN}x::::mail", "absolute" },
		{ "alice@example.org:{PLAIN}x::::/a/../b", "absolute" },
		{ "alice@example.org:{PLAIN}x::::::quota=many", "bad quota" },
		{ "alice@example.org:{PLAIN}x::::::quota-count=-1",
		    "bad quota-count" },
		{ "alice@example.org:{PLAIN}x::::::userdb_quota_rule="
		    "*:storage=10%", "bad quota_rule" },
		{ "alice@example.org:{PLAIN}x::::::quota=99999999999G",
		    "bad quota" },
		{ "alice@example.org:{PLAIN}x::::::allow_nets=10.0.0.0/8",
		    "restricts" },
		{ "alice@example.org:{PLAIN}x::::::scram-sha-256=4096,QUJD",
		    "bad scram-sha-256" },
		{ "alice@example.org:{PLAIN}x::::::scram-sha-1=" KEYS,
		    "bad scram-sha-1" },
		{ "alice@example.org:{SCRAM-SHA-1}" KEYS, "bad keys" },
		{ "alice@example.org:{PLAIN}x::::::certificate=0a0b",
		    "bad certificate" },
		{ "alice@example.org:{PLAIN}x::::::certificate=g" PRINT1,
		    "bad certificate" },
		{ "alice@example.org:{PLAIN}x::::::senders=", "bad senders" },
		{ "alice@example.org:{PLAIN}x::::::senders=bob",
		    "bad senders" },
		{ "alice@example.org:{PLAIN}x::::::senders=a@b,",
		    "bad senders" },
		{ "alice@example.org:{PLAIN}x::::::senders=a@b,,c@d",
		    "bad senders" },
		{ "alice@example.org:{PLAIN}x::::::senders=@d",
		    "bad senders" },
		{ "alice@example.org:{PLAIN}x::::::senders=a@",
		    "bad senders" },
		{ ".alice@example.org:{PLAIN}x", "mail-home" },
		{ "a/b@example.org:{PLAIN}x", "mail-home" },
		{ "ok@example.org:{PLAIN}y", "named twice" },
		{ "OK@EXAMPLE.ORG:{PLAIN}y", "named twice" },
	};
	struct users	*us;
	char		*text;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		xasprintf(&text, "ok@example.org:{PLAIN}x\n%s\n", t[i].line);
		us = parse(text);
		assert_int_equal(strncmp(buf_cstr(&err), "users:2: ", 9), 0);
		assert_ptr_equal(strchr(buf_cstr(&err), '\n'),
		    buf_cstr(&err) + err.len - 1);
		assert_non_null(strstr(buf_cstr(&err), t[i].reason));
		users_free(us);
		free(text);
	}
	buf_clear(&err);
	users_free(users_parse("users", "a\0b:{PLAIN}", 11, &conf, &ids,
	    &err));
	assert_non_null(strstr(buf_cstr(&err), "users:1: NUL"));
	ids.known = false;
	users_free(parse("ok@example.org:{PLAIN}x:5:\n"));
	assert_non_null(strstr(buf_cstr(&err), "gid"));
	ids.known = true;
}

static void
a_wrong_line_spoils_its_own_user_alone(void **state)
{
	static const char	*const bad[] = { "b", "c", "d", "e" };
	const struct user	*u;
	struct users		*us;
	char			 name[32];
	size_t			 i;

	(void)state;
	us = parse("a@example.org:{PLAIN}x:1000:1000\n"
	    "B@example.org:{NO}x:1001\n"
	    "c@example.org:{PLAIN}x:1002:::::allow_nets=10.0.0.0/8\n"
	    "d@example.org\n"
	    "e@example.org:{PLAIN}x:1003\nf@example.org:{PLAIN}y\n"
	    "E@example.org:*\ne@example.org:{NO}\n"
	    "g@elsewhere.org:{PLAIN}x\nh@exam");
	assert_non_null(us);
	assert_int_equal(users_count(us), 2);
	u = users_find(us, "a@example.org");
	assert_true(u != NULL && !u->bad && u->uid == 1000);
	assert_false(users_find(us, "f@example.org")->bad);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(name, sizeof(name), "%s@example.org", bad[i]);
		u = users_find(us, name);
		assert_non_null(u);
		assert_true(u->bad && u->locked);
		assert_string_equal(u->secret, "");
	}
	assert_null(users_find(us, "g@elsewhere.org"));
	assert_null(users_find(us, "h@exam"));
	assert_true(users_has_uid(us, 1000));
	for (i = 1001; i <= 1003; i++)
		assert_false(users_has_uid(us, (uint32_t)i));
	users_free(us);
	us = parse("b@example.org:{NO}x\nb@example.org:{NO}x");
	assert_int_equal(users_count(us), 0);
	assert_false(users_has_uid(us, 900));
	users_free(us);
}

static void
errors_are_listed_up_to_a_bound(void **state)
{
	struct buf	 b;
	int		 i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < 1000; i++)
		buf_addf(&b, "no colon %d\n", i);
	users_free(parse(buf_cstr(&b)));
	assert_non_null(strstr(buf_cstr(&err), "users:20: "));
	assert_null(strstr(buf_cstr(&err), "users:21: "));
	assert_non_null(strstr(buf_cstr(&err), "1000 errors"));
	buf_free(&b);
}

static void
secrets_are_verified(void **state)
{
	static const struct {
		const char	*field, *password;
		bool		 ok;
	}		 t[] = {
		{ "{PLAIN}secret", "secret", true },
		{ "{PLAIN}secret", "secre", false },
		{ "{PLAIN}secret", "secretsecret", false },
		{ "{PLAIN}secret", "", false },
		{ "{PLAIN}", "", false },
		{ "{PLAIN}", "x", false },
		{ "", "", false },
		{ "*", "*", false },
		{ SHA512, "secret", true },
		{ SHA512, "Secret", false },
		{ "{sha512-crypt}" SHA512, "secret", true },
		{ "{CRYPT}" SHA512, "secret", true },
		{ SHA512, SHA512, false },
		{ "{SHA256-CRYPT}"
		    "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
		    "secret", true },
		{ "{SHA256-CRYPT}"
		    "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
		    "x", false },
	};
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(secret_verify(secret_normal(t[i].field,
		    &why), t[i].password), t[i].ok);
	assert_false(secret_verify(secret_dummy(), ""));
}

static void
the_cost_of_a_secret_is_told_by_its_front(void **state)
{
	static const struct {
		const char	*secret, *class;
	}		 t[] = {
		{ "{PLAIN}abc", "{PLAIN}" },
		{ "$6$salt$hash", "$6$" },
		{ "$6$rounds=9000$salt$hash", "$6$rounds=9000$" },
		{ "$y$j9T$salt$hash", "$y$j9T$" },
		{ "$2b$12$saltandhash", "$2b$12$" },
		{ "abcdefghijklm", "" },
		{ "$6$", "$6$" },
		{ "$y$", "$y$" },
	};
	struct users	*us;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(secret_class(t[i].secret),
		    strlen(t[i].class));
	us = parse("a@example.org:{PLAIN}x\nb@example.org:" SHA512
	    "\nc@example.org:" SHA512 "\nd@example.org:");
	assert_string_equal(users_typical(us), SHA512);
	users_free(us);
	us = parse("d@example.org:");
	assert_null(users_typical(us));
	users_free(us);
}

static void
extra_fields_tell_of_proofs(void **state)
{
	struct scram_keys	 k;
	struct users		*us;
	const struct user	*u;
	uint32_t		 iterations;
	size_t			 len;

	(void)state;
	us = parse("a@example.org:" SHA512 "::::::scram-sha-256=" KEYS
	    " certificate=0" PRINT1 " certificate=1" PRINT1 "\n"
	    "b@example.org:{SCRAM-SHA-256}" KEYS "::::::quota=1 "
	    "userdb_senders=Info@Example.org,*@lists.example senders=x@y\n"
	    "c@example.org:{PLAIN}x::::::certificate=2" PRINT1 "\n"
	    "d@example.org:!" SHA512 "\ne@example.org:\n"
	    "f@example.org:{PLAIN}\n");
	assert_non_null(us);
	/* No password, rather than one that everybody knows. */
	assert_string_equal(users_find(us, "f@example.org")->secret, "");
	u = users_find(us, "a@example.org");
	assert_true(user_scram(u, SCRAM_SHA_256, &k));
	assert_int_equal(k.iterations, 4096);
	assert_int_equal(k.salt_len, 3);
	assert_false(user_scram(u, SCRAM_SHA_1, &k));
	assert_ptr_equal(users_by_certificate(us, "0" PRINT1), u);
	assert_ptr_equal(users_by_certificate(us, "1" PRINT1), u);
	assert_ptr_equal(users_by_certificate(us, "2" PRINT1),
	    users_find(us, "c@example.org"));
	assert_null(users_by_certificate(us, "3" PRINT1));
	assert_null(users_by_certificate(us, "x" PRINT1));
	assert_null(users_by_certificate(us, PRINT1));
	assert_null(users_by_certificate(us, ""));
	assert_false(user_has_sender(u, "a", "example.org"));
	u = users_find(us, "b@example.org");
	assert_true(user_scram(u, SCRAM_SHA_256, &k));
	assert_true(user_has_sender(u, "INFO", "example.org"));
	assert_true(user_has_sender(u, "any", "Lists.example"));
	assert_true(user_has_sender(u, "x", "y"));
	assert_false(user_has_sender(u, "any", "example.org"));
	assert_false(user_has_sender(u, "any", "sub.lists.example"));
	assert_false(user_has_sender(u, "", ""));
	assert_false(user_scram(users_find(us, "c@example.org"),
	    SCRAM_SHA_256, &k));
	assert_true(users_find(us, "d@example.org")->locked);
	assert_false(users_find(us, "e@example.org")->locked);
	assert_true(users_typical_scram(us, SCRAM_SHA_256, &iterations,
	    &len));
	assert_true(iterations == 4096 && len == 3);
	assert_false(users_typical_scram(us, SCRAM_SHA_1, &iterations,
	    &len));
	users_free(us);
	us = parse("");
	assert_null(users_by_certificate(us, "0" PRINT1));
	users_free(us);
}

static void
a_certificate_of_two_is_nobodys(void **state)
{
	struct users	*us;

	(void)state;
	us = parse("a@example.org:::::::certificate=0" PRINT1
	    " certificate=1" PRINT1 "\n"
	    "b@example.org:::::::certificate=0" PRINT1
	    " certificate=2" PRINT1 "\n"
	    "c@example.org:::::::certificate=2" PRINT1
	    " certificate=3" PRINT1 " certificate=3" PRINT1 "\n"
	    "d@example.org:::::::certificate=2" PRINT1 "\n");
	assert_non_null(strstr(buf_cstr(&err), "another user's too"));
	assert_null(users_by_certificate(us, "0" PRINT1));
	assert_null(users_by_certificate(us, "2" PRINT1));
	assert_ptr_equal(users_by_certificate(us, "1" PRINT1),
	    users_find(us, "a@example.org"));
	assert_ptr_equal(users_by_certificate(us, "3" PRINT1),
	    users_find(us, "c@example.org"));
	assert_int_equal(users_count(us), 4);
	users_free(us);
}

static void
usage_survives_a_reload(void **state)
{
	struct users	*old, *us;

	(void)state;
	old = parse("a@example.org:\nb@example.org:\nd@example.org:");
	users_find(old, "b@example.org")->used_octets = 5;
	users_find(old, "d@example.org")->used_count = 6;
	us = parse("b@example.org:\nc@example.org:\nd@example.org:");
	users_keep_usage(us, old);
	assert_int_equal(users_find(us, "b@example.org")->used_octets, 5);
	assert_int_equal(users_find(us, "c@example.org")->used_octets, 0);
	assert_int_equal(users_find(us, "d@example.org")->used_count, 6);
	users_free(old);
	users_free(us);
}

static void
relay_recipients_are_lines(void **state)
{
	static const char	 good[] = "# list\n\n A@Backup.example \r\n"
	    "b+c@backup.example\n@all.example";
	static const char	*const bad[] = { "word", "a@", "@", "a b@c",
	    "a@b c", "a@b\tc" };
	struct relays		*r;
	char			*text;
	size_t			 i;

	(void)state;
	buf_clear(&err);
	r = relays_parse("relays", good, strlen(good), &err);
	assert_non_null(r);
	assert_int_equal(relays_count(r), 3);
	assert_true(relays_has(r, "a", "backup.example"));
	assert_true(relays_has(r, "B+C", "BACKUP.example"));
	assert_true(relays_has(r, "anybody", "all.example"));
	assert_false(relays_has(r, "b", "backup.example"));
	assert_false(relays_has(r, "", "backup.example"));
	assert_false(relays_has(r, "a", "elsewhere.example"));
	relays_free(r);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&err);
		xasprintf(&text, "%s\ngood@c\n", bad[i]);
		r = relays_parse("relays", text, strlen(text), &err);
		assert_int_equal(strncmp(buf_cstr(&err), "relays:1: ", 10),
		    0);
		assert_true(relays_spoilt(r));
		assert_true(relays_has(r, "good", "c"));
		relays_free(r);
		free(text);
	}
	r = relays_parse("relays", "a@b\0c\n", 6, &err);
	assert_true(relays_spoilt(r));
	assert_false(relays_has(r, "a", "b"));
	relays_free(r);
	r = relays_parse("relays", "", 0, &err);
	assert_false(relays_has(r, "a", "b"));
	assert_false(relays_spoilt(r));
	relays_free(r);
}

static void
a_hundred_thousand_users_load_and_are_found_fast(void **state)
{
	struct buf	 b;
	struct users	*us;
	char		 name[64];
	int64_t		 start;
	int		 i;

	(void)state;
	buf_init(&b, (size_t)1 << 30);
	for (i = 0; i < 100000; i++)
		buf_addf(&b, "user%d@example.org:" SHA512
		    ":::::/bin/sh:quota=1G\n", i * 7919 % 100000);
	start = io_monotonic_ms();
	us = parse(buf_cstr(&b));
	print_message("loaded in %d ms\n", (int)(io_monotonic_ms() - start));
	assert_non_null(us);
	assert_true(io_monotonic_ms() - start < 5000);
	start = io_monotonic_ms();
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "User%d@example.org", i);
		assert_non_null(users_find(us, name));
	}
	print_message("found in %d ns each\n",
	    (int)(10 * (io_monotonic_ms() - start)));
	assert_true(io_monotonic_ms() - start < 2000);
	users_free(us);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_line_gives_all_its_fields),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(a_wrong_line_spoils_its_own_user_alone),
		cmocka_unit_test(a_certificate_of_two_is_nobodys),
		cmocka_unit_test(errors_are_listed_up_to_a_bound),
		cmocka_unit_test(secrets_are_verified),
		cmocka_unit_test(the_cost_of_a_secret_is_told_by_its_front),
		cmocka_unit_test(extra_fields_tell_of_proofs),
		cmocka_unit_test(usage_survives_a_reload),
		cmocka_unit_test(relay_recipients_are_lines),
		cmocka_unit_test(
		    a_hundred_thousand_users_load_and_are_found_fast),
	};
	int			 r;

	buf_init(&err, 65536);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&err);
	return r;
}
