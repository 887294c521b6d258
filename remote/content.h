/* The message, from the spool file to the wire. */
#ifndef REMOTE_CONTENT_H
#define REMOTE_CONTENT_H

#include <stdbool.h>

#include "lib/mail/downgrade.h"
#include "remote/session.h"

struct content {
	bool			 converted;	/* not sent as it is */
	struct downgrade_plan	 plan;
};

enum content_status {
	CONTENT_OK,
	CONTENT_UNFIT,		/* the host cannot take it: RFC 3463 5.6.3;
				 * plan.reason says why */
	CONTENT_UNREADABLE	/* the file: errno */
};

/*
 * How must the message be sent to a host with these features?  content_free()
 * is the caller's in any case.
 */
enum content_status	 content_prepare(struct content *,
			    const struct remote_job *,
			    const struct smtp_features *);
void	 content_free(struct content *);

/*
 * Queue the content as DATA wants it, the final dot included, or as one last
 * chunk (RFC 3030), for which it must not be converted.  0, or -1 when
 * the file cannot be read: then the connection must not be used any more, lest
 * half a message count.  When the host takes no more it shows in
 * smtp_client_reply().
 */
int	 content_data(struct session *, const struct remote_job *,
	    const struct content *);
int	 content_chunk(struct session *, const struct remote_job *);

#endif
