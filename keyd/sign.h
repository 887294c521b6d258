/* What a private key does here, and nothing else: it signs digests. */
#ifndef KEYD_SIGN_H
#define KEYD_SIGN_H

#include <openssl/evp.h>

#include "lib/net/proto_key.h"

/*
 * Sign as asked; key NULL (no such key) or of another type than the scheme:
 * ok is false.  There is no way to make the key work on a block of the
 * asker's making, so it decrypts nothing.
 */
void	 sign_digest(EVP_PKEY *key, const struct key_sign *,
	    struct key_signature *);

#endif
