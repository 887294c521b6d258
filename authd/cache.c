/*
 * Contract in cache.h.  Entries stand where the first octets of their code
 * point, one each: a newer one takes the place of an older, so the
 * table is bounded and needs no sweeping.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "authd/cache.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

#define ENTRIES		16384U

struct cache {
	EVP_MAC_CTX	*mac;		/* with the key */
	int64_t		 ttl;		/* milliseconds */
	struct {
		unsigned char	 code[CACHE_CODE];
		int64_t		 until;	/* 0: empty */
	}		 entry[ENTRIES];
};

struct cache *
cache_new(unsigned int ttl)
{
	struct cache	*c = xcalloc(1, sizeof(*c));
	unsigned char	 key[CACHE_CODE];
	char		 digest[] = "SHA256";
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC		*hmac;

	c->ttl = (int64_t)ttl * 1000;
	arc4random_buf(key, sizeof(key));
	if ((hmac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL ||
	    (c->mac = EVP_MAC_CTX_new(hmac)) == NULL ||
	    EVP_MAC_init(c->mac, key, sizeof(key), params) != 1)
		fatalx("event=no-hmac");
	EVP_MAC_free(hmac);
	explicit_bzero(key, sizeof(key));
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	EVP_MAC_CTX_free(c->mac);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

/* Each string with its NUL, so that no two triples run together. */
bool
cache_code(const struct cache *c, const char *user, const char *secret,
    const char *what, unsigned char code[CACHE_CODE])
{
	const char	*part[] = { user, secret, what };
	EVP_MAC_CTX	*ctx;
	size_t		 i, len = 0;
	bool		 ok;

	if (c->ttl == 0 || (ctx = EVP_MAC_CTX_dup(c->mac)) == NULL)
		return false;
	ok = true;
	for (i = 0; i < 3; i++)
		ok = ok && EVP_MAC_update(ctx, (const unsigned char *)part[i],
		    strlen(part[i]) + 1) == 1;
	ok = ok && EVP_MAC_final(ctx, code, &len, CACHE_CODE) == 1 &&
	    len == CACHE_CODE;
	EVP_MAC_CTX_free(ctx);
	return ok;
}

static size_t
cache_place(const unsigned char code[CACHE_CODE])
{
	return ((size_t)code[0] << 8 | code[1]) % ENTRIES;
}

bool
cache_has(struct cache *c, const char *user, const char *secret,
    const char *password, int64_t now)
{
	unsigned char	 code[CACHE_CODE];
	size_t		 i;

	if (!cache_code(c, user, secret, password, code))
		return false;
	i = cache_place(code);
	return c->entry[i].until > now &&
	    CRYPTO_memcmp(c->entry[i].code, code, CACHE_CODE) == 0;
}

void
cache_add(struct cache *c, const char *user, const char *secret,
    const char *password, int64_t now)
{
	unsigned char	 code[CACHE_CODE];
	size_t		 i;

	if (!cache_code(c, user, secret, password, code))
		return;
	i = cache_place(code);
	memcpy(c->entry[i].code, code, CACHE_CODE);
	c->entry[i].until = now + c->ttl;
}
