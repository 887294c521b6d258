/* What the files of tls_client share; nobody else includes it. */
#ifndef NET_TLS_CLIENT_PARTS_H
#define NET_TLS_CLIENT_PARTS_H

#include <sys/stat.h>
#include <stdbool.h>

#include <openssl/ssl.h>

#include "lib/net/tls_client.h"
#include "lib/net/tls_stream_parts.h"

struct tls_client_ctx {
	SSL_CTX		*ssl;		/* trusts nobody */
	char		*ca_path;
	X509_STORE	*ca;		/* NULL until needed */
	struct stat	 ca_stat;	/* of the file when it was read */
};

/* Read the CA file if that is due.  0, or -1 with text. */
int		 tls_client_ca(struct tls_client_ctx *,
		    char text[TLS_TEXT]);

/* tls_explain() in a client's words. */
void		 tls_client_explain(const char *what,
		    char text[TLS_TEXT]);

#endif
