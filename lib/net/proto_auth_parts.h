/*
 * What the encoders and decoders of proto_auth.h share.  Errors are sticky, as
 * in ipc.h.
 */
#ifndef NET_PROTO_AUTH_PARTS_H
#define NET_PROTO_AUTH_PARTS_H

#include <stddef.h>

#include "lib/base/ipc.h"

#define PROTO_AUTH_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* A tag is printable ASCII, as it is written to a client. */
void	 proto_auth_get_tag(struct ipc_msg *, char *out, size_t size);
/* At most AUTH_AHEAD_MAX octets; how many. */
size_t	 proto_auth_get_ahead(struct ipc_msg *, char *out);
/* The next descriptor; -1 and an error when it is something else. */
int	 proto_auth_get_socket(struct ipc_msg *);
int	 proto_auth_get_file(struct ipc_msg *);
/* As ipc_end(), and a descriptor taken is not kept when it fails. */
int	 proto_auth_end_with(struct ipc_msg *, int *fd);

#endif
