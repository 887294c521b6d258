/*
 * RUN/keyd/certificates: what keyd makes public of its certificates, for
 * the programs that show them and for mailctl.  keyd replaces the file whole by
 * rename(2) when its contents change, and only then.  Text:
 *
 *	merpati-certificates 1
 *	certificate NAME
 *	ocsp BASE64			when there is a good response
 *	-----BEGIN CERTIFICATE-----	one or more, the host's first
 *	...
 *	end
 *
 * In the order of the configuration file.
 */
#ifndef NET_TLS_CERTIFICATES_H
#define NET_TLS_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define TLS_CERTIFICATES_MAX	((size_t)4 << 20)	/* octets of the file */
#define TLS_CERTIFICATE_NAME	64
#define TLS_CERTIFICATE_COUNT	512	/* in the file */
#define TLS_CHAIN_MAX		10
#define TLS_OCSP_MAX		((size_t)64 << 10)

struct tls_certificate {
	char		 name[TLS_CERTIFICATE_NAME + 1];
	X509		*chain[TLS_CHAIN_MAX];	/* owned; [0] is the host's */
	size_t		 nchain;
	unsigned char	*ocsp;			/* owned DER, NULL: none */
	size_t		 ocsp_len;
};

/*
 * The first line, one certificate's lines, the last line: all append.  0, or -1
 * with errno.
 */
int	 tls_certificates_begin(struct buf *);
int	 tls_certificates_write(struct buf *, const struct tls_certificate *);
int	 tls_certificates_end(struct buf *);
/* 1 to TLS_CERTIFICATE_NAME octets, none of them a control. */
bool	 tls_certificate_name_good(const char *name);
/*
 * Read the whole file.  0 with *out of *n for tls_certificates_free(), or -1
 * with errno: of open(2), EBADMSG malformed.
 */
int	 tls_certificates_read(const char *path, struct tls_certificate **out,
	    size_t *n);
/* The same of what is in memory. */
int	 tls_certificates_parse(struct slice, struct tls_certificate **out,
	    size_t *n);
void	 tls_certificates_free(struct tls_certificate *, size_t n);
/* Free what one holds, not itself; zeroed then. */
void	 tls_certificate_clear(struct tls_certificate *);

/* The key's name in questions to keyd: SHA-256 of its SPKI, lower case hex. */
#define TLS_KEY_ID	64
int	 tls_key_id(const X509 *, char out[TLS_KEY_ID + 1]);

#endif
