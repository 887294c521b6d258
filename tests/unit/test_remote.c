/* What remote makes of replies and hosts, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/slice.h"
#include "remote/connect.h"
#include "remote/outcome.h"
#include "remote/secure.h"

static struct smtp_reply
reply_of(const char *line)
{
	struct smtp_reply	 r;

	smtp_reply_init(&r);
	assert_int_equal(smtp_reply_add(&r, slice_str(line)),
	    SMTP_REPLY_DONE);
	return r;
}

static void
replies_become_verdicts(void **state)
{
	static const struct {
		const char		*line;
		enum mail_verdict	 verdict;
		const char		*code, *text;
	} t[] = {
		{ "250 2.0.0 taken", MAIL_OK, "2.0.0", "250 2.0.0 taken" },
		{ "250 ok", MAIL_OK, "2.0.0", "250 ok" },
		{ "250", MAIL_OK, "2.0.0", "250" },
		{ "251 will forward", MAIL_OK, "2.0.0", "251 will forward" },
		{ "450 4.2.1 grey", MAIL_TEMP, "4.2.1", "450 4.2.1 grey" },
		{ "421 bye", MAIL_TEMP, "4.0.0", "421 bye" },
		{ "550 5.1.1 who", MAIL_PERM, "5.1.1", "550 5.1.1 who" },
		{ "550 no", MAIL_PERM, "5.0.0", "550 no" },
		{ "550 4.1.1 what", MAIL_PERM, "5.0.0", "550 4.1.1 what" },
		{ "450 5.1.1 what", MAIL_TEMP, "4.0.0", "450 5.1.1 what" },
		{ "354 go", MAIL_TEMP, "4.5.0", "354 go" },
		{ "334 ", MAIL_TEMP, "4.5.0", "334" },
	};
	struct remote_outcome	 o;
	struct smtp_reply	 r;
	char			 longest[3000];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = reply_of(t[i].line);
		memset(&o, 0, sizeof(o));
		outcome_of_reply(&o, &r);
		assert_int_equal(o.verdict, t[i].verdict);
		assert_string_equal(o.code, t[i].code);
		assert_string_equal(o.text, t[i].text);
		assert_true(o.said);
	}
	snprintf(longest, sizeof(longest), "550 5.123.456 %02000d", 0);
	r = reply_of(longest);
	outcome_of_reply(&o, &r);
	assert_string_equal(o.code, "5.123.456");
	assert_int_equal(strlen(o.text), sizeof(o.text) - 1);
}

static void
our_own_words_have_a_verdict_too(void **state)
{
	struct remote_outcome	 o = { .number = 7, .said = true }, p = {
				    .number = 9 };

	(void)state;
	outcome_set(&o, "5.6.7", "%s", "no");
	assert_int_equal(o.verdict, MAIL_PERM);
	outcome_set(&o, "2.0.0", "%s", "yes");
	assert_int_equal(o.verdict, MAIL_OK);
	outcome_set(&o, "4.4.1", "%s", "later");
	assert_int_equal(o.verdict, MAIL_TEMP);
	assert_false(o.said);
	assert_int_equal(o.number, 7);
	outcome_copy(&p, &o);
	assert_int_equal(p.number, 9);
	assert_string_equal(p.text, "later");
}

static void
too_many_recipients_are_told_from_refused_ones(void **state)
{
	static const struct { const char *line; bool many; } t[] = {
		{ "452 too many", true }, { "452 4.5.3 too many", true },
		{ "552 too many", true }, { "552 5.5.3 too many", true },
		{ "452 4.2.2 full", false }, { "552 5.2.2 full", false },
		{ "452 4.3.1 disk", false }, { "450 4.5.3 x", false },
		{ "550 5.5.3 x", false }, { "421 4.5.3 x", false },
		{ "552 5.3.4 size", false },
	};
	struct smtp_reply	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = reply_of(t[i].line);
		if (outcome_too_many(&r) != t[i].many)
			fail_msg("%s", t[i].line);
	}
}

/* The table of secure.h. */
static void
policies_are_those_of_the_table(void **state)
{
	static const struct {
		enum remote_tls		 tls;
		enum resolver_dane	 dane;
		uint16_t		 port;
		enum secure_need	 need;
		enum tls_client_check	 check;
		bool			 unusable;
	} t[] = {
		{ REMOTE_TLS_OFF, DANE_NONE, 25, SECURE_OFF, TLS_CLIENT_ANY,
		    false },
		{ REMOTE_TLS_OFF, DANE_TLSA, 25, SECURE_OFF, TLS_CLIENT_ANY,
		    false },
		{ REMOTE_TLS_OFF, DANE_FAILED, 25, SECURE_OFF, TLS_CLIENT_ANY,
		    false },
		{ REMOTE_TLS_OPPORTUNISTIC, DANE_NONE, 25, SECURE_MAY,
		    TLS_CLIENT_ANY, false },
		{ REMOTE_TLS_OPPORTUNISTIC, DANE_TLSA, 25, SECURE_MUST,
		    TLS_CLIENT_DANE, false },
		{ REMOTE_TLS_OPPORTUNISTIC, DANE_FAILED, 25, SECURE_MAY,
		    TLS_CLIENT_ANY, true },
		{ REMOTE_TLS_REQUIRED, DANE_NONE, 25, SECURE_MUST,
		    TLS_CLIENT_ANY, false },
		{ REMOTE_TLS_REQUIRED, DANE_TLSA, 25, SECURE_MUST,
		    TLS_CLIENT_DANE, false },
		{ REMOTE_TLS_REQUIRED, DANE_FAILED, 25, SECURE_MUST,
		    TLS_CLIENT_ANY, true },
		{ REMOTE_TLS_VERIFIED, DANE_NONE, 25, SECURE_MUST,
		    TLS_CLIENT_CHAIN, false },
		{ REMOTE_TLS_VERIFIED, DANE_TLSA, 25, SECURE_MUST,
		    TLS_CLIENT_CHAIN, false },
		{ REMOTE_TLS_VERIFIED, DANE_FAILED, 25, SECURE_MUST,
		    TLS_CLIENT_CHAIN, false },
		{ REMOTE_TLS_OFF, DANE_NONE, 465, SECURE_MUST, TLS_CLIENT_ANY,
		    false },
		{ REMOTE_TLS_OPPORTUNISTIC, DANE_NONE, 465, SECURE_MUST,
		    TLS_CLIENT_ANY, false },
		{ REMOTE_TLS_OPPORTUNISTIC, DANE_TLSA, 465, SECURE_MUST,
		    TLS_CLIENT_DANE, false },
	};
	struct resolver_host	 h = { .naddr = 1 };
	struct remote_open	 o = { .nhost = 1, .host = &h };
	struct secure_policy	 p;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		o.tls = t[i].tls;
		o.port = t[i].port;
		h.dane = t[i].dane;
		p = secure_policy(&o, &h);
		if (p.need != t[i].need || p.check != t[i].check ||
		    secure_unusable(&o, &h) != t[i].unusable)
			fail_msg("row %zu", i);
		/* A local socket is clear, whatever is wanted. */
		assert_int_equal(secure_policy(&o, NULL).need, SECURE_OFF);
	}
}

static struct connect		 c;
static struct connect_memory	 memory;

static void
add_host(struct remote_open *o, uint16_t preference, const char *addrs)
{
	struct resolver_host	*h = &o->host[o->nhost++];
	size_t			 n;

	memset(h, 0, sizeof(*h));
	h->preference = preference;
	for (; *addrs != '\0'; addrs += n, addrs += *addrs == ' ') {
		n = strcspn(addrs, " ");
		memcpy(h->addr[h->naddr++], addrs, n);
	}
}

static void
expect_order(const struct remote_open *o, bool v4, bool v6, const char *want)
{
	const struct config_remote	 cfg = { .ipv4 = v4, .ipv6 = v6,
	    .connect_timeout = 1 };
	char				 got[512] = "";
	size_t				 i;

	connect_begin(&c, &cfg, o, &memory, NULL);
	for (i = 0; i < c.n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%s%s", i > 0 ? " " : "", c.target[i].address);
	assert_string_equal(got, want);
}

static void
addresses_come_in_order_and_by_turns(void **state)
{
	struct resolver_host	 host[3];
	struct remote_open	 o = { .port = 25, .host = host };

	(void)state;
	add_host(&o, 10, "::1 ::2 ::3 192.0.2.1 192.0.2.2");
	add_host(&o, 20, "192.0.2.9");
	add_host(&o, 20, "192.0.2.7 ::7");
	expect_order(&o, true, true, "::1 192.0.2.1 ::2 192.0.2.2 ::3 "
	    "192.0.2.9 192.0.2.7 ::7");
	expect_order(&o, true, false, "192.0.2.1 192.0.2.2 192.0.2.9 "
	    "192.0.2.7");
	expect_order(&o, false, true, "::1 ::2 ::3 ::7");
	/* What failed lately comes last. */
	connect_memory_add(&memory, "::1");
	connect_memory_add(&memory, "192.0.2.9");
	assert_true(connect_memory_has(&memory, "::1"));
	assert_false(connect_memory_has(&memory, "::2"));
	expect_order(&o, true, true, "192.0.2.1 ::2 192.0.2.2 ::3 192.0.2.7 "
	    "::7 ::1 192.0.2.9");
}

static void
the_memory_is_bounded(void **state)
{
	char	 a[RESOLVER_ADDR_MAX];
	int	 i;

	(void)state;
	memset(&memory, 0, sizeof(memory));
	for (i = 0; i <= CONNECT_DEAD; i++) {
		snprintf(a, sizeof(a), "192.0.2.%d", i);
		connect_memory_add(&memory, a);
		connect_memory_add(&memory, a);
	}
	assert_false(connect_memory_has(&memory, "192.0.2.0"));
	assert_true(connect_memory_has(&memory, "192.0.2.1"));
	assert_true(connect_memory_has(&memory, a));
	connect_memory_add(&memory, "/a/path/that/is/longer/than/any/address/"
	    "could/ever/be");
	assert_true(connect_memory_has(&memory, "192.0.2.1"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(replies_become_verdicts),
		cmocka_unit_test(our_own_words_have_a_verdict_too),
		cmocka_unit_test(
		    too_many_recipients_are_told_from_refused_ones),
		cmocka_unit_test(policies_are_those_of_the_table),
		cmocka_unit_test(addresses_come_in_order_and_by_turns),
		cmocka_unit_test(the_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
