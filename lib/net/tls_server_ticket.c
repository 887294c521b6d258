/*
 * Session tickets of TLS 1.3 (RFC 8446 4.6.1), sealed with AES-256-CBC and
 * HMAC-SHA-256 under keys that keyd lends.  A ticket also says which
 * certificate the session began with: channel bindings need it, and a client
 * that asks for a name is not given the session of another.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "lib/base/io.h"
#include "lib/net/tls_server_parts.h"

static struct tls_server *
server_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static void
wipe(struct key_ticket *k)
{
	explicit_bzero(k, sizeof(*k));
}

static void
keep(struct tls_server *s, const struct key_ticket *k)
{
	int64_t	 now = io_monotonic_ms();

	s->ticket = *k;
	s->ticket_fresh = now + (int64_t)k->fresh * 1000;
	s->ticket_good = now + (int64_t)k->left * 1000;
}

bool
tls_server_has_ticket(const struct tls_server *s)
{
	return s->ticket.known && io_monotonic_ms() < s->ticket_fresh;
}

/* The key for new tickets, NULL: there is none. */
static const struct key_ticket *
new_key(struct tls_server *s)
{
	struct key_ticket	 k;
	bool			 good;

	if (tls_server_has_ticket(s))
		return &s->ticket;
	wipe(&s->ticket);
	good = s->keys.ticket(s->keys.arg, NULL, &k) == 0 && k.known &&
	    k.fresh > 0;
	if (good)
		keep(s, &k);
	wipe(&k);
	return good ? &s->ticket : NULL;
}

/* The key of that name into *out, which the caller wipes. */
static bool
old_key(struct tls_server *s, const unsigned char *name,
    struct key_ticket *out)
{
	if (s->ticket.known && io_monotonic_ms() < s->ticket_good &&
	    memcmp(s->ticket.name, name, sizeof(s->ticket.name)) == 0) {
		*out = s->ticket;
		return true;
	}
	if (s->keys.ticket(s->keys.arg, name, out) == -1 || !out->known ||
	    out->left == 0 ||
	    memcmp(out->name, name, sizeof(out->name)) != 0)
		return false;
	/* Most often it is the one that the next ticket needs. */
	if (out->fresh > 0)
		keep(s, out);
	return true;
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct key_ticket *k)
{
	unsigned char	 key[KEY_TICKET_HMAC];
	char		 sha256[] = "SHA256";
	OSSL_PARAM	 params[3];
	bool		 ok;

	memcpy(key, k->hmac, sizeof(key));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key,
	    sizeof(key));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    sha256, 0);
	params[2] = OSSL_PARAM_construct_end();
	ok = EVP_MAC_CTX_set_params(mac, params) == 1;
	explicit_bzero(key, sizeof(key));
	return ok;
}

static int
seal(struct tls_server *s, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *c, EVP_MAC_CTX *mac)
{
	const struct key_ticket	*k;

	if ((k = new_key(s)) == NULL)
		return 0;
	memcpy(name, k->name, sizeof(k->name));
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(s->cipher)) != 1 ||
	    EVP_EncryptInit_ex2(c, s->cipher, k->aes, iv, NULL) != 1 ||
	    !set_mac(mac, k))
		return -1;
	return 1;
}

static int
unseal(struct tls_server *s, const unsigned char *name,
    const unsigned char *iv, EVP_CIPHER_CTX *c, EVP_MAC_CTX *mac)
{
	struct key_ticket	 k;
	int			 rc = 0;

	if (old_key(s, name, &k))
		rc = EVP_DecryptInit_ex2(c, s->cipher, k.aes, iv, NULL) == 1 &&
		    set_mac(mac, &k) ? 2 : -1;
	wipe(&k);
	return rc;
}

/* 0: no ticket, or not that one; 2: it is good, and wants a successor. */
static int
ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *c,
    EVP_MAC_CTX *mac, int enc)
{
	struct tls_server	*s = server_of(ssl);
	struct tls		*t = SSL_get_app_data(ssl);

	if (SSL_version(ssl) < TLS1_3_VERSION)
		return 0;
	if (enc == 0)
		return unseal(s, name, iv, c, mac);
	/* The client does not wait for it: it goes with our next words. */
	if (t != NULL)
		t->more = true;
	return seal(s, name, iv, c, mac);
}

/* Before a ticket is made.  A resumed session has the mark it came with. */
static int
write_mark(SSL *ssl, void *arg)
{
	const struct tls_host	*h;

	(void)arg;
	if (SSL_session_reused(ssl))
		return 1;
	h = tls_server_host(server_of(ssl), SSL_get_certificate(ssl));
	/* An unknown one is that of the rehearsal. */
	return h == NULL || SSL_SESSION_set1_ticket_appdata(
	    SSL_get_session(ssl), h->mark, sizeof(h->mark)) == 1;
}

static const struct tls_host *
marked_host(const struct tls_server *s, SSL_SESSION *session)
{
	void	*mark;
	size_t	 i, len;

	if (SSL_SESSION_get0_ticket_appdata(session, &mark, &len) != 1 ||
	    len != TLS_MARK)
		return NULL;
	for (i = 0; i < s->nhost; i++)
		if (memcmp(s->host[i].mark, mark, TLS_MARK) == 0)
			return &s->host[i];
	return NULL;
}

/* A good ticket: is its certificate one that the client would get today? */
static bool
read_mark(SSL *ssl, SSL_SESSION *session)
{
	const struct tls_server	*s = server_of(ssl);
	const struct tls_host	*h;
	struct tls		*t = SSL_get_app_data(ssl);

	if (t == NULL || (h = marked_host(s, session)) == NULL ||
	    s->set[t->set].host[h->type] != (size_t)(h - s->host))
		return false;
	t->own = h->cert->chain[0];
	return true;
}

static SSL_TICKET_RETURN
ticket_read(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t len, SSL_TICKET_STATUS status, void *arg)
{
	(void)name;
	(void)len;
	(void)arg;
	if ((status == SSL_TICKET_SUCCESS ||
	    status == SSL_TICKET_SUCCESS_RENEW) && read_mark(ssl, session))
		return SSL_TICKET_RETURN_USE_RENEW;
	return SSL_TICKET_RETURN_IGNORE_RENEW;
}

int
tls_server_use_tickets(struct tls_server *s, SSL_CTX *c)
{
	if (!s->opt.tickets) {
		SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(c, 0) == 1 ? 0 : -1;
	}
	if (s->cipher == NULL && (s->cipher = EVP_CIPHER_fetch(NULL,
	    "AES-256-CBC", NULL)) == NULL)
		return -1;
	SSL_CTX_set_timeout(c, s->opt.ticket_life);
	/* One is used up by a session and makes the next one. */
	if (SSL_CTX_set_num_tickets(c, 1) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(c, ticket_key) != 1 ||
	    SSL_CTX_set_session_ticket_cb(c, write_mark, ticket_read, NULL) !=
	    1)
		return -1;
	return 0;
}

void
tls_server_forget_ticket(struct tls_server *s)
{
	if (!s->opt.keep_ticket_key || io_monotonic_ms() >= s->ticket_fresh)
		wipe(&s->ticket);
}
