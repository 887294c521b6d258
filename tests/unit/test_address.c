/* address: paths, bare addresses, literals, EAI, header lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/mail/address.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define X60	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X240	X60 X60 X60 X60

static void
paths_yield_canonical_text_and_what_they_used(void **state)
{
	static const struct {
		const char	*in;
		int		 flags;
		const char	*text, *rest;
	} t[] = {
		{ "<bob@example.org>", 0, "bob@example.org", "" },
		{ "<Bob@EXAMPLE.Org> SIZE=1", 0, "Bob@example.org",
		    " SIZE=1" },
		{ "<>", ADDRESS_NULL, "", "" },
		{ "<> BODY=7BIT", ADDRESS_NULL, "", " BODY=7BIT" },
		{ "<postmaster>", ADDRESS_POSTMASTER, "postmaster", "" },
		{ "<PostMaster>", ADDRESS_POSTMASTER, "PostMaster", "" },
		{ "<@a.example,@b.example:bob@c.example>", 0,
		    "bob@c.example", "" },
		{ "<@[192.0.2.1]:bob@c.example>", 0, "bob@c.example", "" },
		{ "<\"bob\"@example.org>", 0, "bob@example.org", "" },
		{ "<\"b\\o\\b\"@example.org>", 0, "bob@example.org", "" },
		{ "<\"bob smith\"@example.org>", 0,
		    "\"bob smith\"@example.org", "" },
		{ "<\"a\\\"b\\\\\"@example.org>", 0,
		    "\"a\\\"b\\\\\"@example.org", "" },
		{ "<\"a>b@c\"@example.org>x", 0, "\"a>b@c\"@example.org",
		    "x" },
		{ "<\".a..b.\"@example.org>", 0, "\".a..b.\"@example.org",
		    "" },
		{ "<bob@[192.0.2.1]>", 0, "bob@[192.0.2.1]", "" },
		{ "<bob@[IPv6:2001:DB8::1]>", 0, "bob@[ipv6:2001:db8::1]",
		    "" },
		{ "<!#$%&'*+-/=?^_`{|}~@x>", 0, "!#$%&'*+-/=?^_`{|}~@x", "" },
		{ "<a@host_name.example>", 0, "a@host_name.example", "" },
		{ "<a@1.2.3.4>", 0, "a@1.2.3.4", "" },
		{ "<m\xc3\xbcller@b\xc3\xbc" "cher.example>", ADDRESS_UTF8,
		    "m\xc3\xbcller@b\xc3\xbc" "cher.example", "" },
		{ "<\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90"
		    ".example>", ADDRESS_UTF8, "\xe7\x94\xa8\xe6\x88\xb7@"
		    "\xe4\xbe\x8b\xe5\xad\x90.example", "" },
		{ "bob@example.org SIZE=3", ADDRESS_LENIENT,
		    "bob@example.org", " SIZE=3" },
		{ "  <bob>", ADDRESS_LENIENT, "bob", "" },
		{ "<bob>", ADDRESS_LENIENT, "bob", "" },
	};
	struct address	 a;
	size_t		 i, used;

	(void)state;
	for (i = 0; i < N(t); i++) {
		assert_int_equal(address_parse_path(slice_str(t[i].in),
		    t[i].flags, &a, &used), ADDRESS_OK);
		assert_string_equal(a.text, t[i].text);
		assert_string_equal(t[i].in + used, t[i].rest);
	}
}

static void
malformed_paths_are_refused_and_leave_the_null_path(void **state)
{
	static const struct {
		const char		*in;
		int			 flags;
		enum address_status	 st;
	} t[] = {
		{ "", 0, ADDRESS_SYNTAX },
		{ "", ADDRESS_LENIENT | ADDRESS_NULL, ADDRESS_SYNTAX },
		{ "<", 0, ADDRESS_SYNTAX },
		{ "<>", 0, ADDRESS_SYNTAX },
		{ "< >", ADDRESS_NULL, ADDRESS_SYNTAX },
		{ "bob@example.org", 0, ADDRESS_SYNTAX },
		{ " <bob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org >", 0, ADDRESS_SYNTAX },
		{ "< bob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob smith@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org>>", 0, ADDRESS_OK },
		{ "<<bob@example.org>>", 0, ADDRESS_SYNTAX },
		{ "<bob>", 0, ADDRESS_SYNTAX },
		{ "<bob>", ADDRESS_POSTMASTER, ADDRESS_SYNTAX },
		{ "<postmaster>", 0, ADDRESS_SYNTAX },
		{ "<bob@>", ADDRESS_LENIENT, ADDRESS_SYNTAX },
		{ "<@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@a@b>", 0, ADDRESS_SYNTAX },
		{ "<.bob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob.@example.org>", 0, ADDRESS_SYNTAX },
		{ "<b..ob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"\"@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"bob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"bob\\\"@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"bob\\", 0, ADDRESS_SYNTAX },
		{ "<\"bob\"x@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"b\tb\"@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"b\r\n b\"@example.org>", 0, ADDRESS_SYNTAX },
		{ "<\"b\\\x01\"@example.org>", 0, ADDRESS_SYNTAX },
		{ "<b\x7f" "b@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example..org>", 0, ADDRESS_SYNTAX },
		{ "<bob@.example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org.>", 0, ADDRESS_SYNTAX },
		{ "<bob@-example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example-.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@exa!mple.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@" X60 "aaaa.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@[192.0.2]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[192.0.2.256]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[192.0.2.1>", 0, ADDRESS_SYNTAX },
		{ "<bob@[IPv6:2001:db8:::1]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[IPv6:]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[2001:db8::1]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[x400:c=de]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[]>", 0, ADDRESS_SYNTAX },
		{ "<bob@[192.0.2.1].org>", 0, ADDRESS_SYNTAX },
		{ "<@a.example:>", 0, ADDRESS_SYNTAX },
		{ "<@a.example,:bob@c.example>", 0, ADDRESS_SYNTAX },
		{ "<@a.example,@:bob@c.example>", 0, ADDRESS_SYNTAX },
		{ "<@a.example@b.example:bob@c.example>", 0, ADDRESS_SYNTAX },
		{ "<@-a:bob@c.example>", 0, ADDRESS_SYNTAX },
		{ "<" X240 X60 "@example.org>", 0, ADDRESS_LONG },
		{ "<\"" X240 X60 "\"@example.org>", 0, ADDRESS_LONG },
		{ "<bob@" X60 "." X60 "." X60 "." X60 "." X60 ">", 0,
		    ADDRESS_LONG },
		{ "<m\xc3\xbcller@example.org>", 0, ADDRESS_NEEDS_UTF8 },
		{ "<bob@b\xc3\xbc" "cher.example>", 0, ADDRESS_NEEDS_UTF8 },
		{ "<m\xfcller@example.org>", ADDRESS_UTF8, ADDRESS_SYNTAX },
		{ "<m\xc0\xafller@example.org>", ADDRESS_UTF8,
		    ADDRESS_SYNTAX },
		{ "<\xed\xa0\x80@example.org>", ADDRESS_UTF8,
		    ADDRESS_SYNTAX },
		{ "<a\xc2\x85@example.org>", ADDRESS_UTF8, ADDRESS_SYNTAX },
		/* Wide letters and full stops are ASCII after mapping. */
		{ "<bob@\xef\xbd\x85x.example>", ADDRESS_UTF8,
		    ADDRESS_SYNTAX },
		{ "<bob@b\xc3\xbc" "cher\xe3\x80\x82" "example>",
		    ADDRESS_UTF8, ADDRESS_SYNTAX },
		{ "<bob@\xe2\x80\x8e.example>", ADDRESS_UTF8,
		    ADDRESS_SYNTAX },
	};
	struct address	 a;
	size_t		 i, used;

	(void)state;
	for (i = 0; i < N(t); i++) {
		if (address_parse_path(slice_str(t[i].in), t[i].flags, &a,
		    &used) != t[i].st)
			fail_msg("%s", t[i].in);
		if (t[i].st == ADDRESS_OK)
			continue;
		assert_string_equal(a.text, "");
		assert_string_equal(a.local, "");
		assert_string_equal(a.domain, "");
	}
}

static void
a_nul_octet_never_hides_what_follows(void **state)
{
	struct address	 a;
	size_t		 used;

	(void)state;
	assert_int_equal(address_parse(SLICE_LIT("bob\0x@example.org"), 0,
	    &a), ADDRESS_SYNTAX);
	assert_int_equal(address_parse(SLICE_LIT("bob@example.org\0"), 0,
	    &a), ADDRESS_SYNTAX);
	assert_int_equal(address_parse(SLICE_LIT("\"a\0b\"@example.org"), 0,
	    &a), ADDRESS_SYNTAX);
	assert_int_equal(address_parse_path(SLICE_LIT("<b@exa\0mple.org>"), 0,
	    &a, &used), ADDRESS_SYNTAX);
	assert_int_equal(address_parse(SLICE_LIT("b@[192.0.2.1\0]"), 0, &a),
	    ADDRESS_SYNTAX);
}

static void
parts_are_unquoted_and_marked(void **state)
{
	struct address	 a;

	(void)state;
	assert_int_equal(address_parse(
	    SLICE_LIT("\"Bob \\\"B\\\" Smith\"@[IPv6:::1]"), 0, &a),
	    ADDRESS_OK);
	assert_string_equal(a.local, "Bob \"B\" Smith");
	assert_string_equal(a.domain, "[ipv6:::1]");
	assert_true(a.literal);
	assert_false(a.utf8);
	assert_int_equal(address_parse(SLICE_LIT("b\xc3\xb6@Example.ORG"),
	    ADDRESS_UTF8, &a), ADDRESS_OK);
	assert_string_equal(a.domain, "example.org");
	assert_false(a.literal);
	assert_true(a.utf8);
}

static void
every_accepted_text_parses_to_itself(void **state)
{
	static const char *const t[] = {
		"bob@example.org", "\"a b\"@x", "\"a\\\\\\\"b\"@x",
		"\".\"@[192.0.2.1]", "m\xc3\xbc@b\xc3\xbc" "cher.example",
		X240 "xxxxxxxxxxxxxxx@" X60 "." X60 "." X60 "." X60,
	};
	struct address	 a, b;
	size_t		 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		assert_int_equal(address_parse(slice_str(t[i]), ADDRESS_UTF8,
		    &a), ADDRESS_OK);
		assert_string_equal(a.text, t[i]);
		assert_int_equal(address_make(a.local, a.domain, &b), 0);
		assert_string_equal(b.text, t[i]);
		assert_int_equal(b.literal, a.literal);
		assert_int_equal(b.utf8, a.utf8);
	}
}

static void
the_longest_local_part_fits_when_all_of_it_is_escaped(void **state)
{
	char		 local[ADDRESS_LOCAL_MAX + 2];
	char		 domain[] = X60 "." X60 "." X60 "." X60 ".xxxxxxxxxxx";
	struct address	 a, b;

	(void)state;
	memset(local, '"', sizeof(local));
	local[ADDRESS_LOCAL_MAX] = '\0';
	assert_int_equal(strlen(domain), ADDRESS_DOMAIN_MAX);
	assert_int_equal(address_make(local, domain, &a), 0);
	assert_int_equal(strlen(a.text), ADDRESS_MAX);
	assert_int_equal(address_parse(slice_str(a.text), 0, &b), ADDRESS_OK);
	assert_string_equal(b.local, local);
	local[ADDRESS_LOCAL_MAX] = '"';
	local[ADDRESS_LOCAL_MAX + 1] = '\0';
	assert_int_equal(address_make(local, domain, &a), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(address_make("", "example.org", &a), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(address_make("", "", &a), 0);
	assert_string_equal(a.text, "");
}

static void
bare_addresses_must_be_the_whole_string(void **state)
{
	static const struct {
		const char		*in;
		int			 flags;
		enum address_status	 st;
	} t[] = {
		{ "bob@example.org", 0, ADDRESS_OK },
		{ "bob@example.org ", 0, ADDRESS_SYNTAX },
		{ " bob@example.org", 0, ADDRESS_SYNTAX },
		{ "bob@example.org,x", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org>", 0, ADDRESS_SYNTAX },
		{ "<bob@example.org>", ADDRESS_LENIENT, ADDRESS_OK },
		{ "<bob@example.org> ", ADDRESS_LENIENT, ADDRESS_SYNTAX },
		{ "bob", 0, ADDRESS_SYNTAX },
		{ "bob", ADDRESS_LENIENT, ADDRESS_OK },
		{ "bob smith", ADDRESS_LENIENT, ADDRESS_SYNTAX },
		{ "postmaster", ADDRESS_POSTMASTER, ADDRESS_OK },
		{ "", 0, ADDRESS_SYNTAX },
		{ "", ADDRESS_NULL, ADDRESS_OK },
		{ "|prog", ADDRESS_LENIENT, ADDRESS_OK },	/* atext */
		{ "bob@", ADDRESS_LENIENT, ADDRESS_SYNTAX },
	};
	struct address	 a;
	size_t		 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		if (address_parse(slice_str(t[i].in), t[i].flags, &a) !=
		    t[i].st)
			fail_msg("%s", t[i].in);
}

static void
domains_and_literals_are_told_from_junk(void **state)
{
	static const struct { const char *in; bool utf8, ok; } t[] = {
		{ "localhost", false, true },
		{ "mail.example.org", false, true },
		{ "MAIL-1.example.org", false, true },
		{ "win_box", false, true },
		{ "[127.0.0.1]", false, true },
		{ "[IPv6:fe80::1]", false, true },
		{ "[ipv6:::ffff:192.0.2.1]", false, true },
		{ "b\xc3\xbc" "cher.example", true, true },
		{ "xn--bcher-kva.example", false, true },
		{ "b\xc3\xbc" "cher.example", false, false },
		{ "", false, false }, { ".", false, false },
		{ "a.", false, false }, { ".a", false, false },
		{ "a b", false, false }, { "a,b", false, false },
		{ "a\r", false, false }, { "-a", false, false },
		{ "[", false, false }, { "[]", false, false },
		{ "[127.0.0.1", false, false }, { "127.0.0.1]", false, false },
		{ "[127.0.0.01]", false, false },
		{ "[IPv6:127.0.0.1]", false, false },
		{ "[IPv6:fe80::1%eth0]", false, false },
		{ "a\xff" "b", true, false },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		if (address_is_domain(slice_str(t[i].in), t[i].utf8) !=
		    t[i].ok)
			fail_msg("%s", t[i].in);
}

static void
u_labels_and_a_labels_of_one_domain_compare_equal(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "Example.ORG", "example.org" },
		{ "b\xc3\xbc" "cher.Example", "xn--bcher-kva.example" },
		{ "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
		{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
		{ "[192.0.2.1]", "[192.0.2.1]" },
		{ "", NULL }, { "b\xfc" "cher.example", NULL },
		{ "\xef\xbd\x81.example", NULL },
	};
	char	 out[ADDRESS_DOMAIN_MAX + 1];
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		if (address_domain_ascii(t[i].in, out) == -1)
			assert_null(t[i].out);
		else
			assert_string_equal(out, t[i].out);
	}
}

static void
only_a_local_part_needs_smtputf8(void **state)
{
	static const struct { const char *in, *out; bool ascii; } t[] = {
		{ "a@example.org", "a@example.org", true },
		{ "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example",
		    true },
		{ "\xc3\xbc@b\xc3\xbc" "cher.example",
		    "\xc3\xbc@b\xc3\xbc" "cher.example", false },
		{ "\xc3\xbc@example.org", "\xc3\xbc@example.org", false },
		{ "\"a@b\"@example.org", "\"a@b\"@example.org", true },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]", true },
		{ "a@b\xfc" "cher.example", "a@b\xfc" "cher.example", false },
		{ "\xc3\xbc", "\xc3\xbc", false },
		{ "postmaster", "postmaster", true }, { "", "", true },
	};
	char	 out[ADDRESS_MAX + 1];
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++) {
		assert_int_equal(address_to_ascii(t[i].in, out), t[i].ascii);
		assert_string_equal(out, t[i].out);
	}
}

static int
collect(const struct address *a, void *arg)
{
	struct buf	*b = arg;

	assert_int_equal(buf_addf(b, "%s|", a->text), 0);
	return 0;
}

static void
lists_yield_each_address_in_order(void **state)
{
	static const struct { const char *in; int flags; const char *out; }
	    t[] = {
		{ "", 0, "" }, { " \r\n ", 0, "" }, { ",, ,", 0, "" },
		{ " bob@example.org", 0, "bob@example.org|" },
		{ "a@x, b@y,c@z", 0, "a@x|b@y|c@z|" },
		{ "a@x,,b@y,", 0, "a@x|b@y|" },
		{ "Bob <bob@x>", 0, "bob@x|" },
		{ "Bob B. Smith <bob@x>, \"Al, \\\"Y\\\"\" <al@Y>", 0,
		    "bob@x|al@y|" },
		{ "\"<fake@x>\" <real@y>", 0, "real@y|" },
		{ "(fake@x) real@y (more (nested \\) ) comments)", 0,
		    "real@y|" },
		{ "Group: a@x, B <b@y>; , c@z", 0, "a@x|b@y|c@z|" },
		{ "undisclosed-recipients:;", 0, "" },
		{ "A:a@x;B:;b@y", 0, "a@x|b@y|" },
		{ "a@x,\r\n\tb@y", 0, "a@x|b@y|" },
		{ "a@x,\n b@y", 0, "a@x|b@y|" },
		{ "bob . smith @ example . org", 0, "bob.smith@example.org|" },
		{ "\"bob smith\" @ x", 0, "\"bob smith\"@x|" },
		{ "\"bob\r\n smith\"@x", 0, "\"bob smith\"@x|" },
		{ "\"a\".b@x", 0, "a.b@x|" },
		{ "<@a,@b:bob@x>", 0, "bob@x|" },
		{ "bob@[192.0.2.1]", 0, "bob@[192.0.2.1]|" },
		{ "bob@ [ 192.0.2.1\r\n ]", 0, "bob@[192.0.2.1]|" },
		{ "=?utf-8?Q?B=C3=B6b?= <b@x>", 0, "b@x|" },
		{ "B\xc3\xb6" "b <b@x>", 0, "b@x|" },
		{ "B\xf6" "b <b@x>", 0, "b@x|" },
		{ "b\xc3\xb6" "b@x", ADDRESS_UTF8, "b\xc3\xb6" "b@x|" },
		{ "<>", ADDRESS_NULL, "|" },
		{ "root, al", ADDRESS_LENIENT, "root|al|" },
		{ "Root <root>", ADDRESS_LENIENT, "root|" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		if (address_list(slice_str(t[i].in), t[i].flags, collect, &b)
		    != 0)
			fail_msg("%s", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
list_errors_are_reported_after_what_was_good(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "bob", "" }, { "a@x b@y", "" }, { "a@x; b@y", "a@x|" },
		{ "a@x, bob", "a@x|" }, { "a@x, <b@y", "a@x|" },
		{ "a@x, b@y>", "a@x|" }, { "<a@x>, <>", "a@x|" },
		{ "Bob <a@x> Smith", "" }, { "<a@x> <b@y>", "" },
		{ "(a@x", "" }, { "a@x (b", "" }, { "\"a@x", "" },
		{ "a@x, G: b@y", "a@x|b@y|" }, { "G: H: a@x;;", "" },
		{ ":;", "" }, { "a@", "" }, { "@x", "" }, { "a..b@x", "" },
		{ ".a@x", "" }, { "a.@x", "" }, { "a@x..y", "" },
		{ "a@\"x\"", "" }, { "a@x.\"y\"", "" }, { "a@[1.2.3", "" },
		{ "a@[junk]", "" }, { "a\\b@x", "" }, { "a[b]@x", "" },
		{ "\"\"@x", "" }, { "\"a\tb\"@x", "" }, { "b\xc3\xb6@x", "" },
		{ "a@x\x01", "" }, { "<@a bob@x>", "" }, { "<@:bob@x>", "" },
		{ X240 X60 "@x", "" }, { "a@x,)", "a@x|" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < N(t); i++) {
		buf_clear(&b);
		errno = 0;
		if (address_list(slice_str(t[i].in), 0, collect, &b) != -1)
			fail_msg("%s", t[i].in);
		assert_int_equal(errno, EINVAL);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	assert_int_equal(address_list(SLICE_LIT("a@x\0, b@y"), 0, collect,
	    &b), -1);
	buf_free(&b);
}

static int
stop(const struct address *a, void *arg)
{
	(void)a;
	return ++*(int *)arg == 2 ? 42 : 0;
}

static void
a_list_ends_when_the_callback_says_so(void **state)
{
	int	 n = 0;

	(void)state;
	assert_int_equal(address_list(SLICE_LIT("a@x,b@x,c@x"), 0, stop, &n),
	    42);
	assert_int_equal(n, 2);
}

static void
deep_comments_and_long_lists_cost_no_stack(void **state)
{
	struct buf	 b;
	int		 n = -1000000;
	size_t		 i;

	(void)state;
	buf_init(&b, 8 << 20);
	for (i = 0; i < 1 << 20; i++)
		assert_int_equal(buf_addc(&b, '('), 0);
	assert_int_equal(address_list(buf_slice(&b), 0, stop, &n), -1);
	for (i = 0; i < 1 << 20; i++)
		assert_int_equal(buf_addc(&b, ')'), 0);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf_addstr(&b, "X <a@example.org>, "), 0);
	assert_int_equal(address_list(buf_slice(&b), 0, stop, &n), 0);
	assert_int_equal(n, -900000);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(paths_yield_canonical_text_and_what_they_used),
		cmocka_unit_test(
		    malformed_paths_are_refused_and_leave_the_null_path),
		cmocka_unit_test(a_nul_octet_never_hides_what_follows),
		cmocka_unit_test(parts_are_unquoted_and_marked),
		cmocka_unit_test(every_accepted_text_parses_to_itself),
		cmocka_unit_test(
		    the_longest_local_part_fits_when_all_of_it_is_escaped),
		cmocka_unit_test(bare_addresses_must_be_the_whole_string),
		cmocka_unit_test(domains_and_literals_are_told_from_junk),
		cmocka_unit_test(
		    u_labels_and_a_labels_of_one_domain_compare_equal),
		cmocka_unit_test(only_a_local_part_needs_smtputf8),
		cmocka_unit_test(lists_yield_each_address_in_order),
		cmocka_unit_test(list_errors_are_reported_after_what_was_good),
		cmocka_unit_test(a_list_ends_when_the_callback_says_so),
		cmocka_unit_test(deep_comments_and_long_lists_cost_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
