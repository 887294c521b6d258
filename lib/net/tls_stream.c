/* Contract in tls_stream.h and tls_stream_parts.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_stream_parts.h"

struct tls *
tls_new(SSL_CTX *ctx, int fd)
{
	struct tls	*t = xcalloc(1, sizeof(*t));
	BIO		*bio;

	t->fd = fd;
	ERR_clear_error();
	if ((t->ssl = SSL_new(ctx)) == NULL ||
	    (bio = tls_bio_new(t)) == NULL) {
		tls_free(t);
		return NULL;
	}
	SSL_set_bio(t->ssl, bio, bio);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

void
tls_set_modes(SSL_CTX *ctx)
{
	/* What was read may be a password: no copy stays in a buffer. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/*
	 * Else a peer that sends nothing but tickets or key updates keeps us in
	 * one SSL_read, where no deadline is looked at.
	 */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	/* One recv(2) for a record, not one for its head and one for it. */
	SSL_CTX_set_read_ahead(ctx, 1);
}

void
tls_explain(const char *what, const struct tls_reason *reasons, size_t n,
    char text[TLS_TEXT])
{
	unsigned long	 e = ERR_peek_error();
	const char	*why = NULL;
	size_t		 i;

	if (e != 0 && ERR_GET_LIB(e) == ERR_LIB_SSL) {
		for (i = 0; i < n; i++)
			if (reasons[i].code == ERR_GET_REASON(e))
				why = reasons[i].text;
	}
	if (why == NULL && e != 0)
		why = ERR_reason_error_string(e);
	snprintf(text, TLS_TEXT, "%s: %s", what,
	    why != NULL ? why : "unknown error");
	ERR_clear_error();
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

/* Why a handshake failed for good. */
static enum tls_shaken
tls_refused(const struct tls *t, int ssl_error, char text[TLS_TEXT])
{
	if (t->error != 0 && ssl_error == SSL_ERROR_SYSCALL) {
		snprintf(text, TLS_TEXT, "TLS handshake: %s",
		    strerror(t->error));
		return TLS_SHAKE_CLOSED;
	}
	if (t->eof) {
		snprintf(text, TLS_TEXT,
		    "TLS handshake: the other side closed the connection");
		return TLS_SHAKE_CLOSED;
	}
	return TLS_SHAKE_REFUSED;
}

enum tls_shaken
tls_shake(struct tls *t, const struct stream *s, int64_t deadline,
    char text[TLS_TEXT])
{
	int	 rc, e;
	short	 events;

	if (s->total != 0 && s->total < deadline)
		deadline = s->total;
	for (;;) {
		ERR_clear_error();
		if ((rc = SSL_do_handshake(t->ssl)) == 1)
			return TLS_SHAKEN;
		e = SSL_get_error(t->ssl, rc);
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			return tls_refused(t, e, text);
		events = e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		if (!tls_wait(t->fd, events, deadline)) {
			snprintf(text, TLS_TEXT, "TLS handshake: timed out");
			return TLS_SHAKE_TIMEOUT;
		}
	}
}

/* Put what SSL_read or SSL_write could not do into errno: 0 end, -1 error. */
static ssize_t
tls_outcome(struct stream *s, struct tls *t)
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
	tls_explain("TLS", NULL, 0, t->text);
	errno = EPROTO;
	return -1;
}

static ssize_t
tls_read(struct stream *s, void *data, size_t len)
{
	struct tls	*t = s->ctx;
	size_t		 n;

	if (t == NULL || t->over) {
		errno = t == NULL || t->text[0] == '\0' ? 0 : EPROTO;
		return errno == 0 ? 0 : -1;
	}
	ERR_clear_error();
	t->may_wait = s->may_wait;
	t->waits = SSL_read_ex(t->ssl, data, len, &n) != 1;
	t->may_wait = false;
	return t->waits ? tls_outcome(s, t) : (ssize_t)n;
}

static ssize_t
tls_write(struct stream *s, const void *data, size_t len)
{
	struct tls	*t = s->ctx;
	size_t		 n;

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
	const struct tls	*t = s->ctx;

	return t == NULL || t->over || SSL_pending(t->ssl) > 0 ||
	    (!t->waits && SSL_has_pending(t->ssl) == 1);
}

void
tls_attach(struct stream *s, struct tls *t)
{
	s->read = tls_read;
	s->write = tls_write;
	s->pending = tls_pending;
	s->ctx = t;
}

bool
tls_on(const struct stream *s)
{
	return s->read == tls_read && s->ctx != NULL;
}

void
tls_drop(struct stream *s)
{
	struct tls	*t;

	if (!tls_on(s))
		return;
	t = s->ctx;
	/* The hooks stay: nothing may go out in clear after this. */
	s->ctx = NULL;
	s->dead = true;
	s->in_pos = s->in_len = 0;
	tls_free(t);
	ERR_clear_error();
}

void
tls_stop(struct stream *s, int wait_ms)
{
	struct tls	*t;
	int64_t		 deadline = io_monotonic_ms() + wait_ms;
	int		 rc;

	if (!tls_on(s))
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
	tls_drop(s);
}

const char *
tls_error(const struct stream *s)
{
	const struct tls	*t = s->ctx;

	return tls_on(s) ? t->text : "";
}

/* RFC 5929 4.1: MD5 and SHA-1 give way to SHA-256. */
static size_t
binding_end_point(X509 *cert, unsigned char *out)
{
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

/*
 * The first Finished of the latest handshake (RFC 5929 3.1), which with
 * TLS 1.2 is the client's: here nothing of that is ever resumed.  Without the
 * extended master secret it is not unique (RFC 7627 1).
 */
static size_t
binding_unique(SSL *ssl, unsigned char *out)
{
	if (SSL_get_extms_support(ssl) != 1)
		return 0;
	return SSL_is_server(ssl) ? SSL_get_peer_finished(ssl, out,
	    TLS_BINDING) : SSL_get_finished(ssl, out, TLS_BINDING);
}

size_t
tls_binding(const struct stream *s, enum tls_binding kind,
    unsigned char out[TLS_BINDING])
{
	static const char	 label[] = "EXPORTER-Channel-Binding";
	const struct tls	*t = s->ctx;
	bool			 v13;
	size_t			 len = 0;

	if (!tls_on(s))
		return 0;
	v13 = SSL_version(t->ssl) >= TLS1_3_VERSION;
	switch (kind) {
	case TLS_EXPORTER:
		if (v13 && SSL_export_keying_material(t->ssl, out, 32, label,
		    sizeof(label) - 1, NULL, 0, 0) == 1)
			len = 32;
		break;
	case TLS_UNIQUE:
		if (!v13)
			len = binding_unique(t->ssl, out);
		break;
	case TLS_END_POINT:
		len = binding_end_point(SSL_is_server(t->ssl) ? t->own :
		    SSL_get0_peer_certificate(t->ssl), out);
		break;
	}
	ERR_clear_error();
	return len <= TLS_BINDING ? len : 0;
}
