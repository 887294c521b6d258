/* Contract in tls_client.h: what all connections share, and explanations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "lib/base/file_stamp.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_client_parts.h"

/*
 * For hosts whose certificate is unchecked or vouched for by DANE.  Some of
 * them know no forward secrecy, and clear text would be the alternative.
 */
#define CIPHERS		"HIGH:!aNULL:!PSK:!SRP:!DSS:!ARIA:!CAMELLIA:@SECLEVEL=1"

/* OpenSSL's words that say little to the one who reads a bounce. */
static const struct tls_reason	 reasons[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, "the answer is not TLS" },
	{ SSL_R_HTTP_REQUEST, "the answer is not TLS" },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, "the answer is not TLS" },
	{ SSL_R_RECORD_LENGTH_MISMATCH, "the answer is not TLS" },
	{ SSL_R_UNSUPPORTED_PROTOCOL,
	    "no TLS version in common: the host has none from 1.2 on" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
	    "no TLS version in common: the host has none from 1.2 on" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
	    "the host refused: no cipher in common, or it wants a certificate" },
	{ SSL_R_DH_KEY_TOO_SMALL, "the host's Diffie-Hellman key is too small" },
	{ SSL_R_EE_KEY_TOO_SMALL, "the host's key is too small" },
};

void
tls_client_explain(const char *what, char text[TLS_TEXT])
{
	tls_explain(what, reasons, sizeof(reasons) / sizeof(reasons[0]), text);
}

/* Where the result does not matter, the work of checking is not done either. */
static int
ctx_check(X509_STORE_CTX *x, void *arg)
{
	SSL	*ssl;

	(void)arg;
	ssl = X509_STORE_CTX_get_ex_data(x,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE)
		return 1;
	return X509_verify_cert(x);
}

static int
ctx_set_up(struct tls_client_ctx *c)
{
	c->ssl = SSL_CTX_new(TLS_client_method());
	if (c->ssl == NULL ||
	    SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c->ssl, 0) != 1 ||
	    SSL_CTX_set_cipher_list(c->ssl, CIPHERS) != 1 ||
	    SSL_CTX_dane_enable(c->ssl) != 1)
		return -1;
	tls_set_modes(c->ssl);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_TICKET);
	SSL_CTX_set_cert_verify_callback(c->ssl, ctx_check, NULL);
	return 0;
}

struct tls_client_ctx *
tls_client_ctx_new(const char *ca_path, char error[TLS_TEXT])
{
	struct tls_client_ctx	*c = xcalloc(1, sizeof(*c));

	error[0] = '\0';
	c->ca_path = xstrdup(ca_path);
	ERR_clear_error();
	if (ctx_set_up(c) == -1) {
		tls_client_explain("TLS cannot be set up", error);
		tls_client_ctx_free(c);
		return NULL;
	}
	return c;
}

void
tls_client_ctx_free(struct tls_client_ctx *c)
{
	if (c == NULL)
		return;
	X509_STORE_free(c->ca);
	SSL_CTX_free(c->ssl);
	free(c->ca_path);
	free(c);
}

int
tls_client_ca(struct tls_client_ctx *c, char text[TLS_TEXT])
{
	struct stat	 st;
	X509_STORE	*store;
	int		 ok;

	if (stat(c->ca_path, &st) == -1) {
		snprintf(text, TLS_TEXT, "CA file %.150s: %s",
		    c->ca_path, strerror(errno));
		return -1;
	}
	if (c->ca != NULL && file_stamp_alike(&st, &c->ca_stat))
		return 0;
	ERR_clear_error();
	if ((store = X509_STORE_new()) == NULL) {
		tls_client_explain("CA file", text);
		return -1;
	}
	ok = S_ISDIR(st.st_mode) ? X509_STORE_load_path(store, c->ca_path) :
	    X509_STORE_load_file(store, c->ca_path);
	if (ok != 1) {
		snprintf(text, TLS_TEXT,
		    "CA file %.150s: no certificates could be read from it",
		    c->ca_path);
		ERR_clear_error();
		X509_STORE_free(store);
		return -1;
	}
	X509_STORE_free(c->ca);
	c->ca = store;
	c->ca_stat = st;
	return 0;
}

/* A ClientHello into memory: keys, random numbers and tables get used once. */
static void
ctx_rehearse(struct tls_client_ctx *c)
{
	SSL	*ssl;
	BIO	*in, *out;

	ssl = SSL_new(c->ssl);
	in = BIO_new(BIO_s_mem());
	out = BIO_new(BIO_s_mem());
	if (ssl != NULL && in != NULL && out != NULL) {
		BIO_set_mem_eof_return(in, -1);
		SSL_set_bio(ssl, in, out);
		(void)SSL_connect(ssl);
	} else {
		BIO_free(in);
		BIO_free(out);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

int
tls_client_ctx_warm(struct tls_client_ctx *c, bool ca,
    char error[TLS_TEXT])
{
	error[0] = '\0';
	ctx_rehearse(c);
	return ca ? tls_client_ca(c, error) : 0;
}
