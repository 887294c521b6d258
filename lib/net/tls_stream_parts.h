/* What both sides of TLS share within lib/net; nobody else includes it. */
#ifndef NET_TLS_STREAM_PARTS_H
#define NET_TLS_STREAM_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/net/tls_stream.h"

/* One connection: the stream's ctx. */
struct tls {
	SSL		*ssl;
	X509		*own;		/* a server's certificate of this
					 * session; lives longer */
	size_t		 set;		/* a server's: what it has for the name
					 * that the client asks for */
	int		 fd;
	bool		 may_wait;	/* the next recv(2); only that, as a
					 * record may come in small pieces */
	bool		 more;		/* what is written may wait a moment
					 * for what is written next */
	bool		 eof;		/* the socket ended */
	bool		 waits;		/* the last read could do no more until
					 * the socket can, whatever of a record
					 * is here already */
	int		 error;		/* errno of the socket, 0 none */
	bool		 over;		/* nothing comes any more */
	bool		 broken;	/* nor may close_notify be sent */
	char		 text[TLS_TEXT];
};

/* A connection on a socket.  NULL, with OpenSSL's reason queued. */
struct tls	*tls_new(SSL_CTX *, int fd);
void		 tls_free(struct tls *);
/* What all contexts have in common. */
void		 tls_set_modes(SSL_CTX *);

enum tls_shaken {
	TLS_SHAKEN,
	TLS_SHAKE_TIMEOUT,	/* these two with text */
	TLS_SHAKE_CLOSED,
	TLS_SHAKE_REFUSED	/* OpenSSL's reason is queued */
};

/*
 * SSL_do_handshake() by the deadline (io_monotonic_ms()), or the stream's total
 * if that is sooner.
 */
enum tls_shaken	 tls_shake(struct tls *, const struct stream *,
		    int64_t deadline, char text[TLS_TEXT]);
/* The handshake is over: the stream speaks TLS, and owns it. */
void		 tls_attach(struct stream *, struct tls *);

/* Our words for OpenSSL's, which say little to people. */
struct tls_reason {
	int		 code;		/* of ERR_LIB_SSL */
	const char	*text;
};

/* OpenSSL's first error as a line; what: in front of it. */
void		 tls_explain(const char *what, const struct tls_reason *,
		    size_t n, char text[TLS_TEXT]);

/* In tls_stream_bio.c: a socket without SIGPIPE and without O_NONBLOCK. */
BIO		*tls_bio_new(struct tls *);

#endif
