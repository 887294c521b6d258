/*
 * A handshake of each version with ourselves, in memory: algorithms get
 * fetched and tables built once, in the parent.  The certificate is a thrown
 * away one, so keyd need not be there.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "lib/net/tls_server_parts.h"

#define ROUNDS	10	/* far more than a handshake has */

struct rehearsal {
	EVP_PKEY	*key;
	EVP_PKEY	*remote;
	X509		*cert;
	SSL_CTX		*server, *client;
};

static int
rehearse_sign(void *arg, const struct key_sign *ask, struct key_signature *got)
{
	EVP_PKEY_CTX	*c = EVP_PKEY_CTX_new(arg, NULL);

	got->len = sizeof(got->data);
	got->ok = c != NULL && EVP_PKEY_sign_init(c) == 1 &&
	    EVP_PKEY_sign(c, got->data, &got->len, ask->data, ask->len) == 1;
	EVP_PKEY_CTX_free(c);
	return 0;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509	*x = X509_new();

	if (x == NULL || X509_set_version(x, 2) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) == NULL ||
	    X509_set_pubkey(x, key) != 1 ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static bool
begin(struct rehearsal *r, struct tls_server *s)
{
	return (r->key = EVP_EC_gen("P-256")) != NULL &&
	    (r->cert = make_certificate(r->key)) != NULL &&
	    (r->remote = tls_remote_key_new(r->cert, rehearse_sign,
	    r->key)) != NULL &&
	    (r->server = tls_server_make_ctx(s)) != NULL &&
	    SSL_CTX_use_cert_and_key(r->server, r->cert, r->remote, NULL,
	    1) == 1 &&
	    (r->client = SSL_CTX_new(TLS_client_method())) != NULL;
}

static void
end(struct rehearsal *r)
{
	SSL_CTX_free(r->client);
	SSL_CTX_free(r->server);
	EVP_PKEY_free(r->remote);
	X509_free(r->cert);
	EVP_PKEY_free(r->key);
}

/* Both ends hold one end of a pair of BIOs. */
static bool
connect_pair(SSL *a, SSL *b)
{
	BIO	*x, *y;

	if (a == NULL || b == NULL || BIO_new_bio_pair(&x, 0, &y, 0) != 1)
		return false;
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
	return true;
}

static void
talk(SSL *server, SSL *client)
{
	char	 octet = 'x';
	int	 i, one, other;

	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (i = 0; i < ROUNDS; i++) {
		one = SSL_do_handshake(client);
		other = SSL_do_handshake(server);
		if (one == 1 && other == 1)
			break;
	}
	if (i == ROUNDS)
		return;
	(void)SSL_write(client, &octet, 1);
	(void)SSL_read(server, &octet, 1);
	(void)SSL_write(server, &octet, 1);
	(void)SSL_read(client, &octet, 1);
}

static void
shake(struct rehearsal *r, int version)
{
	SSL	*server = SSL_new(r->server), *client = SSL_new(r->client);

	if (connect_pair(server, client) &&
	    SSL_set_max_proto_version(client, version) == 1)
		talk(server, client);
	SSL_free(server);
	SSL_free(client);
}

/* No keyd is asked: the key goes no further than this. */
static int
rehearse_ticket(void *arg, const unsigned char *name, struct key_ticket *out)
{
	(void)arg;
	(void)name;
	memset(out, 0, sizeof(*out));
	out->known = RAND_bytes(out->aes, sizeof(out->aes)) == 1;
	out->fresh = out->left = 1;
	return 0;
}

void
tls_server_warm(struct tls_server *s)
{
	struct tls_server_keys	 keys = s->keys;
	struct rehearsal	 r;

	memset(&r, 0, sizeof(r));
	s->keys.ticket = rehearse_ticket;
	if (begin(&r, s)) {
		shake(&r, TLS1_3_VERSION);
		if (!s->opt.v13_only)
			shake(&r, TLS1_2_VERSION);
		tls_free(tls_new(r.server, -1));	/* our own BIO */
	}
	end(&r);
	s->keys = keys;
	explicit_bzero(&s->ticket, sizeof(s->ticket));
	ERR_clear_error();
}
