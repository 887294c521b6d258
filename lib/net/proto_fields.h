/*
 * Fields that the packets between queue-runner and those who deliver share.
 * Errors are sticky, as in ipc.h.
 */
#ifndef NET_PROTO_FIELDS_H
#define NET_PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ipc.h"
#include "lib/net/proto_deliver.h"

/* A spool id becomes part of a file name: nothing but its alphabet. */
void	 proto_get_id(struct ipc_msg *, char id[SPOOL_ID_LEN + 1]);
void	 proto_get_number(struct ipc_msg *, const char *key,
	    unsigned int *number);
bool	 proto_get_bool(struct ipc_msg *, const char *key);
/*
 * As ipc_get_text(), without control octets: what goes into header lines and
 * SMTP commands holds nothing to end one.
 */
void	 proto_get_line(struct ipc_msg *, const char *key, char *out,
	    size_t size);
/* "verdict" and an RFC 3463 "code" of the class that the verdict says. */
void	 proto_put_verdict(struct ipc_msg *, enum mail_verdict,
	    const char *code);
void	 proto_get_verdict(struct ipc_msg *, enum mail_verdict *,
	    char code[12]);

#endif
