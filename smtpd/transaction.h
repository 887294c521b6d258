/*
 * A mail transaction: RFC 5321 3.3.  From MAIL to the message in the spool, or
 * to nothing at all.
 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "smtpd/session.h"

/* First of all, once a session. */
void	 transaction_init(struct transaction *);
/* MAIL was accepted. */
void	 transaction_begin(struct session *, const struct command_mail *);
/*
 * Forget everything, the unfinished message too.  The one way in which a
 * transaction ends, whatever its end.
 */
void	 transaction_reset(struct session *);

/* Recipients the client was told are accepted. */
size_t	 transaction_rcpts(const struct transaction *);

/* Content comes now.  A failure shows as the transaction's fault. */
void	 transaction_open(struct session *);
/* A run of it; after a fault it is only counted. */
void	 transaction_add(struct session *, struct slice run);
/* So much more is announced: is it too much? */
void	 transaction_expect(struct session *, uint64_t size);
/* More was thrown away after a fault than we are willing to read? */
bool	 transaction_hopeless(const struct session *);
/*
 * The content is whole: queue it durably and reply, or reply why not.  Ends
 * with transaction_reset().  Exits the process after a failed fsync.
 */
void	 transaction_finish(struct session *);
/* Reply for tx.fault and reset. */
void	 transaction_fail(struct session *);

#endif
