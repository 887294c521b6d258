/* What the files of tls_remote share; nobody else includes it. */
#ifndef NET_TLS_REMOTE_PARTS_H
#define NET_TLS_REMOTE_PARTS_H

#include <openssl/core.h>

#include "lib/net/tls_remote_key.h"

/* A provider's key, of either type. */
struct remote_key {
	const char		*type;	/* "RSA" "EC": the default provider's */
	EVP_PKEY		*pub;	/* of the default provider */
	tls_remote_sign_fn	*sign;	/* NULL: a public key, to be compared */
	void			*arg;
	char			 id[KEY_ID_MAX + 1];
};

extern const OSSL_DISPATCH	 tls_remote_rsa[], tls_remote_ecdsa[];

#endif
