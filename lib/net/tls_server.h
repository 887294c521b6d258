/*
 * TLS for the side that is connected to.
 *
 *	parent	tls_server_new(), once; listener_program.watch =
 *		tls_server_file(), so that new certificates reach new processes
 *	child	tls_server_start(), (lines), tls_stop() or tls_drop()
 *
 * TLS 1.2 and 1.3 with Mozilla's intermediate suites, the server's order of
 * groups, no compression, no renegotiation, no 0-RTT (RFC 9325).  Certificates
 * come from keyd's file (tls_certificates.h); a private key is never in this
 * process: signing asks keyd (tls_remote_key.h).  Tickets are TLS 1.3's with
 * psk_dhe_ke, under keys that keyd lends (RFC 8446 2.2).
 *
 * SNI picks the first certificate that has the name (RFC 6066 3, RFC 9525), of
 * either type of key as the client can; else the first of all: a wrong name is
 * the client's to judge.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/config.h"
#include "lib/net/tls_stream.h"

struct stat;
struct tls_server;

#define TLS_SERVER_WAIT_MS	20000	/* for keyd's file after a boot */
#define TLS_SERVER_HANDSHAKE_MS	30000

enum tls_server_status {
	TLS_SERVER_OK,
	TLS_SERVER_TIMEOUT,
	TLS_SERVER_CLOSED,	/* the client went away in the middle */
	TLS_SERVER_FAILED,	/* garbage, no version or suite in common, an
				 * alert: the client's fault */
	TLS_SERVER_LOCAL	/* ours: keyd does not answer, no memory */
};

struct tls_server_info {
	char		 version[16];	/* "TLSv1.3" */
	char		 cipher[64];
	char		 sni[256];	/* what the client asked for, or "" */
	bool		 resumed;
	/*
	 * Octets in clear that were there behind the STARTTLS command, and are
	 * thrown away (RFC 3207 4.2): somebody may have injected them.
	 */
	size_t		 injected;
	/*
	 * SHA-256 of the client's certificate, lower case hex, "": it has none.
	 * Its possession of the key is proven, nothing else.
	 */
	char		 client[65];
	char		 error[TLS_TEXT];	/* printable, "" when OK */
};

/*
 * In the parent, before the first fork: wait for keyd's file, build what the
 * children share, shake hands with ourselves once so that they find all warm.
 * ALPN by role: "imap" "pop3" (RFC 7301's registry), none for SMTP.  Client
 * certificates are asked for when configured and the role is not mx.  NULL with
 * error.  Lives for ever.
 */
struct tls_server	*tls_server_new(const struct config *,
			    enum config_role, char error[TLS_TEXT]);
/* keyd's file of certificates: RUN/keyd/certificates. */
const char		*tls_server_file(const struct tls_server *);
/* Its stat(2) before it was read, for listener_program.watched. */
const struct stat	*tls_server_file_stat(const struct tls_server *);

/*
 * Shake hands over the stream, whose rfd is wfd and a socket, within
 * handshake_ms (and the stream's total).  What the stream has read ahead is
 * thrown away.  After anything but OK the connection is good for nothing but
 * close(2).
 */
enum tls_server_status	 tls_server_start(struct tls_server *,
			    struct stream *, int handshake_ms,
			    struct tls_server_info *);
const char	*tls_server_status_name(enum tls_server_status);

#endif
