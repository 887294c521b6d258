/*
 * The files of a certificate as merpati.conf names them: chain, private key and
 * OCSP response, read and checked.  For keyd, which alone can read the keys,
 * and for mailctl.
 *
 * Errors are one printable line, without the name of the file.
 */
#ifndef NET_TLS_FILES_H
#define NET_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/evp.h>

#include "lib/net/tls_certificates.h"

#define TLS_FILES_TEXT	256
#define TLS_KEY_TYPE	48

/*
 * PEM: the host's certificate, then each the issuer of the one before.  Other
 * blocks are passed over, so it may be one file with the key.  Fills chain and
 * nchain; what was there is the caller's to have freed.  0, or -1 with
 * error and nothing to free.
 */
int	 tls_files_chain(const char *path, struct tls_certificate *,
	    char error[TLS_FILES_TEXT]);
/*
 * PEM: an RSA key of 2048 to 8192 bits or an EC key on P-256 or P-384, without
 * a passphrase.  For EVP_PKEY_free(); NULL with error.  exposed, unless NULL:
 * everybody on this host may read the file.
 */
EVP_PKEY	*tls_files_key(const char *path, bool *exposed,
		    char error[TLS_FILES_TEXT]);
/* Is the key that of the chain's first certificate?  0, or -1 with error. */
int	 tls_files_fit(const struct tls_certificate *, EVP_PKEY *,
	    char error[TLS_FILES_TEXT]);
/*
 * DER: a response that says "good" about the chain's first certificate, now,
 * signed by its issuer as far as the chain holds that (RFC 6960 3.2).
 * Fills ocsp and ocsp_len and until, when another must have come; 0 for
 * never.  0, or -1 with error.
 */
int	 tls_files_ocsp(const char *path, struct tls_certificate *,
	    time_t *until, char error[TLS_FILES_TEXT]);

/* "EC P-256", "RSA 2048", of a certificate's or a private key; in out. */
const char	*tls_key_type(EVP_PKEY *, char out[TLS_KEY_TYPE]);
/* Until when, from when all certificates of the chain are good. */
time_t	 tls_certificate_until(const struct tls_certificate *);
time_t	 tls_certificate_from(const struct tls_certificate *);
/* Whole days from now until then, rounded down, also below nought. */
long	 tls_days_left(time_t until, time_t now);

#endif
