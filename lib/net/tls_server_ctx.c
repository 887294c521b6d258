/* Contexts: what is offered, and what OpenSSL asks in a handshake. */
#include <string.h>

#include <openssl/err.h>

#include "lib/net/tls_server_parts.h"

/* Mozilla's intermediate list for TLS 1.2, no finite fields (RFC 9325 4). */
#define CIPHERS	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
/* AES-128 and SHA-256 cost least; who has no AES asks for ChaCha first. */
#define SUITES	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS	"X25519:P-256:P-384"
/* What a remote key can do, the cheapest first. */
#define SCHEMES	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:" \
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:" \
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"
#define SCHEMES_CLIENT	SCHEMES ":ed25519"

#define CLIENT_CHAIN	32768	/* octets of a client's certificates */

static struct tls_server *
server_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

const struct tls_host *
tls_server_host(const struct tls_server *s, const X509 *x)
{
	size_t	 i;

	for (i = 0; i < s->nhost; i++)
		if (s->host[i].cert->chain[0] == x)
			return &s->host[i];
	return NULL;
}

/*
 * Before all else, as a ticket is judged by the name that the client asks for:
 * a list of one, whose type is a host's (RFC 6066 3).
 */
static int
use_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char	*p;
	struct tls		*t = SSL_get_app_data(ssl);
	char			 name[256];
	size_t			 len, n;

	(void)alert;
	(void)arg;
	if (t == NULL || SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_server_name, &p, &len) != 1 || len < 5 || p[2] != 0)
		return SSL_CLIENT_HELLO_SUCCESS;
	n = (size_t)p[3] << 8 | p[4];
	/* What is malformed OpenSSL refuses itself. */
	if (n > len - 5 || n >= sizeof(name))
		return SSL_CLIENT_HELLO_SUCCESS;
	memcpy(name, p + 5, n);
	name[n] = '\0';
	t->set = tls_server_pick(server_of(ssl), name);
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* A name that no certificate has is no error: the client judges ours. */
static int
use_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_server	*s = server_of(ssl);
	const struct tls	*t = SSL_get_app_data(ssl);

	(void)alert;
	(void)arg;
	if (SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if (t != NULL && t->set != 0)
		SSL_set_SSL_CTX(ssl, s->set[t->set].ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* In a full handshake, when the version is known. */
static int
use_version(SSL *ssl, void *arg)
{
	struct tls_server	*s = server_of(ssl);

	(void)arg;
	/* Tickets of TLS 1.2 would undo its forward secrecy. */
	if (SSL_version(ssl) < TLS1_3_VERSION)
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
	else
		s->ahead = s->opt.tickets && !tls_server_has_ticket(s);
	return 1;
}

/* RFC 6066 8 */
static int
use_ocsp(SSL *ssl, void *arg)
{
	const struct tls_host	*h;
	unsigned char		*copy;

	(void)arg;
	h = tls_server_host(server_of(ssl), SSL_get_certificate(ssl));
	if (h == NULL || h->cert->ocsp == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(h->cert->ocsp, h->cert->ocsp_len);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)h->cert->ocsp_len);
	return SSL_TLSEXT_ERR_OK;
}

/*
 * RFC 7301 3.2: who offers protocols, and ours is none of them, wants somebody
 * else.
 */
static int
use_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	const char	*ours = server_of(ssl)->opt.alpn;
	size_t		 len = strlen(ours);
	unsigned int	 i;

	(void)arg;
	for (i = 0; i < inlen; i += 1U + in[i]) {
		if (in[i] != len || memcmp(in + i + 1, ours, len) != 0)
			continue;
		*out = in + i + 1;
		*outlen = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/*
 * Any certificate will do: whose it is says its fingerprint.  A ticket would
 * hold all of it, and outlive what authd thinks of it.
 */
static int
use_client(X509_STORE_CTX *x, void *arg)
{
	SSL	*ssl;

	(void)arg;
	ssl = X509_STORE_CTX_get_ex_data(x,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	SSL_set_num_tickets(ssl, 0);
	X509_STORE_CTX_set_error(x, X509_V_OK);
	return 1;
}

static void
set_callbacks(const struct tls_server *s, SSL_CTX *c)
{
	SSL_CTX_set_client_hello_cb(c, use_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(c, use_name);
	SSL_CTX_set_cert_cb(c, use_version, NULL);
	SSL_CTX_set_tlsext_status_cb(c, use_ocsp);
	if (s->opt.alpn != NULL)
		SSL_CTX_set_alpn_select_cb(c, use_alpn, NULL);
	if (!s->opt.client_certificates)
		return;
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c, use_client, NULL);
	SSL_CTX_set_max_cert_list(c, CLIENT_CHAIN);
}

/* 0, or -1 */
static int
set_suites(const struct tls_server *s, SSL_CTX *c)
{
	/* OpenSSL's macros cast const away, which clang complains of. */
	static char	 groups[] = GROUPS, schemes[] = SCHEMES;
	static char	 schemes_client[] = SCHEMES_CLIENT;

	if (SSL_CTX_set_min_proto_version(c, s->opt.v13_only ?
	    TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c, 0) != 1 ||
	    SSL_CTX_set_cipher_list(c, CIPHERS) != 1 ||
	    SSL_CTX_set_ciphersuites(c, SUITES) != 1 ||
	    SSL_CTX_set1_groups_list(c, groups) != 1 ||
	    SSL_CTX_set1_sigalgs_list(c, schemes) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(c, schemes_client) != 1)
		return -1;
	SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	return 0;
}

SSL_CTX *
tls_server_make_ctx(struct tls_server *s)
{
	SSL_CTX		*c;
	const char	*context = s->opt.context;

	if ((c = SSL_CTX_new(TLS_server_method())) == NULL)
		return NULL;
	SSL_CTX_set_app_data(c, s);
	tls_set_modes(c);
	/* The chain is what the file says, not what could be found for it. */
	SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);
	set_callbacks(s, c);
	if (set_suites(s, c) == -1 || SSL_CTX_set_session_id_context(c,
	    (const unsigned char *)context, (unsigned int)strlen(context)) !=
	    1 || tls_server_use_tickets(s, c) == -1) {
		SSL_CTX_free(c);
		return NULL;
	}
	return c;
}

/* 0, or -1 */
static int
add_certificate(SSL_CTX *c, const struct tls_host *h)
{
	STACK_OF(X509)	*chain;
	size_t		 i;
	int		 ok;

	if ((chain = sk_X509_new_null()) == NULL)
		return -1;
	for (i = 1; i < h->cert->nchain; i++)
		if (sk_X509_push(chain, h->cert->chain[i]) == 0)
			break;
	ok = i >= h->cert->nchain && SSL_CTX_use_cert_and_key(c,
	    h->cert->chain[0], h->key, chain, 1) == 1;
	sk_X509_free(chain);
	return ok ? 0 : -1;
}

int
tls_server_make_set(struct tls_server *s, struct tls_host_set *set)
{
	size_t	 i;

	if ((set->ctx = tls_server_make_ctx(s)) == NULL)
		return -1;
	for (i = 0; i < TLS_KEY_TYPES; i++)
		if (set->host[i] != TLS_NO_HOST &&
		    add_certificate(set->ctx, &s->host[set->host[i]]) == -1)
			return -1;
	return 0;
}
