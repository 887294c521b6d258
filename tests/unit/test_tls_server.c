/* Handshakes of a server whose key is keyd's: what each side is told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/io.h"
#include "tests/unit/tls_box.h"

static void
certificates_are_chosen(void **state)
{
	static const struct {
		const char	*name;
		struct client	 c;
		const char	*version;
		int		 cert;
		enum key_scheme	 scheme;
		const char	*sni;
	} good[] = {
		{ "1.3", { 0 }, "TLSv1.3", A_EC, KEY_ECDSA, "" },
		{ "1.2", { .max = TLS1_2_VERSION }, "TLSv1.2", A_EC,
		    KEY_ECDSA, "" },
		{ "1.3 RSA", { .sigalgs = "RSA-PSS+SHA256" }, "TLSv1.3",
		    A_RSA, KEY_RSA_PSS, "" },
		{ "1.3 RSA SHA-512", { .sigalgs = "RSA-PSS+SHA512" },
		    "TLSv1.3", A_RSA, KEY_RSA_PSS, "" },
		{ "1.2 RSA", { .max = TLS1_2_VERSION,
		    .ciphers = "ECDHE-RSA-AES256-GCM-SHA384",
		    .sigalgs = "RSA+SHA384" }, "TLSv1.2", A_RSA,
		    KEY_RSA_PKCS1, "" },
		{ "1.2 RSA-PSS", { .max = TLS1_2_VERSION,
		    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256" }, "TLSv1.2",
		    A_RSA, KEY_RSA_PSS, "" },
		{ "P-384", { .groups = "P-384" }, "TLSv1.3", A_EC, KEY_ECDSA,
		    "" },
		{ "retry with another group", { .groups = "P-521:P-256" },
		    "TLSv1.3", A_EC, KEY_ECDSA, "" },
		{ "first name", { .sni = "a.test" }, "TLSv1.3", A_EC,
		    KEY_ECDSA, "a.test" },
		{ "case", { .sni = "B.tEsT" }, "TLSv1.3", B_EC, KEY_ECDSA,
		    "B.tEsT" },
		{ "second certificate", { .sni = "b.test" }, "TLSv1.3", B_EC,
		    KEY_ECDSA, "b.test" },
		{ "second in 1.2", { .sni = "b.test", .max = TLS1_2_VERSION },
		    "TLSv1.2", B_EC, KEY_ECDSA, "b.test" },
		{ "RSA of the same name", { .sni = "a.test",
		    .sigalgs = "RSA-PSS+SHA256" }, "TLSv1.3", A_RSA,
		    KEY_RSA_PSS, "a.test" },
		{ "wildcard", { .sni = "z.wild.test" }, "TLSv1.3", A_EC,
		    KEY_ECDSA, "z.wild.test" },
		{ "wildcard is first, RSA has the name", {
		    .sni = "x.wild.test", .sigalgs = "RSA-PSS+SHA256" },
		    "TLSv1.3", A_RSA, KEY_RSA_PSS, "x.wild.test" },
		{ "wildcard before a later literal", { .sni = "y.wild.test" },
		    "TLSv1.3", A_EC, KEY_ECDSA, "y.wild.test" },
		{ "wildcard is one label", { .sni = "a.z.wild.test" },
		    "TLSv1.3", A_EC, KEY_ECDSA, "a.z.wild.test" },
		{ "unknown name", { .sni = "c.test" }, "TLSv1.3", A_EC,
		    KEY_ECDSA, "c.test" },
		{ "no name", { .sni = "a b" }, "TLSv1.3", A_EC, KEY_ECDSA,
		    "" },
		{ "expired", { .sni = "old.test" }, "TLSv1.3", OLD_EC,
		    KEY_ECDSA, "old.test" },
	};
	struct tls_server	*s = build_all(&plain);
	struct client		 c;
	size_t			 i;

	(void)state;
	assert_non_null(s);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		print_message("%s\n", good[i].name);
		c = good[i].c;
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_true(c.ok);
		assert_string_equal(c.said, "250 ok\r\n");
		assert_int_equal(c.chain, 2);
		assert_string_equal(info.version, good[i].version);
		assert_string_equal(info.sni, good[i].sni);
		assert_true(info.cipher[0] != '\0');
		assert_string_equal(info.error, "");
		assert_string_equal(info.client, "");
		assert_false(info.resumed);
		assert_int_equal(info.injected, 0);
		assert_int_equal(X509_cmp(c.peer, certs[good[i].cert].x509),
		    0);
		assert_int_equal(last_scheme, good[i].scheme);
		forget(&c);
	}
	assert_int_equal(signs, i);
	assert_int_equal(dones, i);
	tls_server_free(s);
}

#define RAW(s)	.raw = s, .raw_len = sizeof(s) - 1
#define HELLO	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

static void
handshakes_fail_in_clear_words(void **state)
{
	static const struct tls_server_options	 v13 = { .v13_only = true,
	    .context = "test" }, imap = { .alpn = "imap", .context = "test" };
	static const struct {
		const char		*name;
		const struct tls_server_options *opt;
		struct client		 c;
		enum tls_server_status	 status;
		const char		*error;
	} bad[] = {
		{ "TLS 1.1", &plain, { .min = TLS1_VERSION,
		    .max = TLS1_1_VERSION }, TLS_SERVER_FAILED,
		    "no TLS version in common" },
		{ "1.2 where 1.3 is the least", &v13, {
		    .max = TLS1_2_VERSION }, TLS_SERVER_FAILED,
		    "no TLS version in common" },
		{ "CBC only", &plain, { .max = TLS1_2_VERSION,
		    .ciphers = "ECDHE-ECDSA-AES128-SHA256" },
		    TLS_SERVER_FAILED, "no cipher suite in common" },
		{ "no forward secrecy", &plain, { .max = TLS1_2_VERSION,
		    .ciphers = "AES128-GCM-SHA256" }, TLS_SERVER_FAILED,
		    "no cipher suite in common" },
		{ "SHA-1 only", &plain, { .max = TLS1_2_VERSION,
		    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
		    .sigalgs = "RSA+SHA1" }, TLS_SERVER_FAILED, "" },
		{ "P-521 only", &plain, { .groups = "P-521" },
		    TLS_SERVER_FAILED, "no group in common" },
		{ "another protocol", &imap, { .alpn = "http/1.1" },
		    TLS_SERVER_FAILED, "ALPN" },
		{ "distrust", &plain, { .distrusts = true },
		    TLS_SERVER_FAILED, "does not trust" },
		{ "HTTP", &plain, { RAW("GET / HTTP/1.0\r\n\r\n"),
		    .hold = true }, TLS_SERVER_FAILED, "HTTP" },
		{ "SMTP", &plain, { RAW("EHLO example.test\r\n"),
		    .hold = true }, TLS_SERVER_FAILED,
		    "does not speak TLS" },
		{ "zeroes", &plain, { RAW("\0\0\0\0\0\0\0\0\0\0\0\0"),
		    .hold = true }, TLS_SERVER_FAILED, "" },
		{ "a huge record", &plain, { RAW("\x16\x03\x01\xff\xff\x01"),
		    .hold = true }, TLS_SERVER_FAILED, "" },
		{ "application data", &plain, {
		    RAW("\x17\x03\x03\x00\x01x"), .hold = true },
		    TLS_SERVER_FAILED, "" },
		{ "an empty hello", &plain, {
		    RAW("\x16\x03\x01\x00\x04\x01\x00\x00\x00"),
		    .hold = true }, TLS_SERVER_FAILED, "" },
		{ "it goes at once", &plain, { RAW("") }, TLS_SERVER_CLOSED,
		    "closed the connection" },
		{ "it goes in the middle", &plain, { RAW(HELLO) },
		    TLS_SERVER_CLOSED, "closed the connection" },
	};
	struct tls_server	*s;
	struct client		 c;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("%s\n", bad[i].name);
		c = bad[i].c;
		assert_non_null(s = build_all(bad[i].opt));
		assert_int_equal(meet(s, &c), bad[i].status);
		print_message("\t%s\n", info.error);
		assert_non_null(strstr(info.error, bad[i].error));
		assert_memory_equal(info.error, "TLS handshake: ", 15);
		assert_string_equal(info.version, "");
		assert_int_equal(dones, i + 1);
		forget(&c);
		tls_server_free(s);
	}
}

static void
silence_ends(void **state)
{
	static const struct client	 silent[] = {
		{ RAW(""), .hold = true },
		{ RAW(HELLO), .hold = true },
	};
	struct tls_server		*s = build_all(&plain);
	struct stream			 st;
	struct client			 c;
	int64_t				 start;
	size_t				 i;

	(void)state;
	for (i = 0; i < 2 * (sizeof(silent) / sizeof(silent[0])); i++) {
		c = silent[i / 2];
		open_stream(&c, &st);
		/* Either bound holds. */
		if (i % 2 == 1)
			st.total = io_monotonic_ms() + 100;
		start = io_monotonic_ms();
		assert_int_equal(meet_stream(s, &c, i % 2 == 0 ? 100 :
		    10 * PATIENCE, &st), TLS_SERVER_TIMEOUT);
		assert_true(io_monotonic_ms() - start >= 99);
		assert_true(io_monotonic_ms() - start < 5 * PATIENCE);
		assert_non_null(strstr(info.error, "timed out"));
	}
	tls_server_free(s);
}

static void
failures_of_keyd_are_ours(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { 0 };

	(void)state;
	sign_fails = true;
	assert_int_equal(meet(s, &c), TLS_SERVER_LOCAL);
	assert_string_equal(info.error, "TLS handshake: keyd cannot be asked: "
	    "Connection refused");
	sign_fails = false;
	sign_refuses = true;
	assert_int_equal(meet(s, &c), TLS_SERVER_LOCAL);
	assert_non_null(strstr(info.error, "does not sign"));
	assert_false(c.ok);
	/* And it is forgotten. */
	sign_refuses = false;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	forget(&c);
	tls_server_free(s);
}

static void
octets_in_clear_are_counted_and_thrown_away(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { 0 };
	struct stream		 st;
	struct slice		 line;

	(void)state;
	open_stream(&c, &st);
	assert_int_equal(write(c.fd, "STARTTLS\r\nRSET\r\n", 16), 16);
	assert_int_equal(stream_line(&st, 512, &line), STREAM_OK);
	assert_int_equal(meet_stream(s, &c, PATIENCE, &st),
	    TLS_SERVER_OK);
	assert_int_equal(info.injected, 6);
	assert_string_equal(c.said, "250 ok\r\n");
	forget(&c);
	tls_server_free(s);
}

static void
protocols_are_negotiated(void **state)
{
	static const struct tls_server_options	 imap = { .alpn = "imap",
	    .context = "test" };
	struct tls_server			*s;
	struct client				 c = { .alpn = "imap" };

	(void)state;
	s = build_all(&imap);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_string_equal(c.chosen, "imap");
	forget(&c);
	c.alpn = NULL;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	forget(&c);
	tls_server_free(s);
	/* SMTP has none: what is offered means nothing to us. */
	s = build_all(&plain);
	c = (struct client){ .alpn = "imap" };
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_string_equal(c.chosen, "");
	forget(&c);
	tls_server_free(s);
}

static void
responses_are_stapled(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { .ocsp = true };
	int			 v;

	(void)state;
	for (v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		c.max = v;
		c.sni = "a.test";
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_int_equal(c.ocsp_len, sizeof(ocsp_text) - 1);
		forget(&c);
		c.sni = "b.test";
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_int_equal(c.ocsp_len, -1);
		forget(&c);
	}
	tls_server_free(s);
}

static void
a_client_s_certificate_is_told(void **state)
{
	static const struct tls_server_options	 ask = { .tickets = true,
	    .ticket_life = 600, .client_certificates = true,
	    .context = "test" };
	struct tls_server			*s = build_all(&ask);
	struct client				 c = { .cert = &mine };
	unsigned char				 digest[32];
	char					 hex[65];
	unsigned int				 i, v;

	(void)state;
	X509_digest(mine.x509, EVP_sha256(), digest, NULL);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	for (v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		c.max = (int)v;
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_string_equal(info.client, hex);
		assert_string_equal(c.said, "250 ok\r\n");
		/* Its sessions are not resumed: no ticket. */
		assert_true(v == TLS1_2_VERSION || !c.ticket);
		forget(&c);
	}
	c.max = 0;
	c.cert = NULL;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_string_equal(info.client, "");
	forget(&c);
	tls_server_free(s);
	/* Not asked for, not given. */
	s = build_all(&plain);
	c.cert = &mine;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_string_equal(info.client, "");
	forget(&c);
	tls_server_free(s);
}

static void
both_sides_see_the_same_channel(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { .sni = "b.test" };
	unsigned char		 digest[32];
	int			 round;

	(void)state;
	X509_digest(certs[B_EC].x509, EVP_sha256(), digest, NULL);
	/* The second time resumed. */
	for (round = 0; round < 2; round++) {
		X509_free(c.peer);
		c.peer = NULL;
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_int_equal(info.resumed, round == 1);
		assert_int_equal(exporter_len, 32);
		assert_memory_equal(exporter, c.exporter, 32);
		assert_int_equal(unique_len, 0);
		assert_int_equal(end_point_len, 32);
		assert_memory_equal(end_point, digest, 32);
	}
	forget(&c);
	c.max = TLS1_2_VERSION;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(exporter_len, 0);
	assert_int_equal(unique_len, c.unique_len);
	assert_memory_equal(unique, c.unique, unique_len);
	assert_memory_equal(end_point, digest, 32);
	forget(&c);
	tls_server_free(s);
}

static void
renegotiation_is_refused(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { .max = TLS1_2_VERSION,
	    .renegotiates = true };

	(void)state;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(signs, 1);
	forget(&c);
	tls_server_free(s);
}

static void
other_keys_are_left_out(void **state)
{
	const struct cert	*list[] = { &ed, &certs[A_EC] };
	struct tls_server	*s;
	struct client		 c = { .sni = "ed.test" };

	(void)state;
	assert_null(tls_remote_key_new(ed.x509, fake_sign, NULL));
	assert_null(build(&plain, list, 1));
	assert_non_null(s = build(&plain, list, 2));
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(X509_cmp(c.peer, certs[A_EC].x509), 0);
	forget(&c);
	tls_server_free(s);
}

static void
a_remote_key_gives_nothing_away(void **state)
{
	unsigned char	 out[32], *der = NULL;
	size_t		 i, len = sizeof(out);
	EVP_PKEY_CTX	*c;
	EVP_PKEY	*k;
	BIGNUM		*d = NULL;

	(void)state;
	for (i = A_EC; i <= A_RSA; i++) {
		k = tls_remote_key_new(certs[i].x509, fake_sign, NULL);
		assert_non_null(k);
		assert_int_equal(X509_check_private_key(certs[i].x509, k), 1);
		assert_int_equal(X509_check_private_key(certs[B_EC].x509, k),
		    0);
		assert_true(i2d_PrivateKey(k, &der) <= 0);
		assert_int_equal(EVP_PKEY_get_bn_param(k, i == A_EC ? "priv" :
		    "d", &d), 0);
		c = EVP_PKEY_CTX_new(k, NULL);
		/* Raw blocks, decryption and agreement. */
		assert_true(EVP_PKEY_sign_init(c) != 1);
		assert_true(EVP_PKEY_decrypt_init(c) != 1 ||
		    EVP_PKEY_decrypt(c, out, &len, out, 32) != 1);
		assert_true(EVP_PKEY_derive_init(c) != 1 ||
		    EVP_PKEY_derive(c, out, &len) != 1);
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_free(k);
	}
	ERR_clear_error();
	assert_int_equal(signs, 0);
}

static void
the_file_of_keyd_makes_a_server(void **state)
{
	char			 run[] = "/tmp/merpati-tls.XXXXXX";
	char			 path[100], error[TLS_TEXT];
	char			 version[] = "1.2";
	struct config		 cfg = { .run_dir = run, .tls = {
	    .min_version = version, .tickets = true },
	    .keyd = { .ticket_life = 600 } };
	struct tls_certificate	 one = { .name = "one", .nchain = 1,
	    .chain = { certs[B_EC].x509 } };
	struct tls_server	*s;
	struct client		 c = { 0 };
	struct buf		 b;

	(void)state;
	assert_non_null(mkdtemp(run));
	snprintf(path, sizeof(path), "%s/keyd", run);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/keyd/certificates", run);
	buf_init(&b, 1 << 20);
	tls_certificates_begin(&b);
	tls_certificates_write(&b, &one);
	tls_certificates_end(&b);
	assert_int_equal(io_replace_file(path, b.ptr, b.len, 0644), 0);
	buf_free(&b);
	s = tls_server_new(&cfg, ROLE_MX, error);
	assert_non_null(s);
	assert_string_equal(tls_server_file(s), path);
	assert_true(tls_server_file_stat(s)->st_size > 0);
	assert_int_equal(meet(s, &c), TLS_SERVER_LOCAL);
	assert_non_null(strstr(info.error, "keyd cannot be asked"));
	unlink(path);
	snprintf(path, sizeof(path), "%s/keyd", run);
	rmdir(path);
	rmdir(run);
	free((void *)(uintptr_t)s->keyd.link.path);
	tls_server_free(s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(certificates_are_chosen, calm),
		cmocka_unit_test_setup(handshakes_fail_in_clear_words, calm),
		cmocka_unit_test_setup(silence_ends, calm),
		cmocka_unit_test_setup(failures_of_keyd_are_ours, calm),
		cmocka_unit_test_setup(
		    octets_in_clear_are_counted_and_thrown_away, calm),
		cmocka_unit_test_setup(protocols_are_negotiated, calm),
		cmocka_unit_test_setup(responses_are_stapled, calm),
		cmocka_unit_test_setup(a_client_s_certificate_is_told, calm),
		cmocka_unit_test_setup(both_sides_see_the_same_channel, calm),
		cmocka_unit_test_setup(renegotiation_is_refused, calm),
		cmocka_unit_test_setup(other_keys_are_left_out, calm),
		cmocka_unit_test_setup(a_remote_key_gives_nothing_away, calm),
		cmocka_unit_test_setup(the_file_of_keyd_makes_a_server, calm),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
