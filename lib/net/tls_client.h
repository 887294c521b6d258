/*
 * TLS for the side that connects, on a struct stream; errors come out as one
 * readable line.
 *
 *	parent	tls_client_ctx_new, tls_client_ctx_warm, fork
 *	child	tls_client_start, (lines), tls_stop or tls_drop
 *
 * TLS 1.2 and 1.3 only (RFC 8996).  Where a certificate is not looked at or
 * DANE vouches for it, old ciphers and keys of 1024 bits are still better than
 * clear text; with a checked chain only forward secret AEAD ciphers are used
 * (RFC 9325 4.2).  No resumption.
 */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/tls_stream.h"

struct resolver_tlsa;
struct tls_client_ctx;

#define TLS_CLIENT_NAMES	4	/* acceptable in a certificate */

/* What the host's certificate must be good for. */
enum tls_client_check {
	TLS_CLIENT_ANY,		/* nothing: opportunistic, required */
	TLS_CLIENT_CHAIN,	/* a chain to the CA file and a name */
	TLS_CLIENT_DANE		/* the TLSA records given: RFC 7672 */
};

enum tls_client_verified {
	TLS_CLIENT_UNVERIFIED,
	TLS_CLIENT_BY_CHAIN,
	TLS_CLIENT_BY_DANE
};

/* All borrowed for the time of the call. */
struct tls_client_peer {
	enum tls_client_check		 check;
	/*
	 * The host: SNI (unless it is an address), and with DANE the TLSA
	 * base domain.  A-labels.
	 */
	const char			*host;
	/*
	 * Names, one of which a certificate must have; with CHAIN an
	 * address will do as well.  With DANE the host's is acceptable anyway,
	 * and these are further ones: the domain of the recipients (RFC 7672
	 * 3.2.3).  A DANE-EE certificate needs no name at all (3.1.1).
	 */
	const char			*name[TLS_CLIENT_NAMES];
	size_t				 nname;
	const struct resolver_tlsa	*tlsa;
	size_t				 ntlsa;
	int				 handshake_ms;	/* for all of it; the
							 * stream's total holds
							 * besides */
};

enum tls_client_status {
	TLS_CLIENT_OK,
	TLS_CLIENT_INJECTED,	/* octets were read behind the reply to
				 * STARTTLS (RFC 3207 6): drop the connection */
	TLS_CLIENT_TIMEOUT,
	TLS_CLIENT_CLOSED,	/* the host closed in the middle */
	TLS_CLIENT_FAILED,	/* no TLS that both can, an alert, garbage */
	TLS_CLIENT_UNTRUSTED,	/* the certificate is not good enough */
	TLS_CLIENT_LOCAL	/* our own fault: no memory, no CA file */
};

struct tls_client_info {
	char				 version[16];	/* "TLSv1.3" */
	char				 cipher[64];
	enum tls_client_verified	 verified;
	/*
	 * DANE was asked for and no record can be used (only PKIX-TA, PKIX-EE
	 * or unknown ones): encrypted but unauthenticated, RFC 7672 2.2.
	 */
	bool				 tlsa_unusable;
	/* Why it failed, printable ASCII, "" when it did not. */
	char				 error[TLS_TEXT];
};

/*
 * ca_path: a file of PEM certificates or a directory of them with hashed names.
 * It is not opened before it is needed.  NULL with error: no memory.
 */
struct tls_client_ctx	*tls_client_ctx_new(const char *ca_path,
			    char error[TLS_TEXT]);
void	 tls_client_ctx_free(struct tls_client_ctx *);
/*
 * In the parent, before the first fork: what a child would pay for in its
 * first handshake (algorithms fetched, tables built).  ca: the CA file is read
 * too, if it is not or has changed since; else a child that needs it reads it.
 * 0, or -1 with error (CA file): TLS works, checked chains will not.
 */
int	 tls_client_ctx_warm(struct tls_client_ctx *, bool ca,
	    char error[TLS_TEXT]);

/*
 * Shake hands over the stream, whose rfd is wfd and a socket.  After
 * TLS_CLIENT_OK tls_stream.h holds, after anything else the connection is good
 * for nothing but close(2).
 */
enum tls_client_status	 tls_client_start(struct tls_client_ctx *,
			    struct stream *, const struct tls_client_peer *,
			    struct tls_client_info *);
const char	*tls_client_status_name(enum tls_client_status);
const char	*tls_client_verified_name(enum tls_client_verified);

#endif
