/*
 * What a job for another host says, and what its result means for the
 * recipients; relay.c decides which of them travel together.
 */
#ifndef QUEUE_RUNNER_RELAY_JOB_H
#define QUEUE_RUNNER_RELAY_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "queue-runner/message.h"
#include "queue-runner/remote.h"

/*
 * Can only a host with SMTPUTF8 be told of it (RFC 6531 3.2)?  An alias may
 * lead to such an address whatever the message is.
 */
bool	 relay_job_utf8(const struct message *, size_t i);
/* See struct remotes_calls. */
void	 relay_job_fill(const struct job *, struct remote_job *);
void	 relay_job_rcpt(const struct job *, size_t i, struct remote_rcpt *);
/* Settle the job's recipients; what the result leaves out was not tried. */
void	 relay_job_result(struct message *, const struct job *,
	    const struct remote_result *);

#endif
