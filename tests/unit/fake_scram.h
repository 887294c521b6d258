/*
 * What sasl_server asks of others, made here: an authd that knows one user's
 * password and does SCRAM as RFC 5802 3 says, and a TLS stream's bindings.  The
 * program's own functions go before those in the library.
 */
#ifndef TESTS_UNIT_FAKE_SCRAM_H
#define TESTS_UNIT_FAKE_SCRAM_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/base64.h"
#include "lib/net/proto_auth.h"
#include "lib/net/tls_stream.h"

static struct fake {
	bool			 tls;
	size_t			 exporter, end_point, unique;
	bool			 later;		/* authd is too busy */
	bool			 gone;		/* it cannot be asked */
	enum auth_verdict	 verdict;	/* OK: by the proof */
	const char		*nonce, *salt;	/* server's, base 64 */
	struct auth_scram	 scram;		/* last asked */
	struct auth_check	 check;
	unsigned int		 scrams, checks;
	char			 first[AUTH_MESSAGE_MAX + 1];
} fake;

bool
tls_on(const struct stream *s)
{
	(void)s;
	return fake.tls;
}

size_t
tls_binding(const struct stream *s, enum tls_binding kind,
    unsigned char out[TLS_BINDING])
{
	size_t	 i, len = 0;

	(void)s;
	switch (kind) {
	case TLS_EXPORTER:
		len = fake.exporter;
		break;
	case TLS_UNIQUE:
		len = fake.unique;
		break;
	case TLS_END_POINT:
		len = fake.end_point;
		break;
	}
	for (i = 0; i < len; i++)
		out[i] = (unsigned char)(i + kind * 64);
	return len;
}

int
auth_client_scram(struct auth_client *c, const struct auth_scram *s,
    struct auth_scram_first *first)
{
	(void)c;
	fake.scrams++;
	fake.scram = *s;
	memset(first, 0, sizeof(*first));
	if (fake.gone)
		return -1;
	if ((first->later = fake.later))
		return 0;
	snprintf(first->exchange, sizeof(first->exchange), "%032x",
	    fake.scrams);
	snprintf(first->message, sizeof(first->message),
	    "r=%s%s,s=%s,i=4096", s->nonce, fake.nonce, fake.salt);
	snprintf(fake.first, sizeof(fake.first), "%s", first->message);
	return 0;
}

static void
fake_hmac(const EVP_MD *md, const unsigned char *key, const char *text,
    unsigned char *out)
{
	unsigned int	 len;

	HMAC(md, key, EVP_MD_size(md), (const unsigned char *)text,
	    strlen(text), out, &len);
}

static void
fake_base64(const unsigned char *in, size_t len, char *out, size_t size)
{
	struct buf	 b;

	buf_init(&b, size - 1);
	base64_encode((struct slice){ (const char *)in, len }, &b);
	snprintf(out, size, "%s", buf_cstr(&b));
	buf_free(&b);
}

/* The proof and the signature that belong to the exchange. */
static void
fake_scram(const struct auth_check *c, char *proof, char *signature,
    size_t size)
{
	const EVP_MD	*md = strcmp(fake.scram.hash, "SHA-1") == 0 ?
			    EVP_sha1() : EVP_sha256();
	size_t		 n = (size_t)EVP_MD_size(md), i;
	unsigned char	 salted[64], client[64], stored[64], server[64],
			 sig[64];
	struct buf	 salt;
	char		 text[3 * AUTH_MESSAGE_MAX + 3];

	buf_init(&salt, 64);
	base64_decode(slice_str(fake.salt), &salt);
	PKCS5_PBKDF2_HMAC("pencil", 6, (const unsigned char *)salt.ptr,
	    (int)salt.len, 4096, md, (int)n, salted);
	buf_free(&salt);
	fake_hmac(md, salted, "Client Key", client);
	fake_hmac(md, salted, "Server Key", server);
	EVP_Digest(client, n, stored, NULL, md, NULL);
	snprintf(text, sizeof(text), "%s,%s,%s", c->first, fake.first,
	    c->last);
	fake_hmac(md, stored, text, sig);
	for (i = 0; i < n; i++)
		client[i] ^= sig[i];
	fake_base64(client, n, proof, size);
	fake_hmac(md, server, text, sig);
	fake_base64(sig, n, signature, size);
}

int
auth_client_check(struct auth_client *ac, const struct auth_check *c,
    struct auth_answer *a)
{
	char	 proof[96];

	(void)ac;
	fake.checks++;
	fake.check = *c;
	memset(a, 0, sizeof(*a));
	a->verdict = AUTH_LATER;
	if (fake.gone)
		return -1;
	a->verdict = fake.verdict;
	if (fake.verdict != AUTH_OK)
		return 0;
	fake_scram(c, proof, a->signature, sizeof(a->signature));
	if (strcmp(proof, c->secret) != 0) {
		memset(a, 0, sizeof(*a));
		a->verdict = AUTH_BAD;
		return 0;
	}
	snprintf(a->user, sizeof(a->user), "%.200s@example.org", c->user);
	snprintf(a->pass, sizeof(a->pass), "%032x", 0xabcdef);
	return 0;
}

#endif
