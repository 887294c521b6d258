/*
 * TLS on a struct stream, whichever side we are: what tls_client.h and
 * tls_server.h have in common once a handshake is over.
 *
 * After it all stream functions speak TLS, and tls_stop() or tls_drop() must
 * come before stream_free().  An end of the connection without close_notify
 * is STREAM_EOF like any other: the protocols say themselves where things end.
 * No renegotiation, no SIGPIPE.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/net/stream.h"

#define TLS_TEXT	256

/* Flush, send close_notify, waiting at most wait_ms; then as drop. */
void	 tls_stop(struct stream *, int wait_ms);
/* Free what TLS holds; the stream is dead.  No TLS: nothing happens. */
void	 tls_drop(struct stream *);
bool	 tls_on(const struct stream *);
/* One line about what went wrong after the handshake, "" when nothing did. */
const char	*tls_error(const struct stream *);

/*
 * Channel bindings for SASL (RFC 5929, RFC 9266).  The data's length, 0 when
 * there is none: tls-exporter needs TLS 1.3, tls-unique TLS 1.2 with the
 * extended master secret, tls-server-end-point a certificate whose signature
 * has a hash.  out holds TLS_BINDING octets.
 */
enum tls_binding {
	TLS_EXPORTER,
	TLS_UNIQUE,
	TLS_END_POINT
};
#define TLS_BINDING	64
size_t	 tls_binding(const struct stream *, enum tls_binding,
	    unsigned char out[TLS_BINDING]);

#endif
