/* DNS answers in wire form: what is read, and what a liar may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolver/wire.h"

/* A packet being built; names are given as wire octets. */
static uint8_t			 p[70000];
static size_t			 len;
static struct dns_answer	 a;

static void
octets(const void *data, size_t n)
{
	memcpy(p + len, data, n);
	len += n;
}

static void
number(unsigned int n)
{
	p[len++] = (uint8_t)(n >> 8);
	p[len++] = (uint8_t)n;
}

/* "a.b" in labels, "" the root. */
static void
name(const char *s)
{
	size_t	 n;

	while (*s != '\0') {
		n = strcspn(s, ".");
		p[len++] = (uint8_t)n;
		octets(s, n);
		s += n + (s[n] == '.');
	}
	p[len++] = 0;
}

static void
start(const char *question, unsigned int type, unsigned int flags)
{
	len = 0;
	number(1);
	number(flags);
	number(1);
	number(0);
	number(0);
	number(0);
	name(question);
	number(type);
	number(1);
}

/* Section 1 answer, 2 authority: one more in the header, its front part. */
static size_t
record(int section, const char *owner, unsigned int type, unsigned int ttl)
{
	p[4 + 2 * section + 1]++;
	name(owner);
	number(type);
	number(1);
	number(ttl >> 16);
	number(ttl & 0xffff);
	number(0);
	return len;
}

static void
ended(size_t at)
{
	p[at - 2] = (uint8_t)((len - at) >> 8);
	p[at - 1] = (uint8_t)(len - at);
}

static void
add_a(const char *owner, const char *addr, unsigned int ttl)
{
	size_t	 at = record(1, owner, ns_t_a, ttl);

	octets(addr, 4);
	ended(at);
}

static void
add_name(const char *owner, unsigned int type, const char *target)
{
	size_t	 at = record(1, owner, type, 100);

	name(target);
	ended(at);
}

static void
add_mx(const char *owner, unsigned int preference, const char *host)
{
	size_t	 at = record(1, owner, ns_t_mx, 300);

	number(preference);
	name(host);
	ended(at);
}

/* Read what was built as the answer for "a.test"; the octets alone in the
 * heap, so that sanitizers see the first one behind them. */
static enum dns_status
answer(uint16_t type)
{
	static uint8_t	*copy;

	free(copy);
	copy = malloc(len == 0 ? 1 : len);
	assert_non_null(copy);
	memcpy(copy, p, len);
	wire_read(copy, len, "a.test", type, &a);
	return a.status;
}

static int
count(void)
{
	struct dns_record	 r;
	int			 at = 0, n = 0;

	while (wire_next(&a, &at, &r))
		n++;
	return n;
}

#define OK	0x8180		/* an answer, recursion desired, available */

static void
addresses_are_read(void **state)
{
	struct dns_record	 r;
	char			 text[RESOLVER_ADDR_MAX];
	int			 at = 0;

	(void)state;
	start("a.test", ns_t_a, OK);
	add_a("A.TEST", "\300\0\2\1", 300);
	add_a("a.test", "\300\0\2\2", 60);
	assert_int_equal(answer(ns_t_a), DNS_OK);
	assert_int_equal(a.ttl, 60);
	assert_false(a.alias);
	assert_true(wire_next(&a, &at, &r));
	assert_true(wire_address(&a, &r, text));
	assert_string_equal(text, "192.0.2.1");
	assert_true(wire_next(&a, &at, &r));
	assert_true(wire_address(&a, &r, text));
	assert_string_equal(text, "192.0.2.2");
	assert_false(wire_next(&a, &at, &r));
}

static void
aliases_are_followed_in_order(void **state)
{
	(void)state;
	start("a.test", ns_t_a, OK);
	add_name("a.test", ns_t_cname, "B.test");
	add_name("b.test", ns_t_cname, "c.test");
	add_a("c.test", "\300\0\2\1", 300);
	assert_int_equal(answer(ns_t_a), DNS_OK);
	assert_true(a.alias);
	assert_string_equal(a.name, "c.test");
	assert_int_equal(a.ttl, 100);
	assert_int_equal(count(), 1);
	/* A CNAME that was asked for is a record. */
	start("a.test", ns_t_cname, OK);
	add_name("a.test", ns_t_cname, "b.test");
	assert_int_equal(answer(ns_t_cname), DNS_OK);
	assert_string_equal(a.name, "a.test");
}

static void
an_endless_alias_fails(void **state)
{
	int	 i;

	(void)state;
	start("a.test", ns_t_a, OK);
	for (i = 0; i <= WIRE_ALIASES; i++) {
		add_name("a.test", ns_t_cname, "b.test");
		add_name("b.test", ns_t_cname, "a.test");
	}
	add_a("a.test", "\300\0\2\1", 300);
	assert_int_equal(answer(ns_t_a), DNS_FAILED);
	assert_int_equal(count(), 0);
}

static void
records_of_other_names_do_not_count(void **state)
{
	(void)state;
	start("a.test", ns_t_a, OK);
	add_a("b.test", "\300\0\2\1", 300);
	add_a("test", "\300\0\2\2", 300);
	add_mx("a.test", 10, "b.test");
	assert_int_equal(answer(ns_t_a), DNS_NODATA);
	assert_int_equal(count(), 0);
	/* Nor those before an alias that leads away from them. */
	start("a.test", ns_t_a, OK);
	add_a("b.test", "\300\0\2\1", 300);
	add_name("a.test", ns_t_cname, "c.test");
	assert_int_equal(answer(ns_t_a), DNS_NODATA);
	assert_string_equal(a.name, "c.test");
}

static void
denials_are_told_apart(void **state)
{
	size_t	 at;

	(void)state;
	start("a.test", ns_t_mx, OK);
	at = record(2, "test", ns_t_soa, 600);
	name("ns.test");
	name("hostmaster.test");
	octets("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\36", 20);
	ended(at);
	assert_int_equal(answer(ns_t_mx), DNS_NODATA);
	assert_int_equal(a.ttl, 30);
	p[3] = 0x83;
	assert_int_equal(answer(ns_t_mx), DNS_NXDOMAIN);
	assert_int_equal(a.ttl, 30);
	start("a.test", ns_t_mx, OK);
	assert_int_equal(answer(ns_t_mx), DNS_NODATA);
	assert_int_equal(a.ttl, 0);
}

static void
failures_are_failures(void **state)
{
	static const unsigned int	 flags[] = { 0x8182, 0x8185, 0x8181,
	    0x8184, 0x818f, 0x8380, 0x0100 };
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		start("a.test", ns_t_a, flags[i]);
		add_a("a.test", "\300\0\2\1", 300);
		assert_int_equal(answer(ns_t_a), DNS_FAILED);
		assert_true(*a.why != '\0');
		assert_int_equal(count(), 0);
	}
	wire_read(NULL, 0, "a.test", ns_t_a, &a);
	assert_int_equal(a.status, DNS_FAILED);
	wire_read(p, sizeof(p), "a.test", ns_t_a, &a);
	assert_int_equal(a.status, DNS_FAILED);
}

/* Whatever is cut off, nothing is read behind the end. */
static void
a_cut_packet_fails(void **state)
{
	size_t	 whole;

	(void)state;
	start("a.test", ns_t_mx, OK);
	add_name("a.test", ns_t_cname, "b.test");
	add_mx("b.test", 10, "mx.test");
	assert_int_equal(answer(ns_t_mx), DNS_OK);
	for (whole = len--; len > 0; len--)
		assert_int_equal(answer(ns_t_mx), DNS_FAILED);
	len = whole;
	assert_int_equal(answer(ns_t_mx), DNS_OK);
}

static void
compression_that_goes_round_fails(void **state)
{
	size_t	 at;

	(void)state;
	/* The owner points at itself. */
	start("a.test", ns_t_a, OK);
	p[7]++;
	at = len;
	number(0xc000 | (unsigned int)at);
	octets("\0\1\0\1\0\0\0\1\0\4\300\0\2\1", 14);
	assert_int_equal(answer(ns_t_a), DNS_FAILED);
	/* A host's name points behind the packet, or at itself. */
	start("a.test", ns_t_mx, OK);
	at = record(1, "a.test", ns_t_mx, 5);
	number(10);
	number(0xc000 | (unsigned int)(len + 500));
	ended(at);
	answer(ns_t_mx);
	assert_int_equal(a.status == DNS_OK ? count() : 0,
	    a.status == DNS_OK ? 1 : 0);
	if (a.status == DNS_OK) {
		struct dns_record	 r;
		char			 host[RESOLVER_NAME_MAX];
		uint16_t		 preference;
		int			 i = 0;

		assert_true(wire_next(&a, &i, &r));
		assert_false(wire_mx(&a, &r, &preference, host));
	}
}

static void
mail_hosts_are_read(void **state)
{
	static const struct {
		const char	*data;
		size_t		 n;
		bool		 good;
		unsigned int	 preference;
		const char	*host;
	}			 rows[] = {
		{ "\0\12\2MX\4Test\0", 11, true, 10, "mx.test" },
		{ "\0\0\0", 3, true, 0, "" },
		{ "\377\377\1a\0", 5, true, 65535, "a" },
		{ "\0\1\3a.b\0", 7, true, 1, "a\\.b" },
		{ "\0\12", 2, false, 0, "" },
		{ "\0", 1, false, 0, "" },
		{ "\0\12\2MX\4Test\0x", 12, false, 0, "" },
		{ "\0\12\2MX\4Test", 10, false, 0, "" },
		{ "\0\12\77MX", 5, false, 0, "" },
		{ "\0\12\200MX", 5, false, 0, "" },
	};
	struct dns_record	 r;
	char			 host[RESOLVER_NAME_MAX];
	uint16_t		 preference;
	size_t			 i, at;
	int			 next;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start("a.test", ns_t_mx, OK);
		at = record(1, "a.test", ns_t_mx, 5);
		octets(rows[i].data, rows[i].n);
		ended(at);
		next = 0;
		answer(ns_t_mx);
		if (!rows[i].good && a.status == DNS_FAILED)
			continue;
		assert_int_equal(a.status, DNS_OK);
		assert_true(wire_next(&a, &next, &r));
		assert_int_equal(wire_mx(&a, &r, &preference, host),
		    rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(preference, rows[i].preference);
		assert_string_equal(host, rows[i].host);
	}
}

static void
texts_are_joined(void **state)
{
	static const struct {
		const char	*data;
		size_t		 n;
		const char	*text;		/* NULL: refused */
		size_t		 len;
	}			 rows[] = {
		{ "\3abc", 4, "abc", 3 },
		{ "\3abc\0\2\0d", 8, "abc\0d", 5 },
		{ "\0", 1, "", 0 },
		{ "", 0, NULL, 0 },
		{ "\4abc", 4, NULL, 0 },
		{ "\3abc\377", 5, NULL, 0 },
	};
	struct dns_record	 r;
	struct buf		 b;
	size_t			 i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		r.data = (const uint8_t *)rows[i].data;
		r.len = rows[i].n;
		assert_int_equal(wire_txt(&r, &b), rows[i].text != NULL);
		if (rows[i].text == NULL)
			continue;
		assert_int_equal(b.len, rows[i].len);
		assert_memory_equal(buf_cstr(&b), rows[i].text, b.len);
	}
	buf_free(&b);
	/* More than there is room for. */
	buf_init(&b, 2);
	r.data = (const uint8_t *)"\3abc";
	r.len = 4;
	assert_false(wire_txt(&r, &b));
	buf_free(&b);
}

static void
tlsa_has_its_fields(void **state)
{
	static const uint8_t	 data[RESOLVER_TLSA_DATA + 4] = { 3, 1, 1,
	    0xab };
	struct resolver_tlsa	 t;
	struct dns_record	 r = { 0, data, 4 };

	(void)state;
	assert_true(wire_tlsa(&r, &t));
	assert_int_equal(t.usage, 3);
	assert_int_equal(t.len, 1);
	assert_int_equal(t.data[0], 0xab);
	r.len = RESOLVER_TLSA_DATA + 3;
	assert_true(wire_tlsa(&r, &t));
	r.len++;
	assert_false(wire_tlsa(&r, &t));
	r.len = 3;
	assert_false(wire_tlsa(&r, &t));
	r.len = 0;
	assert_false(wire_tlsa(&r, &t));
}

static void
addresses_of_odd_length_are_refused(void **state)
{
	static const uint8_t	 data[17] = { 0 };
	struct dns_record	 r = { 0, data, 0 };
	char			 text[RESOLVER_ADDR_MAX];

	(void)state;
	for (r.len = 0; r.len <= 17; r.len++) {
		a.type = ns_t_a;
		assert_int_equal(wire_address(&a, &r, text), r.len == 4);
		a.type = ns_t_aaaa;
		assert_int_equal(wire_address(&a, &r, text), r.len == 16);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(aliases_are_followed_in_order),
		cmocka_unit_test(an_endless_alias_fails),
		cmocka_unit_test(records_of_other_names_do_not_count),
		cmocka_unit_test(denials_are_told_apart),
		cmocka_unit_test(failures_are_failures),
		cmocka_unit_test(a_cut_packet_fails),
		cmocka_unit_test(compression_that_goes_round_fails),
		cmocka_unit_test(mail_hosts_are_read),
		cmocka_unit_test(texts_are_joined),
		cmocka_unit_test(tlsa_has_its_fields),
		cmocka_unit_test(addresses_of_odd_length_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
