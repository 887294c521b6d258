/*
 * What a client is told of its attempt to log in: RFC 4954 4 and 6, RFC 5248
 * for the account that is disabled.  Pure.
 */
#ifndef SMTPD_LOGIN_H
#define SMTPD_LOGIN_H

#include <stdbool.h>

#include "lib/net/proto_auth.h"
#include "lib/net/sasl_server.h"
#include "smtpd/command.h"

#define LOGIN_FAILURES_MAX	3	/* then the connection is closed */

/*
 * How an exchange ended that leaves nothing to ask authd.  NULL:
 * SASL_END_READY, SASL_END_LOST.
 */
const struct command_error	*login_reply_end(enum sasl_end);
/* A line of it was longer than SASL_LINE_MAX. */
const struct command_error	*login_reply_toolong(void);
/* What authd says; NULL: AUTH_OK. */
const struct command_error	*login_reply_verdict(enum auth_verdict);
/* Why sasl_server_start() would not begin. */
const struct command_error	*login_reply_start(bool unsafe);
/* Was it an attempt, as against an accident? */
bool				 login_is_failure(const struct command_error *);

#endif
