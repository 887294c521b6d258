/*
 * A blocking client's connection to a service, kept from one question to the
 * next: what the clients of authd, keyd and resolver have in common.  What is
 * asked is in ipc_question, what is answered in ipc_answer.
 */
#ifndef BASE_IPC_LINK_H
#define BASE_IPC_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct ipc_link {
	const char	*path;		/* of the socket, borrowed */
	int		 sock;		/* -1 */
	uint64_t	 last_id;
};

void		 ipc_link_init(struct ipc_link *, const char *path);
void		 ipc_link_close(struct ipc_link *);
/* The next question's id. */
uint64_t	 ipc_link_id(struct ipc_link *);
/*
 * Ask ipc_question, get ipc_answer.  A connection kept from an earlier question
 * may be to a service that is gone: with again, when asking twice does no
 * harm, then once more over a new one.  timeout_ms bounds each try.  0, or -1
 * with errno; a connection that failed is not used again, so a late answer
 * meets nobody.
 */
int		 ipc_link_ask(struct ipc_link *, int timeout_ms, bool again);
/* What a decoder said: after a malformed answer nothing more is asked. */
int		 ipc_link_decoded(struct ipc_link *, int result);

#endif
