/*
 * The server's side of SASL (RFC 4422), free of I/O but for authd's question
 * about SCRAM keys: a mechanism's messages become a struct auth_check of fixed
 * fields for authd.
 *
 *	sasl_server_list()		what to announce
 *	sasl_server_start()		the client chose a mechanism
 *	sasl_server_step()		for each message, decoded from base 64
 *		SASL_MORE		send the challenge, read the next
 *		SASL_READY		ask authd `check` or `session` with
 *					*check: that decides
 *		else			it failed
 *	sasl_server_refused()		authd said no: some mechanisms have a
 *					last challenge to say why
 *	sasl_server_free()
 *
 * PLAIN (RFC 4616), LOGIN, SCRAM-SHA-1, SCRAM-SHA-256 and its -PLUS (RFC 5802,
 * RFC 7677; tls-exporter RFC 9266, tls-server-end-point RFC 5929), EXTERNAL
 * (RFC 4422 A), OAUTHBEARER (RFC 7628), XOAUTH2.
 */
#ifndef NET_SASL_SERVER_H
#define NET_SASL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/base/slice.h"
#include "lib/net/proto_auth.h"
#include "lib/net/stream.h"

#define SASL_MESSAGE_MAX	8192	/* octets of one message, decoded */
#define SASL_LINE_MAX		12288	/* of its line: base 64 and CRLF */

/* Where and with whom; borrowed, and the same during an exchange. */
struct sasl_place {
	const struct config	*config;
	const char		*service;	/* "smtp" "pop3" "imap" */
	const char		*ip;		/* of the client, or "" */
	/*
	 * The connection, for channel bindings and for whether there is TLS;
	 * passwords need TLS or a client of this machine (safe).
	 */
	const struct stream	*stream;
	bool			 safe;
	const char		*certificate;	/* client's fingerprint or "" */
	struct auth_client	*authd;
};

enum sasl_status {
	SASL_MORE,		/* send *challenge, perhaps "" */
	SASL_READY,		/* ask authd with *check */
	SASL_MALFORMED,		/* the client's message is none */
	SASL_FOREIGN,		/* to act as somebody else */
	SASL_WRONG,		/* a wrong password (authd has waited for us),
				 * or bound to another connection than this */
	SASL_DISABLED,		/* right, but not for this service */
	SASL_LATER		/* authd cannot be asked now */
};

struct sasl_server;

/*
 * The names announced here, in order of preference, separated by blanks: what
 * is configured, known and possible now (no PLAIN without TLS, no -PLUS
 * without channel bindings, no EXTERNAL without a certificate ...).
 */
void			 sasl_server_list(const struct sasl_place *,
			    struct buf *out);
/*
 * NULL: the mechanism is not announced here; *unsafe tells that it would be
 * under TLS.
 */
struct sasl_server	*sasl_server_start(const struct sasl_place *,
			    struct slice mechanism, bool *unsafe);
/*
 * message NULL: there is no initial response yet, the mechanism may have a
 * first challenge of its own.  challenge is cleared, then holds raw octets.
 * After SASL_READY *check belongs to the caller, who wipes it; else it is zero.
 */
enum sasl_status	 sasl_server_step(struct sasl_server *,
			    const struct slice *message, struct buf *challenge,
			    struct auth_check *check);
/*
 * It is refused, by authd or by SASL_WRONG.  True: send the challenge and read
 * one more message, whatever it is, before the final answer (RFC 7628 3.2.3);
 * false also when the client has had it.
 */
bool			 sasl_server_refused(struct sasl_server *,
			    struct buf *challenge);
/* After a failure: why, a few words for the log; static, "" when unknown. */
const char		*sasl_server_reason(const struct sasl_server *);
/* Wipes; NULL is fine. */
void			 sasl_server_free(struct sasl_server *);

/*
 * All of an exchange over a stream whose challenges are lines of prefix and
 * base 64: "334 " in SMTP, "+ " in IMAP and POP3.  initial: what stood in the
 * command, in base 64 ("=": empty), or NULL.  A failure that authd has not
 * logged is logged here, event=sasl-failed.
 */
enum sasl_end {
	SASL_END_READY,		/* ask authd with *check */
	SASL_END_CANCELLED,	/* "*" */
	SASL_END_MALFORMED,	/* STREAM_TOOLONG: that was why */
	SASL_END_FOREIGN,
	SASL_END_WRONG,
	SASL_END_DISABLED,
	SASL_END_LATER,
	SASL_END_LOST		/* *stream: what the stream said */
};
enum sasl_end		 sasl_exchange(struct sasl_server *, struct stream *,
			    const char *prefix, const struct slice *initial,
			    struct auth_check *check,
			    enum stream_status *stream);
/* After authd's no: the last challenge and its answer, where there is one. */
void			 sasl_exchange_refused(struct sasl_server *,
			    struct stream *, const char *prefix);

#endif
