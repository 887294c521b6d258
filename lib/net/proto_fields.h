/*
 * What packets of several pairs of programs share.  Errors are sticky, as in
 * ipc.h.
 */
#ifndef NET_PROTO_FIELDS_H
#define NET_PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ipc.h"
#include "lib/net/proto_deliver.h"

#define PROTO_ERROR_MAX	4096	/* octets of an error, NUL included */

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
/* RFC 3463 2: "class.subject.detail" of this class? */
bool	 proto_code_fits(const char *code, char class);
/* "verdict" and an RFC 3463 "code" of the class that the verdict says. */
void	 proto_put_verdict(struct ipc_msg *, enum mail_verdict,
	    const char *code);
void	 proto_get_verdict(struct ipc_msg *, enum mail_verdict *,
	    char code[12]);

/*
 * The answer to what is just done: "ok", or "error" and why not (error not
 * NULL), a line each, cut to PROTO_ERROR_MAX.
 */
void	 proto_put_done(struct ipc_msg *, uint64_t id, const char *error);
/* -1: neither; *ok is false then, and error "". */
int	 proto_get_done(struct ipc_msg *, bool *ok, char *error, size_t size);

#endif
