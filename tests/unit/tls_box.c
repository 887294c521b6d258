/* Contract in tls_box.h. */
#include <errno.h>
#include <pthread.h>
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
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "tests/unit/tls_box.h"

struct cert			 ca, certs[NCERT], ed, mine;
const char			 ocsp_text[] = "0\x03" "abc";
bool				 sign_fails, sign_refuses, ticket_fails;
bool				 ticket_forgotten;
unsigned int			 signs, tickets, dones;
enum key_scheme			 last_scheme;
struct key_ticket		 ticket_key;
struct tls_server_info		 info;
unsigned char			 exporter[TLS_BINDING], unique[TLS_BINDING];
unsigned char			 end_point[TLS_BINDING];
size_t				 exporter_len, unique_len, end_point_len;

int
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
struct tls_server_options	 plain = { .tickets = true,
    .ticket_life = 600, .context = "test" };

struct tls_server *
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
	else
		tls_server_warm(s);
	return s;
}

struct tls_server *
build_all(const struct tls_server_options *opt)
{
	const struct cert	*list[NCERT];
	size_t			 i;

	for (i = 0; i < NCERT; i++)
		list[i] = &certs[i];
	return build(opt, list, NCERT);
}

int
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

int
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

int
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
}

enum tls_server_status
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

void
open_stream(struct client *c, struct stream *st)
{
	int	 fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	c->fd = fds[1];
	stream_init(st, fds[0], fds[0], PATIENCE, 0);
}

enum tls_server_status
meet(struct tls_server *s, struct client *c)
{
	struct stream	 st;

	open_stream(c, &st);
	return meet_stream(s, c, PATIENCE, &st);
}

void
forget(struct client *c)
{
	X509_free(c->peer);
	SSL_SESSION_free(c->session);
	c->peer = NULL;
	c->session = NULL;
	c->ok = c->reused = c->ticket = false;
	c->said[0] = '\0';
}
