/*
 * Contract in tls_remote_key.h.  The provider has a library context of its own
 * in which there is nothing else, so that no fetch of anybody finds it by
 * accident.  The public half is a key of the default provider.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "lib/net/tls_certificates.h"
#include "lib/net/tls_remote_parts.h"

#define PROVIDER	"merpati"
#define PROPERTIES	"provider=" PROVIDER

/* The parameter that makes a remote key: a struct remote_key. */
#define PARAM_REMOTE	"merpati-remote"

static void *
key_new(const char *type)
{
	struct remote_key	*k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->type = type;
	return k;
}

static void *
rsa_new(void *prov)
{
	(void)prov;
	return key_new("RSA");
}

static void *
ec_new(void *prov)
{
	(void)prov;
	return key_new("EC");
}

static void
key_free(void *key)
{
	struct remote_key	*k = key;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pub);
	free(k);
}

static int
key_has(const void *key, int selection)
{
	const struct remote_key	*k = key;

	if (k == NULL || k->pub == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 ||
	    k->sign != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct remote_key	*ka = a, *kb = b;

	(void)selection;
	return ka->pub != NULL && kb->pub != NULL &&
	    EVP_PKEY_eq(ka->pub, kb->pub) == 1;
}

/* A public key, which TLS makes of a certificate's to compare it with ours. */
static int
key_import_public(struct remote_key *k, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX	*ctx = NULL;
	OSSL_PARAM	*copy;
	int		 ok = 0;

	if ((copy = OSSL_PARAM_dup(params)) != NULL &&
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, k->type, NULL)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1)
		ok = EVP_PKEY_fromdata(ctx, &k->pub, EVP_PKEY_PUBLIC_KEY,
		    copy) == 1;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(copy);
	return ok;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct remote_key	*k = key;
	const struct remote_key	*from;
	const OSSL_PARAM	*p;

	(void)selection;
	if (k->pub != NULL)
		return 0;
	p = OSSL_PARAM_locate_const(params, PARAM_REMOTE);
	if (p == NULL)
		return key_import_public(k, params);
	from = p->data;
	if (p->data_size != sizeof(*from) || EVP_PKEY_up_ref(from->pub) != 1)
		return 0;
	*k = *from;
	return 1;
}

static const OSSL_PARAM *
key_import_types(int selection)
{
	static const OSSL_PARAM	 list[] = {
		OSSL_PARAM_octet_string(PARAM_REMOTE, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return list;
}

static int
key_get_params(void *key, OSSL_PARAM params[])
{
	struct remote_key	*k = key;

	return k->pub != NULL && EVP_PKEY_get_params(k->pub, params) == 1;
}

static const OSSL_PARAM *
key_gettable(void *prov)
{
	static const OSSL_PARAM	 list[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END
	};

	(void)prov;
	return list;
}

static const char *
rsa_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

/* No export: there is nothing that could be given away. */
#define FN(id, fn)	{ OSSL_FUNC_KEYMGMT_##id, (void (*)(void))fn }
#define KEYMGMT(new, operation) {		\
	FN(NEW, new),				\
	FN(FREE, key_free),			\
	FN(HAS, key_has),			\
	FN(MATCH, key_match),			\
	FN(IMPORT, key_import),			\
	FN(IMPORT_TYPES, key_import_types),	\
	FN(GET_PARAMS, key_get_params),		\
	FN(GETTABLE_PARAMS, key_gettable),	\
	FN(QUERY_OPERATION_NAME, operation),	\
	{ 0, NULL }				\
}

static const OSSL_DISPATCH	 rsa_keys[] = KEYMGMT(rsa_new, rsa_operation);
static const OSSL_DISPATCH	 ec_keys[] = KEYMGMT(ec_new, ec_operation);

static const OSSL_ALGORITHM *
provider_query(void *prov, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM	 keys[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES,
		    rsa_keys, NULL },
		{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES,
		    ec_keys, NULL },
		{ NULL, NULL, NULL, NULL }
	};
	static const OSSL_ALGORITHM	 signatures[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES,
		    tls_remote_rsa, NULL },
		{ "ECDSA", PROPERTIES, tls_remote_ecdsa, NULL },
		{ NULL, NULL, NULL, NULL }
	};

	(void)prov;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? keys :
	    operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH	 functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION,
		    (void (*)(void))provider_query },
		{ 0, NULL }
	};
	static int			 nothing;

	(void)handle;
	(void)in;
	*out = functions;
	*ctx = &nothing;
	return 1;
}

/* For the life of the process. */
static OSSL_LIB_CTX *
library(void)
{
	static OSSL_LIB_CTX	*lib;
	OSSL_LIB_CTX		*made;

	if (lib != NULL)
		return lib;
	if ((made = OSSL_LIB_CTX_new()) == NULL)
		return NULL;
	if (OSSL_PROVIDER_add_builtin(made, PROVIDER, provider_init) != 1 ||
	    OSSL_PROVIDER_load(made, PROVIDER) == NULL) {
		OSSL_LIB_CTX_free(made);
		return NULL;
	}
	return lib = made;
}

EVP_PKEY *
tls_remote_key_new(const X509 *cert, tls_remote_sign_fn *sign, void *arg)
{
	struct remote_key	 k = { .sign = sign, .arg = arg };
	OSSL_PARAM		 params[2];
	EVP_PKEY_CTX		*ctx;
	EVP_PKEY		*key = NULL;

	if ((k.pub = X509_get0_pubkey(cert)) == NULL ||
	    tls_key_id(cert, k.id) == -1)
		return NULL;
	k.type = EVP_PKEY_is_a(k.pub, "RSA") ? "RSA" :
	    EVP_PKEY_is_a(k.pub, "EC") ? "EC" : NULL;
	if (k.type == NULL || library() == NULL)
		return NULL;
	params[0] = OSSL_PARAM_construct_octet_string(PARAM_REMOTE, &k,
	    sizeof(k));
	params[1] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(library(), k.type, PROPERTIES);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}
