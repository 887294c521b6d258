/* Contract in tls_client.h. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
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
tls_prepare(struct tls_client_ctx *c, struct tls_client *t,
    const struct tls_client_peer *p, struct tls_client_info *info)
{
	char	 host[NAME_SIZE];
	BIO	*bio;
	int	 rc = 0;

	if (p->check == TLS_CLIENT_CHAIN && tls_client_ca(c, info->error) == -1)
		return -1;
	ERR_clear_error();
	if ((t->ssl = SSL_new(c->ssl)) == NULL ||
	    (bio = tls_client_bio_new(c->bio, t)) == NULL)
		goto fail;
	SSL_set_bio(t->ssl, bio, bio);
	if (plain_name(p->host, host) && !is_address(host) &&
	    SSL_set_tlsext_host_name(t->ssl, host) != 1)
		goto fail;
	switch (p->check) {
	case TLS_CLIENT_ANY:
		/* We never renegotiate, so that hole is none of ours. */
		SSL_set_options(t->ssl, SSL_OP_LEGACY_SERVER_CONNECT);
		break;
	case TLS_CLIENT_CHAIN:
		rc = expect_chain(c, t->ssl, p);
		break;
	case TLS_CLIENT_DANE:
		rc = expect_dane(t->ssl, p, info);
		break;
	}
	if (rc == 0)
		return 0;
fail:
	tls_client_explain("TLS cannot be set up", info->error);
	return -1;
}

/* Why SSL_connect failed for good. */
static enum tls_client_status
tls_refused(struct tls_client *t, int ssl_error, char text[TLS_CLIENT_TEXT])
{
	long	 verify = SSL_get_verify_result(t->ssl);

	if (SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
	    verify != X509_V_OK) {
		snprintf(text, TLS_CLIENT_TEXT, "certificate refused: %s",
		    X509_verify_cert_error_string(verify));
		return TLS_CLIENT_UNTRUSTED;
	}
	if (t->error != 0 && ssl_error == SSL_ERROR_SYSCALL) {
		snprintf(text, TLS_CLIENT_TEXT, "TLS handshake: %s",
		    strerror(t->error));
		return TLS_CLIENT_CLOSED;
	}
	if (t->eof) {
		snprintf(text, TLS_CLIENT_TEXT,
		    "TLS handshake: the host closed the connection");
		return TLS_CLIENT_CLOSED;
	}
	tls_client_explain("TLS handshake", text);
	return TLS_CLIENT_FAILED;
}

/* Wait for the events.  False: the deadline has passed. */
static bool
tls_wait(int fd, short events, int64_t deadline)
{
	struct pollfd	 pfd = { .fd = fd, .events = events };
	int64_t		 left;
	int		 rc;

	do {
		left = deadline - io_monotonic_ms();
		if (left <= 0)
			return false;
		rc = poll(&pfd, 1, (int)left);
	} while (rc == 0 || (rc == -1 && errno == EINTR));
	return true;
}

static enum tls_client_status
tls_handshake(struct tls_client *t, int64_t deadline,
    char text[TLS_CLIENT_TEXT])
{
	int	 rc, e;
	short	 events;

	for (;;) {
		ERR_clear_error();
		if ((rc = SSL_connect(t->ssl)) == 1)
			return TLS_CLIENT_OK;
		e = SSL_get_error(t->ssl, rc);
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			return tls_refused(t, e, text);
		events = e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		if (!tls_wait(t->fd, events, deadline)) {
			snprintf(text, TLS_CLIENT_TEXT,
			    "TLS handshake: timed out");
			return TLS_CLIENT_TIMEOUT;
		}
	}
}

/* Put what SSL_read or SSL_write could not do into errno: 0 end, -1 error. */
static ssize_t
tls_outcome(struct stream *s, struct tls_client *t)
{
	switch (SSL_get_error(t->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		s->wants = POLLIN;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		s->wants = POLLOUT;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		t->over = true;
		return 0;
	default:
		break;
	}
	t->over = t->broken = true;
	if (t->eof)
		return 0;
	if (t->error != 0) {
		snprintf(t->text, sizeof(t->text), "TLS: %s",
		    strerror(t->error));
		errno = t->error;
		return -1;
	}
	tls_client_explain("TLS", t->text);
	errno = EPROTO;
	return -1;
}

static ssize_t
tls_read(struct stream *s, void *data, size_t len)
{
	struct tls_client	*t = s->ctx;
	size_t			 n;

	if (t == NULL || t->over) {
		errno = t == NULL || t->text[0] == '\0' ? 0 : EPROTO;
		return errno == 0 ? 0 : -1;
	}
	ERR_clear_error();
	if (SSL_read_ex(t->ssl, data, len, &n) == 1)
		return (ssize_t)n;
	return tls_outcome(s, t);
}

static ssize_t
tls_write(struct stream *s, const void *data, size_t len)
{
	struct tls_client	*t = s->ctx;
	size_t			 n;

	if (t == NULL || t->broken) {
		errno = EPIPE;
		return -1;
	}
	ERR_clear_error();
	if (SSL_write_ex(t->ssl, data, len, &n) == 1)
		return (ssize_t)n;
	if (tls_outcome(s, t) == 0)
		errno = EPIPE;
	return -1;
}

static bool
tls_pending(struct stream *s)
{
	const struct tls_client	*t = s->ctx;

	return t == NULL || t->over || SSL_pending(t->ssl) > 0;
}

static void
tls_describe(struct tls_client *t, const struct tls_client_peer *p,
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
	struct tls_client	*t;
	enum tls_client_status	 st;
	int64_t			 deadline;

	memset(info, 0, sizeof(*info));
	assert(!tls_client_on(s));
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
	t = xcalloc(1, sizeof(*t));
	t->fd = s->rfd;
	deadline = io_monotonic_ms() + p->handshake_ms;
	if (s->total != 0 && s->total < deadline)
		deadline = s->total;
	st = tls_prepare(c, t, p, info) == -1 ? TLS_CLIENT_LOCAL :
	    tls_handshake(t, deadline, info->error);
	if (st != TLS_CLIENT_OK) {
		SSL_free(t->ssl);
		free(t);
		s->dead = true;
		return st;
	}
	tls_describe(t, p, info);
	s->read = tls_read;
	s->write = tls_write;
	s->pending = tls_pending;
	s->ctx = t;
	return TLS_CLIENT_OK;
}

bool
tls_client_on(const struct stream *s)
{
	return s->read == tls_read && s->ctx != NULL;
}

void
tls_client_drop(struct stream *s)
{
	struct tls_client	*t;

	if (!tls_client_on(s))
		return;
	t = s->ctx;
	/* The hooks stay: nothing may go out in clear after this. */
	s->ctx = NULL;
	s->dead = true;
	s->in_pos = s->in_len = 0;
	SSL_free(t->ssl);
	free(t);
	ERR_clear_error();
}

void
tls_client_stop(struct stream *s, int wait_ms)
{
	struct tls_client	*t;
	int64_t			 deadline = io_monotonic_ms() + wait_ms;
	int			 rc;

	if (!tls_client_on(s))
		return;
	t = s->ctx;
	stream_set_idle(s, wait_ms);
	if (stream_flush(s) == STREAM_OK && !t->broken) {
		do {
			ERR_clear_error();
			rc = SSL_shutdown(t->ssl);
		} while (rc < 0 &&
		    SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_WRITE &&
		    tls_wait(t->fd, POLLOUT, deadline));
	}
	tls_client_drop(s);
}

const char *
tls_client_error(const struct stream *s)
{
	const struct tls_client	*t = s->ctx;

	return tls_client_on(s) ? t->text : "";
}

/* RFC 5929 4.1: MD5 and SHA-1 give way to SHA-256. */
static size_t
binding_end_point(SSL *ssl, unsigned char *out)
{
	X509		*cert = SSL_get0_peer_certificate(ssl);
	unsigned int	 len = 0;
	int		 nid;

	if (cert == NULL || X509_get_signature_info(cert, &nid, NULL, NULL,
	    NULL) != 1)
		return 0;
	if (nid == NID_undef)		/* Ed25519 and its like: no hash */
		return 0;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	if (X509_digest(cert, EVP_get_digestbynid(nid), out, &len) != 1)
		return 0;
	return len;
}

size_t
tls_client_binding(const struct stream *s, enum tls_client_binding kind,
    unsigned char out[TLS_CLIENT_BINDING])
{
	static const char	 label[] = "EXPORTER-Channel-Binding";
	struct tls_client	*t = s->ctx;
	bool			 v13;
	size_t			 len = 0;

	if (!tls_client_on(s))
		return 0;
	v13 = SSL_version(t->ssl) >= TLS1_3_VERSION;
	switch (kind) {
	case TLS_CLIENT_EXPORTER:
		if (v13 && SSL_export_keying_material(t->ssl, out, 32, label,
		    sizeof(label) - 1, NULL, 0, 0) == 1)
			len = 32;
		break;
	case TLS_CLIENT_UNIQUE:
		/* We never resume, so the first Finished was ours. */
		if (!v13 && SSL_get_extms_support(t->ssl) == 1)
			len = SSL_get_finished(t->ssl, out,
			    TLS_CLIENT_BINDING);
		break;
	case TLS_CLIENT_END_POINT:
		len = binding_end_point(t->ssl, out);
		break;
	}
	ERR_clear_error();
	return len <= TLS_CLIENT_BINDING ? len : 0;
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
