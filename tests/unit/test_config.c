/* merpati.conf: what is read, and every way to be wrong, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/config.h"
#include "lib/base/config_via.h"
#include "lib/base/io.h"

#define BASE "hostname = \"mail.example.org\"\n"			\
	"postmaster = \"root@example.org\"\n"

static char		 path[] = "/tmp/test_config.XXXXXX";
static struct config	 c;
static struct buf	 err;

static int
load(const char *text)
{
	FILE	*f = fopen(path, "w");
	int	 r;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	buf_clear(&err);
	r = config_load(path, &c, &err);
	return r;
}

static void
the_documented_file_is_read(void **state)
{
	(void)state;
	if (load(BASE
	    "domains  = { \"example.org\", \"Example.NET\" }\n"
	    "message-size = 50M # comment\n"
	    "soft-bounce = yes\n"
	    "smtpd {\n"
	    "  listen \"0.0.0.0:25\"  { role = \"mx\" }\n"
	    "  listen \"[::]:587\" { role = \"submission\" proxy = true }\n"
	    "  max-errors = 7\n"
	    "}\n"
	    "queue { retry = 15m  warn-after = 4h  expire = 5d }\n"
	    "remote { source-ipv4 = \"192.0.2.7\" tls = \"verified\"\n"
	    "  connect-timeout = 5s ipv6 = no }\n"
	    "imapd { listen \"127.0.0.1:143\" { } max-command = 16K\n"
	    "  listen \"127.0.0.1:144\" { role = \"imap\" } }\n"
	    "pop3d { expire = 30 listen \"127.0.0.1:110\" { } }\n") == -1)
		fail_msg("%s", buf_cstr(&err));
	assert_string_equal(c.hostname, "mail.example.org");
	assert_int_equal(c.domains.n, 2);
	assert_true(config_is_local(&c, "example.net"));
	assert_true(config_is_local(&c, "mail.example.ORG"));
	assert_false(config_is_local(&c, "example.com"));
	assert_int_equal(c.message_size, 50 << 20);
	assert_true(c.soft_bounce);
	assert_int_equal(c.smtpd.net.nlisten, 2);
	assert_string_equal(c.smtpd.net.listen[1].address, "[::]:587");
	assert_int_equal(c.smtpd.net.listen[1].role, ROLE_SUBMISSION);
	assert_true(c.smtpd.net.listen[1].proxy);
	assert_false(c.smtpd.net.listen[0].proxy);
	assert_int_equal(c.smtpd.max_errors, 7);
	assert_int_equal(c.queue.retry.n, 1);
	assert_int_equal(c.queue.retry.item[0], 900);
	assert_int_equal(c.queue.warn_after, 4 * 3600);
	assert_int_equal(c.queue.expire, 5 * 86400);
	assert_int_equal(c.pop3d.expire, 30);
	assert_int_equal(c.pop3d.net.listen[0].role, ROLE_POP3);
	assert_int_equal(c.imapd.net.nlisten, 2);
	assert_int_equal(c.imapd.net.listen[0].role, ROLE_IMAP);
	assert_int_equal(c.imapd.net.listen[1].role, ROLE_IMAP);
	assert_int_equal(c.imapd.max_command, 16384);
	assert_string_equal(c.remote.source_ipv4, "192.0.2.7");
	assert_string_equal(c.remote.tls, "verified");
	assert_int_equal(c.remote.connect_timeout, 5);
	assert_false(c.remote.ipv6);
	/* Defaults. */
	assert_string_equal(c.remote.helo, "mail.example.org");
	assert_null(c.remote.source_ipv6);
	assert_int_equal(c.pop3d.max_per_user, 10);
	assert_int_equal(c.imapd.max_per_user, 10);
	assert_int_equal(c.imapd.net.idle_timeout, 1800);
	assert_int_equal(c.remote.port, 25);
	assert_true(c.remote.ipv4);
	assert_int_equal(c.trusted.n, 2);
	assert_int_equal(c.smtpd.max_hops, 50);
	assert_string_equal(c.tag, "+");
	assert_null(c.always_bcc);
	assert_int_equal(c.spawner.mail_roots.n, 1);
	config_free(&c);
}

static void
what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct { const char *text, *said; } t[] = {
		{ "", "hostname is missing" },
		{ "hostname = \"a.b\"\n", "postmaster is missing" },
		{ BASE "retri = 5\n", ":3: unknown key \"retri\"" },
		{ BASE "queue { retri = 5 }\n",
		    "in queue; the nearest is \"retry\"" },
		{ BASE "sockets { a = 1 }\n", ":3: unknown key \"sockets\"" },
		{ BASE "certificat \"a\" { }\n",
		    "the nearest is \"certificate\"" },
		{ BASE "smtpd { lisen \"0.0.0.0:25\" { } }\n",
		    "in smtpd; the nearest is \"listen\"" },
		{ BASE "\ntag = \"+\"\ntag = \"-\"\n", ":5: set twice: tag" },
		{ BASE "queue { }\nqueue { }\n", ":4: set twice: queue" },
		{ BASE "queue { retry = 1m retry = 2m }\n", "set twice" },
		{ BASE "queue {\n retry = 1m\n", ":3: \"{\" without \"}\"" },
		{ BASE "queue { retry = 1m } }\n", "\"}\" without \"{\"" },
		{ BASE "queue {\n\n retry = soon\n}\n", ":5: retry: not a time" },
		{ BASE "queue { retry = 0 }\n", "retry: too small" },
		{ BASE "queue { retry = 1M }\n", "retry: not a time" },
		{ BASE "queue { workers = 9999 }\n", "too large" },
		{ BASE "message-size = 5m\n", ":3: message-size: not a size" },
		{ BASE "message-size = 99999999999T\n", "not a size" },
		{ BASE "soft-bounce = maybe\n", "not yes or no" },
		{ BASE "mailbox = \"mh\"\n", ":3: mailbox: maildir mbox" },
		{ BASE "mailbox = \"mbox\"\n", "mbox-path is missing" },
		{ BASE "spool-dir = \"spool\"\n", "not an absolute path" },
		{ BASE "mail-home = \"/m/%x\"\n", "only %d, %n" },
		{ BASE "mail-home = \"/m/%\"\n", "only %d, %n" },
		{ BASE "spool-dir = \"/x/${HOME}\"\n", ":3: ${...}" },
		{ BASE "spool-dir = /x/${HOME}\n", "${...}" },
		{ BASE "domains = { \"a..b\" }\n", ":3: domains: not a domain" },
		{ BASE "domains = { \"a.b\", \"c d\" }\n", "not a domain" },
		{ BASE "domains = { \"a.b\"\n", "list does not end" },
		{ BASE "trusted = { \"10.0.0.0/33\" }\n", "not a network" },
		{ BASE "trusted = { \"localhost\" }\n", "not a network" },
		{ BASE "tag = \"+\n", ":3: string does not end" },
		{ BASE "/* open\n", ":3: comment does not end" },
		{ BASE "tag =\n", "a value must follow" },
		{ BASE "smtpd { listen \"mail:25\" { } }\n", "not HOST:PORT" },
		{ BASE "smtpd { listen \"0.0.0.0:0\" { } }\n", "HOST:PORT" },
		{ BASE "smtpd { listen \"0.0.0.0:25\" { role = \"pop3\" } }\n",
		    ":3: listen: smtpd has no such role" },
		{ BASE "smtpd { listen \"0.0.0.0:25\" { role = \"imap\" } }\n",
		    "smtpd has no such role" },
		{ BASE "pop3d { listen \"0.0.0.0:25\" { role = \"mx\" } }\n",
		    "pop3d has no such role" },
		{ BASE "pop3d { listen \"0.0.0.0:25\" { role = \"imap\" } }\n",
		    "pop3d has no such role" },
		{ BASE "imapd { listen \"0.0.0.0:143\" { role = \"pop3\" } }\n",
		    ":3: listen: imapd has no such role" },
		{ BASE "imapd { listen \"0.0.0.0:143\" { role = \"mx\" } }\n",
		    "imapd has no such role" },
		{ BASE "imapd { max-command = 100 }\n", "too small" },
		{ BASE "imapd { expire = 3 }\n", "unknown key \"expire\"" },
		{ BASE "smtpd { listen \"::1:25\" { } }\n", "HOST:PORT" },
		{ BASE "smtpd { listen \"0.0.0.0:25\" { role = \"x\" } }\n",
		    "role: mx submission" },
		{ BASE "smtpd { listen \"0.0.0.0:25\" { }\n"
		    "listen \"0.0.0.0:25\" { } }\n", ":4:" },
		{ BASE "queue { warn-after = 6d }\n", "later than expire" },
		{ BASE "remote { source-ipv4 = \"::1\" }\n",
		    ":3: source-ipv4: not an IPv4 address" },
		{ BASE "remote { source-ipv6 = \"192.0.2.1\" }\n",
		    "not an IPv6 address" },
		{ BASE "remote { tls = \"perhaps\" }\n",
		    "tls: off opportunistic required verified" },
		{ BASE "remote { port = 65536 }\n", "port: too large" },
		{ BASE "remote { ipv4 = no ipv6 = no }\n", "are both no" },
		{ BASE "resolver { forward = { \"dns.test\" } }\n",
		    ":3: forward: not a server" },
		{ BASE "resolver { forward = { \"127.0.0.1:0\" } }\n",
		    "not a server" },
		{ BASE "resolver { forward = { \"unix:/x\" } }\n",
		    "not a server" },
		{ BASE "resolver { trust-anchor = { \"root.key\" } }\n",
		    "not an absolute path" },
		{ BASE "resolver { timeout = 21s }\n", "too large" },
		{ BASE "resolver { resolv-conf = \"x\" }\n",
		    "not an absolute path" },
		{ BASE "resolver {\n stub \"a..b\" { insecure = yes }\n}\n",
		    "stub: not a domain" },
		{ BASE "resolver { stub \"a.b\" { } }\n",
		    "neither server nor insecure" },
		{ BASE "resolver { stub \"a.b\" { server = { \"x\" } } }\n",
		    "server: not a server" },
		{ BASE "resolver { stub \"a.b\" { servr = { \"x\" } } }\n",
		    "in stub; the nearest is \"server\"" },
		{ BASE "resolver { stub \"a.b\" { insecure = yes }\n"
		    "stub \"a.b\" { insecure = yes } }\n", ":4:" },
		{ BASE "smtpd { stub \"a.b\" { insecure = yes } }\n",
		    "unknown key \"stub\"" },
		{ "hostname = \"a_b\"\n", "not a domain name" },
		{ "hostname = \"m\xc3\xa4il.test\"\n",
		    ":1: hostname: not in ASCII" },
		{ BASE "remote { helo = \"m\xc3\xa4il.test\" }\n",
		    "helo: not in ASCII" },
		{ BASE "log-level = \"loud\"\n", "debug info warn" },
		{ BASE "queue { retry = { 1m, soon } }\n",
		    ":3: retry: not a time" },
		{ BASE "queue { retry = { 1m, 0 } }\n", "too small" },
		{ BASE "queue { retry = { 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 }"
		    " }\n", "more than 16" },
		{ BASE "route { via = \"mx\" }\n", ":3:" },
		{ BASE "route \"a.b\" {\n vai = \"mx\" }\n",
		    ":4: unknown key \"vai\" in route; the nearest" },
		{ BASE "route \"a.b\" { }\nroute \"a.b\" { }\n", ":4:" },
		{ BASE "route \"a.b\" { }\nroute \"A.B\" { }\n",
		    ":4: route: set twice: \"a.b\"" },
		{ BASE "route \"a.b\" { via = \"mx\" via = \"mx\" }\n",
		    ":3: set twice: via" },
		{ BASE "\nroute \"a..b\" { }\n", ":4: route: not \"exam" },
		{ BASE "route \"*.b\" { }\n", "route: not" },
		{ BASE "route \"\" { }\n", "route: not" },
		{ BASE "route \".\" { }\n", "route: not" },
		{ BASE "route \"a.b\" { tls = \"maybe\" }\n",
		    ":3: tls: off opportunistic required verified" },
		{ BASE "route \"a.b\" {\n via = \"[c.d]:25\"\n "
		    "user = \"u\"\n}\n", "user needs a password-file" },
		{ BASE "route \"a.b\" { password-file = \"/p\" }\n",
		    "password-file needs a user" },
		{ BASE "route \"a.b\" { password-file = \"p\" }\n",
		    "not an absolute path" },
		{ BASE "route \"*\" { user = \"u\" password-file = \"/p\" }"
		    "\n", "user needs a host" },
		{ BASE "smtpd { listen \"1.2.3.4:465\" { role = "
		    "\"submission\" tls = \"implicit\" } }\n",
		    ":3: listen: tls needs a section certificate" },
		{ BASE "imapd {\n listen \"1.2.3.4:143\" { tls = "
		    "\"starttls\" } }\n", ":4: listen: tls needs a" },
		{ BASE "certificate \"a\" { chain = \"/c\" }\n",
		    ":3: certificate: chain and key must be set: \"a\"" },
		{ BASE "certificate \"\" {\n chain = \"/c\"\n key = \"/k\"\n}"
		    "\n", "certificate: its name has" },
		{ BASE "certificate \"a\\tb\" {\n chain = \"/c\"\n key = "
		    "\"/k\"\n}\n", "certificate: its name has" },
		{ BASE "certificate \"a\" {\n chain = \"c\"\n key = \"/k\""
		    "\n}\n", "not an absolute path" },
		{ BASE "route \"*\" { via = \"lmtp:unix:/s\" tls = \"off\" }"
		    "\n", "tls means nothing" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (load(t[i].text) == 0)
			fail_msg("accepted: %s", t[i].text);
		if (strstr(buf_cstr(&err), t[i].said) == NULL)
			fail_msg("for %s\n  want %s\n  got %s", t[i].text,
			    t[i].said, buf_cstr(&err));
		assert_memory_equal(buf_cstr(&err), path, strlen(path));
	}
}

static void
routes_are_read_in_their_order(void **state)
{
	(void)state;
	if (load(BASE
	    "queue { retry = { 1m, 5m, 15m } }\n"
	    "route \"*\" {\n  via = \"[Relay.Example.NET]:587\"\n"
	    "  user = \"me\"\n  password-file = \"/etc/pw\"\n"
	    "  tls = \"required\"\n}\n"
	    "route \".Example.com\" { via = \"lmtp:unix:/run/l\" }\n"
	    "route \"example.com\" { tls = \"off\" }\n") == -1)
		fail_msg("%s", buf_cstr(&err));
	assert_int_equal(c.queue.retry.n, 3);
	assert_int_equal(c.queue.retry.item[0], 60);
	assert_int_equal(c.queue.retry.item[2], 900);
	assert_int_equal(c.nroute, 3);
	assert_string_equal(c.route[0].domain, "*");
	assert_string_equal(c.route[0].user, "me");
	assert_string_equal(c.route[0].password_file, "/etc/pw");
	assert_string_equal(c.route[0].tls, "required");
	assert_string_equal(c.route[1].domain, ".example.com");
	assert_string_equal(c.route[1].via, "lmtp:unix:/run/l");
	assert_null(c.route[1].user);
	assert_string_equal(c.route[2].via, "mx");
	config_free(&c);
}

static void
the_resolver_has_servers_and_stubs(void **state)
{
	const struct config_resolver	*r = &c.resolver;

	(void)state;
	assert_int_equal(load(BASE), 0);
	assert_int_equal(r->forward.n, 0);
	assert_int_equal(r->trust_anchor.n, 1);
	assert_string_equal(r->trust_anchor.item[0], CONFIG_ROOT_KEY);
	assert_string_equal(r->resolv_conf, "/etc/resolv.conf");
	assert_string_equal(r->dnssec, "auto");
	assert_int_equal(r->nstub, 0);
	config_free(&c);
	if (load(BASE "resolver {\n"
	    "  forward = { \"127.0.0.1:5300\", \"2001:db8::53\",\n"
	    "    \"[2001:db8::54]:5300\", \"192.0.2.53\" }\n"
	    "  stub \"Example.test\" { server = { \"127.0.0.1:5301\" } }\n"
	    "  stub \"other.test\" { insecure = yes }\n"
	    "  trust-anchor = { \"\" } resolv-conf = \"\" timeout = 2s\n"
	    "}\n") == -1)
		fail_msg("%s", buf_cstr(&err));
	assert_int_equal(r->forward.n, 4);
	assert_string_equal(r->forward.item[2], "[2001:db8::54]:5300");
	assert_int_equal(r->nstub, 2);
	assert_string_equal(r->stub[0].zone, "example.test");
	assert_int_equal(r->stub[0].server.n, 1);
	assert_false(r->stub[0].insecure);
	assert_true(r->stub[1].insecure);
	assert_int_equal(r->trust_anchor.n, 1);
	assert_string_equal(r->trust_anchor.item[0], "");
	assert_string_equal(r->resolv_conf, "");
	assert_int_equal(r->timeout, 2);
	config_free(&c);
	assert_int_equal(load(BASE "resolver { trust-anchor = \"/x\" }\n"),
	    0);
	assert_string_equal(r->trust_anchor.item[0], "/x");
	config_free(&c);
}

static void
via_has_few_forms(void **state)
{
	static const struct {
		const char		*text;
		enum config_via_kind	 kind;
		bool			 lmtp;
		unsigned int		 port;
		const char		*host;
	} good[] = {
		{ "mx", VIA_MX, false, 0, "" },
		{ "Relay.example.net", VIA_MX_OF, false, 0,
		    "relay.example.net" },
		{ "relay.example.net:26", VIA_MX_OF, false, 26,
		    "relay.example.net" },
		{ "[relay.example.net]", VIA_HOST, false, 0,
		    "relay.example.net" },
		{ "[relay.example.net]:587", VIA_HOST, false, 587,
		    "relay.example.net" },
		{ "[192.0.2.1]:2525", VIA_ADDRESS, false, 2525, "192.0.2.1" },
		{ "[2001:DB8::1]:25", VIA_ADDRESS, false, 25, "2001:db8::1" },
		{ "[::1]", VIA_ADDRESS, false, 0, "::1" },
		{ "lmtp:[127.0.0.1]:24", VIA_ADDRESS, true, 24, "127.0.0.1" },
		{ "lmtp:[box.example.org]:24", VIA_HOST, true, 24,
		    "box.example.org" },
		{ "lmtp:unix:/run/dovecot/lmtp", VIA_UNIX, true, 0, "" },
	};
	static const char *const	 bad[] = { "", ":25", "[]", "[]:25",
	    "[relay", "[relay]25", "[relay]:", "[relay]:0", "[relay]:65536",
	    "[a b]:25", "relay:", "relay:smtp", "relay:25:25", "192.0.2.1",
	    "192.0.2.1:25", "2001:db8::1", "lmtp:", "lmtp:relay:24",
	    "lmtp:[relay]", "lmtp:unix:", "lmtp:unix:run/x", "unix:/x",
	    "smtp:[relay]:25", "[relay]:+25" };
	struct config_via		 via;
	char				 longer[300];
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (config_via_parse(good[i].text, &via) != NULL)
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(via.kind, good[i].kind);
		assert_int_equal(via.lmtp, good[i].lmtp);
		assert_int_equal(via.port, good[i].port);
		assert_string_equal(via.host, good[i].host);
	}
	/* A host named mx, which "mx" does not mean. */
	assert_null(config_via_parse("[mx]:25", &via));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_via_parse(bad[i], &via) == NULL)
			fail_msg("accepted: %s", bad[i]);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_non_null(config_via_parse(longer, &via));
	memcpy(longer, "lmtp:unix:/", 11);
	assert_non_null(config_via_parse(longer, &via));
}

static void
a_file_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	buf_clear(&err);
	assert_int_equal(config_load("/nonexistent/m.conf", &c, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), "/nonexistent/m.conf:1:"));
	buf_clear(&err);
	assert_int_equal(config_load("/tmp", &c, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), "cannot be read"));
}

static void
homes_cannot_leave_their_directory(void **state)
{
	static const struct { const char *local, *domain, *out; } t[] = {
		{ "bob", "example.org", "/m/example.org/bob" },
		{ "a b", "d", "/m/d/a b" },
		{ "..", "d", NULL }, { ".", "d", NULL }, { ".x", "d", NULL },
		{ "a/b", "d", NULL }, { "", "d", NULL }, { "a", "", NULL },
		{ "a", "../x", NULL }, { "a\nb", "d", NULL },
	};
	struct buf	 out;
	size_t		 i;
	int		 r;

	(void)state;
	buf_init(&out, 1000);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_clear(&out);
		r = config_expand("/m/%d/%n", t[i].local, t[i].domain, &out);
		assert_int_equal(r, t[i].out == NULL ? -1 : 0);
		if (r == 0)
			assert_string_equal(buf_cstr(&out), t[i].out);
	}
	buf_free(&out);
}

static void
secrets_go_to_https_or_this_machine(void **state)
{
	static const char *const	 good[] = {
	    "https://sso.example.org/introspect", "https://sso.example.org",
	    "https://192.0.2.1:8443/a?b=c", "https://[2001:db8::1]/",
	    "HTTPS://sso/", "http://127.0.0.1:8080/i", "http://localhost/",
	    "http://[::1]:80/" };
	static const char *const	 bad[] = { "", "sso.example.org",
	    "ftp://sso/", "file:///etc/passwd", "https:/sso", "https://",
	    "https:///a", "https://:443/", "https://sso:0/", "https://sso:/",
	    "https://sso:65536/", "https://sso:a/", "https://a b/",
	    "https://user:secret@sso/", "https://sso/#a", "https://s_o/",
	    "https://.sso/", "https://[::1/", "https://[sso]/",
	    "https://[::1]x/", "https://j\xc3\xbcrgen/", "https://a/\\b",
	    "http://sso.example.org/", "http://127.0.0.1.example.org/",
	    "http://localhost.example.org/", "http://10.0.0.1/",
	    "http://127.1@sso/", "http://[::2]/" };
	char				 text[512];
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), BASE
		    "oauth { introspection-url = \"%s\" }\n", good[i]);
		if (load(text) == -1)
			fail_msg("refused: %s", buf_cstr(&err));
		assert_string_equal(c.oauth.url, good[i]);
		config_free(&c);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), BASE
		    "oauth { introspection-url = \"%s\" }\n", bad[i]);
		if (load(text) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(buf_cstr(&err), ":3: "));
	}
	assert_int_equal(load(BASE
	    "oauth { client-secret-file = \"/a\" }\n"), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_documented_file_is_read),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(routes_are_read_in_their_order),
		cmocka_unit_test(via_has_few_forms),
		cmocka_unit_test(the_resolver_has_servers_and_stubs),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(homes_cannot_leave_their_directory),
		cmocka_unit_test(secrets_go_to_https_or_this_machine),
	};
	int	 fd, r;

	if ((fd = mkstemp(path)) == -1)
		return 1;
	close(fd);
	buf_init(&err, 65536);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&err);
	unlink(path);
	return r;
}
