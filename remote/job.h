/* A job, through as many transactions and connections as it takes. */
#ifndef REMOTE_JOB_H
#define REMOTE_JOB_H

#include "remote/session.h"

/* Fill in the result: an outcome for every recipient. */
void	 job_run(struct session *, const struct remote_job *,
	    struct remote_result *);

#endif
