/* Questions and answers of resolver: round trips, refusals, what is cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/net/proto_resolver.h"
#include "tests/unit/packet.h"

static struct ipc_msg		 out, in;
static struct resolver_route	 r, got;
static struct resolver_texts	 t;

static void
add_host(const char *name, size_t naddr, size_t ntlsa, size_t len)
{
	struct resolver_host	*h = &r.host[r.nhost++];
	size_t			 i;

	memset(h, 0, sizeof(*h));
	snprintf(h->name, sizeof(h->name), "%s", name);
	h->preference = (uint16_t)(10 * r.nhost);
	h->secure = ntlsa > 0;
	for (i = 0; i < naddr; i++)
		snprintf(h->addr[h->naddr++], RESOLVER_ADDR_MAX,
		    i % 2 == 0 ? "192.0.2.%zu" : "2001:db8::%zu", i + 1);
	if (ntlsa == 0)
		return;
	h->dane = DANE_TLSA;
	h->tlsa = xcalloc(ntlsa, sizeof(*h->tlsa));
	for (i = 0; i < ntlsa; i++) {
		h->tlsa[i] = (struct resolver_tlsa){ .usage = 3,
		    .selector = 1, .matching = 255, .len = len };
		memset(h->tlsa[i].data, 0xa0 + (int)i, len);
	}
	h->ntlsa = ntlsa;
}

static void
route_start(void)
{
	resolver_route_free(&r);
	r.status = RESOLVER_OK;
	r.ttl = 300;
}

static void
a_question_comes_out_as_it_went_in(void **state)
{
	char	 name[RESOLVER_NAME_MAX];

	(void)state;
	proto_resolver_put_ask(&out, 9, "route", "b\xc3\xbc" "cher.example");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_string_equal(in.verb, "route");
	assert_int_equal(in.id, 9);
	assert_int_equal(proto_resolver_get_ask(&in, name, sizeof(name)), 0);
	assert_string_equal(name, "b\xc3\xbc" "cher.example");
}

static void
bad_questions_are_refused(void **state)
{
	static const char *const	 t2[] = { "", "name a\nname b\n",
	    "nama a\n", "name a+00b\n", "name a+0\n", "name a\nttl 1\n" };
	char	 name[8];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t2) / sizeof(t2[0]); i++) {
		proto_resolver_put_ask(&out, 9, "route", "a");
		packet_change(&out, "name a\n", t2[i]);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_resolver_get_ask(&in, name,
		    sizeof(name)), -1);
		assert_int_equal(errno, EBADMSG);
	}
	proto_resolver_put_ask(&out, 9, "route", "12345678");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_ask(&in, name, sizeof(name)), -1);
}

static void
a_route_comes_out_as_it_went_in(void **state)
{
	(void)state;
	route_start();
	add_host("mx1.example.com", 3, 2, 32);
	add_host("[IPv6:2001:db8::1]", 1, 0, 0);
	add_host("mx3.example.com", 8, 0, 0);
	r.host[2].dane = DANE_FAILED;
	proto_resolver_put_route(&out, 77, &r);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(in.id, 77);
	assert_int_equal(proto_resolver_get_route(&in, &got), 0);
	assert_int_equal(got.status, RESOLVER_OK);
	assert_string_equal(got.code, "");
	assert_int_equal(got.ttl, 300);
	assert_int_equal(got.nhost, 3);
	assert_string_equal(got.host[0].name, "mx1.example.com");
	assert_int_equal(got.host[0].preference, 10);
	assert_true(got.host[0].secure);
	assert_int_equal(got.host[0].naddr, 3);
	assert_string_equal(got.host[0].addr[1], "2001:db8::2");
	assert_int_equal(got.host[0].dane, DANE_TLSA);
	assert_int_equal(got.host[0].ntlsa, 2);
	assert_int_equal(got.host[0].tlsa[1].usage, 3);
	assert_int_equal(got.host[0].tlsa[1].matching, 255);
	assert_int_equal(got.host[0].tlsa[1].len, 32);
	assert_memory_equal(got.host[0].tlsa[1].data,
	    r.host[0].tlsa[1].data, 32);
	assert_string_equal(got.host[1].name, "[IPv6:2001:db8::1]");
	assert_false(got.host[1].secure);
	assert_null(got.host[1].tlsa);
	assert_int_equal(got.host[2].naddr, 8);
	assert_int_equal(got.host[2].dane, DANE_FAILED);
	resolver_route_free(&got);
	assert_int_equal(got.nhost, 0);
}

static void
failures_come_out_as_they_went_in(void **state)
{
	static const struct {
		enum resolver_status	 status;
		const char		*code, *text;
	}		 rows[] = {
		{ RESOLVER_NONE, "5.1.2", "no such domain: a=b" },
		{ RESOLVER_NULL_MX, "5.1.10", "takes no mail" },
		{ RESOLVER_LOOP, "5.4.6", "+ loops \xff back" },
		{ RESOLVER_TEMP, "4.4.3", "" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		resolver_route_free(&r);
		r.status = rows[i].status;
		strcpy(r.code, rows[i].code);
		strcpy(r.text, rows[i].text);
		proto_resolver_put_route(&out, i, &r);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_resolver_get_route(&in, &got), 0);
		assert_int_equal(got.status, rows[i].status);
		assert_string_equal(got.code, rows[i].code);
		assert_string_equal(got.text, rows[i].text);
		assert_int_equal(got.nhost, 0);
	}
}

static void
bad_routes_are_refused(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "hosts", "texts" },
		{ "status ok", "status fine" },
		{ "status ok", "status none" },		/* hosts beside it */
		{ "code ", "code 5.1.2" },
		{ "text \n", "text a+0Ab\n" },
		{ "text \n", "" },
		{ "ttl 300", "ttl 4294967296" },
		{ "host a.test", "host a+20b" },
		{ "host a.test", "host a+0Db" },
		{ "host a.test", "host " },
		{ "host a.test", "host a/b" },
		{ "preference 10", "preference 65536" },
		{ "preference 10", "preference -1" },
		{ "secure 1", "secure 2" },
		{ "addr 192.0.2.1", "addr 192.0.2.256" },
		{ "addr 192.0.2.1", "addr mx.test" },
		{ "addr 192.0.2.1", "addr 2001:db8::1%eth0" },
		{ "addr 192.0.2.1\n", "" },
		{ "dane tlsa", "dane none" },
		{ "dane tlsa", "dane failed" },
		{ "dane tlsa", "dane maybe" },
		{ "tlsa 3 1 255 a0a0\n", "" },
		{ "tlsa 3 1 255 a0a0", "tlsa 3 1 256 a0a0" },
		{ "tlsa 3 1 255 a0a0", "tlsa 3 1 a0a0" },
		{ "tlsa 3 1 255 a0a0", "tlsa 3 1 255 " },
		{ "tlsa 3 1 255 a0a0", "tlsa 3 1 255 a0a" },
		{ "tlsa 3 1 255 a0a0", "tlsa 3 1 255 a0 a0" },
		{ "tlsa 3 1 255 a0a0", "tlsa" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		route_start();
		add_host("a.test", 1, 1, 2);
		proto_resolver_put_route(&out, 1, &r);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_resolver_get_route(&in, &got) == 0)
			fail_msg("taken: %s", rows[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(got.status, RESOLVER_TEMP);
		assert_int_equal(got.nhost, 0);
	}
	/* A failure needs its code, of its class. */
	resolver_route_free(&r);
	for (i = 0; i < 4; i++) {
		static const char *const	 codes[] = { "", "5.1.2", "4.4",
		    "4.4.3x" };

		strcpy(r.code, codes[i]);
		proto_resolver_put_route(&out, 1, &r);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_resolver_get_route(&in, &got), -1);
	}
}

static void
too_many_of_anything_is_refused(void **state)
{
	char	 many[16 * RESOLVER_ADDRS], *p = many;
	int	 i;

	(void)state;
	for (i = 0; i <= RESOLVER_ADDRS; i++)
		p += sprintf(p, "addr 10.0.0.%d\n", i);
	route_start();
	add_host("a.test", 1, 1, 2);
	proto_resolver_put_route(&out, 1, &r);
	packet_change(&out, "addr 192.0.2.1\n", many);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_route(&in, &got), -1);

	route_start();
	for (i = 0; i < RESOLVER_HOSTS; i++)
		add_host("a.test", 1, 0, 0);
	proto_resolver_put_route(&out, 1, &r);
	packet_change(&out, "host a.test\n", "host b.test\npreference 1\nsecure 0\n"
	    "addr 10.0.0.1\ndane none\nhost a.test\n");
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_route(&in, &got), -1);
}

static void
a_route_too_large_loses_its_worst_hosts(void **state)
{
	char	 name[RESOLVER_NAME_MAX];
	int	 i;

	(void)state;
	route_start();
	for (i = 0; i < RESOLVER_HOSTS; i++) {
		snprintf(name, sizeof(name), "mx%d.test", i);
		add_host(name, RESOLVER_ADDRS, 4, 512);
	}
	proto_resolver_put_route(&out, 5, &r);
	assert_false(out.bad);
	assert_in_range(r.nhost, 2, RESOLVER_HOSTS - 1);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_route(&in, &got), 0);
	assert_int_equal(got.nhost, r.nhost);
	assert_string_equal(got.host[0].name, "mx0.test");
	assert_int_equal(got.host[got.nhost - 1].ntlsa, 4);
	resolver_route_free(&got);

	/* One host always fits, whatever it has. */
	route_start();
	memset(r.text, '+', sizeof(r.text) - 1);
	memset(name, '_', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	add_host(name, RESOLVER_ADDRS, RESOLVER_TLSA, RESOLVER_TLSA_DATA);
	proto_resolver_put_route(&out, 5, &r);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_route(&in, &got), 0);
	assert_int_equal(got.host[0].ntlsa, RESOLVER_TLSA);
	resolver_route_free(&got);
}

static void
add_text(const char *data, size_t len)
{
	t.text[t.n] = xmalloc(len + 1);
	memcpy(t.text[t.n], data, len);
	t.text[t.n][len] = '\0';
	t.len[t.n++] = len;
}

static void
texts_come_out_as_they_went_in(void **state)
{
	struct resolver_texts	 got2;

	(void)state;
	resolver_texts_free(&t);
	t.status = RESOLVER_OK;
	t.secure = true;
	t.ttl = 7;
	add_text("v=spf1 -all", 11);
	add_text("a\0b\n\xff", 5);
	add_text("", 0);
	proto_resolver_put_texts(&out, 8, &t);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_texts(&in, &got2), 0);
	assert_int_equal(got2.status, RESOLVER_OK);
	assert_true(got2.secure);
	assert_int_equal(got2.ttl, 7);
	assert_int_equal(got2.n, 3);
	assert_int_equal(got2.len[1], 5);
	assert_memory_equal(got2.text[1], "a\0b\n\xff", 5);
	assert_int_equal(got2.len[2], 0);
	resolver_texts_free(&got2);
	resolver_texts_free(&t);
}

static void
a_text_too_large_is_left_out(void **state)
{
	struct resolver_texts	 got2;
	char			 large[60000];

	(void)state;
	memset(large, ' ', sizeof(large));
	resolver_texts_free(&t);
	t.status = RESOLVER_OK;
	add_text("first", 5);
	add_text(large, sizeof(large));
	add_text(large, 20000);
	add_text("last", 4);
	proto_resolver_put_texts(&out, 8, &t);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_resolver_get_texts(&in, &got2), 0);
	assert_int_equal(got2.n, 2);
	assert_string_equal(got2.text[1], "last");
	resolver_texts_free(&got2);
	resolver_texts_free(&t);
}

static void
bad_texts_are_refused(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "texts", "hosts" },
		{ "status ok", "status temp" },
		{ "secure 0", "secure -1" },
		{ "ttl 0", "ttl" },
		{ "text abc", "text a+b" },
		{ "text abc", "text +zz" },
		{ "text abc", "tixt abc" },
		{ "text abc\n", "text 1\ntext 2\ntext 3\ntext 4\ntext 5\n"
		    "text 6\ntext 7\ntext 8\ntext 9\ntext 10\ntext 11\n"
		    "text 12\ntext 13\ntext 14\ntext 15\ntext 16\n"
		    "text 17\n" },
	};
	struct resolver_texts	 got2;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		resolver_texts_free(&t);
		t.status = RESOLVER_OK;
		add_text("abc", 3);
		proto_resolver_put_texts(&out, 8, &t);
		packet_change(&out, rows[i].from, rows[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		assert_int_equal(proto_resolver_get_texts(&in, &got2), -1);
		assert_int_equal(got2.n, 0);
	}
	resolver_texts_free(&t);
}

static void
nobody_to_ask_is_an_error(void **state)
{
	struct resolver_client	 c;
	struct resolver_texts	 got2;

	(void)state;
	resolver_client_init(&c, "/nonexistent/resolver.sock");
	assert_int_equal(resolver_client_route(&c, "a.test", &got), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(got.status, RESOLVER_TEMP);
	assert_int_equal(resolver_client_texts(&c, "txt", "a.test", &got2),
	    -1);
	assert_int_equal(got2.status, RESOLVER_TEMP);
	resolver_client_close(&c);
}

static int
clean(void **state)
{
	(void)state;
	resolver_route_free(&r);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_question_comes_out_as_it_went_in),
		cmocka_unit_test(bad_questions_are_refused),
		cmocka_unit_test(a_route_comes_out_as_it_went_in),
		cmocka_unit_test(failures_come_out_as_they_went_in),
		cmocka_unit_test(bad_routes_are_refused),
		cmocka_unit_test(too_many_of_anything_is_refused),
		cmocka_unit_test(a_route_too_large_loses_its_worst_hosts),
		cmocka_unit_test(texts_come_out_as_they_went_in),
		cmocka_unit_test(a_text_too_large_is_left_out),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(nobody_to_ask_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
