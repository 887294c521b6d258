/* The provider's signatures: hash here, ask for the rest. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "lib/net/tls_remote_parts.h"

struct sign_ctx {
	struct remote_key	*key;
	const EVP_MD		*md;
	const char		*name;	/* the digest's, for keyd */
	enum key_scheme		 scheme;
};

static void *
sign_new(void *prov, const char *propq)
{
	(void)prov;
	(void)propq;
	return calloc(1, sizeof(struct sign_ctx));
}

static void
sign_free(void *ctx)
{
	free(ctx);
}

static void *
sign_dup(void *ctx)
{
	struct sign_ctx	*copy = malloc(sizeof(*copy));

	if (copy != NULL)
		memcpy(copy, ctx, sizeof(*copy));
	return copy;
}

/* Only what is left of digests in TLS signatures: no SHA-1, no SHA-224. */
static int
sign_set_digest(struct sign_ctx *c, const char *mdname)
{
	if (mdname == NULL || strcasecmp(mdname, "SHA2-256") == 0 ||
	    strcasecmp(mdname, "SHA256") == 0) {
		c->md = EVP_sha256();
		c->name = "sha256";
	} else if (strcasecmp(mdname, "SHA2-384") == 0 ||
	    strcasecmp(mdname, "SHA384") == 0) {
		c->md = EVP_sha384();
		c->name = "sha384";
	} else if (strcasecmp(mdname, "SHA2-512") == 0 ||
	    strcasecmp(mdname, "SHA512") == 0) {
		c->md = EVP_sha512();
		c->name = "sha512";
	} else {
		return 0;
	}
	return 1;
}

/* A parameter that is a number or its name. */
static int
param_is(const OSSL_PARAM *p, int number, const char *name)
{
	int	 n;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return p->data != NULL &&
		    strncmp(p->data, name, p->data_size) == 0;
	return OSSL_PARAM_get_int(p, &n) == 1 && n == number;
}

static int
rsa_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct sign_ctx		*c = ctx;
	const OSSL_PARAM	*p;

	p = params == NULL ? NULL :
	    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL) {
		if (param_is(p, RSA_PKCS1_PSS_PADDING,
		    OSSL_PKEY_RSA_PAD_MODE_PSS))
			c->scheme = KEY_RSA_PSS;
		else if (param_is(p, RSA_PKCS1_PADDING,
		    OSSL_PKEY_RSA_PAD_MODE_PKCSV15))
			c->scheme = KEY_RSA_PKCS1;
		else
			return 0;
	}
	p = params == NULL ? NULL :
	    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || param_is(p, RSA_PSS_SALTLEN_DIGEST,
	    OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST);
}

static const OSSL_PARAM *
rsa_settable(void *ctx, void *prov)
{
	static const OSSL_PARAM	 list[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)prov;
	return list;
}

static int
sign_init(struct sign_ctx *c, const char *mdname, void *key,
    enum key_scheme scheme)
{
	if (key != NULL)
		c->key = key;
	c->scheme = scheme;
	return c->key != NULL && c->key->sign != NULL &&
	    sign_set_digest(c, mdname);
}

static int
rsa_init(void *ctx, const char *mdname, void *key, const OSSL_PARAM params[])
{
	return sign_init(ctx, mdname, key, KEY_RSA_PKCS1) &&
	    rsa_set_params(ctx, params);
}

static int
ecdsa_init(void *ctx, const char *mdname, void *key, const OSSL_PARAM params[])
{
	(void)params;
	return sign_init(ctx, mdname, key, KEY_ECDSA);
}

static int
sign_once(void *ctx, unsigned char *sig, size_t *len, size_t size,
    const unsigned char *data, size_t datalen)
{
	struct sign_ctx		*c = ctx;
	struct key_sign		 ask;
	struct key_signature	 got;
	unsigned int		 n;

	if (sig == NULL) {
		*len = (size_t)EVP_PKEY_get_size(c->key->pub);
		return 1;
	}
	memset(&ask, 0, sizeof(ask));
	memcpy(ask.key, c->key->id, sizeof(ask.key));
	memcpy(ask.digest, c->name, strlen(c->name) + 1);
	ask.scheme = c->scheme;
	if (EVP_Digest(data, datalen, ask.data, &n, c->md, NULL) != 1)
		return 0;
	ask.len = n;
	if (c->key->sign(c->key->arg, &ask, &got) == -1 || !got.ok ||
	    got.len > size || got.len > sizeof(got.data))
		return 0;
	memcpy(sig, got.data, got.len);
	*len = got.len;
	return 1;
}

#define FN(id, fn)	{ OSSL_FUNC_SIGNATURE_##id, (void (*)(void))fn }

const OSSL_DISPATCH	 tls_remote_rsa[] = {
	FN(NEWCTX, sign_new),
	FN(FREECTX, sign_free),
	FN(DUPCTX, sign_dup),
	FN(DIGEST_SIGN_INIT, rsa_init),
	FN(DIGEST_SIGN, sign_once),
	FN(SET_CTX_PARAMS, rsa_set_params),
	FN(SETTABLE_CTX_PARAMS, rsa_settable),
	{ 0, NULL }
};

const OSSL_DISPATCH	 tls_remote_ecdsa[] = {
	FN(NEWCTX, sign_new),
	FN(FREECTX, sign_free),
	FN(DUPCTX, sign_dup),
	FN(DIGEST_SIGN_INIT, ecdsa_init),
	FN(DIGEST_SIGN, sign_once),
	{ 0, NULL }
};
