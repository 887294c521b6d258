/*
 * Replies: RFC 5321 4.2 with RFC 2034 codes.  Queued in the stream, sent when
 * the client has nothing more to say (RFC 2920 3.2).
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include <stdbool.h>

#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/session.h"

/*
 * A reply's last line.  enhanced is NULL where RFC 2034 has none.  The text
 * is cut at the 512 octets of a line.  Codes from 500 on count as errors.
 */
void	 reply(struct session *, int code, const char *enhanced,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A line with more to follow. */
void	 reply_more(struct session *, int code, const char *enhanced,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void	 reply_error(struct session *, const struct command_error *);
/*
 * Policy says no: one log line event=refused, and the reply, a temporary one
 * when soft-bounce is on.  stage: connect mail rcpt data.  to may be NULL.
 */
void	 reply_refuse(struct session *, const char *stage,
	    const struct address *to, int code, const char *enhanced,
	    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/*
 * The verdict about a whole message: one reply, or with LMTP one for each
 * accepted recipient (RFC 2033 4.2), but not to a chunk before the last.
 */
void	 reply_message(struct session *, int code, const char *enhanced,
	    const char *text);
/*
 * What the access list of senders or recipients says of the address.  True: it
 * is refused, and answered.  *discard: taken, and thrown away.
 */
bool	 reply_access(struct session *, const struct address *,
	    bool recipient, bool *discard);
/* As reply_refuse() with stage data, in the manner of reply_message(). */
void	 reply_refuse_message(struct session *, int code,
	    const char *enhanced, const char *text);

#endif
