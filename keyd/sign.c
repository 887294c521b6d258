/* Contract in sign.h. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "keyd/sign.h"

static bool
prepare(EVP_PKEY_CTX *ctx, enum key_scheme scheme, const EVP_MD *md)
{
	if (EVP_PKEY_sign_init(ctx) != 1)
		return false;
	switch (scheme) {
	case KEY_RSA_PKCS1:
		if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
			return false;
		break;
	case KEY_RSA_PSS:
		if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING)
		    != 1 || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		    RSA_PSS_SALTLEN_DIGEST) != 1)
			return false;
		break;
	case KEY_ECDSA:
		break;
	}
	return EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
}

void
sign_digest(EVP_PKEY *key, const struct key_sign *s,
    struct key_signature *out)
{
	const EVP_MD	*md = EVP_get_digestbyname(s->digest);
	EVP_PKEY_CTX	*ctx;
	size_t		 len = sizeof(out->data);

	memset(out, 0, sizeof(*out));
	if (key == NULL || md == NULL ||
	    s->len != (size_t)EVP_MD_get_size(md) ||
	    !EVP_PKEY_is_a(key, s->scheme == KEY_ECDSA ? "EC" : "RSA") ||
	    (size_t)EVP_PKEY_get_size(key) > len)
		return;
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx != NULL && prepare(ctx, s->scheme, md) &&
	    EVP_PKEY_sign(ctx, out->data, &len, s->data, s->len) == 1) {
		out->ok = true;
		out->len = len;
	}
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
}
