/*
 * Octets between a client's TLS stream and the plain socket of its session,
 * both ways, until one of the two ends: what is left of a login process.
 *
 * Nothing is understood here.  Each way holds at most a TLS record (once
 * what was read ahead is gone), so whoever reads slowly slows down who
 * writes to him, and idle there is no buffer at all.
 *
 *	client ends	no more comes for the session, which says its last
 *			words; they are passed on
 *	session ends	its last words are passed on, then close_notify
 *	stream_stop()	as if the client had ended
 *
 * There is no deadline but for a client that does not read: the session has its
 * own, and to it this looks like a client.
 */
#ifndef NET_TLS_PUMP_H
#define NET_TLS_PUMP_H

#include "lib/net/stream.h"

enum tls_pump_end {
	TLS_PUMP_DONE,		/* the session ended, all is passed on */
	TLS_PUMP_LOST,		/* the client cannot be written to */
	TLS_PUMP_TIMEOUT	/* it took nothing for stall_ms */
};

/*
 * The stream must be flushed; what it has read ahead goes first.  fd is a
 * socket; both stay the caller's, who ends TLS: tls_stop() after DONE, else
 * tls_drop().
 */
enum tls_pump_end	 tls_pump(struct stream *, int fd, int stall_ms);

#endif
