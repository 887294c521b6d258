/*
 * The client's side of SASL by GNU SASL, free of I/O: base 64 in, base 64 out
 * as SMTP's AUTH has it (RFC 4954 4).
 *
 *	c = sasl_client_new(...)
 *	say AUTH, sasl_client_mechanism(c)
 *	sasl_client_step(c, NULL, out)		initial response, if any
 *	on each 334: sasl_client_step(c, &text, out), send out
 *	on 235: believe it only if sasl_client_finished(c)
 *
 * Mechanisms, best first: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS (with channel
 * binding data), SCRAM-SHA-256, SCRAM-SHA-1; under TLS also PLAIN, LOGIN.
 */
#ifndef NET_SASL_CLIENT_H
#define NET_SASL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define SASL_CLIENT_OUT		8192	/* octets a response never passes */
#define SASL_CLIENT_IN		8192	/* longer challenges are refused */
#define SASL_CLIENT_STEPS	8	/* so are more than these */

struct sasl_client;

/* All copied. */
struct sasl_client_login {
	const char	*user;
	const char	*password;
	bool		 tls;		/* may the password itself be sent? */
	/* Channel binding, len 0: none (tls_binding()). */
	struct slice	 exporter;	/* tls-exporter, RFC 9266 */
	struct slice	 unique;	/* tls-unique, RFC 5929 3 */
};

enum sasl_client_status {
	SASL_CLIENT_SEND,	/* out is the response, perhaps "" */
	SASL_CLIENT_WAIT,	/* first step only: the server begins, so there
				 * is no initial response */
	SASL_CLIENT_FAILED	/* cancel with "*": sasl_client_error() */
};

/*
 * mechanisms: what the server listed after AUTH, separated by blanks.  NULL
 * with *error (static): no mechanism that both have, user or password empty
 * or unfit, no memory.
 */
struct sasl_client	*sasl_client_new(struct slice mechanisms,
			    const struct sasl_client_login *,
			    const char **error);
/* Wipes the password. */
void	 sasl_client_free(struct sasl_client *);
const char	*sasl_client_mechanism(const struct sasl_client *);
/*
 * challenge: the text of a 334 reply, NULL in the first step.  out: initialised
 * by the caller with at least SASL_CLIENT_OUT; is cleared, then holds base 64
 * (no line end).  An empty initial response is sent as "=", any other as an
 * empty line.  A response that has no place in the AUTH command's line may
 * instead answer an empty 334.
 */
enum sasl_client_status	 sasl_client_step(struct sasl_client *,
			    const struct slice *challenge, struct buf *out);
/*
 * Is the exchange over on our side, the server's signature seen and right where
 * the mechanism has one?  A 235 before that comes from somebody who does not
 * know the password.
 */
bool	 sasl_client_finished(const struct sasl_client *);
/* Does the mechanism put the password itself on the wire? */
bool	 sasl_client_sends_password(const struct sasl_client *);
const char	*sasl_client_error(const struct sasl_client *);

#endif
