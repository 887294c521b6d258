/* The message, from the spool file to the wire. */
#ifndef REMOTE_CONTENT_H
#define REMOTE_CONTENT_H

#include "remote/session.h"

/*
 * Queue the content as DATA wants it, the final dot included, or as one last
 * chunk (RFC 3030).  0, or -1 when the file cannot be read: then the
 * connection must not be used any more, lest half a message count.  When the
 * host takes no more it shows in smtp_client_reply().
 */
int	 content_data(struct session *, const struct remote_job *);
int	 content_chunk(struct session *, const struct remote_job *);

#endif
