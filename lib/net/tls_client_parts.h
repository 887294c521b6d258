/* What the files of tls_client share; nobody else includes it. */
#ifndef NET_TLS_CLIENT_PARTS_H
#define NET_TLS_CLIENT_PARTS_H

#include <sys/stat.h>
#include <stdbool.h>

#include <openssl/ssl.h>

#include "lib/net/tls_client.h"

struct tls_client_ctx {
	SSL_CTX		*ssl;		/* trusts nobody */
	BIO_METHOD	*bio;
	char		*ca_path;
	X509_STORE	*ca;		/* NULL until needed */
	struct stat	 ca_stat;	/* of the file when it was read */
};

/* One connection: the stream's ctx. */
struct tls_client {
	SSL		*ssl;
	int		 fd;
	bool		 eof;		/* the socket ended */
	int		 error;		/* errno of the socket, 0 none */
	bool		 over;		/* nothing comes any more */
	bool		 broken;	/* nor may close_notify be sent */
	char		 text[TLS_CLIENT_TEXT];
};

/* Sockets without SIGPIPE and without O_NONBLOCK.  NULL: no memory. */
BIO_METHOD	*tls_client_bio_method(void);
/* A BIO on t's descriptor; t outlives it. */
BIO		*tls_client_bio_new(BIO_METHOD *, struct tls_client *t);

/* Read the CA file if that is due.  0, or -1 with text. */
int		 tls_client_ca(struct tls_client_ctx *,
		    char text[TLS_CLIENT_TEXT]);

/* OpenSSL's first error as a line; what: in front of it. */
void		 tls_client_explain(const char *what,
		    char text[TLS_CLIENT_TEXT]);

#endif
