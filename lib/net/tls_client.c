/* Contract in tls_client.h. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "lib/base/io.h"
#include "lib/net/proto_resolver.h"
#include "lib/net/tls_client_parts.h"

/* Mozilla's intermediate list for TLS 1.2, for checked chains. */
#define CIPHERS_CHAIN	"ECDHE-ECDSA-AES128-GCM-SHA256:" \
	"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:" \
	"ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:" \
	"DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:@SECLEVEL=2"

#define NAME_SIZE	256

/* RFC 7218 */
enum { DANE_TA = 2, DANE_EE = 3 };

static bool
is_address(const char *name)
{
	struct in6_addr	 a;

	return inet_pton(AF_INET, name, &a) == 1 ||
	    inet_pton(AF_INET6, name, &a) == 1;
}

/* Without the final dot of a full name.  False: empty or too long. */
static bool
plain_name(const char *name, char out[NAME_SIZE])
{
	size_t	 len = name == NULL ? 0 : strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= NAME_SIZE)
		return false;
	memcpy(out, name, len);
	out[len] = '\0';
	return true;
}

/*
 * Names a certificate may have.  X509_check_ip and _host are both asked for
 * when both are set, so an address counts only alone.  -1: there is none.
 */
static int
expect_names(SSL *ssl, const struct tls_client_peer *p)
{
	X509_VERIFY_PARAM	*param = SSL_get0_param(ssl);
	char			 name[NAME_SIZE];
	size_t			 i, hosts = 0;
	int			 ip = 0;

	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (i = 0; i < p->nname + 1; i++) {
		if (i == p->nname && p->nname > 0 &&
		    p->check == TLS_CLIENT_CHAIN)
			break;
		if (!plain_name(i < p->nname ? p->name[i] : p->host, name))
			continue;
		if (is_address(name))
			ip = p->check == TLS_CLIENT_CHAIN ?
			    X509_VERIFY_PARAM_set1_ip_asc(param, name) : 0;
		else if (X509_VERIFY_PARAM_add1_host(param, name, 0) != 1)
			return -1;
		else
			hosts++;
	}
	if (hosts > 0 && ip)
		X509_VERIFY_PARAM_set1_ip(param, NULL, 0);
	return hosts > 0 || ip ? 0 : -1;
}

/* Records used, or -1: no memory. */
static int
dane_records(SSL *ssl, const struct tls_client_peer *p)
{
	const struct resolver_tlsa	*r;
	size_t				 i;
	int				 rc, n = 0;

	for (i = 0; i < p->ntlsa; i++) {
		r = &p->tlsa[i];
		/* RFC 7672 3.1.3: PKIX-TA and PKIX-EE are not for SMTP. */
		if (r->usage != DANE_TA && r->usage != DANE_EE)
			continue;
		rc = SSL_dane_tlsa_add(ssl, r->usage, r->selector,
		    r->matching, r->data, r->len);
		if (rc < 0)
			return -1;
		n += rc > 0;
	}
	ERR_clear_error();	/* a malformed record leaves its complaint */
	return n;
}

static int
expect_dane(SSL *ssl, const struct tls_client_peer *p,
    struct tls_client_info *info)
{
	char	 host[NAME_SIZE];
	int	 n;

	if (!plain_name(p->host, host) || is_address(host) ||
	    SSL_dane_enable(ssl, host) != 1 ||
	    (n = dane_records(ssl, p)) == -1)
		return -1;
	if (n == 0) {
		info->tlsa_unusable = true;
		return 0;
	}
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return expect_names(ssl, p);
}

static int
expect_chain(struct tls_client_ctx *c, SSL *ssl,
    const struct tls_client_peer *p)
{
	if (SSL_set_cipher_list(ssl, CIPHERS_CHAIN) != 1 ||
	    SSL_set1_verify_cert_store(ssl, c->ca) != 1)
		return -1;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return expect_names(ssl, p);
}

/* All of a connection's settings.  0, or -1 with text. */
static int
tls_prepare(struct tls_client_ctx *c, SSL *ssl,
    const struct tls_client_peer *p, struct tls_client_info *info)
{
	char	 host[NAME_SIZE];
	int	 rc = 0;

	if (p->check == TLS_CLIENT_CHAIN && tls_client_ca(c, info->error) == -1)
		return -1;
	ERR_clear_error();
	SSL_set_connect_state(ssl);
	if (plain_name(p->host, host) && !is_address(host) &&
	    SSL_set_tlsext_host_name(ssl, host) != 1)
		goto fail;
	switch (p->check) {
	case TLS_CLIENT_ANY:
		/* We never renegotiate, so that hole is none of ours. */
		SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
		break;
	case TLS_CLIENT_CHAIN:
		rc = expect_chain(c, ssl, p);
		break;
	case TLS_CLIENT_DANE:
		rc = expect_dane(ssl, p, info);
		break;
	}
	if (rc == 0)
		return 0;
fail:
	tls_client_explain("TLS cannot be set up", info->error);
	return -1;
}

static enum tls_client_status
tls_handshake(struct tls *t, const struct stream *s, int handshake_ms,
    char text[TLS_TEXT])
{
	enum tls_shaken	 how;
	long		 verify;

	how = tls_shake(t, s, io_monotonic_ms() + handshake_ms, text);
	verify = SSL_get_verify_result(t->ssl);
	if (how != TLS_SHAKEN && how != TLS_SHAKE_TIMEOUT &&
	    SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
	    verify != X509_V_OK) {
		snprintf(text, TLS_TEXT, "certificate refused: %s",
		    X509_verify_cert_error_string(verify));
		return TLS_CLIENT_UNTRUSTED;
	}
	switch (how) {
	case TLS_SHAKEN:
		return TLS_CLIENT_OK;
	case TLS_SHAKE_TIMEOUT:
		return TLS_CLIENT_TIMEOUT;
	case TLS_SHAKE_CLOSED:
		return TLS_CLIENT_CLOSED;
	case TLS_SHAKE_REFUSED:
		break;
	}
	tls_client_explain("TLS handshake", text);
	return TLS_CLIENT_FAILED;
}

static void
tls_describe(const struct tls *t, const struct tls_client_peer *p,
    struct tls_client_info *info)
{
	snprintf(info->version, sizeof(info->version), "%s",
	    SSL_get_version(t->ssl));
	snprintf(info->cipher, sizeof(info->cipher), "%s",
	    SSL_get_cipher_name(t->ssl));
	if (SSL_get_verify_mode(t->ssl) == SSL_VERIFY_NONE)
		return;
	info->verified = p->check == TLS_CLIENT_DANE ? TLS_CLIENT_BY_DANE :
	    TLS_CLIENT_BY_CHAIN;
}

enum tls_client_status
tls_client_start(struct tls_client_ctx *c, struct stream *s,
    const struct tls_client_peer *p, struct tls_client_info *info)
{
	struct tls		*t;
	enum tls_client_status	 st = TLS_CLIENT_LOCAL;

	memset(info, 0, sizeof(*info));
	assert(!tls_on(s));
	if (stream_pending(s).len > 0) {
		snprintf(info->error, sizeof(info->error),
		    "octets in clear behind the reply to STARTTLS");
		return TLS_CLIENT_INJECTED;
	}
	if (stream_flush(s) != STREAM_OK) {
		snprintf(info->error, sizeof(info->error),
		    "TLS handshake: the host closed the connection");
		return TLS_CLIENT_CLOSED;
	}
	if ((t = tls_new(c->ssl, s->rfd)) == NULL)
		tls_client_explain("TLS cannot be set up", info->error);
	else if (tls_prepare(c, t->ssl, p, info) == 0)
		st = tls_handshake(t, s, p->handshake_ms, info->error);
	if (st != TLS_CLIENT_OK) {
		tls_free(t);
		s->dead = true;
		return st;
	}
	tls_describe(t, p, info);
	tls_attach(s, t);
	return TLS_CLIENT_OK;
}

const char *
tls_client_status_name(enum tls_client_status st)
{
	switch (st) {
	case TLS_CLIENT_OK:		return "ok";
	case TLS_CLIENT_INJECTED:	return "injected";
	case TLS_CLIENT_TIMEOUT:	return "timeout";
	case TLS_CLIENT_CLOSED:		return "closed";
	case TLS_CLIENT_FAILED:		return "failed";
	case TLS_CLIENT_UNTRUSTED:	return "untrusted";
	case TLS_CLIENT_LOCAL:		return "local";
	}
	return "?";
}

const char *
tls_client_verified_name(enum tls_client_verified v)
{
	switch (v) {
	case TLS_CLIENT_UNVERIFIED:	return "unverified";
	case TLS_CLIENT_BY_CHAIN:	return "chain";
	case TLS_CLIENT_BY_DANE:	return "dane";
	}
	return "?";
}
