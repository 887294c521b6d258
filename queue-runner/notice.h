/*
 * The messages that queue-runner writes itself: bounces, delay warnings,
 * success notices (RFC 3464), and notes to postmaster.  Their ids derive from
 * the message's: made again after a crash they are the same message.
 */
#ifndef QUEUE_RUNNER_NOTICE_H
#define QUEUE_RUNNER_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mail/dsn.h"
#include "queue-runner/message.h"

/*
 * Report on the recipients that which[] names to the sender they share, and
 * queue the report.  0, or -1 with errno and nothing queued.
 */
int	 notice_report(struct message *, enum dsn_kind, unsigned int batch,
	    const size_t *which, size_t n);
/* Tell postmaster that the message was put aside; failure is only logged. */
void	 notice_held(struct runner *, const char *id, const char *reason);

#endif
