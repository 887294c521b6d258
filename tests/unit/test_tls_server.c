/* Against OpenSSL's client in a thread; keyd is a few lines here. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "lib/base/io.h"
#include "lib/net/tls_server_parts.h"
#include "tests/unit/certs.h"

#define PATIENCE	20000	/* ms: a busy machine */

enum { A_EC, A_RSA, B_EC, OLD_EC, NCERT };

static struct cert		 ca, certs[NCERT], ed, mine;
static const char		 ocsp_text[] = "0\x03" "abc";

/* keyd */
static bool			 sign_fails, sign_refuses, ticket_fails;
static bool			 ticket_forgotten;
static unsigned int		 signs, tickets, dones;
static enum key_scheme		 last_scheme;
static struct key_ticket	 ticket_key;

static int
fake_sign(void *arg, const struct key_sign *ask, struct key_signature *got)
{
	EVP_PKEY_CTX	*c;
	char		 id[TLS_KEY_ID + 1];
	size_t		 i;

	(void)arg;
	memset(got, 0, sizeof(*got));
	signs++;
	last_scheme = ask->scheme;
	if (sign_fails) {
		errno = ECONNREFUSED;
		return -1;
	}
	for (i = 0; i < NCERT && !sign_refuses; i++) {
		assert_int_equal(tls_key_id(certs[i].x509, id), 0);
		if (strcmp(id, ask->key) != 0)
			continue;
		c = EVP_PKEY_CTX_new(certs[i].key, NULL);
		EVP_PKEY_sign_init(c);
		if (ask->scheme == KEY_RSA_PSS) {
			EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING);
			EVP_PKEY_CTX_set_rsa_pss_saltlen(c,
			    RSA_PSS_SALTLEN_DIGEST);
		}
		EVP_PKEY_CTX_set_signature_md(c,
		    EVP_get_digestbyname(ask->digest));
		got->len = sizeof(got->data);
		got->ok = EVP_PKEY_sign(c, got->data, &got->len, ask->data,
		    ask->len) == 1;
		EVP_PKEY_CTX_free(c);
	}
	return 0;
}

static int
fake_ticket(void *arg, const unsigned char *name, struct key_ticket *out)
{
	(void)arg;
	memset(out, 0, sizeof(*out));
	tickets++;
	if (ticket_fails) {
		errno = ECONNREFUSED;
		return -1;
	}
	if (name == NULL || (!ticket_forgotten &&
	    memcmp(name, ticket_key.name, sizeof(ticket_key.name)) == 0))
		*out = ticket_key;
	return 0;
}

static void
fake_done(void *arg)
{
	(void)arg;
	dones++;
}

static const struct tls_server_keys	 keyd = { .sign = fake_sign,
    .ticket = fake_ticket, .done = fake_done };
static struct tls_server_options	 plain = { .tickets = true,
    .ticket_life = 600, .context = "test" };

static struct tls_server *
build(const struct tls_server_options *opt, const struct cert *const *list,
    size_t n)
{
	struct tls_certificate	*c = calloc(n, sizeof(*c));
	char			 error[TLS_TEXT] = "";
	struct tls_server	*s;
	size_t			 i;

	for (i = 0; i < n; i++) {
		snprintf(c[i].name, sizeof(c[i].name), "c%zu", i);
		X509_up_ref(list[i]->x509);
		X509_up_ref(ca.x509);
		c[i].chain[0] = list[i]->x509;
		c[i].chain[1] = ca.x509;
		c[i].nchain = 2;
	}
	c[0].ocsp_len = sizeof(ocsp_text) - 1;
	c[0].ocsp = malloc(c[0].ocsp_len);
	memcpy(c[0].ocsp, ocsp_text, c[0].ocsp_len);
	s = tls_server_build(c, n, opt, &keyd, error);
	if (s == NULL)
		print_message("%s\n", error);
	return s;
}

static struct tls_server *
build_all(const struct tls_server_options *opt)
{
	const struct cert	*list[NCERT];
	size_t			 i;

	for (i = 0; i < NCERT; i++)
		list[i] = &certs[i];
	return build(opt, list, NCERT);
}

static int
make_all(void **state)
{
	(void)state;
	ca = cert_make(NULL, "Test CA", NULL, -DAY, DAY);
	certs[A_EC] = cert_make(&ca, "a", "DNS:A.test,DNS:*.wild.test",
	    -DAY, DAY);
	certs[A_RSA] = cert_of_key(EVP_RSA_gen(2048), &ca, "a",
	    "DNS:a.test,DNS:x.wild.test", -DAY, DAY);
	certs[B_EC] = cert_make(&ca, "b", "DNS:b.test,DNS:y.wild.test", -DAY,
	    DAY);
	certs[OLD_EC] = cert_make(&ca, "old", "DNS:old.test", -2 * DAY, -DAY);
	ed = cert_of_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "ed",
	    "DNS:ed.test", -DAY, DAY);
	mine = cert_of_key(EVP_RSA_gen(2048), NULL, "me", "DNS:me.test",
	    -2 * DAY, -DAY);
	return 0;
}

static int
free_all(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < NCERT; i++)
		cert_free(&certs[i]);
	cert_free(&ca);
	cert_free(&ed);
	cert_free(&mine);
	return 0;
}

static int
calm(void **state)
{
	(void)state;
	sign_fails = sign_refuses = ticket_fails = ticket_forgotten = false;
	signs = tickets = dones = 0;
	memset(&ticket_key, 7, sizeof(ticket_key));
	RAND_bytes(ticket_key.aes, sizeof(ticket_key.aes));
	ticket_key.known = true;
	ticket_key.fresh = 100;
	ticket_key.left = 200;
	return 0;
}

/* What a client wants, and what it saw. */
struct client {
	int			 min, max;
	const char		*sni, *sigalgs, *ciphers, *groups, *alpn;
	const struct cert	*cert;
	bool			 ocsp, distrusts, renegotiates;
	/* Instead of TLS; then, with hold, wait. */
	const char		*raw;
	size_t			 raw_len;
	bool			 hold, half;
	SSL_SESSION		*session;	/* in, and the newest out */

	int			 fd;
	bool			 ok, reused, ticket;
	X509			*peer;
	char			 said[100], chosen[20];
	int			 ocsp_len, chain;
	unsigned char		 exporter[32], unique[TLS_BINDING];
	size_t			 unique_len;
};

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct client	*c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	c->ticket = true;
	return 1;
}

static SSL_CTX *
client_ctx(const struct client *c)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());

	if (c->max != 0 && c->max < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, c->min);
	SSL_CTX_set_max_proto_version(ctx, c->max);
	if (c->sigalgs != NULL)
		SSL_CTX_set1_sigalgs_list(ctx, c->sigalgs);
	if (c->ciphers != NULL)
		SSL_CTX_set_cipher_list(ctx, c->ciphers);
	if (c->groups != NULL)
		SSL_CTX_set1_groups_list(ctx, c->groups);
	if (c->cert != NULL) {
		SSL_CTX_use_certificate(ctx, c->cert->x509);
		SSL_CTX_use_PrivateKey(ctx, c->cert->key);
	}
	if (c->distrusts)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	return ctx;
}

static void
client_note(struct client *c, SSL *ssl)
{
	static const char	 label[] = "EXPORTER-Channel-Binding";
	const unsigned char	*p;
	unsigned int		 n;

	c->ok = true;
	c->reused = SSL_session_reused(ssl) == 1;
	c->peer = SSL_get1_peer_certificate(ssl);
	c->chain = sk_X509_num(SSL_get_peer_cert_chain(ssl));
	SSL_get0_alpn_selected(ssl, &p, &n);
	if (n > 0)
		memcpy(c->chosen, p, n);
	c->ocsp_len = (int)SSL_get_tlsext_status_ocsp_resp(ssl, &p);
	if (c->ocsp_len > 0 && (c->ocsp_len != sizeof(ocsp_text) - 1 ||
	    memcmp(p, ocsp_text, sizeof(ocsp_text) - 1) != 0))
		c->ocsp_len = -2;
	SSL_export_keying_material(ssl, c->exporter, 32, label,
	    sizeof(label) - 1, NULL, 0, 0);
	c->unique_len = SSL_get_finished(ssl, c->unique, TLS_BINDING);
}

static void
client_talk(struct client *c, SSL *ssl)
{
	int	 n;

	if (c->renegotiates) {
		SSL_renegotiate(ssl);
		(void)SSL_do_handshake(ssl);
	}
	SSL_write(ssl, "NOOP\r\n", 6);
	n = SSL_read(ssl, c->said, sizeof(c->said) - 1);
	if (n > 0)
		c->said[n] = '\0';
	while (SSL_read(ssl, c->chosen + 19, 1) == 1)
		;
}

static void
client_tls(struct client *c)
{
	SSL_CTX		*ctx = client_ctx(c);
	SSL		*ssl = SSL_new(ctx);
	unsigned char	 alpn[20];

	SSL_set_fd(ssl, c->fd);
	SSL_set_app_data(ssl, c);
	if (c->sni != NULL)
		SSL_set_tlsext_host_name(ssl, c->sni);
	if (c->alpn != NULL) {
		alpn[0] = (unsigned char)strlen(c->alpn);
		memcpy(alpn + 1, c->alpn, alpn[0]);
		SSL_set_alpn_protos(ssl, alpn, alpn[0] + 1U);
	}
	if (c->ocsp)
		SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
	if (c->session != NULL)
		SSL_set_session(ssl, c->session);
	if (SSL_connect(ssl) == 1) {
		client_note(c, ssl);
		client_talk(c, ssl);
		SSL_shutdown(ssl);	/* else it resumes nothing */
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

static void *
client_run(void *arg)
{
	struct client	*c = arg;
	char		 octet;

	if (c->raw != NULL) {
		(void)!write(c->fd, c->raw, c->raw_len);
		if (c->hold)
			while (read(c->fd, &octet, 1) == 1)
				;
	} else {
		client_tls(c);
	}
	if (c->half)
		shutdown(c->fd, SHUT_WR);
	close(c->fd);
	OPENSSL_thread_stop();
	return NULL;
}

/* What the server saw of the latest connection. */
static struct tls_server_info	 info;
static unsigned char		 exporter[TLS_BINDING], unique[TLS_BINDING];
static unsigned char		 end_point[TLS_BINDING];
static size_t			 exporter_len, unique_len, end_point_len;
static char			 later[TLS_TEXT];

static void
converse(struct stream *st)
{
	struct slice	 line;

	exporter_len = tls_binding(st, TLS_EXPORTER, exporter);
	unique_len = tls_binding(st, TLS_UNIQUE, unique);
	end_point_len = tls_binding(st, TLS_END_POINT, end_point);
	if (stream_line(st, 512, &line) == STREAM_OK &&
	    slice_is(line, "NOOP"))
		stream_printf(st, "250 ok\r\n");
	(void)stream_flush(st);
	snprintf(later, sizeof(later), "%s", tls_error(st));
}

static enum tls_server_status
meet_stream(struct tls_server *s, struct client *c, int ms, struct stream *st)
{
	enum tls_server_status	 how;
	pthread_t		 thread;

	assert_int_equal(pthread_create(&thread, NULL, client_run, c), 0);
	how = tls_server_start(s, st, ms, &info);
	assert_int_equal(tls_on(st), how == TLS_SERVER_OK);
	if (how == TLS_SERVER_OK)
		converse(st);
	else
		stream_printf(st, "never in clear\r\n");
	tls_stop(st, 1000);
	assert_int_equal(stream_flush(st), STREAM_ERROR);
	shutdown(st->rfd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(st->rfd);
	stream_free(st);
	return how;
}

static void
open_stream(struct client *c, struct stream *st)
{
	int	 fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	c->fd = fds[1];
	stream_init(st, fds[0], fds[0], PATIENCE, 0);
}

static enum tls_server_status
meet(struct tls_server *s, struct client *c)
{
	struct stream	 st;

	open_stream(c, &st);
	return meet_stream(s, c, PATIENCE, &st);
}

static void
forget(struct client *c)
{
	X509_free(c->peer);
	SSL_SESSION_free(c->session);
	c->peer = NULL;
	c->session = NULL;
	c->ok = c->reused = c->ticket = false;
	c->said[0] = '\0';
}

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
sessions_are_resumed(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { .sni = "a.test" };
	SSL_SESSION		*first;

	(void)state;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(c.ticket);
	assert_int_equal(signs, 1);
	assert_int_equal(tickets, 1);
	first = c.session;
	SSL_SESSION_up_ref(first);
	X509_free(c.peer);
	c.ticket = false;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed && c.reused);
	assert_string_equal(info.sni, "a.test");
	assert_string_equal(c.said, "250 ok\r\n");
	assert_int_equal(signs, 1);
	/* The key that read the old one seals the new one. */
	assert_int_equal(tickets, 2);
	assert_true(c.ticket && c.session != first);
	/* That one is good as well. */
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed);
	SSL_SESSION_free(first);
	forget(&c);
	/* The key is nowhere in this process. */
	assert_false(s->ticket.known);
	tls_server_free(s);
}

static void
a_pool_keeps_the_key_while_it_is_fresh(void **state)
{
	struct tls_server_options	 opt = plain;
	struct tls_server		*s;
	struct client			 c = { 0 };
	int				 i;

	(void)state;
	opt.keep_ticket_key = true;
	s = build_all(&opt);
	for (i = 0; i < 3; i++) {
		X509_free(c.peer);
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_int_equal(info.resumed, i > 0);
	}
	assert_int_equal(tickets, 1);
	assert_true(s->ticket.known);
	s->ticket_fresh = io_monotonic_ms() - 1;
	tls_server_forget_ticket(s);
	assert_false(s->ticket.known);
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(tickets, 2);
	forget(&c);
	tls_server_free(s);
}

/* What makes the second handshake a full one. */
enum spoiler { OTHER_NAME, OTHER_CERTIFICATE, OTHER_ROLE, FORGOTTEN_KEY,
    NEW_KEY, WRONG_SECRET, DEAD_TICKETS, STALE, SPOILERS };

static struct tls_server *
spoil(enum spoiler how, struct client *c)
{
	struct tls_server_options	 opt = plain;
	const struct cert		*b = &certs[B_EC];

	switch (how) {
	case OTHER_NAME:
		c->sni = "b.test";
		break;
	case OTHER_CERTIFICATE:
		return build(&opt, &b, 1);
	case OTHER_ROLE:
		opt.context = "tset";
		break;
	case FORGOTTEN_KEY:
		ticket_forgotten = true;
		break;
	case NEW_KEY:
		ticket_key.name[3] ^= 1;
		break;
	case WRONG_SECRET:
		ticket_key.hmac[9] ^= 1;
		break;
	case DEAD_TICKETS:
		ticket_fails = true;
		break;
	case STALE:
		ticket_key.left = ticket_key.fresh = 0;
		break;
	case SPOILERS:
		break;
	}
	return build_all(&opt);
}

static void
what_cannot_be_resumed_begins_anew(void **state)
{
	struct tls_server	*s, *next;
	struct client		 c;
	enum spoiler		 how;

	for (how = 0; how < SPOILERS; how++) {
		print_message("spoiler %d\n", (int)how);
		calm(state);
		c = (struct client){ .sni = "a.test" };
		s = build_all(&plain);
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_true(c.ticket);
		X509_free(c.peer);
		next = spoil(how, &c);
		c.ticket = false;
		assert_int_equal(meet(next, &c), TLS_SERVER_OK);
		assert_false(info.resumed || c.reused);
		assert_string_equal(c.said, "250 ok\r\n");
		assert_int_equal(signs, 2);
		assert_int_equal(c.ticket, how != DEAD_TICKETS &&
		    how != STALE);
		forget(&c);
		tls_server_free(s);
		tls_server_free(next);
	}
}

static void
tls12_has_no_tickets(void **state)
{
	static const struct tls_server_options	 none = { .context = "test" };
	struct tls_server			*s = build_all(&plain);
	struct client				 c = { .max = TLS1_2_VERSION };

	(void)state;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(c.session == NULL ||
	    SSL_SESSION_has_ticket(c.session) == 0);
	assert_int_equal(tickets, 0);
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_false(info.resumed);
	forget(&c);
	tls_server_free(s);
	/* Nor has TLS 1.3 when they are switched off. */
	s = build_all(&none);
	c.max = 0;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_false(c.ticket);
	assert_int_equal(tickets, 0);
	forget(&c);
	tls_server_free(s);
}

static unsigned int	 aheads;

static int
fake_sign_ahead(void *arg, const struct key_sign *ask,
    struct key_signature *got)
{
	aheads++;
	return fake_sign(arg, ask, got);
}

static void
a_ticket_s_key_is_asked_for_ahead(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { 0 };

	(void)state;
	s->keys.sign_ahead = fake_sign_ahead;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(aheads, 1);
	/* Not where there will be no ticket, or none is missing. */
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed);
	forget(&c);
	c.max = TLS1_2_VERSION;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	forget(&c);
	assert_int_equal(aheads, 1);
	assert_int_equal(signs, 2);
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
	free((void *)(uintptr_t)s->keyd.path);
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
		cmocka_unit_test_setup(sessions_are_resumed, calm),
		cmocka_unit_test_setup(a_pool_keeps_the_key_while_it_is_fresh,
		    calm),
		cmocka_unit_test_setup(what_cannot_be_resumed_begins_anew,
		    calm),
		cmocka_unit_test_setup(tls12_has_no_tickets, calm),
		cmocka_unit_test_setup(a_ticket_s_key_is_asked_for_ahead,
		    calm),
		cmocka_unit_test_setup(renegotiation_is_refused, calm),
		cmocka_unit_test_setup(other_keys_are_left_out, calm),
		cmocka_unit_test_setup(a_remote_key_gives_nothing_away, calm),
		cmocka_unit_test_setup(the_file_of_keyd_makes_a_server, calm),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
