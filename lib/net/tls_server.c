/* Contract in tls_server.h: one connection. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/tls_server_parts.h"

/* OpenSSL's words that say little to the one who reads the log. */
static const struct tls_reason	 reasons[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, "the client does not speak TLS" },
	{ SSL_R_HTTP_REQUEST, "the client speaks HTTP" },
	{ SSL_R_HTTPS_PROXY_REQUEST, "the client speaks HTTP" },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, "the client does not speak TLS" },
	{ SSL_R_RECORD_LENGTH_MISMATCH, "the client does not speak TLS" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, "no TLS version in common" },
	{ SSL_R_VERSION_TOO_LOW, "no TLS version in common" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "no TLS version in common" },
	{ SSL_R_NO_SHARED_CIPHER, "no cipher suite in common" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
	    "no signature scheme in common" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, "no group in common" },
	{ SSL_R_NO_APPLICATION_PROTOCOL,
	    "the client wants another protocol (ALPN)" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA,
	    "the client does not trust the certificate's issuer" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
	    "the client refuses the certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
	    "the client refuses the certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
	    "the client says that the certificate has expired" },
};

/* Only what could be a host's name. */
static void
note_name(const SSL *ssl, struct tls_server_info *info)
{
	const char	*name;
	size_t		 i;

	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (name == NULL || strlen(name) >= sizeof(info->sni))
		return;
	for (i = 0; name[i] != '\0'; i++)
		if (!text_is_alnum(name[i]) && strchr("-_.", name[i]) == NULL)
			return;
	memcpy(info->sni, name, i + 1);
}

static void
note_client(const SSL *ssl, struct tls_server_info *info)
{
	const X509	*x = SSL_get0_peer_certificate(ssl);
	unsigned char	 digest[EVP_MAX_MD_SIZE];
	unsigned int	 i, len;

	if (x == NULL || X509_digest(x, EVP_sha256(), digest, &len) != 1)
		return;
	for (i = 0; i < len && 2 * i + 2 < sizeof(info->client); i++)
		snprintf(info->client + 2 * i, 3, "%02x", digest[i]);
}

static void
describe(struct tls *t, struct tls_server_info *info)
{
	snprintf(info->version, sizeof(info->version), "%s",
	    SSL_get_version(t->ssl));
	snprintf(info->cipher, sizeof(info->cipher), "%s",
	    SSL_get_cipher_name(t->ssl));
	info->resumed = SSL_session_reused(t->ssl) == 1;
	/* A ticket that was read need not be one that was taken. */
	if (!info->resumed)
		t->own = SSL_get_certificate(t->ssl);
	note_client(t->ssl, info);
}

static enum tls_server_status
shaken(struct tls_server *s, enum tls_shaken how, char text[TLS_TEXT])
{
	unsigned long	 e;

	switch (how) {
	case TLS_SHAKEN:
		return TLS_SERVER_OK;
	case TLS_SHAKE_TIMEOUT:
		return TLS_SERVER_TIMEOUT;
	case TLS_SHAKE_CLOSED:
	case TLS_SHAKE_REFUSED:
		break;
	}
	if (s->local[0] != '\0') {
		snprintf(text, TLS_TEXT, "TLS handshake: %.200s", s->local);
		ERR_clear_error();
		return TLS_SERVER_LOCAL;
	}
	if (how == TLS_SHAKE_CLOSED)
		return TLS_SERVER_CLOSED;
	e = ERR_peek_error();
	tls_explain("TLS handshake", reasons,
	    sizeof(reasons) / sizeof(reasons[0]), text);
	return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE ? TLS_SERVER_LOCAL :
	    TLS_SERVER_FAILED;
}

static enum tls_server_status
shake(struct tls_server *s, struct tls *t, const struct stream *st,
    int handshake_ms, struct tls_server_info *info)
{
	enum tls_server_status	 how;
	int64_t			 deadline = io_monotonic_ms() + handshake_ms;

	s->local[0] = '\0';
	s->ahead = false;
	SSL_set_app_data(t->ssl, t);
	SSL_set_accept_state(t->ssl);
	how = shaken(s, tls_shake(t, st, deadline, info->error), info->error);
	t->more = false;
	note_name(t->ssl, info);
	if (how == TLS_SERVER_OK)
		describe(t, info);
	tls_server_forget_ticket(s);
	s->keys.done(s->keys.arg);
	return how;
}

enum tls_server_status
tls_server_start(struct tls_server *s, struct stream *st, int handshake_ms,
    struct tls_server_info *info)
{
	enum tls_server_status	 how = TLS_SERVER_LOCAL;
	struct tls		*t;

	memset(info, 0, sizeof(*info));
	assert(!tls_on(st));
	s = tls_server_current(s);
	info->injected = stream_pending(st).len;
	st->in_pos = st->in_len = 0;
	if (stream_flush(st) != STREAM_OK) {
		snprintf(info->error, sizeof(info->error),
		    "TLS handshake: the other side closed the connection");
		return TLS_SERVER_CLOSED;
	}
	if ((t = tls_new(s->set[0].ctx, st->rfd)) == NULL)
		tls_explain("TLS cannot be set up", NULL, 0, info->error);
	else
		how = shake(s, t, st, handshake_ms, info);
	if (how != TLS_SERVER_OK) {
		tls_free(t);
		st->dead = true;
		return how;
	}
	tls_attach(st, t);
	return how;
}

const char *
tls_server_status_name(enum tls_server_status st)
{
	switch (st) {
	case TLS_SERVER_OK:		return "ok";
	case TLS_SERVER_TIMEOUT:	return "timeout";
	case TLS_SERVER_CLOSED:		return "closed";
	case TLS_SERVER_FAILED:		return "failed";
	case TLS_SERVER_LOCAL:		return "local";
	}
	return "?";
}
