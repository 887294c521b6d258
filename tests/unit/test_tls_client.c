/* Which servers are believed, honest ones and others. */
#include "lib/base/io.h"
#include "lib/net/proto_resolver.h"
#include "tests/unit/tls_client_box.h"

#define NEXT	"example.test"

static struct cert	 other_ca, good, wrong, expired, future, wild;
static struct cert	 by_address, next_hop;

static int
make_all(void **state)
{
	if (box_setup(state) == -1)
		return -1;
	other_ca = cert_make(NULL, "Other CA", NULL, -DAY, DAY);
	good = cert_make(&ca, "x", "DNS:" HOST, -DAY, DAY);
	wrong = cert_make(&ca, HOST, "DNS:mx.evil.test", -DAY, DAY);
	expired = cert_make(&ca, "x", "DNS:" HOST, -2 * DAY, -DAY);
	future = cert_make(&ca, "x", "DNS:" HOST, DAY, 2 * DAY);
	wild = cert_make(&ca, "x", "DNS:*.example.test", -DAY, DAY);
	by_address = cert_make(&ca, "x", "IP:192.0.2.1", -DAY, DAY);
	next_hop = cert_make(&ca, "x", "DNS:" NEXT, -DAY, DAY);
	return 0;
}

static int
free_all(void **state)
{
	cert_free(&other_ca);
	cert_free(&good);
	cert_free(&wrong);
	cert_free(&expired);
	cert_free(&future);
	cert_free(&wild);
	cert_free(&by_address);
	cert_free(&next_hop);
	return box_teardown(state);
}

/* usage 255: no record; selector 0 certificate, 1 key; matching as said. */
struct record {
	int			 usage, selector, matching;
	const struct cert	*of;
};

static void
make_tlsa(struct resolver_tlsa *t, const struct record *r)
{
	unsigned char	*der = NULL;
	unsigned int	 n;
	int		 len;

	len = r->selector == 0 ? i2d_X509(r->of->x509, &der) :
	    i2d_X509_PUBKEY(X509_get_X509_PUBKEY(r->of->x509), &der);
	assert_true(len > 0 && len <= RESOLVER_TLSA_DATA);
	t->usage = (uint8_t)r->usage;
	t->selector = (uint8_t)r->selector;
	t->matching = (uint8_t)r->matching;
	if (r->matching == 0) {
		memcpy(t->data, der, (size_t)len);
		t->len = (size_t)len;
	} else {
		EVP_Digest(der, (size_t)len, t->data, &n, r->matching == 2 ?
		    EVP_sha512() : EVP_sha256(), NULL);
		t->len = n;
	}
	OPENSSL_free(der);
}

#define NO	TLS_CLIENT_UNTRUSTED

static const struct {
	const char		*name;
	const struct cert	*leaf, *chain;
	enum tls_client_check	 check;
	const char		*names[2];
	struct record		 record[2];	/* of NULL: none */
	enum tls_client_status	 status;
	enum tls_client_verified	 verified;
	const char		*error;
} certs[] = {
	{ "any: self-signed", &self, NULL, TLS_CLIENT_ANY, { NULL },
	    { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_UNVERIFIED, "" },
	{ "any: expired", &expired, NULL, TLS_CLIENT_ANY, { "x.test" },
	    { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_UNVERIFIED, "" },
	{ "chain", &good, NULL, TLS_CLIENT_CHAIN, { HOST }, { { 0 } },
	    TLS_CLIENT_OK, TLS_CLIENT_BY_CHAIN, "" },
	{ "chain: the host by default", &good, NULL, TLS_CLIENT_CHAIN,
	    { NULL }, { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_BY_CHAIN, "" },
	{ "chain: case and final dot", &good, NULL, TLS_CLIENT_CHAIN,
	    { "MX.Example.TEST." }, { { 0 } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_CHAIN, "" },
	{ "chain: second name", &next_hop, NULL, TLS_CLIENT_CHAIN,
	    { HOST, NEXT }, { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_BY_CHAIN,
	    "" },
	{ "chain: wildcard", &wild, NULL, TLS_CLIENT_CHAIN, { HOST },
	    { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_BY_CHAIN, "" },
	{ "chain: wildcard is one label", &wild, NULL, TLS_CLIENT_CHAIN,
	    { "a.mx.example.test" }, { { 0 } }, NO, 0, "hostname mismatch" },
	{ "chain: address", &by_address, NULL, TLS_CLIENT_CHAIN,
	    { "192.0.2.1" }, { { 0 } }, TLS_CLIENT_OK, TLS_CLIENT_BY_CHAIN,
	    "" },
	{ "chain: other address", &by_address, NULL, TLS_CLIENT_CHAIN,
	    { "192.0.2.2" }, { { 0 } }, NO, 0, "IP address mismatch" },
	{ "chain: name that is only the CN", &wrong, NULL, TLS_CLIENT_CHAIN,
	    { HOST }, { { 0 } }, NO, 0, "hostname mismatch" },
	{ "chain: expired", &expired, NULL, TLS_CLIENT_CHAIN, { HOST },
	    { { 0 } }, NO, 0, "certificate has expired" },
	{ "chain: not yet", &future, NULL, TLS_CLIENT_CHAIN, { HOST },
	    { { 0 } }, NO, 0, "not yet valid" },
	{ "chain: self-signed", &self, NULL, TLS_CLIENT_CHAIN, { HOST },
	    { { 0 } }, NO, 0, "self-signed certificate" },
	{ "chain: TLSA does not help", &self, NULL, TLS_CLIENT_CHAIN,
	    { HOST }, { { 3, 1, 1, &self } }, NO, 0, "self-signed" },
	{ "DANE-EE", &self, NULL, TLS_CLIENT_DANE, { NULL },
	    { { 3, 1, 1, &self } }, TLS_CLIENT_OK, TLS_CLIENT_BY_DANE, "" },
	{ "DANE-EE: SHA-512 of the certificate", &self, NULL, TLS_CLIENT_DANE,
	    { NULL }, { { 3, 0, 2, &self } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_DANE, "" },
	{ "DANE-EE: whole key, other name", &wrong, NULL, TLS_CLIENT_DANE,
	    { NULL }, { { 3, 1, 0, &wrong } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_DANE, "" },
	{ "DANE-EE: expired", &expired, NULL, TLS_CLIENT_DANE, { NULL },
	    { { 3, 1, 1, &expired } }, TLS_CLIENT_OK, TLS_CLIENT_BY_DANE,
	    "" },
	{ "DANE-EE: the second record", &good, NULL, TLS_CLIENT_DANE, { NULL },
	    { { 3, 1, 1, &self }, { 3, 1, 1, &good } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_DANE, "" },
	{ "DANE-EE: wrong", &good, NULL, TLS_CLIENT_DANE, { HOST },
	    { { 3, 1, 1, &self } }, NO, 0, "TLSA" },
	{ "DANE-EE: wrong, PKIX-EE right", &good, NULL, TLS_CLIENT_DANE,
	    { HOST }, { { 3, 1, 1, &self }, { 1, 1, 1, &good } }, NO, 0,
	    "TLSA" },
	{ "DANE-EE: it is the CA's", &good, &ca, TLS_CLIENT_DANE, { HOST },
	    { { 3, 1, 1, &ca } }, NO, 0, "TLSA" },
	{ "DANE-TA", &good, &ca, TLS_CLIENT_DANE, { NULL },
	    { { 2, 0, 1, &ca } }, TLS_CLIENT_OK, TLS_CLIENT_BY_DANE, "" },
	{ "DANE-TA: next hop's name", &next_hop, &ca, TLS_CLIENT_DANE,
	    { NEXT }, { { 2, 1, 1, &ca } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_DANE, "" },
	{ "DANE-TA: whole certificate, not sent", &good, NULL,
	    TLS_CLIENT_DANE, { NULL }, { { 2, 0, 0, &ca } }, TLS_CLIENT_OK,
	    TLS_CLIENT_BY_DANE, "" },
	{ "DANE-TA: digest, not sent", &good, NULL, TLS_CLIENT_DANE, { NULL },
	    { { 2, 0, 1, &ca } }, NO, 0, "certificate refused" },
	{ "DANE-TA: wrong name", &wrong, &ca, TLS_CLIENT_DANE, { NEXT },
	    { { 2, 0, 1, &ca } }, NO, 0, "hostname mismatch" },
	{ "DANE-TA: expired", &expired, &ca, TLS_CLIENT_DANE, { NULL },
	    { { 2, 0, 1, &ca } }, NO, 0, "expired" },
	{ "DANE-TA: another CA", &good, &ca, TLS_CLIENT_DANE, { NULL },
	    { { 2, 0, 1, &other_ca } }, NO, 0, "certificate refused" },
};

static void
certificates_are_judged(void **state)
{
	struct resolver_tlsa	*tlsa;
	struct tls_client_peer	 p;
	struct slice		 line;
	size_t			 i, j;

	(void)state;
	tlsa = calloc(2, sizeof(*tlsa));
	for (i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		print_message("%s\n", certs[i].name);
		p = (struct tls_client_peer){ .check = certs[i].check,
		    .host = HOST, .handshake_ms = 2000, .tlsa = tlsa };
		for (j = 0; j < 2 && certs[i].names[j] != NULL; j++)
			p.name[p.nname++] = certs[i].names[j];
		for (j = 0; j < 2 && certs[i].record[j].of != NULL; j++)
			make_tlsa(&tlsa[p.ntlsa++], &certs[i].record[j]);
		begin(ECHO, certs[i].leaf, certs[i].chain);
		assert_int_equal(shake(&p), certs[i].status);
		assert_non_null(strstr(info.error, certs[i].error));
		assert_int_equal(info.verified, certs[i].verified);
		assert_false(info.tlsa_unusable);
		assert_int_equal(tls_on(&s),
		    certs[i].status == TLS_CLIENT_OK);
		if (certs[i].status == TLS_CLIENT_OK) {
			assert_string_equal(info.error, "");
			assert_string_equal(info.version, "TLSv1.3");
			assert_true(info.cipher[0] != '\0');
			stream_printf(&s, "NOOP\r\n");
			assert_int_equal(stream_line(&s, 512, &line),
			    STREAM_OK);
			assert_true(slice_is(line, "NOOP"));
		}
		end();
	}
	free(tlsa);
}

static void
unusable_tlsa_means_encrypted_only(void **state)
{
	static const struct record	 bad[] = {
		{ 0, 0, 1, &ca }, { 1, 1, 1, &self }, { 4, 1, 1, &self },
		{ 255, 0, 0, &self }, { 3, 2, 1, &self }, { 3, 1, 3, &self },
	};
	struct resolver_tlsa		*tlsa;
	struct tls_client_peer		 p = { .check = TLS_CLIENT_DANE,
	    .host = HOST, .handshake_ms = 2000, .ntlsa = 1 };
	size_t				 i;

	(void)state;
	p.tlsa = tlsa = calloc(1, sizeof(*tlsa));
	for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		if (i < sizeof(bad) / sizeof(bad[0])) {
			make_tlsa(tlsa, &bad[i]);
		} else {
			/* A digest cut short. */
			tlsa->usage = 3;
			tlsa->selector = tlsa->matching = 1;
			tlsa->len = 20;
		}
		begin(ECHO, &self, NULL);
		assert_int_equal(shake(&p), TLS_CLIENT_OK);
		assert_true(info.tlsa_unusable);
		assert_int_equal(info.verified, TLS_CLIENT_UNVERIFIED);
		end();
	}
	free(tlsa);
}

static void
handshakes_fail_in_clear_words(void **state)
{
	static const struct {
		enum behaviour		 how;
		enum tls_client_status	 status;
		const char		*error;
	} bad[] = {
		{ CUT, TLS_CLIENT_CLOSED, "closed the connection" },
		{ GARBAGE, TLS_CLIENT_FAILED, "not TLS" },
		{ ZEROES, TLS_CLIENT_FAILED, "not TLS" },
		{ SILENT, TLS_CLIENT_TIMEOUT, "timed out" },
		{ DRIP, TLS_CLIENT_TIMEOUT, "timed out" },
		{ OLD, TLS_CLIENT_FAILED, "no TLS version in common" },
		{ WANTS_CERT, TLS_CLIENT_FAILED, "TLS handshake: " },
	};
	struct tls_client_peer	 p = { .check = TLS_CLIENT_ANY, .host = HOST,
	    .handshake_ms = 2000 };
	int64_t			 start;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(bad[i].how, &good, NULL);
		start = io_monotonic_ms();
		assert_int_equal(shake(&p), bad[i].status);
		print_message("%s\n", info.error);
		assert_non_null(strstr(info.error, bad[i].error));
		assert_true(io_monotonic_ms() - start < 15000);
		/* Nothing more goes over it, least of all in clear. */
		stream_printf(&s, "QUIT\r\n");
		assert_int_equal(stream_flush(&s), STREAM_ERROR);
		end();
	}
}

static void
the_stream_s_total_bounds_the_handshake(void **state)
{
	struct tls_client_peer	 p = { .check = TLS_CLIENT_ANY, .host = HOST,
	    .handshake_ms = 60000 };
	int64_t			 start = io_monotonic_ms();

	(void)state;
	begin(SILENT, &good, NULL);
	s.total = io_monotonic_ms() + 200;
	assert_int_equal(shake(&p), TLS_CLIENT_TIMEOUT);
	assert_true(io_monotonic_ms() - start < 15000);
	end();
}

static void
octets_read_ahead_are_an_injection(void **state)
{
	struct tls_client_peer	 p = { .check = TLS_CLIENT_ANY, .host = HOST,
	    .handshake_ms = 1000 };
	struct slice		 line;
	int			 fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	stream_init(&s, fds[0], fds[0], 300, 10000);
	assert_int_equal(write(fds[1], "220 go\r\n250 evil\r\n", 18), 18);
	assert_int_equal(stream_line(&s, 512, &line), STREAM_OK);
	assert_int_equal(shake(&p), TLS_CLIENT_INJECTED);
	assert_true(info.error[0] != '\0');
	assert_false(tls_on(&s));
	close(fds[0]);
	close(fds[1]);
	stream_free(&s);
}

static void
a_chain_needs_a_name_and_a_ca(void **state)
{
	struct tls_client_peer	 p = { .check = TLS_CLIENT_CHAIN,
	    .handshake_ms = 1000 };
	struct tls_client_ctx	*none;
	char			 error[TLS_TEXT];

	(void)state;
	begin(ECHO, &good, NULL);
	assert_int_equal(shake(&p), TLS_CLIENT_LOCAL);
	end();

	none = tls_client_ctx_new("/nonexistent/ca.pem", error);
	assert_non_null(none);
	assert_int_equal(tls_client_ctx_warm(none, true, error), -1);
	assert_non_null(strstr(error, "No such file"));
	p.host = HOST;
	begin(ECHO, &good, NULL);
	assert_int_equal(tls_client_start(none, &s, &p, &info),
	    TLS_CLIENT_LOCAL);
	assert_non_null(strstr(info.error, "/nonexistent/ca.pem"));
	end();
	tls_client_ctx_free(none);

	none = tls_client_ctx_new("/dev/null", error);
	assert_int_equal(tls_client_ctx_warm(none, true, error), -1);
	tls_client_ctx_free(none);
	tls_client_ctx_free(NULL);
}

/* An updated CA file is noticed. */
static void
the_ca_file_is_read_again(void **state)
{
	char			 path[] = "/tmp/merpati-ca2.XXXXXX";
	char			 error[TLS_TEXT];
	struct tls_client_peer	 p = { .check = TLS_CLIENT_CHAIN,
	    .host = HOST, .handshake_ms = 1000 };
	struct tls_client_ctx	*c;
	FILE			*fp;
	int			 i;

	(void)state;
	close(mkstemp(path));
	c = tls_client_ctx_new(path, error);
	for (i = 0; i < 2; i++) {
		fp = fopen(path, "w");
		PEM_write_X509(fp, i == 0 ? other_ca.x509 : ca.x509);
		fclose(fp);
		begin(ECHO, &good, NULL);
		assert_int_equal(tls_client_start(c, &s, &p, &info), i == 0 ?
		    TLS_CLIENT_UNTRUSTED : TLS_CLIENT_OK);
		end();
	}
	tls_client_ctx_free(c);
	unlink(path);
}

static void
names_are_told(void **state)
{
	(void)state;
	assert_string_equal(tls_client_status_name(TLS_CLIENT_UNTRUSTED),
	    "untrusted");
	assert_string_equal(tls_client_verified_name(TLS_CLIENT_BY_DANE),
	    "dane");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(certificates_are_judged),
		cmocka_unit_test(unusable_tlsa_means_encrypted_only),
		cmocka_unit_test(handshakes_fail_in_clear_words),
		cmocka_unit_test(the_stream_s_total_bounds_the_handshake),
		cmocka_unit_test(octets_read_ahead_are_an_injection),
		cmocka_unit_test(a_chain_needs_a_name_and_a_ca),
		cmocka_unit_test(the_ca_file_is_read_again),
		cmocka_unit_test(names_are_told),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
