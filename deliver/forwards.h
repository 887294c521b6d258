/*
 * HOME/forward: the user's own file of addresses (forward(5)).  Where it
 * names some, the letter goes to them through the submit socket, with its
 * sender kept and a Delivered-To line in front, by which a loop is found.
 */
#ifndef DELIVER_FORWARDS_H
#define DELIVER_FORWARDS_H

#include <stdbool.h>

#include "deliver/worker.h"
#include "lib/mail/forward.h"
#include "lib/net/smtp_submit.h"

struct forwards {
	struct forward		 list;
	const char		*id;	/* of the job, for the log */
	struct smtp_submit	 smtp;
};

enum forwards_status {
	FORWARDS_NONE,		/* no file: deliver here */
	FORWARDS_SOME,
	FORWARDS_BAD		/* unusable; the result says why */
};

/* Read and check the file.  forwards_free() afterwards in any case. */
enum forwards_status	 forwards_load(struct forwards *,
			    const struct deliver_job *,
			    struct deliver_result *);
/* Does the user want a copy here too? */
bool	 forwards_keep(const struct forwards *);
/*
 * Hand the message to smtpd, all but the final dot.  0, or -1 with *result
 * filled.
 */
int	 forwards_begin(struct forwards *, const struct worker *,
	    const struct deliver_job *, struct deliver_result *);
/* The dot.  *result is filled either way. */
void	 forwards_commit(struct forwards *, const struct deliver_job *,
	    struct deliver_result *);
/* Also gives a message up that was begun and not committed. */
void	 forwards_free(struct forwards *);

#endif
