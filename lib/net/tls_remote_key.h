/*
 * An OpenSSL private key that is not here: its public half is, and its sign
 * operation asks a function.  A built-in provider, so TLS uses it as any
 * other key; exporting, decrypting, deriving are refused.
 */
#ifndef NET_TLS_REMOTE_KEY_H
#define NET_TLS_REMOTE_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/net/proto_key.h"

/* 0 with the signature, or -1 with errno. */
typedef int	 tls_remote_sign_fn(void *arg, const struct key_sign *,
		    struct key_signature *);

/*
 * The key of an RSA or EC certificate; fn may be called in any child of
 * this process.  NULL: another type of key, or OpenSSL fails (its error queue
 * says why).  Freed by EVP_PKEY_free().
 */
EVP_PKEY	*tls_remote_key_new(const X509 *, tls_remote_sign_fn *,
		    void *arg);

#endif
