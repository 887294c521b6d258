/* What keyd has published of its certificates, for a person to read. */
#ifndef MAILCTL_CERTS_H
#define MAILCTL_CERTS_H

#include <stddef.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/net/tls_certificates.h"

/* keyd's file; as tls_certificates_read(). */
int	 certs_read(const struct config *, struct tls_certificate **, size_t *);
/* Append the names and addresses that it is for, ", " between them. */
void	 cert_names(X509 *, struct buf *out);
/* Append who issued it, "itself" when nobody else did. */
void	 cert_issuer(X509 *, struct buf *out);
/* "2027-01-31" in out. */
const char	*cert_date(time_t then, char out[16]);

/* mailctl certificate install NAME CHAIN KEY; the exit code. */
int	 cert_install(const struct config *, const char *name,
	    const char *chain, const char *key);
/* Let keyd look at its files; the exit code, what is wrong printed. */
int	 cert_reload(const struct config *);

#endif
